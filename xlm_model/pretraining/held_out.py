"""Perplexity and accuracy on text that is not trained on, the same text and masks every time."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from torch import nn

from xlm_model.pretraining.mixture import Source
from xlm_model.training.epochs import cut
from xlm_model.training.protocols import Scores
from xlm_model.training.seeding import Purpose, generator

SCORES = ("loss", "perplexity", "accuracy")
# The mean over all sources.
MEAN = "mean"


class HeldOutEvaluation:
    """Scores a language model on held-out rows.

    For each source the loss is the mean over all predicted words, the perplexity its exponential,
    and the accuracy the share of words that the model thinks most likely. As in the original, every
    word to predict becomes the mask; which ones these are does not change from one evaluation to
    the next.

    Args:
        sources: What there is to read, with objectives that mask all that they predict.
        tokens: Tokens of a batch.
    """

    default_metric = f"{MEAN}/perplexity"

    def __init__(self, sources: Sequence[Source], *, tokens: int) -> None:
        self._sources = list(sources)
        self._tokens = tokens

    @property
    def metrics(self) -> list[str]:
        """The names of all scores, such as "mlm:en/perplexity"."""
        names = [*(source.name for source in self._sources), MEAN]
        return [f"{name}/{score}" for name in names for score in SCORES]

    def __call__(self, model: nn.Module, accelerator: Accelerator) -> Scores:
        """Return the scores by source, and their means."""
        mine = [
            self._sum(number, source, model, accelerator)
            for number, source in enumerate(self._sources)
        ]
        total = np.sum(gather_object([mine]), axis=0).tolist()
        scores = {}
        for source, (loss, right, count) in zip(self._sources, total, strict=True):
            mean = loss / max(count, 1)
            perplexity = math.exp(mean) if mean < 700 else math.inf
            scores[source.name] = {
                "loss": mean,
                "perplexity": perplexity,
                "accuracy": right / max(count, 1),
            }
        each = list(scores.values())
        scores[MEAN] = {name: sum(found[name] for found in each) / len(each) for name in SCORES}
        return scores

    def _sum(
        self, number: int, source: Source, model: nn.Module, accelerator: Accelerator
    ) -> list[float]:
        """Return the sum of the losses, the words that are right, and all words."""
        # Rows of a length together: of packed sequences such go through attention at once.
        order = np.argsort(source.lengths, kind="stable")
        borders = cut(source.lengths[order], self._tokens)
        count = len(borders) - 1
        sums = torch.zeros(3, dtype=torch.float64)
        # Every process calls the model equally often: sharded weights are gathered by all at once.
        for first in range(0, count, accelerator.num_processes):
            i = first + accelerator.process_index
            rng = generator(0, Purpose.HELD_OUT, number, i)
            at = min(i, count - 1)
            batch = source.batch(order[borders[at] : borders[at + 1]], rng)
            batch = batch.to(accelerator.device)
            output = model(**batch.inputs)
            if i < count:
                words = len(batch.labels)
                right = (output.logits.argmax(-1) == batch.labels).sum()
                sums += torch.tensor([float(output.loss) * words, float(right), float(words)])
        return sums.tolist()
