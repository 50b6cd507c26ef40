"""Scores of the classes for each token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from xlm_model.attention import Layout
from xlm_model.config import XLMConfig
from xlm_model.heads.base import ModelWithHead, with_states
from xlm_model.inputs import EncoderInputs
from xlm_model.losses import class_loss
from xlm_model.outputs import TokenClassifierOutput

if TYPE_CHECKING:
    from typing_extensions import Unpack


class XLMForTokenClassification(ModelWithHead):
    """Scores of the classes for each token.

    Args:
        config: Its settings.

    Example:
        >>> import torch
        >>> config = XLMConfig(vocab_size=100, emb_dim=32, n_layers=2, n_heads=4, num_labels=3)
        >>> model = XLMForTokenClassification(config).eval()
        >>> model(torch.tensor([[1, 14, 15, 1]])).logits.shape
        torch.Size([1, 4, 3])
    """

    def __init__(self, config: XLMConfig) -> None:
        super().__init__(config)
        self.dropout = nn.Dropout(config.dropout)
        self.classifier = nn.Linear(config.emb_dim, config.num_labels)
        self._initialize_head()

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        langs: Tensor | None = None,
        *,
        labels: Tensor | None = None,
        **inputs: Unpack[EncoderInputs],
    ) -> TokenClassifierOutput:
        """Classify each token.

        Args:
            input_ids: As in `XLMModel.forward`, like all that is not named here.
            attention_mask: Shape `(batch, length)`.
            langs: Shape `(…)`.
            labels: As in `head`.
            **inputs: See `EncoderInputs`.
        """
        encoded, layout = self._encode(input_ids, attention_mask, langs, **inputs)
        return with_states(self.head(encoded.last_hidden_state, layout, labels=labels), encoded)

    def head(
        self, hidden: Tensor, layout: Layout, *, labels: Tensor | None = None
    ) -> TokenClassifierOutput:
        """Classify each token from the encoder's states.

        Args:
            hidden: Shape `(…, dim)`.
            layout: Has no effect, as each token is on its own.
            labels: Classes, -100 where none is asked for. Shape `(…)`.
        """
        logits = self.classifier(self.dropout(hidden))
        loss = None if labels is None else class_loss("labels", logits, labels)
        return TokenClassifierOutput(loss=loss, logits=logits)
