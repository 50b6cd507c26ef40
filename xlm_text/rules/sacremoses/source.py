"""The expressions of sacremoses as strings, asked of it once and then read from a cache on disk.

Importing sacremoses takes longer than everything else that the first thousand lines of text need:
it brings joblib and NumPy along, and compiles expressions for all languages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from xlm_text.characters import ranges
from xlm_text.files.disk_cache import cached, fingerprint

# An expression, and the template that takes the place of what it matches.
Expression = Sequence[str]


class WordExpressions(NamedTuple):
    """The expressions that cut the words of a language.

    Attributes:
        one_space: makes one space of white space.
        controls: drops the controls of ASCII.
        marks: puts spaces around all that makes no words.
        commas: split commas off, but for those in numbers.
        apostrophes: split at apostrophes.
        dot_apostrophe: splits a full stop and an apostrophe at the end.

    """

    one_space: Expression
    controls: Expression
    marks: Expression
    commas: Sequence[Expression]
    apostrophes: Sequence[Expression]
    dot_apostrophe: Expression


def punctuation_expressions(lang: str) -> list[Expression]:
    """Return the expressions of sacremoses' ``MosesPunctNormalizer`` in order."""

    def ask() -> list[Expression]:
        from sacremoses import MosesPunctNormalizer

        return [*MosesPunctNormalizer(lang=lang).substitutions]

    return list(of_sacremoses(f"punctuation-{lang}", ask))


def word_expressions(lang: str) -> WordExpressions:
    """Return the expressions of sacremoses' ``MosesTokenizer``, by what they do."""

    def ask() -> WordExpressions:
        from sacremoses import MosesTokenizer

        moses = MosesTokenizer(lang=lang)
        if lang == "en":
            apostrophes = moses.ENGLISH_SPECIFIC_APOSTROPHE
        elif lang in ("fr", "it"):
            apostrophes = moses.FR_IT_SPECIFIC_APOSTROPHE
        else:
            apostrophes = [moses.NON_SPECIFIC_APOSTROPHE]
        sets = {
            set_: ranges(sorted(set(set_))) for set_ in (moses.IsAlnum, moses.IsAlpha, moses.IsN)
        }

        def plain(rule: tuple[re.Pattern[str], str]) -> Expression:
            return _compact(rule[0].pattern, sets), rule[1]

        commas = [moses.COMMA_SEPARATE_1, moses.COMMA_SEPARATE_2, moses.COMMA_SEPARATE_3]
        return WordExpressions(
            plain(moses.DEDUPLICATE_SPACE),
            plain(moses.ASCII_JUNK),
            plain(moses.PAD_NOT_ISALNUM),
            [plain(rule) for rule in commas],
            [plain(rule) for rule in apostrophes],
            plain(moses.TRAILING_DOT_APOSTROPHE),
        )

    return WordExpressions(*of_sacremoses(f"words-{lang}", ask))


def _compact(pattern: str, sets: dict[str, str]) -> str:
    """Write sets of thousands of characters as ranges, which compile in a tenth of the time."""
    # The largest first: letters are part of what is alphanumeric.
    for characters in sorted(sets, key=len, reverse=True):
        pattern = pattern.replace(characters, sets[characters])
    return pattern


def of_sacremoses(name: str, ask: Callable[[], Any]) -> Any:
    """Return what sacremoses says, from the cache if it is the same sacremoses."""
    return cached(f"sacremoses-1-{name}", fingerprint("sacremoses", "*.py"), ask)
