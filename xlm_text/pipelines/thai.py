"""Thai: a text is cut behind spaces, and its units into words by newmm."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from xlm_text.alignment.aligned import Aligned
from xlm_text.pipelines.base import SEGMENTER, Setup, tell
from xlm_text.pipelines.normalizing import normalize
from xlm_text.pipelines.segmented import PerlSegmentedPipeline, SegmentedPipeline
from xlm_text.pipelines.units import Cut
from xlm_text.pipelines.words import Words
from xlm_text.rules.engine import Watch
from xlm_text.segmenters.thai import spaces_inside_words

# newmm walks through the text along the words of its dictionary; at a space every way ends,
# unless a word of the dictionary has that very space inside.  What it knows of the text behind the
# space is that a space follows, so the space stays with the unit before it.
_THAI = "\u0e01-\u0e3a\u0e40-\u0e4e\u0e50-\u0e59"
_spaces_inside = re.compile(f" (?<=[{_THAI}] )(?=[{_THAI}])").finditer


def cut_thai(text: str, inside_words: frozenset[str]) -> list[str]:
    """Cut a Thai text into units behind single spaces; nothing is between them.

    Args:
        text: the text.
        inside_words: the spaces, each with the characters beside it, that are inside words of the
            dictionary.

    >>> cut_thai("สวัสดี ชาวโลก ดี ๆ", frozenset({"ี ๆ"}))
    ['สวัสดี ', 'ชาวโลก ', 'ดี ๆ']

    """
    cuts = [
        space.end()
        for space in _spaces_inside(text)
        if text[space.start() - 1 : space.end() + 1] not in inside_words
    ]
    return [text[start:end] for start, end in pairwise([0, *cuts, len(text)])]


class ThaiPipeline(SegmentedPipeline):
    """Normalise, then cut with newmm, unit by unit."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self._inside_words = spaces_inside_words(setup.user_words)

    def cut(self, text: str) -> Cut:  # noqa: D102
        # Spaces at the ends of a text belong to no unit.
        solid = text.strip(" ")
        units = cut_thai(solid, self._inside_words)
        if len(solid) == len(text):
            return Cut(units, None)
        start = len(text) - len(text.lstrip(" ")) if solid else 0
        parts = ["", text[:start], *(part for unit in units for part in (unit, ""))]
        parts[-1] = text[start + len(solid) :]
        return Cut.of(parts)

    def words(self, units: Sequence[str]) -> Words:  # noqa: D102
        # The space that a unit ends in is inside the text, and so is not stripped with its ends.
        normal = [
            text + " " if unit.endswith(" ") else text
            for unit, text in zip(units, normalize(self.normalization, units), strict=True)
        ]
        return Words.of(self.segment.words(normal))

    def align(self, unit: Aligned, watch: Watch | None = None) -> list[Aligned]:  # noqa: D102
        normal = self.normalization.align(unit, watch)
        if unit.text.endswith(" "):
            whole = normal.join(unit.slice(len(unit) - 1, len(unit)))
            (normal,) = tell(watch, "keep the space behind the unit", [normal], [whole])
        return tell(watch, SEGMENTER, [normal], normal.cut(self.segment(normal.text)))


class PerlThaiPipeline(PerlSegmentedPipeline):
    """The same by the rules of Moses' own scripts.

    Spaces at the ends of a line stay, so that newmm sees them; else the units are those of the
    first rule set.
    """

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self._inside_words = spaces_inside_words(setup.user_words)

    def _cut_line(self, line: str) -> Cut:
        solid = line.strip(" ")
        units = cut_thai(solid, self._inside_words)
        if len(solid) < len(line):
            if not solid:
                return Cut([line], None)
            units[0] = " " * (len(line) - len(line.lstrip(" "))) + units[0]
            units[-1] += " " * (len(line) - len(line.rstrip(" ")))
        return Cut(units, None)
