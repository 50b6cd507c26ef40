"""Where XLM-RoBERTa's tokenizers are kept: folders and the hub, in the layout of the reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tokenizers import AddedToken

from xlm_text.errors import InputError
from xlm_text.files.config_files import (
    COMMON,
    common_settings_from_tokenizer_config,
    common_tokenizer_config,
)
from xlm_text.files.folders import (
    ADDED_TOKENS_FILE,
    MODEL_CONFIG_FILE,
    SPECIAL_TOKENS_FILE,
    TOKENIZER_CONFIG_FILE,
)
from xlm_text.files.storage import (
    CONFIG_FILES,
    find_folder,
    make_folder,
    read_added_token,
    read_added_tokens,
    read_config_files,
    read_older_added_tokens,
    save_config,
    unusable_files,
)
from xlm_text.files.text_files import write_text
from xlm_text.settings import TOKEN_NAMES, XLMRobertaSettings
from xlm_text.unigram.files import (
    SENTENCEPIECE_FILE,
    TOKENIZER_FILE,
    read_sentencepiece_file,
    read_tokenizer_file,
)
from xlm_text.unigram.vocabulary import UnigramVocabulary

# The classes that use a ``tokenizer.json`` as it is, by their names in version 5 and before.
AS_IT_IS = ("TokenizersBackend", "PreTrainedTokenizerFast")
_KIND = "XLMRobertaTokenizer"
# Settings that stand in the files under their own name.
_PLAIN = (*COMMON, "add_prefix_space")
_EXTRA = ("extra_special_tokens", "additional_special_tokens")


@dataclass(frozen=True)
class StoredUnigram:
    """What the files of a tokenizer say.

    Attributes:
        vocabulary: the pieces.
        settings: how the tokenizer behaves.
        added_tokens: the tokens that are never cut, by their ids.
        named: other special tokens that come with flags, by their text.

    """

    vocabulary: UnigramVocabulary
    settings: XLMRobertaSettings
    added_tokens: Mapping[int, AddedToken] = field(default_factory=dict)
    named: Mapping[str, AddedToken] = field(default_factory=dict)


def load_unigram(
    where: str | Path, hub: Mapping[str, Any], subfolder: str | None = None
) -> StoredUnigram:
    """Read the files of a tokenizer from a folder or the hub."""
    for name in (TOKENIZER_FILE, SENTENCEPIECE_FILE):
        folder = find_folder(where, (name, *CONFIG_FILES), hub, subfolder)
        if (folder / name).is_file():
            files = read_config_files(folder)
            with unusable_files(folder, files):
                return _read(folder / name, files)
    raise InputError(
        f"{folder} has neither {TOKENIZER_FILE} nor {SENTENCEPIECE_FILE}: "
        "is it a folder of an XLM-RoBERTa checkpoint?"
    )


def read_unigram_file(path: Path) -> StoredUnigram:
    """Read a file with the pieces, and nothing else."""
    return _read(path, {})


def _read(path: Path, files: Mapping[str, Mapping[str, Any]]) -> StoredUnigram:
    config = files.get(TOKENIZER_CONFIG_FILE, {})
    added = config.get("added_tokens_decoder")
    # Only older files need this one: newer ones say the same in their tokenizer_config.json.
    sources = [config, files.get(SPECIAL_TOKENS_FILE, {}) if added is None else {}]
    found = {"model_max_length": _longest_sequence(files.get(MODEL_CONFIG_FILE, {}))}
    for source in sources:
        found |= common_settings_from_tokenizer_config(source, _PLAIN)
    settings = XLMRobertaSettings().change(**found)
    as_it_is = config.get("tokenizer_class") in AS_IT_IS
    if path.suffix == ".json":
        file = read_tokenizer_file(path, as_it_is)
        tokens = dict(file.added_tokens) if as_it_is or added is None else {}
    else:
        file = read_sentencepiece_file(path, settings.named_tokens)
        # The reference adds these as special tokens of its own where the files name none.
        tokens = {} if "additional_special_tokens" in found else dict(file.added_tokens)
    settings = XLMRobertaSettings().change(**{**file.settings, **found})
    if added is not None:
        tokens |= read_added_tokens(added)
    else:
        older = files.get(ADDED_TOKENS_FILE, {})
        tokens = read_older_added_tokens(older, settings.special_tokens) | tokens
    flagged = {token.content: token for source in sources for token in _flagged(source)}
    known = {token.content for token in tokens.values()}
    roles = set(settings.named_tokens.values())
    for token in (*tokens.values(), *flagged.values()):
        token.special = token.special or token.content in roles
    named = {text: token for text, token in flagged.items() if text not in known}
    return StoredUnigram(file.vocabulary, settings, dict(sorted(tokens.items())), named)


def _longest_sequence(config: Mapping[str, Any]) -> int | None:
    """Return how many tokens a model takes: its positions begin behind that of padding."""
    positions, padding = config.get("max_position_embeddings"), config.get("pad_token_id", 1)
    if not isinstance(positions, int) or not isinstance(padding, int):
        return None
    return max(positions - padding - 1, 1)


def _flagged(config: Mapping[str, Any]) -> Iterator[AddedToken]:
    """Give the special tokens that stand in a file with their flags."""
    values = [config.get(name) for name in TOKEN_NAMES]
    for name in _EXTRA:
        values += config[name] if isinstance(config.get(name), list) else []
    yield from (read_added_token(value) for value in values if isinstance(value, Mapping))


def save_unigram(
    folder: str | Path, rust: Any, settings: XLMRobertaSettings, as_it_is: bool
) -> tuple[str, ...]:
    """Write a folder that this package and the reference load; return the paths.

    Args:
        folder: the folder; it is made where it is not there.
        rust: the library's tokenizer.
        settings: how the tokenizer behaves.
        as_it_is: whether its stages are to be used as they are.

    """
    config = common_tokenizer_config(AS_IT_IS[1] if as_it_is else _KIND, settings, _PLAIN)
    path = Path(folder, TOKENIZER_FILE)
    make_folder(folder)
    write_text(path, rust.to_str(pretty=True))
    return (str(path), *save_config(folder, config, settings))
