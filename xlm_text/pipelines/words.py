"""The words of many units in one row, so that a stage works on all of them at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, islice
from typing import NamedTuple, TypeVar

V = TypeVar("V")


class Words(NamedTuple):
    """The words of units.

    Attributes:
        flat: the words of all units, one behind another.
        counts: how many of them each unit has.

    >>> words = Words.of([["a", "b"], [], ["c"]])
    >>> words.flat, words.counts
    (['a', 'b', 'c'], [2, 0, 1])
    >>> list(words.share_out([1, 2, 3]))
    [[1, 2], [], [3]]

    """

    flat: list[str]
    counts: list[int]

    @classmethod
    def of(cls, units: Iterable[Sequence[str]]) -> Words:
        """Put the words of units in one row."""
        flat: list[str] = []
        counts = []
        for words in units:
            flat += words
            counts.append(len(words))
        return cls(flat, counts)

    def share_out(self, values: Iterable[V]) -> Iterator[list[V]]:
        """Give each unit its part of what there is one of for each word."""
        left = iter(values)
        # Nearly all units are one word.
        return ([next(left)] if count == 1 else list(islice(left, count)) for count in self.counts)

    def without_empty(self) -> Words:
        """Return the words without those that have no characters.

        >>> Words.of([["a", "", "b"], [], [""]]).without_empty()
        Words(flat=['a', 'b'], counts=[2, 0, 0])
        """
        if "" not in self.flat:
            return self
        counts, ends = list(self.counts), list(accumulate(self.counts))
        for i, word in enumerate(self.flat):
            if not word:
                counts[bisect_right(ends, i)] -= 1
        return Words(list(filter(None, self.flat)), counts)

    def of_units(self) -> Iterator[list[str]]:
        """Give the words of each unit."""
        return self.share_out(self.flat)
