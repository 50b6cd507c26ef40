"""What a checkpoint is, and turning any format into the published one."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import torch

from xlm_model.auto import find_model
from xlm_model.checkpoints.matching import check_fit, join_tied, match, shapes_of
from xlm_model.checkpoints.reading import (
    TOKENIZER_FILES,
    LoadedCheckpoint,
    is_named_causal,
    read_checkpoint,
)
from xlm_model.checkpoints.writing import save, write_json
from xlm_model.encoder import XLMModel
from xlm_model.errors import CheckpointError
from xlm_model.heads import XLMWithLMHeadModel
from xlm_text.files.folders import MERGES_FILE, TOKENIZER_CONFIG_FILE, VOCAB_FILE


def describe(where: str | Path, **hub: Any) -> dict[str, Any]:
    """Return what a checkpoint is, in values that JSON can hold.

    Args:
        where: A folder, a file, or a hub name.
        **hub: Arguments of `huggingface_hub.snapshot_download`, such as `revision`.

    Raises:
        CheckpointError, ConfigError: as `read_checkpoint`.
    """
    found = read_checkpoint(where, **hub)
    config = found.config
    head, cls = find_model(found)
    # By address: a tied weight counts once.
    tensors = {tensor.data_ptr(): tensor for tensor in found.tensors.values()}.values()
    objective = config.objective
    if not config.causal and is_named_causal(where):
        # The published CLM configurations do not say that they are.
        objective = "CLM, going by its name; its configuration lacks causal: true"
    return {
        "file": str(found.path),
        "model": cls.__name__,
        "head": head,
        "objective": objective,
        "languages": sorted(config.lang2id or (config.id2lang or {}).values()) or config.n_langs,
        "language_embeddings": config.has_lang_embeddings,
        "vocab_size": config.vocab_size,
        "layers": config.n_layers,
        "dim": config.emb_dim,
        "attention_heads": config.n_heads,
        "positions": config.max_position_embeddings,
        "labels": None if issubclass(cls, XLMModel | XLMWithLMHeadModel) else config.num_labels,
        "parameters": sum(tensor.numel() for tensor in tensors),
        "bytes": sum(tensor.nbytes for tensor in tensors),
        "dtype": ", ".join(sorted({str(t.dtype).removeprefix("torch.") for t in tensors})),
    }


def convert(
    where: str | Path,
    target: str | Path,
    *,
    codes: str | Path | None = None,
    cased: bool = False,
    **hub: Any,
) -> list[str]:
    """Write any checkpoint as a published folder: `config.json`, `model.safetensors`, vocabulary.

    The folder appears only once it is whole.

    Args:
        where: A folder, a file, or a hub name.
        target: A folder that does not exist yet, or is empty.
        codes: BPE codes in fastBPE's format, to become `merges.txt`: the original format's files
            hold the vocabulary, but not the codes.
        cased: Record that the checkpoint was trained on text with its case and accents, as those of
            17 and of 100 languages were: the original format's files do not say.
        **hub: Arguments of `huggingface_hub.snapshot_download`, such as `revision`.

    Returns:
        Names of the files written.

    Raises:
        CheckpointError: the checkpoint cannot be read or contradicts its configuration, the codes
            are none, or the target cannot be written.
        ConfigError: a wrong value in the configuration.
    """
    target = Path(target)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise CheckpointError(f"{target}: exists: expected a new or an empty folder")
    found = read_checkpoint(where, **hub)
    _, cls = find_model(found)
    with torch.device("meta"):
        model = cls(found.config, **cls._arguments_for(found, {}))
    join_tied(found.tensors, model.tied_weights, found.path)
    shapes = shapes_of(model.published_state()), shapes_of(found.tensors)
    report = match(*shapes, found.config.names)
    check_fit(report, found.path, cls.__name__)
    merges = None if codes is None else _read_codes(Path(codes))
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        tensors, names = found.tensors, found.config.names
        if names.projection in tensors:  # which is not tied
            tensors |= {double: tensors[name] for double, name in names.doubles.items()}
        save(part, found.config, tensors, cls.__name__)
        _write_vocabulary(found, part)
        if merges is not None:
            (part / MERGES_FILE).write_bytes(merges)
        if cased:
            _record_case(part / TOKENIZER_CONFIG_FILE)
        if target.exists():
            target.rmdir()
        part.replace(target)
    except OSError as error:
        raise CheckpointError(f"{target}: cannot be written: {error}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return sorted(file.name for file in target.iterdir())


def _write_vocabulary(found: LoadedCheckpoint, folder: Path) -> None:
    if found.vocab is None:
        for name in TOKENIZER_FILES:
            if (found.path.parent / name).is_file():
                shutil.copyfile(found.path.parent / name, folder / name)
        return
    size = found.config.vocab_size
    if sorted(found.vocab.values()) != list(range(size)):
        raise CheckpointError(
            f"{found.path}: its dictionary has {len(found.vocab)} distinct words: expected one for "
            f"each id from 0 to {size - 1}, as its n_words says"
        )
    write_json(folder / VOCAB_FILE, found.vocab)


def _record_case(file: Path) -> None:
    settings = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    settings |= {"tokenizer_class": "XLMTokenizer", "do_lowercase_and_remove_accent": False}
    write_json(file, settings)


def _read_codes(file: Path) -> bytes:
    """Return a codes file's content, which is that of `merges.txt`."""
    try:
        content = file.read_bytes()
        first = content.decode("utf-8").partition("\n")[0].split()
    except (OSError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{file}: expected BPE codes in UTF-8: {error}") from error
    if len(first) not in (2, 3):
        raise CheckpointError(
            f"{file}: its first line has {len(first)} fields: expected BPE codes, two pieces and "
            "their count in each line"
        )
    # fastBPE counts a last line that no line feed ends; readers of `merges.txt` do not.
    return content if content.endswith(b"\n") else content + b"\n"
