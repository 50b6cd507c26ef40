"""The texts of a call: what callers may give, checked, in one form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from xlm_text.errors import InputError
from xlm_text.texts import Text


class Languages(Protocol):
    """What the reading of the samples needs of the tokenizer."""

    def check_language(self, lang: str | None) -> str:
        """Return the language to use; raise if it cannot be used."""
        ...


@dataclass(frozen=True)
class Samples:
    """The texts of a call, one or two for each sample, with their languages.

    ``batched`` says whether the caller gave a list, and so gets one back.
    """

    texts: list[Text]
    langs: list[str]
    pairs: list[Text] | None
    pair_langs: list[str]
    batched: bool


def read_samples(
    languages: Languages,
    text: Any,
    text_pair: Any,
    lang: str | Sequence[str] | None,
    lang_pair: str | Sequence[str] | None,
    is_split_into_words: bool,
) -> Samples:
    """Check the texts of a call and their languages."""
    batched = _is_batch(text, is_split_into_words)
    if batched and text_pair is None and not is_split_into_words:
        text, text_pair = _unzip_pairs(text)
    texts = list(text) if batched else [text]
    pairs: list[Any] | None = None
    if text_pair is not None:
        if batched != _is_batch(text_pair, is_split_into_words):
            raise InputError("text and text_pair must both be one text, or both be lists of texts")
        pairs = list(text_pair) if batched else [text_pair]
        if len(pairs) != len(texts):
            raise InputError(
                f"text_pair has {len(pairs)} texts, but text has {len(texts)}: "
                "there must be one for each"
            )
    for name, values in (("text", texts), ("text_pair", pairs or [])):
        _check_texts(name, values, is_split_into_words, batched)
    langs = _langs_of("lang", lang, len(texts), languages)
    pair_langs = (
        langs if lang_pair is None else _langs_of("lang_pair", lang_pair, len(texts), languages)
    )
    return Samples(texts, langs, pairs, pair_langs, batched)


def _is_batch(text: Any, is_split_into_words: bool) -> bool:
    if not isinstance(text, list | tuple):
        return False
    return not is_split_into_words or not text or not isinstance(text[0], str)


def _unzip_pairs(texts: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any] | None]:
    """Turn a list of pairs into two lists; leave a list of texts as it is."""
    if not texts or not isinstance(texts[0], list | tuple):
        return texts, None
    for i, pair in enumerate(texts):
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise InputError(
                f"must be a pair of texts as text[0] is, not {pair!r:.60} "
                "(for texts cut into words there is is_split_into_words=True)",
                argument="text",
                number=i,
            )
    return [pair[0] for pair in texts], [pair[1] for pair in texts]


def _check_texts(name: str, texts: list[Any], words: bool, batched: bool) -> None:
    if not words and set(map(type, texts)) <= {str}:
        return
    for i, text in enumerate(texts):
        number = i if batched else None
        if not words:
            check_string(name, text, number)
        elif not isinstance(text, list | tuple):
            problem = f"must be a list of words, not {_describe(text)}"
            raise InputError(problem, argument=name, number=number)
        else:
            for j, word in enumerate(text):
                if not isinstance(word, str):
                    problem = f"must be a list of words, but word {j} is {_describe(word)}"
                    raise InputError(problem, argument=name, number=number)


def check_string(name: str, text: Any, number: int | None = None) -> None:
    """Raise :class:`InputError` unless the argument ``name``, or its item, is a string."""
    if not isinstance(text, str):
        raise InputError(f"must be a string, not {_describe(text)}", argument=name, number=number)


def _describe(value: Any) -> str:
    return "None" if value is None else f"{type(value).__name__}: {value!r:.60}"


def _langs_of(
    name: str, lang: str | Sequence[str] | None, count: int, languages: Languages
) -> list[str]:
    if lang is None or isinstance(lang, str):
        return [languages.check_language(lang)] * count
    if not isinstance(lang, list | tuple):
        raise InputError(f"{name} must be a language or a list of them, not {_describe(lang)}")
    if len(lang) != count:
        raise InputError(f"{name} has {len(lang)} languages, but there are {count} texts")
    return [languages.check_language(one) for one in lang]
