"""Batches by their numbers, made in this process or in others while the model learns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch.utils.data import DataLoader, Dataset

from xlm_model.training.protocols import Batch, Batches


class _Numbered(Dataset[tuple[int, Batch]]):
    """Batches with their numbers, as PyTorch's loader wants them."""

    def __init__(self, batches: Batches) -> None:
        self._batches = batches

    def __getitem__(self, number: int) -> tuple[int, Batch]:
        return number, self._batches[number]


def load(batches: Batches, numbers: range, workers: int) -> Iterator[tuple[int, Batch]]:
    """Return some batches, with their numbers, in order.

    Args:
        batches: Makes them.
        numbers: Which ones.
        workers: Processes that make them; 0: this one.
    """
    loader = DataLoader(
        _Numbered(batches),
        sampler=numbers,
        batch_size=None,
        num_workers=workers,
        collate_fn=_unchanged,
    )
    return iter(loader)


def _unchanged(item: Any) -> Any:
    return item
