"""What a folder of sentence-transformers declares: how its vectors are made of states."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xlm_model.errors import CheckpointError
from xlm_text.files.folders import TOKENIZER_CONFIG_FILE, NotFoundError, download, local_path

MODULES_FILE = "modules.json"
# Prompts, which one is the default among them.
SENTENCES_FILE = "config_sentence_transformers.json"
LENGTH_FILE = "sentence_bert_config.json"
# The modules with the encoder, theirs and that of `xlm_model.sentence_transformers`, whose file of
# settings is the second one.
_ENCODERS = ("Transformer", "XLMTransformer")
_OWN_FILE = "sentence_xlm_config.json"
# The keys of a pooling module, as older versions write them, and what they are here.
_MODES = {
    "pooling_mode_cls_token": "first",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_max_tokens": "max",
}
_NEW_MODES = {"cls": "first", "mean": "mean", "max": "max"}


@dataclass(frozen=True)
class SentenceFolder:
    """What a folder declares.

    Attributes:
        encoder: Where the encoder and its tokenizer are: the folder or name itself, mostly.
        pooling: `mean`, `first` or `max`.
        normalize: Whether each vector is divided by its length.
        max_length: Longer texts are cut to so many tokens; None: to what the model can take.
        prompt: Put before each text.
    """

    encoder: str | Path
    pooling: str
    normalize: bool
    max_length: int | None
    prompt: str


def read_sentence_folder(where: str | Path, hub: Mapping[str, Any]) -> SentenceFolder | None:
    """Return what a folder, or a checkpoint on the hub, declares; None if it has no modules.

    Raises:
        CheckpointError: it declares what cannot be done here; the message names it.
    """
    try:
        path = local_path(where)
        if path is None:
            files = [MODULES_FILE, SENTENCES_FILE, LENGTH_FILE, _OWN_FILE, TOKENIZER_CONFIG_FILE]
            path = download(str(where), [*files, "*/config.json", f"*/{LENGTH_FILE}"], hub)
    except NotFoundError:
        return None  # there may be a model all the same; what reads it says what is wrong
    if not (path / MODULES_FILE).is_file():
        return None
    modules = _read(path / MODULES_FILE)
    kinds = [str(module.get("type", "")).rpartition(".")[2] for module in modules]
    is_known = kinds[1:] in (["Pooling"], ["Pooling", "Normalize"])
    if not is_known or kinds[0] not in _ENCODERS:
        raise CheckpointError(
            f"{path / MODULES_FILE}: has the modules {', '.join(kinds)}: expected Transformer, "
            "Pooling and, if any, Normalize"
        )
    prompt = _prompt(path / SENTENCES_FILE)
    pooling = _pooling(path / str(modules[1].get("path", "")) / "config.json", prompt)
    subfolder = str(modules[0].get("path", ""))
    encoder: str | Path = where
    if subfolder:
        if local_path(where) is None:
            download(str(where), [f"{subfolder}/*"], hub)
        encoder = path / subfolder
    longest = _max_length(path / subfolder)
    return SentenceFolder(encoder, pooling, "Normalize" in kinds, longest, prompt)


def _prompt(file: Path) -> str:
    """Return what is put before each text where no other prompt is asked for."""
    keys = _read(file) if file.is_file() else {}
    name = keys.get("default_prompt_name")
    prompts = keys.get("prompts") or {}
    if name is not None and name not in prompts:
        raise CheckpointError(
            f"{file}: default_prompt_name is {name!r}: expected one of the prompts, "
            f"{', '.join(prompts) or 'of which there are none'}"
        )
    return str(prompts.get(name) or "")


def _max_length(folder: Path) -> int | None:
    """Return where texts are cut: older versions have a file for it, newer ones the tokenizer's."""
    for name, key in (
        (LENGTH_FILE, "max_seq_length"),
        (_OWN_FILE, "max_seq_length"),
        (TOKENIZER_CONFIG_FILE, "model_max_length"),
    ):
        keys = _read(folder / name) if (folder / name).is_file() else {}
        if name == LENGTH_FILE and keys.get("do_lower_case"):
            raise CheckpointError(
                f"{folder / name}: do_lower_case is true: expected false; lower-case the texts, "
                "and set it to false in a copy of the folder"
            )
        # Tokenizers without a limit have a number of thirty digits.
        if isinstance(keys.get(key), int) and keys[key] < 1_000_000:
            return int(keys[key])
    return None


def _pooling(file: Path, prompt: str) -> str:
    """Return the one way in which states are pooled."""
    keys = _read(file)
    if prompt and keys.get("include_prompt") is False:
        raise CheckpointError(
            f"{file}: include_prompt is false: expected true, as the prompt {prompt!r} comes "
            "before each text"
        )
    named = keys.get("pooling_mode")
    named = [named] if isinstance(named, str) else list(named or ())
    named += [name for name, on in keys.items() if name.startswith("pooling_mode_") and on is True]
    known = {**_MODES, **_NEW_MODES}
    if len(named) != 1 or named[0] not in known:
        raise CheckpointError(
            f"{file}: pools by {', '.join(map(str, named)) or 'nothing'}: expected one of "
            f"{', '.join(_NEW_MODES)}"
        )
    return known[named[0]]


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{file}: expected JSON: {error}") from error
