"""Streams of blocks: the original's training data, rows of as many tokens for all.

The sentences of a language stand one behind the other, ``</s>`` behind each, and are cut into rows
of N tokens wherever that falls: a row may begin inside a sentence and span documents.

The original cuts each of its files on its own; here each part of the plan, which becomes one
shard, is a stream of its own, so that shards can be made in any order and again.  What is left
at the end of a stream, fewer than N tokens, becomes a row that is filled up with ``</s>`` at the
front.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

from xlm_text.corpora.files import import_pyarrow

if TYPE_CHECKING:
    from pyarrow import Array, ListArray


class Rows(NamedTuple):
    """Rows of a stream, and for each the line and document that its first token is from."""

    ids: ListArray[Any]
    lines: list[int]
    documents: list[int]


class Stream:
    """Cuts the sentences of one language into rows.

    Args:
        length: the tokens of a row.
        eos_id: what fills up the last row.

    """

    def __init__(self, length: int, eos_id: int) -> None:
        self._pa = import_pyarrow()
        self._length = length
        self._eos_id = eos_id
        self._rest: Array[Any] = self._pa.array([], self._pa.int32())
        self._origin = (0, 0)  # line and document of the first token of the rest

    def add(
        self, sentences: ListArray[Any], lines: Sequence[int], documents: Sequence[int]
    ) -> Rows:
        """Take sentences, each ending in ``</s>``, and return the rows that are full.

        Args:
            sentences: their ids.
            lines: the line of each.
            documents: the document of each.

        """
        pa = self._pa
        starts = [
            0,
            *accumulate(sentences.value_lengths().to_pylist(), initial=len(self._rest)),
        ]
        origins = [self._origin, *zip(lines, documents, strict=True)]
        ids = pa.concat_arrays([self._rest, sentences.flatten()])
        count = len(ids) // self._length
        places = [i * self._length for i in range(count + 1)]
        # Of sentences that begin at one place, empty ones among them, the last has the token.
        first = [origins[bisect_right(starts, at, hi=len(origins)) - 1] for at in places]
        self._origin = first.pop()
        self._rest = ids[count * self._length :]
        return self._rows(ids[: count * self._length], first)

    def end(self) -> Rows:
        """Return the last row, if anything is left for one."""
        if not len(self._rest):
            return self._rows(self._rest, [])
        pa = self._pa
        front = pa.array([self._eos_id] * (self._length - len(self._rest)), pa.int32())
        ids = pa.concat_arrays([front, self._rest])
        self._rest = self._rest[:0]
        return self._rows(ids, [self._origin])

    def _rows(self, ids: Array[Any], origins: list[tuple[int, int]]) -> Rows:
        pa = self._pa
        offsets = pa.array(range(0, len(ids) + 1, self._length), pa.int32())
        rows = pa.ListArray.from_arrays(offsets, ids)
        return Rows(rows, [line for line, _ in origins], [document for _, document in origins])
