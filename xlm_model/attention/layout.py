"""What every layout of a batch offers: attention to the layers, sequences to the heads."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor


class Layout(Protocol):
    """Which positions of a batch belong to which sequence.

    In the shapes below `(…)` is the layout's own `shape`: `(batch, length)` for a padded batch,
    `(tokens,)` for a packed one. A tensor with an entry per token begins with it.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """Leading shape of every tensor that has an entry per token."""
        ...

    @property
    def lengths(self) -> Tensor:
        """Positions of each sequence; shape `(sequences,)`."""
        ...

    @property
    def shortest(self) -> int:
        """Positions of the shortest sequence."""
        ...

    @property
    def longest(self) -> int:
        """Positions of the longest sequence."""
        ...

    @property
    def positions(self) -> Tensor:
        """Position of each token in its sequence, from 0; a shape that broadcasts to `(…)`."""
        ...

    @property
    def mask(self) -> Tensor | None:
        """Factor of each token's state, 0 for padding; shape `(…)`. None without padding."""
        ...

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
        """Return the context of each query, and the attention weights if they are needed.

        Args:
            query: Shape `(…, heads, head_dim)`, as `key`, `value` and the context.
            key: One per token.
            value: One per token.
            layer: Number of the layer that asks, from 0.
            causal: Attend to no later token.
            dropout: Probability of dropping an attention weight.
            need_weights: Also return the weights, which the fused kernels do not compute.
        """
        ...

    def first(self, values: Tensor) -> Tensor:
        """Return the value of each sequence's first position; `(…, dim)` to `(sequences, dim)`."""
        ...

    def last(self, values: Tensor) -> Tensor:
        """Return the value of each sequence's last position; `(…, dim)` to `(sequences, dim)`."""
        ...

    def mean(self, values: Tensor) -> Tensor:
        """Return the mean over each sequence's positions; `(…, dim)` to `(sequences, dim)`."""
        ...

    def gather(self, values: Tensor, index: Tensor) -> Tensor:
        """Return the values at some positions of each sequence; shape `(*index.shape, dim)`.

        Args:
            values: Shape `(…, dim)`.
            index: Positions, counted from each sequence's first. Shape `(sequences,)` or
                `(sequences, n)`.
        """
        ...

    def spread(self, values: Tensor) -> Tensor:
        """Give each token the value of its sequence; `(sequences, *rest)` to `(…, *rest)`."""
        ...

    def to_padded(self, values: Tensor, fill: float = 0.0) -> Tensor:
        """Return the values of each sequence side by side; shape `(sequences, longest, *rest)`.

        Args:
            values: Shape `(…, *rest)`.
            fill: What stands behind the end of a sequence that is shorter than the longest.
        """
        ...

    def split(self, values: Tensor) -> tuple[Tensor, ...]:
        """Return the values of each sequence alone; `(…, *rest)` to `(length, *rest)` of each."""
        ...
