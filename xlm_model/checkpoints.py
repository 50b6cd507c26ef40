"""Finding a checkpoint, filling a model with it, and writing one."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from xlm_model import formats
from xlm_model.config import XLMConfig
from xlm_model.errors import CheckpointError, ConfigError
from xlm_model.formats import ENCODER, Tensors

if TYPE_CHECKING:
    from xlm_model.base import XLMPreTrainedModel

# The weights that a folder may hold; the first that is there is read.
WEIGHTS = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
    "tf_model.h5",
)
CONFIG = "config.json"
VOCAB, MERGES = "vocab.json", "merges.txt"
TOKENIZER_CONFIG = "tokenizer_config.json"
# What a published folder holds beside the model.
TOKENIZER_FILES = (VOCAB, MERGES, TOKENIZER_CONFIG, "special_tokens_map.json")
TIED_OUTPUT = "pred_layer.proj.weight"
TIED_INPUT = ENCODER + "embeddings.weight"

# Saved by old versions of the reference; a count from 0, no weight.
_NO_WEIGHTS = {ENCODER + "position_ids"}


@dataclass
class Checkpoint:
    """What a checkpoint holds, whatever its format.

    path: The file of the weights, or the index of its shards.
    config: Its configuration.
    tensors: Its weights, under the names of a model with a head (`transformer.` first).
    vocab: From piece to id, where the weights' own file holds it (the original format).
    """

    path: Path
    config: XLMConfig
    tensors: Tensors
    vocab: dict[str, int] | None = None


def read_checkpoint(where: str | Path, **hub: Any) -> Checkpoint:
    """Read a checkpoint in any format, its weights mapped to the file where that allows it.

    Args:
        where: A folder, a file of weights, or a name on the Hugging Face hub.
        **hub: Arguments of `huggingface_hub.snapshot_download`, such as `revision`.

    Raises:
        CheckpointError: nothing there, or nothing readable; the message names the file.
        ConfigError: a wrong value in the configuration.
    """
    path = find_weights(where, hub)
    if path.suffix == ".pth":
        original = formats.read_original(path)
        try:
            config = XLMConfig(**original.config)
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from error
        return Checkpoint(path, config, original.tensors, original.vocab)
    config_file = path.parent / CONFIG
    if not config_file.is_file():
        raise CheckpointError(f"{path}: expected {CONFIG} beside it")
    config = XLMConfig.from_json_file(config_file)
    tensors = formats.add_encoder_prefix(_read_tensors(path))
    tensors = {name: t for name, t in tensors.items() if name not in _NO_WEIGHTS}
    return Checkpoint(path, config, tensors)


def _read_tensors(path: Path) -> Tensors:
    files = formats.shard_files(path) if path.name.endswith(".index.json") else [path]
    kind = files[0].suffix if files else ""
    if kind == ".safetensors":
        return formats.read_safetensors(files)
    if kind == ".h5":
        return formats.read_tensorflow(path)
    if kind in (".bin", ".pt"):
        return formats.read_pickles(files)
    raise CheckpointError(
        f"{path}: expected a file ending in .safetensors, .bin, .h5 or .pth, or an index of shards"
    )


def find_weights(where: str | Path, hub: Mapping[str, Any]) -> Path:
    """Return the file of a checkpoint's weights, or the index of its shards.

    Args:
        where: A folder, the file itself, or a name on the hub.
        hub: Arguments of `huggingface_hub.snapshot_download`.

    Raises:
        CheckpointError: nothing there.
    """
    path = Path(where)
    if path.is_file():
        return path
    if path.is_dir():
        found = [path / name for name in WEIGHTS if (path / name).is_file()]
        found = found or sorted(path.glob("*.pth"))
        if not found:
            raise CheckpointError(
                f"{path}: no weights in this folder: expected {', '.join(WEIGHTS)}, or a .pth file"
            )
        return found[0]
    return _download(str(where), hub)


def _download(name: str, hub: Mapping[str, Any]) -> Path:
    """Return the local copy of a hub checkpoint's weights, fetching what is not cached."""
    # Imported here: most checkpoints are folders, and the hub client takes a while to import.
    from huggingface_hub import snapshot_download

    # The published checkpoints have moved; the tokenizer, too, takes their names without an owner.
    repository = name if "/" in name else f"FacebookAI/{name}"

    def fetch(files: list[str], hub: Mapping[str, Any]) -> Path:
        return Path(snapshot_download(repository, allow_patterns=files, **hub))

    try:
        folder = fetch([CONFIG, *TOKENIZER_FILES, "*.index.json"], hub)
        pinned = {**hub, "revision": folder.name}  # the commit: all files are of one version
        for weights in WEIGHTS:
            is_index = weights.endswith(".index.json") and (folder / weights).is_file()
            fetch(formats.shard_names(folder / weights) if is_index else [weights], pinned)
            if (folder / weights).is_file():
                return folder / weights
    except CheckpointError:
        raise
    except Exception as error:  # the hub client raises many kinds, of its own and of its library's
        reason = str(error).strip().partition("\n")[0]
        raise CheckpointError(
            f"{name!r}: neither a file nor a folder, nor to be had from the hub: {reason}"
        ) from error
    raise CheckpointError(f"{name!r}: the hub has none of {', '.join(WEIGHTS)} under that name")


def match(
    model: XLMPreTrainedModel, checkpoint: Checkpoint, *, new_head: bool = False, advice: str = ""
) -> list[str]:
    """Check that a checkpoint fits a model.

    Args:
        model: Of any device, the meta device too.
        checkpoint: What is to fill it; of tied weights only the embeddings are left in it.
        new_head: Allow parameters of the head to be missing or of another shape.
        advice: What to do about a head that does not fit, for the message.

    Returns:
        Names of those parameters.

    Raises:
        CheckpointError: lists what is missing, left over, or of another shape.

    Warns:
        UserWarning: lists what of a head is left over, or new.
    """
    if model.is_tied:
        _join_tied(checkpoint)
    expected, given = model.published_state(), checkpoint.tensors
    problems = {name: f"missing: {name}" for name in expected if name not in given}
    for name, tensor in expected.items():
        if name in given and given[name].shape != tensor.shape:
            problems[name] = (
                f"mismatched: {name}: the checkpoint holds {tuple(given[name].shape)}, the "
                f"configuration expects {tuple(tensor.shape)}"
            )
    new = list(problems)
    leftover = [name for name in given if name not in expected]
    problems.update((name, f"left over: {name}") for name in leftover)
    # A head may be new, or not wanted; an encoder that differs contradicts its configuration.
    wrong_encoder = any(name.startswith(ENCODER) for name in problems)
    lines = "".join(f"\n  {line}" for line in problems.values())
    if wrong_encoder or (new and not new_head):
        raise CheckpointError(
            f"{checkpoint.path} does not fit {type(model).__name__}:{lines}",
            "" if wrong_encoder else advice,
        )
    if problems:
        what = "new at random" if new else "its head not used"
        warnings.warn(
            f"{checkpoint.path} read into {type(model).__name__}, {what}:{lines}", stacklevel=4
        )
    return new


def fill_model(
    model: XLMPreTrainedModel,
    checkpoint: Checkpoint,
    *,
    dtype: torch.dtype | None = None,
    new_head: bool = False,
) -> None:
    """Put a checkpoint's tensors into a model built without storage.

    Args:
        model: On the meta device.
        checkpoint: What to fill it with; its tensors are taken out of it one by one, so that a
            conversion never holds two copies of them all.
        dtype: Convert to this type.
        new_head: Initialise parameters of the head that are missing or of another shape.

    Raises:
        CheckpointError: as `match`.
    """
    advice = "new_head=True initialises what it lacks at random"
    new = match(model, checkpoint, new_head=new_head, advice=advice)
    dtype_of_new = dtype or checkpoint.tensors[TIED_INPUT].dtype
    state = {}
    for name, parameter in model.published_state().items():
        if name in new:
            state[name] = torch.empty(parameter.shape, dtype=dtype_of_new)
        else:
            tensor = checkpoint.tensors.pop(name)
            state[name] = tensor if dtype is None else tensor.to(dtype)
    if not model.has_head:
        state = formats.drop_encoder_prefix(state)
    model.load_state_dict(state, assign=True, strict=False)
    model.tie_weights()
    model.initialize(new)


def _join_tied(checkpoint: Checkpoint) -> None:
    """Leave one tensor of the word embeddings and the projection that is tied to them.

    A checkpoint may hold either or both.
    """
    tensors = checkpoint.tensors
    output = tensors.pop(TIED_OUTPUT, None)
    if output is None:
        return
    kept = tensors.setdefault(TIED_INPUT, output)
    if output.data_ptr() != kept.data_ptr() and not torch.equal(output, kept):
        raise CheckpointError(
            f"{checkpoint.path}: {TIED_INPUT} and {TIED_OUTPUT} differ, and the configuration ties "
            "them",
            "if they are meant to differ, pass tie_word_embeddings=False",
        )


def save(folder: str | Path, config: XLMConfig, tensors: Tensors, architecture: str) -> None:
    """Write `config.json` and `model.safetensors`, each under its name only once it is whole.

    Raises:
        CheckpointError: the folder cannot be written.
    """
    dtypes = {str(tensor.dtype).removeprefix("torch.") for tensor in tensors.values()}
    values: dict[str, Any] = {**config.to_dict(), "architectures": [architecture]}
    values.pop("torch_dtype", None)
    values["dtype"] = dtypes.pop() if len(dtypes) == 1 else "float32"
    weights = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with whole_file(folder / CONFIG) as text, whole_file(folder / WEIGHTS[0]) as binary:
            write_json(text, values)
            save_file(weights, binary, metadata={"format": "pt"})
            # safetensors makes a file that only its owner can read.
            binary.chmod(text.stat().st_mode)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{folder}: cannot be written: {error}") from error


@contextmanager
def whole_file(file: Path) -> Iterator[Path]:
    """Give a path to write to; the file appears under its name once the block has ended well."""
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


def write_json(file: Path, values: dict[str, Any]) -> None:
    """Write a JSON file as the published ones are: indented, in UTF-8."""
    file.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
