"""Perplexity and accuracy on text that is not trained on, the same text and masks every time."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from accelerate import Accelerator
from torch import nn

from xlm_model.training.draws import Purpose, generator
from xlm_model.training.mixture import Source, cut
from xlm_model.training.reporting import Scores

SCORES = ("loss", "perplexity", "accuracy")
# The mean over all sources.
MEAN = "mean"


class HeldOut:
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
        sums = torch.zeros(len(self._sources), 3, dtype=torch.float64)
        for number, source in enumerate(self._sources):
            sums[number] = self._sum(number, source, model, accelerator)
        total = accelerator.reduce(sums.to(accelerator.device, torch.float32), "sum").tolist()
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
    ) -> torch.Tensor:
        """Return the sum of the losses, the words that are right, and all words; shape `(3,)`."""
        # Rows of a length together: of packed sequences such go through attention at once.
        order = np.argsort(source.lengths, kind="stable")
        borders = cut(source.lengths[order], self._tokens)
        sums = torch.zeros(3, dtype=torch.float64)
        mine = range(accelerator.process_index, len(borders) - 1, accelerator.num_processes)
        for i in mine:
            rng = generator(0, Purpose.HELD_OUT, number, i)
            batch = source.batch(order[borders[i] : borders[i + 1]], rng).to(accelerator.device)
            output = model(**batch.inputs)
            count = len(batch.labels)
            right = (output.logits.argmax(-1) == batch.labels).sum()
            sums += torch.tensor([float(output.loss) * count, float(right), float(count)])
        return sums
