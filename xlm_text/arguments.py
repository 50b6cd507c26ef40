"""The arguments that a tokenizer is made with, as users of transformers write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tokenizers import AddedToken

from xlm_text.errors import InputError
from xlm_text.files.config_files import languages_by_id
from xlm_text.notices import warn
from xlm_text.settings import TOKEN_NAMES

# Other names of settings.
_ALIASES = {
    "extra_special_tokens": "additional_special_tokens",
    "max_len": "model_max_length",
}
# What some tokenizers of transformers know, and why it changes nothing here.
_WITHOUT_MEANING = {
    "use_fast": "there is one implementation",
    "trust_remote_code": "no code of a checkpoint is ever run",
    "verbose": "the call has an argument of that name",
    "do_lower_case": "as in the reference; the setting is do_lowercase_and_remove_accent",
    "force_download": "files are fetched when the hub has newer ones",
    "resume_download": "downloads always resume",
    "proxies": "the environment variables HTTPS_PROXY and HTTP_PROXY are heeded",
    "tokenizer_type": "there is one kind of tokenizer",
}


def read_arguments(
    arguments: Mapping[str, Any],
) -> tuple[dict[str, Any], dict[str, str | AddedToken]]:
    """Return the settings that the arguments name, and the special tokens among them.

    The tokens are by their text; one that comes with flags keeps them.  Arguments that mean
    nothing here are left out with a warning.

    >>> read_arguments({"max_len": 64, "pad_token": "[PAD]"})
    ({'model_max_length': 64, 'pad_token': '[PAD]'}, {'[PAD]': '[PAD]'})
    """
    found: dict[str, Any] = {}
    tokens: dict[str, str | AddedToken] = {}
    for name, value in arguments.items():
        if name in _WITHOUT_MEANING:
            warn(f"{name}={value!r} is ignored: {_WITHOUT_MEANING[name]}")
            continue
        name = _ALIASES.get(name, name)
        if name in TOKEN_NAMES and isinstance(value, str | AddedToken):
            tokens[str(value)] = value
            value = str(value)
        elif name == "additional_special_tokens":
            value = read_tokens(name, value)
            tokens |= {str(token): token for token in value}
            value = tuple(map(str, value))
        found[name] = value
    _read_id2lang(found)
    return found, tokens


def read_tokens(name: str, tokens: Any) -> list[str | AddedToken]:
    """Return a list of tokens; a string alone is none."""
    if not isinstance(tokens, list | tuple) or not all(
        isinstance(token, str | AddedToken) for token in tokens
    ):
        raise InputError(f"{name} must be a list of tokens such as ['<tok>'], not {tokens!r:.60}")
    return list(tokens)


def _read_id2lang(found: dict[str, Any]) -> None:
    id2lang = found.pop("id2lang", None)
    if id2lang is None:
        return
    try:
        lang2id = languages_by_id(id2lang)
    except (AttributeError, ValueError, TypeError):
        raise InputError(f"id2lang must map ids to languages, not {id2lang!r:.60}") from None
    if found.setdefault("lang2id", lang2id) != lang2id:
        raise InputError(
            f"lang2id and id2lang do not agree: {found['lang2id']!r:.60}, {id2lang!r:.60}"
        )
