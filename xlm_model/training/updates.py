"""One update of the weights after another: forward, backward, the gradient's norm, Adam."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from xlm_model.training.devices import keep_buffers
from xlm_model.training.log_window import LogWindow
from xlm_model.training.protocols import Batch, mean_loss
from xlm_model.training.seeding import Purpose, torch_seed
from xlm_model.training.settings import TrainingSettings

Loss = Callable[[nn.Module, Batch], Tensor]


class Updates:
    """Makes the updates of a model.

    Args:
        model: What is trained, in fp32.
        settings: Optimiser and schedule.
        accelerator: What runs it.
        groups: Parameter groups for Adam, each with `params` and a `learning_rate` of its own;
            None: all parameters. Those that are left out, or frozen, stay as they are.
        loss: The loss of a batch; shape `()`.

    Attributes:
        model: As accelerate prepared it.
    """

    def __init__(
        self,
        model: nn.Module,
        settings: TrainingSettings,
        accelerator: Accelerator,
        *,
        groups: Sequence[Mapping[str, Any]] | None = None,
        loss: Loss = mean_loss,
    ) -> None:
        self._settings = settings
        self._accelerator = accelerator
        self._loss = loss
        optimizer = make_optimizer(model, settings, groups)
        self.model: nn.Module
        self.model, self._optimizer = accelerator.prepare(model.train(), optimizer)
        keep_buffers(self.model)
        self._batches = (settings.accumulate or 1) // accelerator.num_processes

    def make(self, step: int, batches: Iterator[tuple[int, Batch]], window: LogWindow) -> float:
        """Make one update, unless a gradient is not a finite number.

        Args:
            step: How many were made before.
            batches: This process' batches with their numbers.
            window: Takes the losses.

        Returns:
            The norm of the gradient before it is scaled down. Where it is not a finite number the
            weights are as they were.
        """
        accelerator, settings = self._accelerator, self._settings
        for _ in range(self._batches):
            number, batch = next(batches)
            batch = batch.to(accelerator.device)
            # Dropout, too, depends on the batch's number alone, so that a resume changes nothing.
            torch.manual_seed(torch_seed(settings.seed, Purpose.DROPOUT, number))
            with accelerator.accumulate(self.model):
                loss = self._loss(self.model, batch)
                accelerator.backward(loss)
            window.add(batch, loss.detach())
        norm = self._clip()
        if math.isfinite(norm):
            for group in self._optimizer.param_groups:
                group["lr"] = group["learning_rate"] * settings.rate(step)
            self._optimizer.step()
        self._optimizer.zero_grad()
        return norm

    def _clip(self) -> float:
        most = self._settings.gradient_norm or math.inf
        norm = self._accelerator.clip_grad_norm_(self.model.parameters(), most)
        if norm is None:
            return 0.0
        return float(norm.full_tensor() if hasattr(norm, "full_tensor") else norm)


def make_optimizer(
    model: nn.Module, settings: TrainingSettings, groups: Sequence[Mapping[str, Any]] | None = None
) -> torch.optim.Optimizer:
    """Return Adam with weight decay that is decoupled from the gradient, as the original has it."""
    groups = groups or [{"params": list(model.parameters())}]
    trained = [
        {
            "learning_rate": settings.learning_rate,
            **group,
            "params": [p for p in group["params"] if p.requires_grad],
        }
        for group in groups
    ]
    return torch.optim.AdamW(
        trained,
        lr=settings.learning_rate,
        betas=settings.betas,
        eps=settings.eps,
        weight_decay=settings.weight_decay,
        fused=True,
    )
