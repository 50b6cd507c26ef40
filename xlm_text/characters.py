"""Sets of characters for regular expressions.

The scripts of all known checkpoints have their cased letters and their marks below U+1000, so only
these are gone through: it takes a fraction of a millisecond.
"""

from __future__ import annotations

import re
from unicodedata import category

FIRST_BEYOND = 0x1000

# The Chinese characters that Jieba knows.
HAN = "\u4e00-\u9fd5"
only_chinese = re.compile(f"[{HAN}]+").fullmatch

_OF_CATEGORY: dict[str, list[str]] = {}
for _char in map(chr, range(FIRST_BEYOND)):
    _OF_CATEGORY.setdefault(category(_char), []).append(_char)


def characters_of(*categories: str) -> list[str]:
    """Return the characters below U+1000 of some Unicode categories, in order.

    >>> "".join(characters_of("Pi", "Pf"))
    '«»'
    """
    return sorted(char for name in categories for char in _OF_CATEGORY[name])


def ranges(chars: list[str]) -> str:
    """Write characters, in order, as ranges of a set in a regular expression.

    >>> ranges(["a", "b", "c", "x"])
    'a-cx-x'
    """
    known = set(chars)
    starts = [char for char in chars if chr(ord(char) - 1) not in known]
    ends = [char for char in chars if chr(ord(char) + 1) not in known]
    return "".join(f"{start}-{end}" for start, end in zip(starts, ends, strict=True))
