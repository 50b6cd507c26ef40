"""The tokenizer that a checkpoint's own files name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xlm_text.base import BaseTokenizer
from xlm_text.checkpoints import published
from xlm_text.errors import InputError
from xlm_text.files.folders import (
    MERGES_FILE,
    MODEL_CONFIG_FILE,
    TOKENIZER_CONFIG_FILE,
    VOCAB_FILE,
)
from xlm_text.files.storage import CONFIG_FILES, find_folder, read_config_files
from xlm_text.flaubert import FlaubertTokenizer
from xlm_text.roberta import XLMRobertaTokenizer
from xlm_text.tokenizer import XLMTokenizer
from xlm_text.unigram.files import SENTENCEPIECE_FILE, TOKENIZER_FILE
from xlm_text.unigram.storage import AS_IT_IS

# By the types of models.
_KINDS: dict[str, type[BaseTokenizer]] = {
    "flaubert": FlaubertTokenizer,
    "xlm": XLMTokenizer,
    "xlm-roberta": XLMRobertaTokenizer,
}
# The files of a folder that says nothing of its type, and the type that they are of.
_FILES = {
    TOKENIZER_FILE: "xlm-roberta",
    SENTENCEPIECE_FILE: "xlm-roberta",
    VOCAB_FILE: "xlm",
    MERGES_FILE: "xlm",
}
# How the names of models' classes begin.
_CLASSES = {"XLMRoberta": "xlm-roberta", "XLM": "xlm", "Flaubert": "flaubert"}


class AutoTokenizer:
    """Loads the tokenizer of a checkpoint, whichever kind it is of.

    Example:
        >>> from xlm_text import XLMTokenizer
        >>> paths = XLMTokenizer.from_pretrained().save_pretrained("checkpoint")
        >>> type(AutoTokenizer.from_pretrained("checkpoint", use_fast=True)).__name__
        'XLMTokenizer'

    """

    def __init__(self) -> None:
        raise InputError("AutoTokenizer is not made itself: AutoTokenizer.from_pretrained(...)")

    @classmethod
    def from_pretrained(
        cls,
        where: str | Path,
        *,
        config: Any = None,
        tokenizer_type: str | None = None,
        use_fast: bool | None = None,
        trust_remote_code: bool | None = None,
        revision: str | None = None,
        cache_dir: str | Path | None = None,
        local_files_only: bool = False,
        token: str | None = None,
        subfolder: str | None = None,
        **settings: Any,
    ) -> BaseTokenizer:
        """Load a tokenizer.

        The kind is that of the class in ``tokenizer_config.json``; where it names none, that of the
        model's type in ``config.json``; in a folder that has neither, that of its files.

        Args:
            where: a folder, or the name of a checkpoint on the hub.
            config: a model's configuration, in the place of ``config.json``.
            tokenizer_type: the type, whatever the files say: ``"flaubert"``, ``"xlm"`` or
                ``"xlm-roberta"``.
            use_fast: accepted, and ignored: there is one implementation of each kind.
            trust_remote_code: accepted, and ignored: no code of a checkpoint is ever run.
            revision: a branch, tag or commit on the hub.
            cache_dir: where the hub's files are kept, instead of its usual cache.
            local_files_only: use what the cache has, and never the network.
            token: a hub token, for private repositories.
            subfolder: where the files are in the folder, or in the repository on the hub.
            **settings: changes to the settings of that kind of tokenizer.

        Raises:
            InputError: there is no such folder or checkpoint, its tokenizer is of another type, a
                file cannot be used, or a setting does not exist.

        """
        hub: dict[str, Any] = {
            "revision": revision,
            "cache_dir": cache_dir,
            "local_files_only": local_files_only,
            "token": token,
        }
        if tokenizer_type is None:
            kind = tokenizer_class(where, hub, subfolder, config)
        elif tokenizer_type in _KINDS:
            kind = _KINDS[tokenizer_type]
        else:
            problem = f"must be one of {', '.join(_KINDS)}, not {tokenizer_type!r}"
            raise InputError(problem, argument="tokenizer_type")
        return kind.from_pretrained(where, **hub, subfolder=subfolder, **settings)


def tokenizer_class(
    where: str | Path,
    hub: Mapping[str, Any],
    subfolder: str | None = None,
    config: Any = None,
) -> type[BaseTokenizer]:
    """Return the class of a checkpoint's tokenizer, before it is loaded.

    The arguments are those of :meth:`AutoTokenizer.from_pretrained`; ``hub`` has those of the hub.
    """
    folder = find_folder(where, CONFIG_FILES, hub, subfolder)
    return _KINDS[_kind_of(str(where), folder, config)]


def _kind_of(name: str, folder: Path, config: Any) -> str:
    files = read_config_files(folder)
    model = files.get(MODEL_CONFIG_FILE, {}) if config is None else _attributes(config)
    named = files.get(TOKENIZER_CONFIG_FILE, {}).get("tokenizer_class")
    named = named or model.get("tokenizer_class")
    if named not in (None, *AS_IT_IS):
        classes = {kind.__name__: type_ for type_, kind in _KINDS.items()}
        if (found := classes.get(str(named).removesuffix("Fast"))) is None:
            raise _unknown(name, f"is of the class {named}")
        return found
    model_type = model.get("model_type")
    if model_type is not None:
        if model_type not in _KINDS:
            raise _unknown(name, f"belongs to a model of the type {model_type!r}")
        return str(model_type)
    found = _by_architecture(model) or _by_files(folder) or ("xlm" if published(name) else None)
    if found is None:
        raise InputError(
            f"{name} has no {TOKENIZER_CONFIG_FILE} or {MODEL_CONFIG_FILE} that says of which type "
            f"its tokenizer is, and none of {', '.join(_FILES)}; there are tokenizers of the types "
            f"{', '.join(_KINDS)}"
        )
    return found


def _by_architecture(model: Mapping[str, Any]) -> str | None:
    """Return the type that the name of a model's class means, which old files have instead."""
    name = str((model.get("architectures") or [""])[0])
    return next((type_ for begin, type_ in _CLASSES.items() if name.startswith(begin)), None)


def _by_files(folder: Path) -> str | None:
    return next((type_ for file, type_ in _FILES.items() if (folder / file).is_file()), None)


def _attributes(config: Any) -> Mapping[str, Any]:
    if isinstance(config, Mapping):
        return config
    names = ("model_type", "tokenizer_class", "architectures")
    return {name: getattr(config, name, None) for name in names}


def _unknown(name: str, problem: str) -> InputError:
    return InputError(
        f"{name!r}: its tokenizer {problem}; there are tokenizers of the types {', '.join(_KINDS)}"
    )
