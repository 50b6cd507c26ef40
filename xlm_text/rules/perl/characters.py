"""Perl's character classes, in the forms that the rules and the cutting look characters up in."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterator
from functools import cache

from xlm_text.characters import ranges
from xlm_text.rules.perl import classes

Ranges = list[tuple[int, int]]


def ranges_of(*tables: str) -> Ranges:
    """Read tables of :mod:`xlm_text.rules.perl.classes`: the first and last code of each range.

    >>> ranges_of("30-39 b2")
    [(48, 57), (178, 178)]
    """
    found = []
    for one in " ".join(tables).split():
        first, _, last = one.partition("-")
        found.append((int(first, 16), int(last or first, 16)))
    return sorted(found)


def members(*tables: str) -> Iterator[str]:
    """Yield the characters of tables, in order."""
    for first, last in ranges_of(*tables):
        yield from map(chr, range(first, last + 1))


@cache
def in_set(*tables: str, below: int = 0x110000) -> str:
    """Write what a regular expression has between ``[`` and ``]`` for the characters of tables."""
    ranges = [(first, min(last, below - 1)) for first, last in ranges_of(*tables) if first < below]
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)


@cache
def alphanumeric() -> frozenset[str]:
    r"""Return the characters of ``\p{IsAlnum}``, one object for all languages."""
    return frozenset(members(classes.ALPHABETIC, classes.DECIMAL))


@cache
def lower() -> frozenset[str]:
    r"""Return the characters of ``\p{IsLower}``."""
    return frozenset(members(classes.LOWER, classes.OTHER_LOWER))


_OTHER = ranges_of(classes.OTHER)
_FIRST_OTHER = [first for first, _ in _OTHER]


def is_other(char: str) -> bool:
    r"""Tell whether a character is of ``\p{C}``."""
    i = bisect_right(_FIRST_OTHER, ord(char)) - 1
    return i >= 0 and ord(char) <= _OTHER[i][1]


def _version(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(".")))


# What an older version of Unicode assigns is assigned in every later one, and is the same there.
_PYTHON_IS_NEWER = _version(unicodedata.unidata_version) > _version(classes.VERSION)
# No characters are assigned from here on but private ones and tags.
_PLANES = 0x40000


def has_newer_character(text: str) -> bool:
    """Tell whether Python knows a character of the text that Perl does not."""
    return _PYTHON_IS_NEWER and not text.isascii() and _search_newer()(text) is not None


@cache
def _search_newer() -> Callable[[str], re.Match[str] | None]:
    newer = [
        char
        for first, last in _OTHER
        for char in map(chr, range(first, min(last + 1, _PLANES)))
        if unicodedata.category(char)[0] != "C"
    ]
    return re.compile(f"[{ranges(newer)}]" if newer else "(?!)").search
