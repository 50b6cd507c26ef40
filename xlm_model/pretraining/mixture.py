"""Which batch comes when: sources in turn by chance, and each one's rows shuffled again and again.

A batch depends on the seed and on its number alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xlm_model.pretraining.batches import LanguageModelBatch
from xlm_model.pretraining.objectives import Objective, TranslationLM
from xlm_model.pretraining.rows import Rows
from xlm_model.training.epochs import Epochs
from xlm_model.training.seeding import Purpose, generator

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
