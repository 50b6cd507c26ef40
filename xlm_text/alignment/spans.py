"""The spans of a unit's pieces, wherever the unit stands in a text.

To make a tuple of two new numbers for each token is most of the work of giving offsets.  But words
are short and lines are, too: nearly all of them begin at few positions and have pieces of few
lengths.  So their spans are made once and shared, within a table that its owner can drop.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

Span = tuple[int, int]

# Those that come first are the common ones: nothing is forgotten, and beyond these numbers nothing
# is kept.  100,000 tuples of spans are some 25 MB; a thousand lines of text need 10,000.
_MOST_PATTERNS = 20_000
_MOST_SPANS = 100_000
_FAR = 1000
_MANY_PIECES = 4


class SpanTable:
    """The spans of pieces that follow one another, by the lengths of the pieces.

    Args:
        limit: how many tuples of spans are kept at most; no more than 100,000.

    """

    def __init__(self, limit: int = _MOST_SPANS) -> None:
        self._by_lengths: dict[tuple[int, ...], ContiguousSpans] = {}
        # How many more tuples of spans may be kept.
        self.room = min(limit, _MOST_SPANS)

    def spans_of(self, lengths: tuple[int, ...]) -> ContiguousSpans:
        """Return the spans of pieces that follow one another from the beginning of their unit."""
        if len(lengths) > _MANY_PIECES:
            return ContiguousSpans(lengths)
        spans = self._by_lengths.get(lengths)
        if spans is None:
            if len(self._by_lengths) >= _MOST_PATTERNS:
                return ContiguousSpans(lengths)
            spans = self._by_lengths.setdefault(lengths, ContiguousSpans(lengths, self))
        return spans


class Spans(dict[int, tuple[Span, ...]]):
    """The spans of some pieces, by the position that their unit begins at.

    Look them up; they are computed then.

    >>> Spans([(0, 2), (3, 5)])[100]
    ((100, 102), (103, 105))
    """

    def __init__(self, offsets: Sequence[Span]) -> None:
        super().__init__()
        self._offsets = offsets

    def __missing__(self, position: int) -> tuple[Span, ...]:
        if not position:
            return tuple(self._offsets)
        return tuple([(start + position, end + position) for start, end in self._offsets])


class ContiguousSpans(dict[int, tuple[Span, ...]]):
    """The same of pieces that follow one another from the beginning of their unit.

    Those that were computed are kept where there is a table with room for them.

    >>> ContiguousSpans((2, 3))[100]
    ((100, 102), (102, 105))
    """

    def __init__(self, lengths: tuple[int, ...], table: SpanTable | None = None) -> None:
        super().__init__()
        self._lengths = lengths
        self._table = table

    def __missing__(self, position: int) -> tuple[Span, ...]:
        spans = tuple(pairwise(accumulate(self._lengths, initial=position)))
        if self._table is not None and position < _FAR and self._table.room > 0:
            self._table.room -= 1
            self[position] = spans
        return spans


def contiguous(lengths: Sequence[int]) -> list[Span]:
    """Return the spans of pieces that follow one another from 0 on.

    >>> contiguous([2, 3])
    [(0, 2), (2, 5)]
    """
    return list(pairwise(accumulate(lengths, initial=0)))
