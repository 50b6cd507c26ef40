"""Mean losses and speed from one entry of the log to the next."""

from __future__ import annotations

import time

import torch
from accelerate.utils import gather_object
from torch import Tensor

from xlm_model.training.protocols import Batch


class LogWindow:
    """Losses and tokens since the last entry of the log."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Forget what was added, and start the clock."""
        self._losses: dict[str, list[Tensor]] = {}
        self._tokens = 0
        self._started = time.perf_counter()

    def add(self, batch: Batch, loss: Tensor) -> None:
        """Add a batch and its loss, which stays on its device: reading it would wait for it."""
        self._losses.setdefault(batch.name, []).append(loss)
        self._tokens += batch.tokens

    def close(self) -> tuple[dict[str, float], float]:
        """Return mean losses by name, and tokens per second, of all processes; and restart."""
        sums = {name: (float(torch.stack(x).sum()), len(x)) for name, x in self._losses.items()}
        seconds = time.perf_counter() - self._started
        every = gather_object([(sums, self._tokens)])
        losses = {}
        for name in sorted({name for found, _ in every for name in found}):
            parts = [found[name] for found, _ in every if name in found]
            losses[name] = sum(total for total, _ in parts) / sum(count for _, count in parts)
        speed = sum(tokens for _, tokens in every) / max(seconds, 1e-9)
        self.restart()
        return losses, speed
