"""Padded batches, with the reference's semantics."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class PaddedLayout:
    """A batch in which every sequence is a row of the same length.

    As in the reference, padding counts as part of its sequence wherever positions are counted:
    `last` is the last column, `mean` is over all of them. Only attention and the states look at the
    mask.

    Args:
        batch: Number of sequences.
        length: Positions of each.
        mask: Not 0 where a token may be attended to; also the factor of its state. None if
            everywhere. Shape `(batch, length)`.
        device: Of the tensors that it makes.
        masks_causal: Causal attention looks at the mask, too. XLM's ignores it, as in the
            reference: padding on the right is in the future anyway.

    Example:
        >>> layout = PaddedLayout(2, 3)
        >>> layout.last(torch.arange(6).view(2, 3, 1)).tolist()
        [[2], [5]]
    """

    def __init__(
        self,
        batch: int,
        length: int,
        *,
        mask: Tensor | None = None,
        device: torch.device | str = "cpu",
        masks_causal: bool = False,
    ) -> None:
        self.shape = (batch, length)
        self.mask = mask
        self._keep = None if mask is None else mask != 0
        self._device = device
        self._masks_causal = masks_causal

    @property
    def lengths(self) -> Tensor:
        """The length of each row; shape `(batch,)`."""
        batch, length = self.shape
        return torch.full((batch,), length, device=self._device)

    @property
    def shortest(self) -> int:
        """The rows' one length."""
        return self.shape[1]

    @property
    def longest(self) -> int:
        """The rows' one length."""
        return self.shape[1]

    @property
    def positions(self) -> Tensor:
        """The columns' numbers; shape `(length,)`."""
        return torch.arange(self.shape[1], device=self._device)

    def attend(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        *,
        layer: int,
        causal: bool = False,
        dropout: float = 0.0,
        need_weights: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Attend inside each row; see `Layout`. Shapes `(batch, length, heads, head_dim)`."""
        query, key, value = (x.transpose(1, 2) for x in (query, key, value))
        if need_weights:
            context, weights = self._explicit(query, key, value, causal, dropout)
            return context.transpose(1, 2), weights
        is_masked = self._keep is not None and (self._masks_causal or not causal)
        context = nn.functional.scaled_dot_product_attention(
            query,
            key,
            value,
            attn_mask=self._bias(query.dtype, causal) if is_masked else None,
            dropout_p=dropout,
            is_causal=causal and not is_masked,
        )
        return context.transpose(1, 2), None

    def first(self, values: Tensor) -> Tensor:
        """Return the first column; shape `(batch, dim)`."""
        return values[:, 0]

    def last(self, values: Tensor) -> Tensor:
        """Return the last column, padding or not; shape `(batch, dim)`."""
        return values[:, -1]

    def mean(self, values: Tensor) -> Tensor:
        """Return the mean over all columns, padding or not; shape `(batch, dim)`."""
        return values.mean(dim=1)

    def gather(self, values: Tensor, index: Tensor) -> Tensor:
        """Return the values of some columns of each row; see `Layout`."""
        dim = values.shape[-1]
        columns = index.long().reshape(index.shape[0], -1)
        taken = values.gather(1, columns[:, :, None].expand(-1, -1, dim))
        return taken.view(*index.shape, dim)

    def spread(self, values: Tensor) -> Tensor:
        """Give each column the value of its row; see `Layout`."""
        repeated = values.unsqueeze(1)
        return repeated.expand(-1, self.shape[1], *(-1 for _ in values.shape[1:]))

    def to_padded(self, values: Tensor, fill: float = 0.0) -> Tensor:
        """Return the values as they are."""
        return values

    def split(self, values: Tensor) -> tuple[Tensor, ...]:
        """Return each row."""
        return values.unbind()

    def _explicit(
        self, query: Tensor, key: Tensor, value: Tensor, causal: bool, dropout: float
    ) -> tuple[Tensor, Tensor]:
        scores = (query / math.sqrt(query.shape[-1])) @ key.transpose(-1, -2)
        unseen = self._unseen(causal)
        if unseen is not None:
            scores = scores.masked_fill(unseen, torch.finfo(scores.dtype).min)
        weights = nn.functional.dropout(
            scores.float().softmax(-1).to(scores.dtype), dropout, dropout > 0
        )
        return weights @ value, weights

    def _unseen(self, causal: bool) -> Tensor | None:
        """Return where a query does not see a key; broadcasts to `(batch, 1, length, length)`."""
        unseen = None
        if causal:
            shape = (self.shape[1], self.shape[1])
            unseen = torch.ones(shape, dtype=torch.bool, device=self._device).triu(1)[None, None]
        if self._keep is not None and (self._masks_causal or not causal):
            padding = ~self._keep[:, None, None, :]
            unseen = padding if unseen is None else unseen | padding
        return unseen

    def _bias(self, dtype: torch.dtype, causal: bool) -> Tensor | None:
        """Return what is added to the scores.

        The lowest finite number, not minus infinity: a row that is all padding then has even
        weights, as in the reference, where infinity would give NaN.
        """
        unseen = self._unseen(causal)
        if unseen is None:
            return None
        bias = torch.zeros(unseen.shape, dtype=dtype, device=unseen.device)
        return bias.masked_fill(unseen, torch.finfo(dtype).min)
