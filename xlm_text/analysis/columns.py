"""What texts become: columns with a list for each text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from xlm_text.alignment.spans import Span


class Detail(IntEnum):
    """How much is wanted; each has what those before it have."""

    IDS = 0
    SPANS = 1
    TOKENS = 2


@dataclass
class Columns:
    """The pieces of texts.  Each column has a list for each text, and that an item for each piece.

    Attributes:
        ids: the ids of the pieces.
        spans: the span ``(start, end)`` of the text, in code points; empty lists unless
            :attr:`Detail.SPANS` or more was wanted.
        tokens: the pieces; empty lists unless :attr:`Detail.TOKENS` was wanted.
        words: the number of each piece's word in its text; with ``tokens``.

    """

    ids: list[list[int]]
    spans: list[list[Span]]
    tokens: list[list[str]]
    words: list[list[int]]

    @classmethod
    def empty(cls, count: int = 0) -> Columns:
        """Return columns for so many texts, whose lists are to be replaced."""
        return cls([[]] * count, [[]] * count, [[]] * count, [[]] * count)

    def put(self, numbers: Sequence[int], other: Columns) -> None:
        """Put the columns of some texts in their places."""
        for mine, others in zip(vars(self).values(), vars(other).values(), strict=True):
            for number, value in zip(numbers, others, strict=True):
                mine[number] = value

    def extend(self, other: Columns) -> None:
        """Append the columns of further texts."""
        self.ids += other.ids
        self.spans += other.spans
        self.tokens += other.tokens
        self.words += other.words
