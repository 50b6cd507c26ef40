"""Where tokenizers are kept: folders in the published layout, the hub, and this package."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Generic, TypeVar

from tokenizers import AddedToken

from xlm_text.checkpoints import CHECKPOINTS, published
from xlm_text.errors import InputError
from xlm_text.files.config_files import (
    FLAUBERT_FILES,
    FLAUBERT_PLAIN,
    XLM_FILES,
    SettingsFiles,
    common_tokenizer_config,
    tokenizer_config,
)
from xlm_text.files.folders import (
    ADDED_TOKENS_FILE,
    MERGES_FILE,
    MODEL_CONFIG_FILE,
    SPECIAL_TOKENS_FILE,
    TOKENIZER_CONFIG_FILE,
    VOCAB_FILE,
    NotFoundError,
    download,
    local_path,
)
from xlm_text.files.text_files import read_json, write_text
from xlm_text.files.vocabulary import Vocabulary
from xlm_text.settings import CommonSettings, FlaubertSettings, Settings

CONFIG_FILES = (TOKENIZER_CONFIG_FILE, SPECIAL_TOKENS_FILE, ADDED_TOKENS_FILE, MODEL_CONFIG_FILE)
_FLAGS = ("lstrip", "rstrip", "single_word", "normalized", "special")

# Small, learnt from news and Wikipedia sentences in nine languages; for demonstration only.
DEFAULT_FOLDER = Path(__file__).parents[1] / "default"


S = TypeVar("S", bound=CommonSettings)


@dataclass(frozen=True)
class Stored(Generic[S]):
    """What the files of a tokenizer say."""

    vocabulary: Vocabulary
    settings: S
    added_tokens: dict[int, AddedToken] = field(default_factory=dict)


def load_pretrained(
    where: str | Path | None, hub: Mapping[str, Any], subfolder: str | None = None
) -> Stored[Settings]:
    """Read the files of an XLM tokenizer from a folder, the hub, or (``None``) this package."""
    if where is None:
        return _load_folder(DEFAULT_FOLDER, {}, XLM_FILES)
    folder = find_folder(where, (VOCAB_FILE, MERGES_FILE, *CONFIG_FILES), hub, subfolder)
    known: dict[str, Any] = {}
    if (checkpoint := published(str(where))) and local_folder(where) is None:
        known = {
            "lang2id": checkpoint.lang2id,
            "do_lowercase_and_remove_accent": checkpoint.do_lowercase_and_remove_accent,
            "use_lang_emb": checkpoint.language_embeddings,
            "model_max_length": 512,
        }
    return _load_folder(folder, known, XLM_FILES)


def load_flaubert(
    where: str | Path, hub: Mapping[str, Any], subfolder: str | None = None
) -> Stored[FlaubertSettings]:
    """Read the files of a FlauBERT tokenizer from a folder or the hub."""
    folder = find_folder(where, (VOCAB_FILE, MERGES_FILE, *CONFIG_FILES), hub, subfolder)
    return _load_folder(folder, {}, FLAUBERT_FILES)


def find_folder(
    where: str | Path, files: Iterable[str], hub: Mapping[str, Any], subfolder: str | None
) -> Path:
    """Return a folder on this machine with those of the files that there are.

    Args:
        where: a folder, or the name of a checkpoint on the hub.
        files: what is fetched from the hub.
        hub: arguments of the hub's client.
        subfolder: where the files are in the folder, or in the repository on the hub.

    Raises:
        InputError: there is no such folder, and the hub does not have it.

    """
    subfolder = (subfolder or "").strip("/")
    folder = local_folder(where)
    if folder is None:
        try:
            folder = download(str(where), [str(PurePosixPath(subfolder, f)) for f in files], hub)
        except NotFoundError as error:
            raise InputError(
                f"{str(where)!r} is neither a folder nor to be had from the hub ({error}); "
                f"the published checkpoints are {', '.join(CHECKPOINTS)}"
            ) from error
    return folder / subfolder


def local_folder(where: str | Path) -> Path | None:
    """Return the folder of this name; ``None`` if it can only be a name on the hub."""
    try:
        folder = local_path(where)
    except NotFoundError:
        folder = Path(where)
    if folder is not None and not folder.is_dir():
        raise InputError(f"{str(where)!r} is not a folder")
    return folder


def read_config_files(folder: Path) -> dict[str, dict[str, Any]]:
    """Read those of the files with settings that a folder has."""
    return {name: read_json(folder / name) for name in CONFIG_FILES if (folder / name).is_file()}


def make_folder(folder: str | Path) -> None:
    """Make a folder where there is none."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: not a folder ({error.strerror})") from None


def save_settings(
    folder: str | Path, settings: CommonSettings, added_tokens: Mapping[int, AddedToken]
) -> tuple[str, ...]:
    """Write ``tokenizer_config.json`` and ``special_tokens_map.json``; return their paths."""
    if isinstance(settings, Settings):
        config = tokenizer_config(settings)
    else:
        config = common_tokenizer_config("FlaubertTokenizer", settings, FLAUBERT_PLAIN)
    config["added_tokens_decoder"] = {
        str(id_): {"content": token.content, **{flag: getattr(token, flag) for flag in _FLAGS}}
        for id_, token in added_tokens.items()
    }
    return save_config(folder, config, settings)


def save_config(
    folder: str | Path, config: Mapping[str, Any], settings: CommonSettings
) -> tuple[str, ...]:
    """Write ``tokenizer_config.json`` and the special tokens of settings; return the paths."""
    tokens = {
        **settings.named_tokens,
        "additional_special_tokens": list(settings.additional_special_tokens),
    }
    paths = []
    for name, value in ((TOKENIZER_CONFIG_FILE, config), (SPECIAL_TOKENS_FILE, tokens)):
        path = Path(folder, name)
        write_text(path, json.dumps(value, ensure_ascii=False, indent=2) + "\n")
        paths.append(str(path))
    return tuple(paths)


def _load_folder(folder: Path, known: Mapping[str, Any], kind: SettingsFiles[S]) -> Stored[S]:
    for name in (VOCAB_FILE, MERGES_FILE):
        if not (folder / name).is_file():
            raise InputError(f"{folder} has no {name}: is it a folder in the published layout?")
    files = read_config_files(folder)
    with unusable_files(folder, files):
        settings, tokens = _read_settings(files, known, kind)
    vocabulary = Vocabulary.from_files(folder / VOCAB_FILE, folder / MERGES_FILE)
    return Stored(vocabulary, settings, dict(sorted(tokens.items())))


@contextmanager
def unusable_files(folder: Path, files: Iterable[str]) -> Iterator[None]:
    """Make an :class:`InputError` of what goes wrong while the content of files is read."""
    try:
        yield
    except InputError:
        raise
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        raise InputError(
            f"{folder}: {', '.join(files)} cannot be used: something there is not what it "
            f"should be ({type(error).__name__}: {error})"
        ) from None


def _read_settings(
    files: Mapping[str, Mapping[str, Any]], known: Mapping[str, Any], kind: SettingsFiles[S]
) -> tuple[S, dict[int, AddedToken]]:
    config = files.get(TOKENIZER_CONFIG_FILE, {})
    added = config.get("added_tokens_decoder")
    found = dict(known)
    if MODEL_CONFIG_FILE in files:
        found |= kind.of_model(files[MODEL_CONFIG_FILE])
    found |= kind.of_tokenizer(config)
    if added is None:
        # Only older files need this one: newer ones say the same in their tokenizer_config.json.
        found |= kind.of_tokenizer(files.get(SPECIAL_TOKENS_FILE, {}))
    settings = kind.defaults.change(**found)
    if added is not None:
        return settings, read_added_tokens(added)
    older = files.get(ADDED_TOKENS_FILE, {})
    return settings, read_older_added_tokens(older, settings.special_tokens)


def read_added_tokens(added: Mapping[str, Any]) -> dict[int, AddedToken]:
    """Read the tokens of ``added_tokens_decoder``."""
    return {int(id_): read_added_token(token) for id_, token in added.items()}


def read_older_added_tokens(
    added: Mapping[str, Any], special_tokens: Iterable[str]
) -> dict[int, AddedToken]:
    """Read an ``added_tokens.json``, which has no flags."""
    special = set(special_tokens)
    return {
        int(id_): AddedToken(text, special=text in special, normalized=text not in special)
        for text, id_ in added.items()
    }


def read_added_token(token: Mapping[str, Any]) -> AddedToken:
    """Read a token with its flags."""
    return AddedToken(token["content"], **{flag: bool(token.get(flag)) for flag in _FLAGS})
