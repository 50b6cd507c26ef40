"""A vector of scores for each sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from xlm_model.attention import Layout
from xlm_model.config import XLMConfig
from xlm_model.heads.base import ModelWithHead, with_states
from xlm_model.heads.summary import SequenceSummary
from xlm_model.inputs import EncoderInputs, check_shape
from xlm_model.losses import class_loss
from xlm_model.outputs import SequenceClassifierOutput

if TYPE_CHECKING:
    from typing_extensions import Unpack


class XLMForSequenceClassification(ModelWithHead):
    """One vector of scores for each sequence: classification, multi-label, or regression.

    Args:
        config: Its settings.

    Example:
        >>> config = XLMConfig(vocab_size=100, emb_dim=32, n_layers=2, n_heads=4, num_labels=3)
        >>> model = XLMForSequenceClassification(config).eval()
        >>> model(torch.tensor([[1, 14, 15, 1]])).logits.shape
        torch.Size([1, 3])
    """

    def __init__(self, config: XLMConfig) -> None:
        super().__init__(config)
        self.sequence_summary = SequenceSummary(config)
        self._initialize_head()

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        langs: Tensor | None = None,
        *,
        labels: Tensor | None = None,
        **inputs: Unpack[EncoderInputs],
    ) -> SequenceClassifierOutput:
        """Classify each sequence.

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
    ) -> SequenceClassifierOutput:
        """Classify each sequence from the encoder's states.

        Args:
            hidden: Shape `(…, dim)`.
            layout: Which of them belong to which sequence.
            labels: Classes of shape `(sequences,)`; or 0 and 1 of shape `(sequences, num_labels)`
                for several labels; or values to regress to, of the logits' shape. Which of them:
                `problem_type` of the configuration, else regression for one label, classes for
                integer labels, several labels for others.
        """
        logits = self.sequence_summary(hidden, layout)
        loss = None if labels is None else self._loss(logits, labels)
        return SequenceClassifierOutput(loss=loss, logits=logits)

    def _loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        problem = self.config.problem_type
        if problem is None and logits.shape[-1] == 1:
            problem = "regression"
        is_classes = problem == "single_label_classification" or (
            problem is None and labels.dtype in (torch.int64, torch.int32)
        )
        if is_classes:
            return class_loss("labels", logits, labels.reshape(-1))
        if problem == "regression" and logits.shape[-1] == 1:
            logits, labels = logits.squeeze(-1), labels.reshape(-1)
        check_shape("labels", labels, logits.shape)
        if problem == "regression":
            return nn.functional.mse_loss(logits, labels.to(logits.dtype))
        return nn.functional.binary_cross_entropy_with_logits(logits, labels.to(logits.dtype))
