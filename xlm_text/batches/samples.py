"""The texts of a call: what callers may give, checked, in one form."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from numbers import Integral
from operator import index
from typing import Any, NamedTuple

from xlm_text.analysis.texts import Text
from xlm_text.errors import InputError
from xlm_text.sequences import as_list

# Returns the language to use, and raises if it cannot be used; the second argument says whether it
# matters.
CheckLanguage = Callable[[str | None, bool], str]
# Returns the tokens of ids, and raises if there are none.
TokensOf = Callable[[list[int]], list[str]]


class Given(NamedTuple):
    """A text that was tokenized already."""

    ids: list[int]
    tokens: list[str]


class Samples(NamedTuple):
    """The texts of a call, one or two for each sample, with their languages.

    ``batched`` says whether the caller gave a list, and so gets one back.  The lists are this
    package's own: callers may go on changing theirs.
    """

    texts: Sequence[Text | Given]
    langs: list[str]
    pairs: Sequence[Text | Given] | None
    pair_langs: list[str]
    batched: bool


def read_samples(
    check_language: CheckLanguage,
    tokens_of: TokensOf,
    text: Any,
    text_pair: Any,
    lang: str | Sequence[str] | None,
    lang_pair: str | Sequence[str] | None,
    *,
    words: bool,
    needed: bool,
) -> Samples:
    """Check the texts of a call and their languages.

    ``words`` says that texts are lists of words, and ``needed`` that it matters in which language
    they are; the callables are the tokenizer's.
    """
    for name, given in (("text", text), ("text_pair", text_pair)):
        if isinstance(given, Mapping):
            raise InputError(
                f"must be a string, not {type(given).__name__} of {', '.join(map(str, given))}: "
                "pass one of these columns; Dataset.map does with input_columns",
                argument=name,
            )
    text, text_pair = as_list(text), as_list(text_pair)
    batched = _is_batch(text, words)
    if batched and text_pair is None:
        text, text_pair = _unzip_pairs(text, words)
    texts = list(text) if batched else [text]
    pairs: list[Any] | None = None
    if text_pair is not None:
        if batched != _is_batch(text_pair, words):
            raise InputError("text and text_pair must both be one text, or both be lists of texts")
        pairs = list(text_pair) if batched else [text_pair]
        if len(pairs) != len(texts):
            raise InputError(
                f"text_pair has {len(pairs)} texts, but text has {len(texts)}: "
                "there must be one for each"
            )
    texts = _read_texts(tokens_of, "text", texts, words, batched)
    if pairs is not None:
        pairs = _read_texts(tokens_of, "text_pair", pairs, words, batched)
    # Where no text is cut into words, nothing depends on a language that nobody named.
    needed = needed and any(type(one) is not Given for one in chain(texts, pairs or ()))
    langs = _langs_of("lang", lang, len(texts), check_language, needed)
    pair_langs = (
        langs
        if lang_pair is None
        else _langs_of("lang_pair", lang_pair, len(texts), check_language, needed)
    )
    return Samples(texts, langs, pairs, pair_langs, batched)


def _is_batch(text: Any, words: bool) -> bool:
    if not isinstance(text, list) or (text and _is_id(text[0])):
        return False
    return not words or not text or not isinstance(text[0], str)


def _is_id(value: Any) -> bool:
    # NumPy's whole numbers are some, too.
    return not isinstance(value, str | bool) and isinstance(value, Integral)


def _unzip_pairs(texts: list[Any], words: bool) -> tuple[list[Any], list[Any] | None]:
    """Turn a list of pairs into two lists; leave a list of texts as it is.

    With texts cut into words, as in the reference, only tuples of two lists are pairs: a list is
    a text.
    """
    if not texts or not _is_pair(texts[0], words):
        return texts, None
    pairs = []
    for i, given in enumerate(texts):
        pair = given if words else as_list(given)
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise InputError(
                f"must be a pair of texts as the first one is, not {given!r:.60} "
                "(for texts cut into words there is is_split_into_words=True)",
                argument="text",
                number=i,
            )
        pairs.append(pair)
    return [first for first, _ in pairs], [second for _, second in pairs]


def _is_pair(text: Any, words: bool) -> bool:
    if words:
        return (
            isinstance(text, tuple)
            and len(text) == 2
            and all(isinstance(as_list(part), list) for part in text)
        )
    if isinstance(text, str):
        return False
    text = as_list(text)
    return isinstance(text, list) and not (text and _is_id(text[0]))


def _read_texts(
    tokens_of: TokensOf, name: str, texts: list[Any], words: bool, batched: bool
) -> list[Any]:
    if not words and set(map(type, texts)) <= {str}:
        return texts
    read: list[Any] = []
    for i, given in enumerate(texts):
        number = i if batched else None
        text = as_list(given)
        if isinstance(text, list) and text and _is_id(text[0]):
            read.append(_read_ids(tokens_of, name, text, number))
        elif not words:
            check_string(name, text, number)
            read.append(text)
        elif not isinstance(text, list):
            problem = f"must be a list of words, not {_describe(given)}"
            raise InputError(problem, argument=name, number=number)
        else:
            for j, word in enumerate(text):
                if not isinstance(word, str):
                    problem = f"must be a list of words, but word {j} is {_describe(word)}"
                    raise InputError(problem, argument=name, number=number)
            read.append(list(text))
    return read


def _read_ids(tokens_of: TokensOf, name: str, ids: list[Any], number: int | None) -> Given:
    other = next((id_ for id_ in ids if not _is_id(id_)), None)
    if other is not None:
        problem = f"must be ids only or no ids, but one of them is {_describe(other)}"
        raise InputError(problem, argument=name, number=number)
    numbers = list(map(index, ids))
    try:
        return Given(numbers, tokens_of(numbers))
    except InputError as error:
        raise error.at(number) from None


def check_string(name: str, text: Any, number: int | None = None) -> None:
    """Raise :class:`InputError` unless the argument ``name``, or its item, is a string."""
    if not isinstance(text, str):
        raise InputError(f"must be a string, not {_describe(text)}", argument=name, number=number)


def _describe(value: Any) -> str:
    return "None" if value is None else f"{type(value).__name__}: {value!r:.60}"


def _langs_of(
    name: str, lang: str | Sequence[str] | None, count: int, check: CheckLanguage, needed: bool
) -> list[str]:
    if lang is None or isinstance(lang, str):
        return [check(lang, needed)] * count
    langs = as_list(lang)
    if not isinstance(langs, list):
        problem = f"must be a language or a list of them, not {_describe(lang)}"
        raise InputError(problem, argument=name)
    if len(langs) != count:
        problem = f"has {len(langs)} languages, but there are {count} texts"
        raise InputError(problem, argument=name)
    checked = []
    for i, one in enumerate(langs):
        try:
            checked.append(check(one, needed))
        except InputError as error:
            raise error.at(i) from None
    return checked
