"""The three objectives of the paper: from rows of ids to batches.

Sources: Lample & Conneau (2019), "Cross-lingual Language Model Pretraining", and what their
implementation does where the paper is silent.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from xlm_model.config import XLMConfig
from xlm_model.pretraining.batches import LanguageModelBatch

Ids = NDArray[np.int64]
# The tokens of one text, or the two of a pair.
Row = tuple[NDArray[np.integer], ...]


class Objective(Protocol):
    """Makes a batch of some rows."""

    causal: bool

    def __call__(
        self, rows: Sequence[Row], langs: Sequence[int] | None, rng: np.random.Generator
    ) -> LanguageModelBatch:
        """Return a batch.

        Args:
            rows: Ids of each text, or of the two texts of each pair.
            langs: Id of the rows' language, or of both; None without languages.
            rng: Where all that is random comes from.
        """
        ...


class Masking:
    """Chooses the positions to predict, and what stands there instead of the word.

    Never the first position of a sequence, nor padding. At least one position is chosen where there
    is one, as a loss over none is not a number.

    Args:
        config: The model's; its size of the vocabulary, and the ids of the mask and of padding.
        share: Which part of the positions to predict.
        mask: Which part of these become the mask.
        keep: Which part of these stay as they are; the rest becomes any word of the vocabulary.
        sample_alpha: Draw positions in proportion to the word's count to the power of minus this,
            so that rare words are predicted more often; 0: all alike.
        counts: How often each word of the vocabulary occurs; 0 for one that is never predicted,
            such as `</s>`. Only for `sample_alpha`. Shape `(vocab_size,)`.

    Raises:
        ValueError: shares that are none, or no counts where they are needed.
    """

    def __init__(
        self,
        config: XLMConfig,
        *,
        share: float = 0.15,
        mask: float = 0.8,
        keep: float = 0.1,
        sample_alpha: float = 0.0,
        counts: NDArray[np.integer] | None = None,
    ) -> None:
        if not 0 < share <= 1:
            raise ValueError(f"share is {share}: expected a number above 0, 1 at most")
        if mask < 0 or keep < 0 or mask + keep > 1 + 1e-9:
            raise ValueError(f"mask is {mask} and keep is {keep}: expected shares of 1")
        self.share = share
        self.mask = mask
        self.keep = keep
        self._vocab_size = config.vocab_size
        self._mask_id = config.mask_index
        self._pad_id = config.pad_token_id
        self._scores = None if not sample_alpha else self._score(counts, sample_alpha)

    def _score(self, counts: NDArray[np.integer] | None, alpha: float) -> NDArray[np.float64]:
        if counts is None or counts.shape != (self._vocab_size,):
            raise ValueError(f"counts: expected a count of each of the {self._vocab_size} words")
        scores: NDArray[np.float64] = np.power(np.maximum(counts, 1.0), -alpha)
        scores[counts == 0] = 0
        scores[self._pad_id] = 0
        return scores

    def __call__(self, ids: Ids, firsts: Ids, rng: np.random.Generator) -> tuple[Ids, Ids]:
        """Return the ids with some replaced, and the positions to predict.

        Args:
            ids: Of all sequences, one behind the other. Shape `(tokens,)`.
            firsts: Where each sequence begins. Shape `(sequences,)`.
            rng: What is drawn from.
        """
        allowed = ids != self._pad_id
        allowed[firsts] = False
        chosen = self._choose(ids, rng)
        chosen &= allowed
        if not chosen.any() and allowed.any():
            chosen[rng.choice(np.flatnonzero(allowed))] = True
        positions = np.flatnonzero(chosen)
        return self._replace(ids, positions, rng), positions

    def _choose(self, ids: Ids, rng: np.random.Generator) -> NDArray[np.bool_]:
        if self._scores is None:
            return rng.random(len(ids)) <= self.share
        scores = self._scores[ids]
        count = min(math.ceil(self.share * len(ids)), int(np.count_nonzero(scores)))
        chosen = np.zeros(len(ids), bool)
        if count:
            shares = scores / scores.sum()
            chosen[rng.choice(len(ids), count, replace=False, p=shares, shuffle=False)] = True
        return chosen

    def _replace(self, ids: Ids, positions: Ids, rng: np.random.Generator) -> Ids:
        draws = rng.random(len(positions))
        words = rng.integers(0, self._vocab_size, len(positions))
        words[draws < self.mask + self.keep] = ids[positions][draws < self.mask + self.keep]
        words[draws < self.mask] = self._mask_id
        replaced: Ids = ids.copy()
        replaced[positions] = words
        return replaced


class MaskedLM:
    """Masked language model (MLM): the words at some positions, from all the others.

    Args:
        config: The model's.
        masking: Which positions, and what stands there; None: 15 %, of which 80 % become the mask,
            10 % stay and 10 % become any word.

    Example:
        >>> config = XLMConfig(vocab_size=100, emb_dim=32, n_layers=2, n_heads=4)
        >>> row = np.array([1, *range(20, 59)])
        >>> batch = MaskedLM(config)([(row,)], None, np.random.default_rng(0))
        >>> batch.tokens, bool((batch.labels == torch.from_numpy(row)[batch.kept]).all())
        (40, True)
    """

    causal = False

    def __init__(self, config: XLMConfig, masking: Masking | None = None) -> None:
        self._masking = masking or Masking(config)

    def __call__(
        self, rows: Sequence[Row], langs: Sequence[int] | None, rng: np.random.Generator
    ) -> LanguageModelBatch:
        """Return a batch; see `Objective`."""
        ids, firsts, lengths = _packed([row[0] for row in rows])
        masked, positions = self._masking(ids, firsts, rng)
        return LanguageModelBatch(
            input_ids=torch.from_numpy(masked),
            langs=_one_language(langs, len(ids)),
            position_ids=None,
            lengths=lengths,
            kept=torch.from_numpy(positions),
            labels=torch.from_numpy(ids[positions]),
            causal=False,
        )


class CausalLM:
    """Causal language model (CLM): the next word at each position but the last.

    Args:
        config: The model's.
        context_size: So many first positions of each row predict nothing.

    Raises:
        ValueError: a context below 0.

    Example:
        >>> config = XLMConfig(vocab_size=100, emb_dim=32, n_layers=2, n_heads=4)
        >>> batch = CausalLM(config)([(np.array([1, 20, 21]),)], None, np.random.default_rng(0))
        >>> batch.kept.tolist(), batch.labels.tolist(), batch.causal
        ([0, 1], [20, 21], True)
    """

    causal = True

    def __init__(self, config: XLMConfig, context_size: int = 0) -> None:
        if context_size < 0:
            raise ValueError(f"context_size is {context_size}: expected 0 or more")
        self._context_size = context_size

    def __call__(
        self, rows: Sequence[Row], langs: Sequence[int] | None, rng: np.random.Generator
    ) -> LanguageModelBatch:
        """Return a batch; see `Objective`."""
        ids, firsts, lengths = _packed([row[0] for row in rows])
        ends = [start + length - 1 for start, length in zip(firsts, lengths, strict=True)]
        context = self._context_size
        ranges = [np.arange(a + context, b) for a, b in zip(firsts, ends, strict=True)]
        positions = np.concatenate(ranges)
        return LanguageModelBatch(
            input_ids=torch.from_numpy(ids),
            langs=_one_language(langs, len(ids)),
            position_ids=None,
            lengths=lengths,
            kept=torch.from_numpy(positions),
            labels=torch.from_numpy(ids[positions + 1]),
            causal=True,
        )


class TranslationLM:
    """Translation language model (TLM): masked words, from a sentence and its translation.

    A pair is `</s> A </s> </s> B </s>`, in either order. Positions count from 0 again in the second
    sentence, and each token has its own language.

    Args:
        config: The model's.
        masking: As for `MaskedLM`.

    Example:
        >>> config = XLMConfig(vocab_size=100, emb_dim=32, n_layers=2, n_heads=4, n_langs=2)
        >>> pair = (np.array([20, 21]), np.array([30]))
        >>> batch = TranslationLM(config)([pair], (0, 1), np.random.default_rng(0))
        >>> batch.position_ids.tolist(), batch.langs.tolist()
        ([0, 1, 2, 3, 0, 1, 2], [0, 0, 0, 0, 1, 1, 1])
    """

    causal = False
    # </s> before and behind each of the two.
    SPECIAL_TOKENS = 4

    def __init__(self, config: XLMConfig, masking: Masking | None = None) -> None:
        self._masking = masking or Masking(config)
        self._eos_id = eos_id_of(config)

    def __call__(
        self, rows: Sequence[Row], langs: Sequence[int] | None, rng: np.random.Generator
    ) -> LanguageModelBatch:
        """Return a batch; see `Objective`. The two texts of a row have no special tokens."""
        # Neighbours of one length go through attention together.
        rows = sorted(rows, key=lambda row: len(row[0]) + len(row[1]))
        turned = rng.random(len(rows)) < 0.5
        order = [(1, 0) if turn else (0, 1) for turn in turned]
        sides = [row[i] for row, pair in zip(rows, order, strict=True) for i in pair]
        eos = np.array([self._eos_id])
        ids, _, lengths = _packed([np.concatenate([eos, side, eos]) for side in sides])
        pairs = [a + b for a, b in zip(lengths[::2], lengths[1::2], strict=True)]
        masked, positions = self._masking(ids, np.cumsum([0, *pairs[:-1]]), rng)
        each = None
        if langs is not None:
            each = torch.from_numpy(np.repeat([langs[i] for pair in order for i in pair], lengths))
        return LanguageModelBatch(
            input_ids=torch.from_numpy(masked),
            langs=each,
            position_ids=torch.from_numpy(np.concatenate([np.arange(n) for n in lengths])),
            lengths=pairs,
            kept=torch.from_numpy(positions),
            labels=torch.from_numpy(ids[positions]),
            causal=False,
        )


def eos_id_of(config: XLMConfig) -> int:
    """Return the id of `</s>`, the first where the configuration has several."""
    ids = config.eos_token_id
    if ids is None:
        return 1
    return ids if isinstance(ids, int) else ids[0]


def _packed(rows: Sequence[NDArray[np.integer]]) -> tuple[Ids, Ids, list[int]]:
    """Return the rows one behind the other, where each begins, and how long each is."""
    lengths = [len(row) for row in rows]
    return np.concatenate(rows).astype(np.int64), np.cumsum([0, *lengths[:-1]]), lengths


def _one_language(langs: Sequence[int] | None, tokens: int) -> Tensor | None:
    return None if langs is None else torch.full((tokens,), langs[0])
