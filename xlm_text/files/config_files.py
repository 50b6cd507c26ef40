"""How settings are written in a checkpoint's files, for this package and for transformers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from xlm_text.errors import InputError
from xlm_text.languages.table import segmenter_choices
from xlm_text.settings import NO_LIMIT, TOKEN_NAMES, CommonSettings, FlaubertSettings, Settings

# Settings that stand in the file under their own name, those of every kind of tokenizer first.  The
# reference knows them, and the next one; the others it passes on.
COMMON = (
    "padding_side",
    "truncation_side",
    "clean_up_tokenization_spaces",
    "split_special_tokens",
)
_PLAIN = (
    "do_lowercase_and_remove_accent",
    *COMMON,
    "lang",
    "any_language",
    "rules",
    "faithful",
    *segmenter_choices(),
    "use_lang_emb",
    "user_dictionary",
    "protected_patterns",
    "normalize_unicode",
)
FLAUBERT_PLAIN = (*COMMON, "do_lowercase")

S = TypeVar("S", bound=CommonSettings)


def settings_from_tokenizer_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that a ``tokenizer_config.json`` or ``special_tokens_map.json`` names.

    What this package does not use is passed over.
    """
    found = common_settings_from_tokenizer_config(config, _PLAIN)
    _check_words(found.get("user_dictionary"))
    return found | _languages(config)


def common_settings_from_tokenizer_config(
    config: Mapping[str, Any], plain: Iterable[str] = COMMON
) -> dict[str, Any]:
    """Return those that every kind of tokenizer has, and others that stand under their own name."""
    # A role that is null has no token; for other settings null says nothing.
    found: dict[str, Any] = {
        name: None if config[name] is None else _content(name, config[name])
        for name in TOKEN_NAMES
        if name in config
    }
    # The second name is the older one.
    for name in ("extra_special_tokens", "additional_special_tokens"):
        if isinstance(config.get(name), list):
            tokens = [_content(name, token) for token in config[name]]
            found["additional_special_tokens"] = tuple(tokens)
            break
    found |= {name: config[name] for name in plain if config.get(name) is not None}
    if config.get("model_max_length") is not None:
        found["model_max_length"] = config["model_max_length"]
    return found


def settings_from_model_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that a model's ``config.json`` names."""
    found = _languages(config)
    n_langs = config.get("n_langs", len(found.get("lang2id", ())))
    found["use_lang_emb"] = bool(config.get("use_lang_emb", True)) and n_langs > 1
    return found | _longest_sequence(config)


def _longest_sequence(config: Mapping[str, Any]) -> dict[str, Any]:
    positions = config.get("max_position_embeddings")
    return {"model_max_length": positions} if isinstance(positions, int) else {}


def tokenizer_config(settings: Settings) -> dict[str, Any]:
    """Return what a ``tokenizer_config.json`` says of the settings, for transformers too."""
    languages: dict[str, Any] = {}
    if settings.lang2id is not None:
        languages["lang2id"] = dict(settings.lang2id)
        languages["id2lang"] = {str(id_): lang for lang, id_ in settings.lang2id.items()}
    return common_tokenizer_config("XLMTokenizer", settings, _PLAIN, languages)


def common_tokenizer_config(
    kind: str,
    settings: CommonSettings,
    plain: Iterable[str] = COMMON,
    others: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return what the file says of the settings that every kind has, and of others by their name.

    ``kind`` is the reference's class; ``others`` stand in the file as they are.
    """
    config: dict[str, Any] = {"tokenizer_class": kind}
    # The reference fills in what is left out, so that a role without a token has to say so.
    default = type(settings)().named_tokens
    config |= {
        name: token
        for name in TOKEN_NAMES
        if (token := getattr(settings, name)) is not None or name in default
    }
    # Versions of the reference before 5 know the extra tokens by their older name only.
    config["additional_special_tokens"] = list(settings.additional_special_tokens)
    config |= others or {}
    length = settings.model_max_length
    config["model_max_length"] = NO_LIMIT if length is None else length
    values = {name: getattr(settings, name) for name in plain}
    return config | {name: value for name, value in values.items() if value not in (None, ())}


@dataclass(frozen=True)
class SettingsFiles(Generic[S]):
    """How a kind of tokenizer's settings are read.

    Attributes:
        defaults: what counts where the files say nothing.
        of_tokenizer: reads a ``tokenizer_config.json``.
        of_model: reads a model's ``config.json``.

    """

    defaults: S
    of_tokenizer: Callable[[Mapping[str, Any]], dict[str, Any]]
    of_model: Callable[[Mapping[str, Any]], dict[str, Any]]


XLM_FILES = SettingsFiles(Settings(), settings_from_tokenizer_config, settings_from_model_config)
FLAUBERT_FILES = SettingsFiles(
    FlaubertSettings(),
    partial(common_settings_from_tokenizer_config, plain=FLAUBERT_PLAIN),
    _longest_sequence,
)


def _check_words(dictionary: Any) -> None:
    """Raise for a file that names files: it must be whole by itself, and name none of others."""
    if isinstance(dictionary, Mapping):
        for lang, words in dictionary.items():
            if isinstance(words, str):
                raise InputError(
                    f"user_dictionary[{lang!r}] in the files is no list: {words!r:.60}"
                )


def _content(name: str, token: Any) -> str:
    """Return the text of a token that stands as a string or as an object with its flags."""
    content = token.get("content") if isinstance(token, dict) else token
    if not isinstance(content, str):
        raise InputError(f"{name} in the files is no token: {token!r:.60}")
    return content


def _languages(config: Mapping[str, Any]) -> dict[str, Any]:
    lang2id = config.get("lang2id")
    id2lang = config.get("id2lang")
    if lang2id:
        return {"lang2id": {str(lang): int(id_) for lang, id_ in lang2id.items()}}
    if id2lang:
        return {"lang2id": languages_by_id(id2lang)}
    return {}


def languages_by_id(id2lang: Mapping[Any, Any]) -> dict[str, int]:
    """Turn the language of each id, which JSON has as a string, into the id of each language."""
    return {str(lang): int(id_) for id_, lang in id2lang.items()}
