"""Perplexity on held-out streams: of a checkpoint, and of counting pieces."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn

from xlm_model import XLMWithLMHeadModel
from xlm_model.pretraining import ObjectiveSettings
from xlm_model.pretraining.sources import SourceReader
from xlm_model.pretraining.specs import parse_objectives
from xlm_model.training.protocols import Scores
from xlm_text import corpora

# Added to each count, so that what never occurred has a probability.
SMOOTHING = 0.1


class UnigramModel(nn.Module):
    """Gives each piece the probability that it has in the text of a language.

    Takes the arguments of a language model, so that both are scored by the same code on the same
    pieces.

    Args:
        counts: How often each piece occurs, by the language's id. Shape `(languages, vocabulary)`.
    """

    def __init__(self, counts: Tensor) -> None:
        super().__init__()
        smooth = counts.double() + SMOOTHING
        self._likely = (smooth / smooth.sum(-1, keepdim=True)).log()

    def forward(
        self, *, langs: Tensor, labels: Tensor, logits_to_keep: Tensor, **_: Any
    ) -> SimpleNamespace:
        """Return the loss and the logits of the kept positions."""
        logits = self._likely[langs[logits_to_keep]]
        return SimpleNamespace(loss=nn.functional.cross_entropy(logits, labels), logits=logits)


def perplexities(checkpoint: Path, train: Path, held_out: Path) -> tuple[Scores, Scores]:
    """Return the scores of masked pieces: by counting those of a corpus, and by a checkpoint.

    Args:
        checkpoint: A language model.
        train: The corpus that is counted.
        held_out: The corpus that is scored, with streams in the checkpoint's languages.

    Returns:
        Both by source, such as "mlm:en", and as a mean.
    """
    model = XLMWithLMHeadModel.from_pretrained(checkpoint).eval()
    ids: dict[str, int] = model.config.lang2id or {}
    langs = sorted(ids, key=ids.__getitem__)
    counting = UnigramModel(torch.stack([_counts(train, lang, model) for lang in langs]))
    corpus = corpora.open(held_out)
    evaluation = SourceReader(
        corpus,
        parse_objectives(["mlm:" + ",".join(langs)]),
        model.config,
        corpus.tokenizer(),
        ObjectiveSettings(held_out="train"),  # a corpus that is not split has no other part
        held_out / ".rows",
    ).held_out()
    assert evaluation is not None
    with torch.no_grad():
        return evaluation(counting, Accelerator(cpu=True)), evaluation(model, Accelerator(cpu=True))


def _counts(folder: Path, lang: str, model: XLMWithLMHeadModel) -> Tensor:
    rows: Sequence[Any] = corpora.open(folder).dataset(lang=lang).to_table()["input_ids"].chunks
    ids = np.concatenate([chunk.flatten().to_numpy() for chunk in rows])
    return torch.from_numpy(np.bincount(ids, minlength=model.config.vocab_size))
