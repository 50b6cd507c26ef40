"""Where in a unit the characters of its words come from, found without running the rules again."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import accumulate, chain, pairwise
from operator import add

from xlm_text.alignment.aligned import Aligned, strip_marks
from xlm_text.alignment.spans import Span, contiguous
from xlm_text.pipelines.words import Words
from xlm_text.rules.sacremoses.normalization import REPLACED_ONE_TO_ONE

# Alone, so that it is certain which quote went where.
_quote_and_mark = re.compile(r'(?<![".,])(?:"[.,]|[.,]")(?![".,])')

# No more characters than this are cached.
_CHARACTERS = 1 << 16

# The space of Chinese and Japanese type, which segmenters make a word of.
_WIDE_SPACE = "\u3000"
_replaced = re.compile(f"[{''.join(map(chr, REPLACED_ONE_TO_ONE))}]")
# The character that normalisation makes three of.
_ELLIPSIS = "…"


def find_places(
    units: Sequence[str], words: Words, cased: Words, falls_apart: Callable[[str], bool]
) -> list[Sequence[int] | None]:
    """Return where in each unit each character of its words comes from.

    The words of most units are its characters, with white space put between them and with quotes,
    case and accents changed; a range says that nothing moved.  ``None`` says that a unit is none of
    them, or has a word that ``falls_apart`` into pieces that are no part of it.

    Args:
        units: the units.
        words: their words.
        cased: the words with case and accents changed.
        falls_apart: tells whether the pieces of a word are no part of it.

    """
    each = zip(units, words.of_units(), strict=True)
    if not falls_apart("".join(cased.flat)) and _stay_one("".join(words.flat)):
        return [_places_in_normal(unit, _text_of(own)) for unit, own in each]
    return [
        _find_places(unit, own, own_cased, falls_apart)
        for (unit, own), own_cased in zip(each, cased.of_units(), strict=True)
    ]


def _text_of(words: list[str]) -> str:
    # Words that are spaces are gone, and those that hold some fell apart.
    return "".join(words).replace(" ", "")


def _find_places(
    unit: str, words: list[str], cased: list[str], falls_apart: Callable[[str], bool]
) -> Sequence[int] | None:
    same = "".join(cased)
    if falls_apart(same):
        return None
    text = _text_of(words)
    places = _places_in_normal(unit, text)
    if places is None or same == text or (text.isascii() and len(same) == len(text)):
        return places
    if text.translate(_ONE_TO_ONE) == same:
        return places
    widths = list(map(_width, text))
    if None in widths:
        return None
    # Words of nothing but marks are gone.
    parts = " ".join(words).split(" ")
    lengths = [length for part in parts if (length := sum(map(_width, part)))]  # type: ignore[arg-type]
    if lengths != list(map(len, cased)):
        return None
    return [place for place, width in zip(places, widths, strict=True) for _ in range(width or 0)]


def _places_in_normal(unit: str, text: str) -> Sequence[int] | None:
    """Return where in a unit the characters of its normal form come from, white space left out.

    ``None`` says that normalisation did more than to replace single characters, and to let quotes
    and other marks change places.
    """
    if text == unit:
        return range(len(unit))
    separator = " " if _WIDE_SPACE in text else None
    solid = "".join(unit.split(separator))
    places: Sequence[int] = range(len(unit))
    if len(solid) < len(unit):
        places = _places_of_solid(unit, solid)
    if _ELLIPSIS in solid:
        places = [place for place in places for _ in range(3 if unit[place] == _ELLIPSIS else 1)]
        solid = solid.replace(_ELLIPSIS, "...")
    if text == solid or text == (normal := _replaced.sub(_replacement, solid)):
        return places
    return _swapped(normal, text, places)


def _swapped(solid: str, text: str, places: Sequence[int]) -> Sequence[int] | None:
    """Return the places of a text in which quotes changed place with a comma or full stop."""
    if len(text) != len(solid):
        return None
    order = list(range(len(solid)))
    for pair in _quote_and_mark.finditer(solid):
        at = pair.start()
        if text[at] != solid[at]:
            order[at : at + 2] = at + 1, at
    # Nothing else may differ.
    return [places[i] for i in order] if "".join([solid[i] for i in order]) == text else None


def _places_of_solid(unit: str, solid: str) -> list[int]:
    """Return where the characters of a unit are that are not left out of ``solid``."""
    if len(unit) - unit.count(" ") > len(solid):
        return [place for place, char in enumerate(unit) if not char.isspace()]
    # With nothing but spaces left out, which is the rule, there is no need to look at each.
    lengths = list(map(len, unit.split(" ")))
    starts = [0, *accumulate(map((1).__add__, lengths))]
    return list(chain.from_iterable(map(range, starts, map(add, starts, lengths))))


def _replacement(match: re.Match[str]) -> str:
    return REPLACED_ONE_TO_ONE[ord(match[0])]


def _stay_one(text: str) -> bool:
    """Tell whether each character of a text stays one in lower case without marks."""
    return text.isascii() or all(_width(char) == 1 for char in set(text))


@lru_cache(maxsize=_CHARACTERS)
def _width(char: str) -> int | None:
    """Return how many characters one becomes in lower case without marks.

    ``None`` is for marks that stay and may change places with others.
    """
    left = strip_marks(char.lower())
    return None if any(map(unicodedata.combining, left)) else len(left)


class _OneToOne(dict[int, str]):
    """What a character becomes in lower case without marks, if that is one character again."""

    def __missing__(self, code: int) -> str:
        left = strip_marks(chr(code).lower())
        # No text has a lone surrogate, so that nothing equals what such a character becomes.
        becomes = left if _width(chr(code)) == 1 else "\ud800"
        if len(self) < _CHARACTERS:
            self[code] = becomes
        return becomes


_ONE_TO_ONE = _OneToOne()


def placed_spans(places: Sequence[int], lengths: Sequence[int]) -> list[Span]:
    """Return the span of each piece of words whose characters come from ``places``."""
    found = pairwise(accumulate(lengths, initial=0))
    return [(places[start], places[end - 1] + 1) for start, end in found]


def aligned_spans(word: Aligned, lengths: Sequence[int], falls_apart: bool) -> list[Span]:
    """Return the span of each piece of a word; if it ``falls_apart`` they are no part of it."""
    if len(lengths) == 1 or falls_apart:
        start, end = word.span()
        if start == end:
            # Normalisation put it behind a mark (a closing bracket, say), whose span it gets.
            start, end = max(start - 1, 0), max(end, 1)
        return [(start, end)] * len(lengths)
    return [word.slice(start, end).span() for start, end in contiguous(lengths)]
