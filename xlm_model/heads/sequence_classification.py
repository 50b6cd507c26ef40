"""A vector of scores for each sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from xlm_model.attention import Layout
from xlm_model.config import XLMConfig
from xlm_model.heads.base import ModelWithHead
from xlm_model.heads.summary import SequenceSummary
from xlm_model.inputs import EncoderInputs, check_shape, shows_encoder_inputs
from xlm_model.losses import class_loss, per_item
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

    accepts_loss_kwargs = True

    def __init__(self, config: XLMConfig) -> None:
        super().__init__(config)
        self._add_head(config)
        self._initialize_head()

    def _add_head(self, config: XLMConfig) -> None:
        self.sequence_summary = SequenceSummary(config)

    def _scores(self, hidden: Tensor, layout: Layout) -> Tensor:
        """Return the scores of each sequence; shape `(sequences, num_labels)`."""
        scores: Tensor = self.sequence_summary(hidden, layout)
        return scores

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
    ) -> SequenceClassifierOutput:
        """Classify each sequence.

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
    ) -> SequenceClassifierOutput:
        """Classify each sequence from the encoder's states.

        Args:
            hidden: Shape `(…, dim)`.
            layout: Which of them belong to which sequence.
            labels: Classes of shape `(sequences,)`; or 0 and 1 of shape `(sequences, num_labels)`
                for several labels; or values to regress to, of the logits' shape. Which of them:
                `problem_type` of the configuration, else regression for one label, classes for
                integer labels, several labels for others, and the configuration remembers it.
            num_items_in_batch: The loss is the sum over the labels divided by this, not their
                mean: the number of labels in all batches whose gradients are summed.
        """
        logits = self._scores(hidden, layout)
        loss = None if labels is None else self._loss(logits, labels, num_items_in_batch)
        return SequenceClassifierOutput(loss=loss, logits=logits)

    def _loss(self, logits: Tensor, labels: Tensor, items: Tensor | int | None) -> Tensor:
        problem = self.config.problem_type or self._problem_of(logits, labels)
        if problem == "single_label_classification":
            return class_loss("labels", logits, labels.reshape(-1), items)
        if problem == "regression" and logits.shape[-1] == 1:
            logits, labels = logits.squeeze(-1), labels.reshape(-1)
        check_shape("labels", labels, logits.shape)
        compare = (
            nn.functional.mse_loss
            if problem == "regression"
            else nn.functional.binary_cross_entropy_with_logits
        )
        labels = labels.to(logits.dtype)
        if items is None:
            return compare(logits, labels)
        return per_item(compare(logits, labels, reduction="sum"), items)

    def _problem_of(self, logits: Tensor, labels: Tensor) -> str:
        """Return what the labels are for, and remember it as the reference does."""
        if logits.shape[-1] == 1:
            problem = "regression"
        elif labels.dtype in (torch.int64, torch.int32):
            problem = "single_label_classification"
        else:
            problem = "multi_label_classification"
        if not torch.compiler.is_compiling():  # a graph has no effects
            self.config.problem_type = problem
        return problem
