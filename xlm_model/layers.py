"""The parts of an encoder: attention and feed-forward of a layer, and fixed positions.

The layers know nothing of padding: what may attend to what is decided by a `Layout`, so that the
same weights serve padded batches, packed tokens and cached keys.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from xlm_model.attention.layout import Layout
from xlm_model.config import XLMConfig
from xlm_model.linear import apply_linear
from xlm_model.positions import sinusoidal
from xlm_model.resizing import set_values

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": nn.functional.gelu,
    "relu": nn.functional.relu,
    "gelu_new": partial(nn.functional.gelu, approximate="tanh"),
    "gelu_pytorch_tanh": partial(nn.functional.gelu, approximate="tanh"),
    "silu": nn.functional.silu,
    "swish": nn.functional.silu,
    "tanh": torch.tanh,
}


class MultiHeadAttention(nn.Module):
    """Self-attention with `n_heads` heads of `head_dim`, projected back to the model's width."""

    def __init__(self, config: XLMConfig, layer: int) -> None:
        super().__init__()
        n_heads = config.n_heads - len(set((config.pruned_heads or {}).get(layer, ())))
        self.layer = layer
        self.head_dim = config.head_dim
        self.dropout = config.attention_dropout
        self.q_lin = nn.Linear(config.emb_dim, n_heads * self.head_dim)
        self.k_lin = nn.Linear(config.emb_dim, n_heads * self.head_dim)
        self.v_lin = nn.Linear(config.emb_dim, n_heads * self.head_dim)
        self.out_lin = nn.Linear(n_heads * self.head_dim, config.emb_dim)

    def forward(
        self,
        hidden: Tensor,
        layout: Layout,
        *,
        causal: bool = False,
        need_weights: bool = False,
        head_mask: Tensor | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        """Return the output and, if they are needed, the attention weights.

        Args:
            hidden: Shape `(…, dim)`, as the output.
            layout: Which tokens see each other.
            causal: Attend to no later token.
            need_weights: Return the weights, too.
            head_mask: A factor for each of the layer's heads. Shape `(heads,)`.
        """
        query, key, value = (
            apply_linear(linear, hidden).unflatten(-1, (-1, self.head_dim))  # type: ignore[no-untyped-call]
            for linear in (self.q_lin, self.k_lin, self.v_lin)
        )
        context, weights = layout.attend(
            query,
            key,
            value,
            layer=self.layer,
            causal=causal,
            dropout=self.dropout if self.training else 0.0,
            need_weights=need_weights,
        )
        if head_mask is not None:
            context = context * head_mask[:, None]
            weights = None if weights is None else weights * head_mask[:, None, None]
        return apply_linear(self.out_lin, context.flatten(-2)), weights

    def keep_heads(self, heads: list[int]) -> None:
        """Remove all heads but these.

        Args:
            heads: Numbers of the heads to keep, counting those that are still there.
        """
        offsets = torch.arange(self.head_dim)
        kept = (torch.tensor(heads)[:, None] * self.head_dim + offsets).flatten()
        kept = kept.to(self.out_lin.weight.device)
        for linear in (self.q_lin, self.k_lin, self.v_lin):
            set_values(linear.weight, linear.weight[kept])
            set_values(linear.bias, linear.bias[kept])
            linear.out_features = len(kept)
        set_values(self.out_lin.weight, self.out_lin.weight[:, kept].contiguous())
        self.out_lin.in_features = len(kept)


class FeedForward(nn.Module):
    """Two linear layers, wider in between."""

    def __init__(self, config: XLMConfig) -> None:
        super().__init__()
        self.lin1 = nn.Linear(config.emb_dim, config.ffn_dim)
        self.lin2 = nn.Linear(config.ffn_dim, config.emb_dim)
        self.activation = ACTIVATIONS[config.activation]
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, hidden: Tensor) -> Tensor:
        """Transform each token alone; shape `(…, dim)`."""
        inner = self.activation(apply_linear(self.lin1, hidden))
        output: Tensor = self.dropout(apply_linear(self.lin2, inner))
        return output


class FixedPositions(nn.Module):
    """Position embeddings that are computed and never trained, as the original has them.

    They are kept in checkpoints, under the name of those that are learnt.

    Args:
        config: Its sizes.
    """

    weight: Tensor

    def __init__(self, config: XLMConfig) -> None:
        super().__init__()
        table = torch.from_numpy(sinusoidal(config))
        self.register_buffer("weight", table.to(torch.get_default_device()))

    def forward(self, positions: Tensor) -> Tensor:
        """Look positions up; shape `(…, dim)`, from `(…)`."""
        return nn.functional.embedding(positions, self.weight)
