"""The spans of a unit's pieces, wherever the unit stands in a text.

To make a tuple of two new numbers for each token is most of the work of giving offsets.  But words
are short and lines are, too: nearly all of them begin at few positions and have pieces of few
lengths.  So their spans are made once and shared, by all tokenizers.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

Span = tuple[int, int]

# The first patterns of lengths that come are the common ones.  What is shared is 250,000 tuples
# at most, some 50 MB; a text of many thousand lines makes a tenth of them.
_PATTERNS = 500
_POSITIONS = 500


class Spans(dict[int, tuple[Span, ...]]):
    """The spans of some pieces, by the position that their unit begins at.

    Look them up; those that nobody asked for before are made by then.

    >>> Spans([(0, 2), (2, 5)])[100]
    ((100, 102), (102, 105))
    """

    def __init__(self, offsets: Sequence[Span], positions: int = 0) -> None:
        super().__init__()
        self._offsets = offsets
        self._positions = positions

    def __missing__(self, position: int) -> tuple[Span, ...]:
        spans = tuple([(start + position, end + position) for start, end in self._offsets])
        if position < self._positions:
            self[position] = spans
        return spans


_by_lengths: dict[tuple[int, ...], Spans] = {}


def spans_of(lengths: tuple[int, ...]) -> Spans:
    """Return the spans of pieces that follow one another from the beginning of their unit."""
    spans = _by_lengths.get(lengths)
    if spans is None:
        offsets = contiguous(lengths)
        if len(_by_lengths) >= _PATTERNS:
            return Spans(offsets)
        spans = _by_lengths.setdefault(lengths, Spans(offsets, _POSITIONS))
    return spans


def contiguous(lengths: Sequence[int]) -> list[Span]:
    """Return the spans of pieces that follow one another from 0 on.

    >>> contiguous([2, 3])
    [(0, 2), (2, 5)]
    """
    return list(pairwise(accumulate(lengths, initial=0)))
