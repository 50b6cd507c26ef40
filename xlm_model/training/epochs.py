"""Rows in batches of about as many tokens, shuffled anew in each epoch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xlm_model.training.seeding import Purpose, generator


def cut(lengths: NDArray[np.int64], tokens: int) -> NDArray[np.int64]:
    """Cut rows into batches of about as many tokens; return the borders, the first 0.

    Every order of the same rows has as many batches, and each has a row.

    Args:
        lengths: Tokens of each row, in order.
        tokens: Tokens of a batch, more by less than a row at most.

    Example:
        >>> cut(np.array([3, 3, 3, 3]), 6).tolist()
        [0, 2, 4]
    """
    ends = np.cumsum(lengths)
    count = min(-(-int(ends[-1]) // tokens), len(lengths))
    wanted = ends[-1] * np.arange(1, count) / count
    borders = np.searchsorted(ends, wanted, side="left") + 1
    # A row that is longer than its batch pushes the others on.
    least = np.arange(1, count)
    borders = np.maximum.accumulate(np.maximum(borders, least) - least) + least
    borders = np.minimum(borders, len(lengths) - count + least)
    return np.concatenate([[0], borders, [len(lengths)]])


class Epochs:
    """The rows of a source, shuffled anew each time that all have been read.

    Args:
        lengths: Tokens of each row.
        tokens: Tokens of a batch.
        seed: Of the training.
        number: Of the source, so that two of them are not shuffled alike.
    """

    def __init__(self, lengths: NDArray[np.int64], tokens: int, seed: int, number: int = 0) -> None:
        self._lengths = lengths
        self._tokens = tokens
        self._key = (seed, number)
        self._epoch = -1
        self._order: NDArray[np.int64] = np.zeros(0, np.int64)
        self._borders = cut(lengths, tokens)

    @property
    def batches(self) -> int:
        """How many batches an epoch has."""
        return len(self._borders) - 1

    def rows(self, batch: int) -> NDArray[np.int64]:
        """Return which rows a batch has; batches are counted from 0 over all epochs."""
        epoch, number = divmod(batch, self.batches)
        if epoch != self._epoch:
            seed, source = self._key
            rng = generator(seed, Purpose.ROWS, source, epoch)
            self._order = rng.permutation(len(self._lengths))
            self._borders = cut(self._lengths[self._order], self._tokens)
            self._epoch = epoch
        return self._order[self._borders[number] : self._borders[number + 1]]
