"""Where in a unit the characters of its words come from, found without running the rules again."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache

from xlm_text.alignment.aligned import Aligned, strip_marks
from xlm_text.alignment.spans import Span, contiguous
from xlm_text.rules.sacremoses.normalization import REPLACED_ONE_TO_ONE

# Alone, so that it is certain which quote went where.
_quote_and_mark = re.compile(r'(?<![".,])(?:"[.,]|[.,]")(?![".,])')

# No more characters than this are cached.
_CHARACTERS = 1 << 16


def find_places(
    unit: str, words: list[str], cased: list[str], falls_apart: Callable[[str], bool]
) -> Sequence[int] | None:
    """Return where in a unit each character of its words comes from.

    The words of most units are its characters, with white space put between them and with quotes,
    case and accents changed; a range says that nothing moved.  ``None`` says that this unit is
    none of them, or has a word that ``falls_apart`` into pieces that are no part of it.
    """
    if cased == [unit] == words:
        return range(len(unit))
    if len(cased) < len(words):
        words = [word for word in words if not word.isspace()]
    text = words[0] if len(words) == 1 else "".join(words)
    if falls_apart(text):
        return None
    places = range(len(unit)) if text == unit else _places_of_solid(unit, text)
    if places is None:
        return None
    same = cased[0] if len(cased) == 1 else "".join(cased)
    if same == text or (text.isascii() and len(same) == len(text)):
        return places
    if text.translate(_ONE_TO_ONE) == same:
        return places
    widths = list(map(_width, text))
    if None in widths:
        return None
    # Words of nothing but marks are gone.
    lengths = [length for word in words if (length := sum(map(_width, word)))]  # type: ignore[arg-type]
    if lengths != list(map(len, cased)):
        return None
    return [place for place, width in zip(places, widths, strict=True) for _ in range(width or 0)]


def _places_of_solid(unit: str, text: str) -> Sequence[int] | None:
    """Return where each character of a text comes from that has the unit's but for white space."""
    solid = "".join(unit.split())
    places: Sequence[int] = range(len(unit))
    if len(solid) < len(unit):
        places = [i for i, char in enumerate(unit) if not char.isspace()]
    if "…" in solid:
        places = [place for place in places for _ in range(3 if unit[place] == "…" else 1)]
        solid = solid.replace("…", "...")
    if text == solid:
        return places
    solid = solid.translate(REPLACED_ONE_TO_ONE)
    return places if text == solid else _swapped(solid, text, places)


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
    return [(places[start], places[end - 1] + 1) for start, end in contiguous(lengths)]


def aligned_spans(word: Aligned, lengths: Sequence[int], falls_apart: bool) -> list[Span]:
    """Return the span of each piece of a word; if it ``falls_apart`` they are no part of it."""
    if len(lengths) == 1 or falls_apart:
        start, end = word.span()
        if start == end:
            # Normalisation put it behind a mark (a closing bracket, say), whose span it gets.
            start, end = max(start - 1, 0), max(end, 1)
        return [(start, end)] * len(lengths)
    return [word.slice(start, end).span() for start, end in contiguous(lengths)]
