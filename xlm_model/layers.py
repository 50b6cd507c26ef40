"""The parts of the network: attention, feed-forward, and the summary of a sequence.

The layers know nothing of padding: what may attend to what is decided by an `Attend`, so that the
same weights serve padded batches, packed tokens and cached keys.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from xlm_model.config import XLMConfig
from xlm_model.linear import Linear

ACTIVATION_MODULES: dict[str, type[nn.Module]] = {
    "gelu": nn.GELU,
    "linear": nn.Identity,
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
    "swish": nn.SiLU,
    "tanh": nn.Tanh,
}


class Attend(Protocol):
    """How the tokens of a batch attend to each other."""

    def __call__(
        self, query: Tensor, key: Tensor, value: Tensor, *, layer: int, dropout: float
    ) -> tuple[Tensor, Tensor | None]:
        """Return the context of each query, and the attention weights where they are wanted.

        Args:
            query: *Shape:* (…, heads, head_dim), as are `key`, `value` and the context.
            key: One per token.
            value: One per token.
            layer: Which layer asks, from 0.
            dropout: Probability of dropping an attention weight.
        """
        ...


@dataclass
class PaddedAttention:
    """Attention inside each row of a padded batch.

    keep:
        True where a token may be attended to; None if everywhere. Ignored by a causal model, as in
        the reference: padding on the right is in the future anyway. *Shape:* (batch, length)
    causal:
        Attend to no later token.
    need_weights:
        Also return the weights, which the fused kernels do not compute.
    """

    keep: Tensor | None = None
    causal: bool = False
    need_weights: bool = False

    def __call__(
        self, query: Tensor, key: Tensor, value: Tensor, *, layer: int, dropout: float
    ) -> tuple[Tensor, Tensor | None]:
        """Attend; *shapes:* (batch, length, heads, head_dim)."""
        query, key, value = (x.transpose(1, 2) for x in (query, key, value))
        if self.need_weights:
            context, weights = self._explicit(query, key, value, dropout)
            return context.transpose(1, 2), weights
        context = nn.functional.scaled_dot_product_attention(
            query,
            key,
            value,
            attn_mask=None if self.causal else self._bias(query.dtype),
            dropout_p=dropout,
            is_causal=self.causal,
        )
        return context.transpose(1, 2), None

    def _explicit(
        self, query: Tensor, key: Tensor, value: Tensor, dropout: float
    ) -> tuple[Tensor, Tensor]:
        scores = (query / math.sqrt(query.shape[-1])) @ key.transpose(-1, -2)
        lowest = torch.finfo(scores.dtype).min
        if self.causal:
            later = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(1)
            scores = scores.masked_fill(later, lowest)
        elif self.keep is not None:
            scores = scores.masked_fill(~self.keep[:, None, None, :], lowest)
        weights = nn.functional.dropout(
            scores.float().softmax(-1).to(scores.dtype), dropout, dropout > 0
        )
        return weights @ value, weights

    def _bias(self, dtype: torch.dtype) -> Tensor | None:
        """Return what is added to the scores.

        The lowest finite number, not minus infinity: a row that is all padding then has even
        weights, as in the reference, where infinity would give NaN.
        """
        if self.keep is None:
            return None
        bias = torch.zeros(self.keep.shape, dtype=dtype, device=self.keep.device)
        bias = bias.masked_fill(~self.keep, torch.finfo(dtype).min)
        return bias[:, None, None, :]


class MultiHeadAttention(nn.Module):
    """Self-attention with `n_heads` heads of `head_dim`, projected back to the model's width."""

    def __init__(self, config: XLMConfig, layer: int) -> None:
        super().__init__()
        n_heads = config.n_heads - len(set((config.pruned_heads or {}).get(layer, ())))
        self.layer = layer
        self.head_dim = config.head_dim
        self.dropout = config.attention_dropout
        self.q_lin = Linear(config.emb_dim, n_heads * self.head_dim)
        self.k_lin = Linear(config.emb_dim, n_heads * self.head_dim)
        self.v_lin = Linear(config.emb_dim, n_heads * self.head_dim)
        self.out_lin = Linear(n_heads * self.head_dim, config.emb_dim)

    def forward(self, hidden: Tensor, attend: Attend) -> tuple[Tensor, Tensor | None]:
        """Return the attention's output and, if `attend` computes them, its weights.

        Args:
            hidden: *Shape:* (…, dim), as is the output.
            attend: Which tokens see each other.
        """
        query, key, value = (
            linear(hidden).unflatten(-1, (-1, self.head_dim))
            for linear in (self.q_lin, self.k_lin, self.v_lin)
        )
        dropout = self.dropout if self.training else 0.0
        context, weights = attend(query, key, value, layer=self.layer, dropout=dropout)
        return self.out_lin(context.flatten(-2)), weights

    def keep_heads(self, heads: list[int]) -> None:
        """Remove the other heads' rows and columns.

        Args:
            heads: Numbers of the heads to keep, counting those that are still there.
        """
        offsets = torch.arange(self.head_dim)
        kept = (torch.tensor(heads)[:, None] * self.head_dim + offsets).flatten()
        kept = kept.to(self.out_lin.weight.device)
        for linear in (self.q_lin, self.k_lin, self.v_lin):
            linear.weight = nn.Parameter(linear.weight.detach()[kept])
            linear.bias = nn.Parameter(linear.bias.detach()[kept])
            linear.out_features = len(kept)
        self.out_lin.weight = nn.Parameter(self.out_lin.weight.detach()[:, kept])
        self.out_lin.in_features = len(kept)


class FeedForward(nn.Module):
    """Two linear layers, four times as wide in between."""

    def __init__(self, config: XLMConfig) -> None:
        super().__init__()
        self.lin1 = Linear(config.emb_dim, 4 * config.emb_dim)
        self.lin2 = Linear(4 * config.emb_dim, config.emb_dim)
        self.activation = nn.functional.gelu if config.gelu_activation else nn.functional.relu
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, hidden: Tensor) -> Tensor:
        """Transform each token alone; *shape:* (…, dim)."""
        output: Tensor = self.dropout(self.lin2(self.activation(self.lin1(hidden))))
        return output


class SequenceSummary(nn.Module):
    """One vector from a sequence's hidden states, projected as the configuration says."""

    def __init__(self, config: XLMConfig) -> None:
        super().__init__()
        self.summary_type = config.summary_type
        width = config.num_labels if config.summary_proj_to_labels else config.emb_dim
        self.summary = (
            nn.Linear(config.emb_dim, width) if config.summary_use_proj else nn.Identity()
        )
        self.activation = ACTIVATION_MODULES[config.summary_activation or "linear"]()
        self.first_dropout = nn.Dropout(config.summary_first_dropout)
        self.last_dropout = nn.Dropout(config.summary_last_dropout)
        self.width = width if config.summary_use_proj else config.emb_dim

    def forward(self, hidden: Tensor, cls_index: Tensor | None = None) -> Tensor:
        """Return the summary; *shape:* (batch, num_labels or dim).

        Args:
            hidden: *Shape:* (batch, length, dim)
            cls_index: Position of each sequence's classification token, for the summary type
                `cls_index`; None: the last position. *Shape:* (batch,)
        """
        picked = self.first_dropout(self._pick(hidden, cls_index))
        return self.last_dropout(self.activation(self.summary(picked)))  # type: ignore[no-any-return]

    def _pick(self, hidden: Tensor, cls_index: Tensor | None) -> Tensor:
        if self.summary_type == "first":
            return hidden[:, 0]
        if self.summary_type == "mean":
            # Over padding too, as in the reference.
            return hidden.mean(dim=1)
        if self.summary_type == "cls_index" and cls_index is not None:
            return take_positions(hidden, cls_index)
        return hidden[:, -1]


def take_positions(hidden: Tensor, positions: Tensor) -> Tensor:
    """Return the hidden state at one position of each sequence; *shape:* (batch, dim).

    Args:
        hidden: *Shape:* (batch, length, dim)
        positions: *Shape:* (batch,)
    """
    index = positions.long()[:, None, None].expand(-1, 1, hidden.shape[-1])
    return hidden.gather(1, index).squeeze(1)
