"""Which batch comes when: sources in turn by chance, and each one's rows shuffled again and again.

A batch depends on the seed and on its number alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xlm_model.training.batches import LanguageModelBatch
from xlm_model.training.draws import Purpose, generator
from xlm_model.training.objectives import Objective, TranslationLM
from xlm_model.training.rows import Rows

# Draws of sources that are made together: what comes before a batch is counted by such pieces.
_PIECE = 1024


@dataclass(frozen=True)
class Source:
    """Rows, and what is learnt from them.

    Attributes:
        name: Such as "mlm:en".
        objective: Makes batches of the rows.
        rows: What is read.
        langs: Ids of the rows' languages, None for a model without.
    """

    name: str
    objective: Objective
    rows: Rows
    langs: tuple[int, ...] | None

    @property
    def kind(self) -> str:
        """Which objective it is, such as "mlm"."""
        return self.name.partition(":")[0]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens that the model reads of each row; shape `(rows,)`."""
        is_pair = isinstance(self.objective, TranslationLM)
        return self.rows.lengths + (TranslationLM.SPECIAL_TOKENS if is_pair else 0)

    def batch(self, numbers: NDArray[np.int64], rng: np.random.Generator) -> LanguageModelBatch:
        """Return a batch of some rows."""
        rows = [self.rows[number] for number in numbers]
        return self.objective(rows, self.langs, rng).named(self.name)


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

    def __init__(self, lengths: NDArray[np.int64], tokens: int, seed: int, number: int) -> None:
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
        """Return which rows a batch has; they are counted from 0 over all epochs."""
        epoch, number = divmod(batch, self.batches)
        if epoch != self._epoch:
            seed, source = self._key
            rng = generator(seed, Purpose.ROWS, source, epoch)
            self._order = rng.permutation(len(self._lengths))
            self._borders = cut(self._lengths[self._order], self._tokens)
            self._epoch = epoch
        return self._order[self._borders[number] : self._borders[number + 1]]


class Mixture:
    """An endless sequence of batches, any of which can be asked for.

    Objectives take turns evenly. Inside one, a language is drawn in proportion to the number of its
    rows to the power `alpha`, so that small ones are not forgotten; a stream that has been read is
    shuffled and read again.

    Args:
        sources: What there is to read.
        tokens: Tokens of a batch.
        seed: Of the training.
        alpha: 1: languages in proportion to their rows, 0: all alike.
    """

    def __init__(
        self, sources: Sequence[Source], *, tokens: int, seed: int, alpha: float = 0.7
    ) -> None:
        self.sources = list(sources)
        self._seed = seed
        self._epochs = [
            Epochs(source.lengths, tokens, seed, number) for number, source in enumerate(sources)
        ]
        self.shares = shares(sources, alpha)
        self._pieces: list[NDArray[np.int64]] = []
        self._before = [np.zeros(len(sources), np.int64)]

    def __getitem__(self, number: int) -> LanguageModelBatch:
        source, batch = self.draw(number)
        rows = self._epochs[source].rows(batch)
        return self.sources[source].batch(rows, generator(self._seed, Purpose.BATCH, number))

    def draw(self, number: int) -> tuple[int, int]:
        """Return which source a batch is of, and the how many-th batch of it that is, from 0."""
        piece, place = divmod(number, _PIECE)
        while len(self._pieces) <= piece:
            rng = generator(self._seed, Purpose.SOURCES, len(self._pieces))
            drawn = rng.choice(len(self.sources), _PIECE, p=self.shares)
            self._pieces.append(drawn)
            counts = np.bincount(drawn, minlength=len(self.sources))
            self._before.append(self._before[-1] + counts)
        drawn = self._pieces[piece]
        source = int(drawn[place])
        return source, int(self._before[piece][source] + (drawn[:place] == source).sum())


def shares(sources: Sequence[Source], alpha: float) -> NDArray[np.float64]:
    """Return the probability of each source; see `Mixture`."""
    kinds = [source.kind for source in sources]
    powers = np.power([float(len(source.rows)) for source in sources], alpha)
    totals = {k: sum(p for p, kind in zip(powers, kinds, strict=True) if kind == k) for k in kinds}
    each: NDArray[np.float64] = powers / np.array([totals[kind] for kind in kinds])
    return each / len(totals)
