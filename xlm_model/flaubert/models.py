"""FlauBERT's models: XLM's, by the settings of its configuration."""

from __future__ import annotations

from xlm_model.config import XLMConfig
from xlm_model.encoder import XLMModel
from xlm_model.flaubert.config import FlaubertConfig
from xlm_model.heads import (
    ModelWithHead,
    XLMForMultipleChoice,
    XLMForQuestionAnswering,
    XLMForQuestionAnsweringSimple,
    XLMForSequenceClassification,
    XLMForTokenClassification,
    XLMWithLMHeadModel,
)


class FlaubertModel(XLMModel):
    """The bare encoder; see `XLMModel`.

    Example:
        >>> import torch
        >>> config = FlaubertConfig(vocab_size=100, emb_dim=32, n_layers=2, n_heads=4)
        >>> FlaubertModel(config).eval()(torch.tensor([[0, 14, 1]])).last_hidden_state.shape
        torch.Size([1, 3, 32])
    """

    config_class = FlaubertConfig


class _FlaubertHead(ModelWithHead):
    config_class = FlaubertConfig

    def _new_encoder(self, config: XLMConfig) -> FlaubertModel:
        return FlaubertModel(config)


class FlaubertWithLMHeadModel(_FlaubertHead, XLMWithLMHeadModel):
    """Scores of the words at each position; see `XLMWithLMHeadModel`."""


class FlaubertForSequenceClassification(_FlaubertHead, XLMForSequenceClassification):
    """A vector of scores for each sequence; see `XLMForSequenceClassification`."""


class FlaubertForTokenClassification(_FlaubertHead, XLMForTokenClassification):
    """Scores of the classes for each token; see `XLMForTokenClassification`."""


class FlaubertForQuestionAnsweringSimple(_FlaubertHead, XLMForQuestionAnsweringSimple):
    """Scores of starts and ends; see `XLMForQuestionAnsweringSimple`."""


class FlaubertForQuestionAnswering(_FlaubertHead, XLMForQuestionAnswering):
    """A search over starts and ends; see `XLMForQuestionAnswering`."""


class FlaubertForMultipleChoice(_FlaubertHead, XLMForMultipleChoice):
    """One score for each choice; see `XLMForMultipleChoice`."""
