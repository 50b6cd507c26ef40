"""How well masked words of a sentence are guessed: alone, beside its translation, beside another.

The same words are masked each time, so that what is compared differs in nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.treebanks.data import Treebanks
from xlm_model import XLMWithLMHeadModel
from xlm_model.attention import PackedLayout
from xlm_text import XLMTokenizer

SHARE = 0.15
BESIDE = ("nothing", "translation", "another")
# Sentences that are read at once.
BATCH = 32


@dataclass(frozen=True)
class Guessed:
    """What came of the masked words of some sentences.

    Attributes:
        losses: Sum over the masked words of each sentence.
        right: How many of them were guessed.
        counts: How many there are.
    """

    losses: NDArray[np.float64]
    right: NDArray[np.float64]
    counts: NDArray[np.float64]

    @property
    def loss(self) -> float:
        """Mean over all words."""
        return float(self.losses.sum() / self.counts.sum())

    @property
    def accuracy(self) -> float:
        """Share of all words."""
        return float(self.right.sum() / self.counts.sum())


def added(parts: Sequence[Guessed]) -> Guessed:
    """Return the sums over several languages, sentence by sentence."""
    names = ("losses", "right", "counts")
    return Guessed(*(np.sum([getattr(part, name) for part in parts], axis=0) for name in names))


def joined(parts: Sequence[Guessed]) -> Guessed:
    """Return what came of some sentences and of others."""
    names = ("losses", "right", "counts")
    return Guessed(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def gain(worse: Guessed, better: Guessed) -> tuple[float, float]:
    """Return by how much the loss of a word is lower, and the standard error over sentences.

    A sentence counts once, in however many languages it was read.
    """
    differences = worse.losses - better.losses
    mean = differences.sum() / worse.counts.sum()
    # Of a ratio of two sums: what the sentences' own differences depart from it.
    departures = differences - mean * worse.counts
    error = departures.std(ddof=1) * len(departures) ** 0.5 / worse.counts.sum()
    return float(mean), float(error)


class Guesser:
    """Guesses masked words of the sentences that are scored.

    Args:
        checkpoint: A language model.
        treebanks: Where the sentences are.
        langs: In which languages.
    """

    def __init__(self, checkpoint: Path, treebanks: Treebanks, langs: Sequence[str]) -> None:
        self._model = XLMWithLMHeadModel.from_pretrained(checkpoint)
        self._tokenizer = XLMTokenizer.from_pretrained(checkpoint)
        self._ids = {
            lang: self._tokenizer.batch_encode(
                [s.text for s in treebanks.part(lang, "test")], False, lang=lang
            )
            for lang in langs
        }

    def guess(self, first: str, second: str) -> dict[str, Guessed]:
        """Return what comes of the first language's words, by what of the second stands beside."""
        ours, theirs = self._ids[first], self._ids[second]
        rng = np.random.default_rng(0)
        masked = [
            rng.permutation(len(one))[: max(1, round(SHARE * len(one)))].tolist() for one in ours
        ]
        beside: dict[str, Sequence[list[int]]] = {
            "nothing": [[]] * len(ours),
            "translation": theirs,
            "another": [*theirs[1:], theirs[0]],
        }
        found = {}
        for name in BESIDE:
            rows = list(zip(ours, masked, beside[name], strict=True))
            parts = [
                self._read(rows[i : i + BATCH], first, second) for i in range(0, len(rows), BATCH)
            ]
            found[name] = joined(parts)
        return found

    def _read(
        self, rows: Sequence[tuple[list[int], list[int], list[int]]], first: str, second: str
    ) -> Guessed:
        """Return what comes of sentences, their masked positions, and what stands beside each."""
        tokenizer = self._tokenizer
        end, lang2id = tokenizer.sep_token_id, tokenizer.lang2id
        ids: list[int] = []
        positions: list[int] = []
        langs: list[int] = []
        kept: list[int] = []
        labels: list[int] = []
        lengths = []
        for one, masked, other in rows:
            kept += [len(ids) + 1 + i for i in masked]
            labels += [one[i] for i in masked]
            hidden = [tokenizer.mask_token_id if i in masked else x for i, x in enumerate(one)]
            begin = len(ids)
            for text, lang in ((hidden, first), (other, second)):
                if text:
                    ids += [end, *text, end]
                    positions += range(len(text) + 2)
                    langs += [lang2id[lang]] * (len(text) + 2)
            lengths.append(len(ids) - begin)
        right_ids = torch.tensor(labels)
        with torch.no_grad():
            logits = self._model(
                torch.tensor(ids),
                langs=torch.tensor(langs),
                position_ids=torch.tensor(positions),
                layout=PackedLayout(lengths, torch.device("cpu"), False),
                logits_to_keep=torch.tensor(kept),
            ).logits
        losses = torch.nn.functional.cross_entropy(logits, right_ids, reduction="none").numpy()
        right = (logits.argmax(-1) == right_ids).float().numpy()
        counts = np.array([len(masked) for _, masked, _ in rows])
        starts = np.cumsum(counts) - counts
        summed, hits = (np.add.reduceat(v, starts).astype(np.float64) for v in (losses, right))
        return Guessed(summed, hits, counts.astype(np.float64))
