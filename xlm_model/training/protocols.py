"""What the loop asks of batches and of an evaluation; what is learnt is theirs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import torch
from accelerate import Accelerator
from torch import Tensor, nn

# From what was evaluated, such as "mlm:en", to its scores by name.
Scores = Mapping[str, Mapping[str, float]]


class Batch(Protocol):
    """What the loop needs to know of a batch."""

    @property
    def name(self) -> str:
        """Under this its loss is reported."""
        ...

    @property
    def tokens(self) -> int:
        """How many tokens the model reads, for the speed."""
        ...

    @property
    def inputs(self) -> Mapping[str, Any]:
        """The arguments of the model's call, labels among them."""
        ...

    def to(self, device: torch.device | str) -> Batch:
        """Return the batch on another device."""
        ...


class Batches(Protocol):
    """An endless sequence of batches; one depends on its number alone."""

    def __getitem__(self, number: int) -> Batch: ...


class Evaluation(Protocol):
    """Gives scores to a model, the same in every process."""

    @property
    def default_metric(self) -> str:
        """The score that decides which checkpoint is best, such as "mean/loss"."""
        ...

    @property
    def metrics(self) -> list[str]:
        """The names of all scores, each as `default_metric` is."""
        ...

    def __call__(self, model: nn.Module, accelerator: Accelerator) -> Scores:
        """Return scores; the model is in evaluation mode, and no gradients are kept."""
        ...


def mean_loss(model: nn.Module, batch: Batch) -> Tensor:
    """Return the loss of a batch, as the model gives it; shape `()`."""
    loss: Tensor = model(**batch.inputs).loss
    return loss
