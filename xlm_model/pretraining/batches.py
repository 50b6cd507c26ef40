"""A batch of packed sequences: what the model reads, and what it shall predict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from xlm_model.attention import PackedLayout


@dataclass(frozen=True)
class LanguageModelBatch:
    """Packed sequences, the positions to predict and the right words there.

    Attributes:
        input_ids: Shape `(tokens,)`.
        langs: Id of each token's language; None without. Shape `(tokens,)`.
        position_ids: Of each token; None where they count on from 0 in each sequence.
            Shape `(tokens,)`.
        lengths: Tokens of each sequence.
        kept: Which of the tokens are predicted. Shape `(predicted,)`.
        labels: The right word at each. Shape `(predicted,)`.
        causal: Whether a token sees no later one.
        name: What the batch is of, such as "mlm:en"; under this its loss is reported.
    """

    input_ids: Tensor
    langs: Tensor | None
    position_ids: Tensor | None
    lengths: Sequence[int]
    kept: Tensor
    labels: Tensor
    causal: bool
    name: str = ""

    @property
    def tokens(self) -> int:
        """How many tokens the model reads."""
        return len(self.input_ids)

    @property
    def inputs(self) -> dict[str, Any]:
        """The arguments of a language model's call: `model(**batch.inputs)`.

        Only the positions that are predicted go through the output layer.
        """
        return {
            "input_ids": self.input_ids,
            "langs": self.langs,
            "position_ids": self.position_ids,
            "layout": PackedLayout(self.lengths, self.input_ids.device, self.causal),
            "labels": self.labels,
            "logits_to_keep": self.kept,
        }

    def to(self, device: torch.device | str) -> LanguageModelBatch:
        """Return the batch on another device."""
        names = ("input_ids", "langs", "position_ids", "kept", "labels")
        tensors = {name: getattr(self, name) for name in names}
        return replace(
            self,
            **{k: v.to(device, non_blocking=True) for k, v in tensors.items() if v is not None},
        )

    def named(self, name: str) -> LanguageModelBatch:
        """Return the batch under a name."""
        return replace(self, name=name)
