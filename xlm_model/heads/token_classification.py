"""Scores of the classes for each token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from xlm_model.attention import Layout
from xlm_model.config import XLMConfig
from xlm_model.heads.base import ModelWithHead
from xlm_model.inputs import EncoderInputs, shows_encoder_inputs
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

    accepts_loss_kwargs = True

    def __init__(self, config: XLMConfig) -> None:
        super().__init__(config)
        self.dropout = nn.Dropout(config.head_dropout)
        self.classifier = nn.Linear(config.emb_dim, config.num_labels)
        self._initialize_head()

    @shows_encoder_inputs
    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        langs: Tensor | None = None,
        *,
        labels: Tensor | None = None,
        num_items_in_batch: Tensor | int | None = None,
        **inputs: Unpack[EncoderInputs],
    ) -> TokenClassifierOutput:
        """Classify each token.

        Args:
            input_ids: As in `XLMModel.forward`, like all that is not named here.
            attention_mask: Shape `(batch, length)`.
            langs: Shape `(…)`.
            labels: As in `head`.
            num_items_in_batch: As in `head`.
            **inputs: See `EncoderInputs`.
        """
        encoded, layout = self._encode(input_ids, attention_mask, langs, **inputs)
        output = self.head(
            encoded.last_hidden_state,
            layout,
            labels=labels,
            num_items_in_batch=num_items_in_batch,
        )
        return self._finish(output, encoded, inputs)

    def head(
        self,
        hidden: Tensor,
        layout: Layout,
        *,
        labels: Tensor | None = None,
        num_items_in_batch: Tensor | int | None = None,
    ) -> TokenClassifierOutput:
        """Classify each token from the encoder's states.

        Args:
            hidden: Shape `(…, dim)`.
            layout: Has no effect, as each token is on its own.
            labels: Classes, -100 where none is asked for. Shape `(…)`.
            num_items_in_batch: The loss is the sum over the labels divided by this, not their
                mean: the number of labels in all batches whose gradients are summed.
        """
        logits = self.classifier(self.dropout(hidden))
        loss = None
        if labels is not None:
            loss = class_loss("labels", logits, labels, num_items_in_batch)
        return TokenClassifierOutput(loss=loss, logits=logits)
