"""Word embeddings of which an update touches those rows alone that the examples have.

Most of a vocabulary never occurs in what is learnt from. The gradient of those rows is always zero,
Adam's moments stay zero, too, and without weight decay so does every update: they need neither
gradient nor moments, which for 95,000 words of 1,024 numbers take more than a gigabyte, and a large
part of an update's time where batches are small.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding as look_up

from xlm_model.encoder import XLMModel
from xlm_model.finetuning.batches import Item

# With more of the vocabulary than this there is little to gain.
_MOST = 0.8


class SeenWords(nn.Module):
    """An embedding that trains some of its rows, and has the files of one that trains all.

    Args:
        embedding: What takes its place.
        ids: The words of which the rows are trained; shape `(n,)`, each once.

    Attributes:
        weight: All rows, as they were when the model last was put in evaluation mode.
        rows: The parameter: those that are trained; shape `(n, dim)`.

    Example:
        >>> seen = SeenWords(nn.Embedding(9, 4), torch.tensor([2, 5]))
        >>> seen(torch.tensor([5, 5, 2])).shape, [name for name, _ in seen.named_parameters()]
        (torch.Size([3, 4]), ['rows'])
        >>> list(seen.state_dict()), seen.eval()(torch.tensor([7])).shape
        (['weight'], torch.Size([1, 4]))
    """

    weight: Tensor
    _ids: Tensor
    _row_of: Tensor

    def __init__(self, embedding: nn.Embedding, ids: Tensor) -> None:
        super().__init__()
        self.padding_idx = embedding.padding_idx
        self.register_buffer("weight", embedding.weight.detach())
        self.register_buffer("_ids", ids, persistent=False)
        row_of = torch.full((len(self.weight),), -1)
        row_of[ids] = torch.arange(len(ids))
        self.register_buffer("_row_of", row_of, persistent=False)
        self.rows = nn.Parameter(self.weight[ids])
        # The reference's embedding gives the padding no gradient.
        padding = -1 if self.padding_idx is None else int(row_of[self.padding_idx])
        self._padding_row = padding if padding >= 0 else None

    def forward(self, input_ids: Tensor) -> Tensor:
        """Look ids up; while training only those of the trained rows."""
        if self.training:
            return look_up(self._row_of[input_ids], self.rows, self._padding_row)
        return look_up(input_ids, self.weight, self.padding_idx)

    def train(self, mode: bool = True) -> SeenWords:
        """Put the module in training or evaluation mode, where all rows are there."""
        if self.training and not mode:
            self._update_weight()
        return super().train(mode)

    def _update_weight(self) -> None:
        with torch.no_grad():
            self.weight[self._ids] = self.rows.to(self.weight.dtype)

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        self._update_weight()
        super()._save_to_state_dict(destination, prefix, keep_vars)
        del destination[f"{prefix}rows"]

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *rest: Any) -> None:
        weight = state_dict.get(f"{prefix}weight")
        if weight is not None:
            state_dict = {**state_dict, f"{prefix}rows": weight[self._ids.to(weight.device)]}
        super()._load_from_state_dict(state_dict, prefix, *rest)


def train_seen_words(encoder: XLMModel, items: Iterable[Item]) -> None:
    """Train the embeddings of the words of some items alone, where that is worth it.

    Args:
        encoder: Its embeddings are replaced, unless they are frozen.
        items: All that is learnt from.
    """
    words = encoder.embeddings
    if not isinstance(words, nn.Embedding) or not words.weight.requires_grad:
        return
    seen = {id_ for item in items for sequence in item.sequences for id_ in sequence.ids}
    if len(seen) <= _MOST * words.num_embeddings:
        ids = torch.tensor(sorted(seen), device=words.weight.device)
        encoder.register_module("embeddings", SeenWords(words, ids))
