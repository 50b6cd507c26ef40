"""XLM-RoBERTa's heads: what differs from XLM's."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor, nn

from xlm_model.attention import Layout
from xlm_model.config import XLMConfig
from xlm_model.heads import (
    ModelWithHead,
    XLMForMultipleChoice,
    XLMForQuestionAnsweringSimple,
    XLMForSequenceClassification,
    XLMForTokenClassification,
    XLMWithLMHeadModel,
)
from xlm_model.heads.language_model import PredictionLayer
from xlm_model.inputs import IGNORED
from xlm_model.linear import apply_linear
from xlm_model.outputs import CausalLMOutput, MaskedLMOutput
from xlm_model.roberta.config import XLMRobertaConfig
from xlm_model.roberta.encoder import Pooler, XLMRobertaModel


class _RobertaHead(ModelWithHead):
    """The encoder in front of every head; the pooling layer is the head's where it has one."""

    config_class = XLMRobertaConfig

    @property
    def roberta(self) -> Any:
        """The encoder, by its published name."""
        return self.transformer

    def _new_encoder(self, config: XLMConfig) -> XLMRobertaModel:
        return XLMRobertaModel(config, add_pooling_layer=False)


class RobertaPredictionLayer(PredictionLayer):
    """Hidden states to scores of the words: dense, gelu, layer norm, projection."""

    def __init__(self, config: XLMConfig) -> None:
        super().__init__(config)
        self.dense = nn.Linear(config.emb_dim, config.emb_dim)
        self.layer_norm = nn.LayerNorm(config.emb_dim, eps=config.layer_norm_eps)

    def forward(self, hidden: Tensor) -> Tensor:
        """Return the scores; shape `(…, vocab_size)`."""
        inner = nn.functional.gelu(apply_linear(self.dense, hidden))
        return super().forward(self.layer_norm(inner))


class ClassificationHead(nn.Module):
    """Scores of the classes from each sequence's first token: dense, tanh, projection."""

    def __init__(self, config: XLMConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.emb_dim, config.emb_dim)
        self.dropout = nn.Dropout(config.head_dropout)
        self.out_proj = nn.Linear(config.emb_dim, config.num_labels)

    def forward(self, hidden: Tensor, layout: Layout) -> Tensor:
        """Return the scores; shape `(sequences, num_labels)`."""
        first = self.dropout(layout.first(hidden))
        inner = torch.tanh(apply_linear(self.dense, first))
        scores: Tensor = self.out_proj(self.dropout(inner))
        return scores


class XLMRobertaForMaskedLM(_RobertaHead, XLMWithLMHeadModel):
    """Scores of the words at each position.

    Args:
        config: Its settings.

    Example:
        >>> config = XLMRobertaConfig(
        ...     vocab_size=100, hidden_size=32, num_hidden_layers=2, num_attention_heads=4
        ... )
        >>> model = XLMRobertaForMaskedLM(config).eval()
        >>> model(torch.tensor([[0, 14, 99, 2]])).logits.shape
        torch.Size([1, 4, 100])
    """

    def _new_predictions(self, config: XLMConfig) -> PredictionLayer:
        return RobertaPredictionLayer(config)

    @property
    def lm_head(self) -> PredictionLayer:
        """The head, by its published name."""
        return self.pred_layer


class XLMRobertaForCausalLM(XLMRobertaForMaskedLM):
    """Scores of the next word at each position; the loss shifts the labels itself.

    Args:
        config: Its settings, with `is_decoder=True`: without it each token sees those behind it.

    Example:
        >>> config = XLMRobertaConfig(
        ...     vocab_size=100,
        ...     hidden_size=32,
        ...     num_hidden_layers=2,
        ...     num_attention_heads=4,
        ...     is_decoder=True,
        ... )
        >>> model = XLMRobertaForCausalLM(config).eval()
        >>> model.generate(torch.tensor([[0, 14]]), max_new_tokens=3, min_new_tokens=3).shape
        torch.Size([1, 5])
    """

    def __init__(self, config: XLMConfig) -> None:
        if not config.causal:
            warnings.warn(
                "is_decoder is false: each token sees those behind it; is_decoder=True makes the "
                "model causal",
                stacklevel=2,
            )
        super().__init__(config)

    def head(self, hidden: Tensor, layout: Layout, **options: Any) -> MaskedLMOutput:
        """Score the next words; see `XLMWithLMHeadModel.head`.

        Args:
            hidden: Shape `(…, dim)`.
            layout: Which of them belong to which sequence.
            **options: `labels`, the words of the sequences themselves; `logits_to_keep` and
                `num_items_in_batch`.
        """
        return CausalLMOutput(super().head(hidden, layout, **options))  # type: ignore[return-value]

    def _targets(self, labels: Tensor, layout: Layout) -> Tensor:
        if labels.shape != layout.shape:
            raise ValueError(
                f"labels have shape {tuple(labels.shape)}: expected {layout.shape}, the words of "
                "whole sequences, without logits_to_keep"
            )
        is_last = layout.positions == layout.spread(layout.lengths) - 1
        return labels.roll(-1, -1).masked_fill(is_last, IGNORED)


class XLMRobertaForSequenceClassification(_RobertaHead, XLMForSequenceClassification):
    """One vector of scores for each sequence: classification, multi-label, or regression.

    Args:
        config: Its settings.

    Example:
        >>> config = XLMRobertaConfig(
        ...     vocab_size=100, hidden_size=32, num_attention_heads=4, num_labels=3
        ... )
        >>> model = XLMRobertaForSequenceClassification(config).eval()
        >>> model(torch.tensor([[0, 14, 15, 2]])).logits.shape
        torch.Size([1, 3])
    """

    def _add_head(self, config: XLMConfig) -> None:
        self.classifier = ClassificationHead(config)

    def _scores(self, hidden: Tensor, layout: Layout) -> Tensor:
        scores: Tensor = self.classifier(hidden, layout)
        return scores


class XLMRobertaForTokenClassification(_RobertaHead, XLMForTokenClassification):
    """Scores of the classes for each token.

    Args:
        config: Its settings.
    """


class XLMRobertaForQuestionAnswering(_RobertaHead, XLMForQuestionAnsweringSimple):
    """Scores of each token as the start, and as the end, of the answer.

    Args:
        config: Its settings.
    """


class XLMRobertaForMultipleChoice(_RobertaHead, XLMForMultipleChoice):
    """One score for each choice; every padded input has the choices as its second dimension.

    Args:
        config: Its settings.
    """

    def _add_head(self, config: XLMConfig) -> None:
        self.pooler = Pooler(config)
        self.dropout = nn.Dropout(config.dropout)
        self.classifier = nn.Linear(config.emb_dim, 1)

    def _scores(self, hidden: Tensor, layout: Layout) -> Tensor:
        scores: Tensor = self.classifier(self.dropout(self.pooler(hidden, layout)))
        return scores
