"""Batches of packed examples: none is padded to the length of another."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from xlm_model.attention import PackedBatch, PackedLayout
from xlm_model.tasks.sequences import TokenSequence
from xlm_model.training.seeding import Purpose, generator


class Item(NamedTuple):
    """An example as the model learns from it.

    Attributes:
        sequences: One; or for multiple choice one for each choice.
        target: What shall come out, in numbers.
    """

    sequences: tuple[TokenSequence, ...]
    target: Any

    @property
    def tokens(self) -> int:
        """Tokens of all sequences."""
        return sum(map(len, self.sequences))


@dataclass(frozen=True)
class ExampleBatch:
    """Packed sequences, and what shall come out.

    Attributes:
        packed: The sequences.
        targets: More arguments of the model's call, labels among them.
        counts: Sequences of each example.
        name: Under this the loss is reported.
    """

    packed: PackedBatch
    targets: Mapping[str, Tensor]
    counts: Sequence[int] = field(default_factory=list)
    name: str = "loss"

    @property
    def tokens(self) -> int:
        """How many tokens the model reads."""
        return len(self.packed.input_ids)

    @property
    def inputs(self) -> dict[str, Any]:
        """The arguments of the model's call: `model(**batch.inputs)`."""
        return {**self.packed.inputs, **self.targets}

    def to(self, device: torch.device | str) -> ExampleBatch:
        """Return the batch on another device."""
        packed = self.packed
        langs = None if packed.langs is None else packed.langs.to(device, non_blocking=True)
        return replace(
            self,
            packed=PackedBatch(
                packed.input_ids.to(device, non_blocking=True),
                langs,
                PackedLayout(packed.layout.sizes, device),
            ),
            targets={k: v.to(device, non_blocking=True) for k, v in self.targets.items()},
        )


class ShuffledBatches:
    """All items in another order in each epoch, cut into batches.

    Args:
        items: What is learnt from.
        size: Items of a batch; the last one of an epoch may have fewer.
        collate: Makes a batch of items.
        seed: Of the training.
    """

    def __init__(
        self,
        items: Sequence[Item],
        size: int,
        collate: Callable[[Sequence[Item]], ExampleBatch],
        seed: int,
    ) -> None:
        self._items = items
        self._size = size
        self._collate = collate
        self._seed = seed
        self._order: tuple[int, Any] = (-1, None)

    @property
    def per_epoch(self) -> int:
        """Batches of an epoch."""
        return math.ceil(len(self._items) / self._size)

    def __getitem__(self, number: int) -> ExampleBatch:
        epoch, at = divmod(number, self.per_epoch)
        if self._order[0] != epoch:
            order = generator(self._seed, Purpose.ROWS, 0, epoch).permutation(len(self._items))
            self._order = (epoch, order)
        drawn = self._order[1][at * self._size : (at + 1) * self._size]
        items = [self._items[i] for i in np.asarray(drawn)]
        # Neighbours of one length go through attention together.
        return self._collate(sorted(items, key=lambda item: item.tokens))
