"""One vector for each sequence."""

from __future__ import annotations

from torch import Tensor, nn

from xlm_model.attention.layout import Layout
from xlm_model.config import XLMConfig

ACTIVATION_MODULES: dict[str, type[nn.Module]] = {
    "gelu": nn.GELU,
    "linear": nn.Identity,
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
    "swish": nn.SiLU,
    "tanh": nn.Tanh,
}


class SequenceSummary(nn.Module):
    """One vector from a sequence's hidden states, projected as the configuration says.

    Args:
        config: Its `summary_…` keys.
    """

    def __init__(self, config: XLMConfig) -> None:
        super().__init__()
        self.summary_type = config.summary_type
        self.summary = (
            nn.Linear(config.emb_dim, config.summary_width)
            if config.summary_use_proj
            else nn.Identity()
        )
        self.activation = ACTIVATION_MODULES[config.summary_activation or "linear"]()
        self.first_dropout = nn.Dropout(config.summary_first_dropout)
        self.last_dropout = nn.Dropout(config.summary_last_dropout)

    def forward(self, hidden: Tensor, layout: Layout, cls_index: Tensor | None = None) -> Tensor:
        """Return the summaries; shape `(sequences, num_labels or dim)`.

        Args:
            hidden: Shape `(…, dim)`.
            layout: Which of them belong to which sequence.
            cls_index: Position of each sequence's classification token, for the summary type
                `cls_index`; None for the last position. Shape `(sequences,)`.
        """
        picked = self.first_dropout(self._pick(hidden, layout, cls_index))
        return self.last_dropout(self.activation(self.summary(picked)))  # type: ignore[no-any-return]

    def _pick(self, hidden: Tensor, layout: Layout, cls_index: Tensor | None) -> Tensor:
        if self.summary_type == "first":
            return layout.first(hidden)
        if self.summary_type == "mean":
            return layout.mean(hidden)
        if self.summary_type == "cls_index" and cls_index is not None:
            return layout.gather(hidden, cls_index)
        return layout.last(hidden)
