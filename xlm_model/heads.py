"""The encoder with a language-model or classification head.

Every model takes the inputs of `XLMModel.forward`, the first three also by position.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from xlm_model.base import XLMPreTrainedModel
from xlm_model.config import XLMConfig
from xlm_model.encoder import XLMModel
from xlm_model.errors import ConfigError
from xlm_model.inputs import IGNORED, check_ids, check_shape, class_loss
from xlm_model.layers import SequenceSummary
from xlm_model.linear import Linear
from xlm_model.outputs import (
    MaskedLMOutput,
    MultipleChoiceModelOutput,
    SequenceClassifierOutput,
    TokenClassifierOutput,
)

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from xlm_model.inputs import EncoderInputs


class PredictionLayer(nn.Module):
    """Hidden states to scores of the words: one projection, or an adaptive softmax (`asm`).

    The adaptive softmax is that of Grave et al. 2017, «Efficient softmax approximation for GPUs».
    """

    def __init__(self, config: XLMConfig) -> None:
        super().__init__()
        self.proj: nn.Linear | nn.AdaptiveLogSoftmaxWithLoss
        if config.asm:
            self.proj = nn.AdaptiveLogSoftmaxWithLoss(
                config.emb_dim,
                config.vocab_size,
                cutoffs=config.asm_cutoffs or [],
                div_value=config.asm_div_value,
                head_bias=True,
            )
        else:
            self.proj = Linear(config.emb_dim, config.vocab_size)

    def forward(self, hidden: Tensor) -> Tensor:
        """Return the scores, log-probabilities if adaptive; *shape:* (…, vocab_size)."""
        if isinstance(self.proj, nn.AdaptiveLogSoftmaxWithLoss):
            return self.proj.log_prob(hidden.flatten(0, -2)).view(*hidden.shape[:-1], -1)
        return self.proj(hidden)  # type: ignore[no-any-return]

    def loss(self, hidden: Tensor, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the mean cross-entropy over the labels that are not -100; *shape:* ()."""
        if isinstance(self.proj, nn.AdaptiveLogSoftmaxWithLoss):
            counted = labels != IGNORED
            return self.proj(hidden[counted], labels[counted].long()).loss  # type: ignore[no-any-return]
        return nn.functional.cross_entropy(logits.flatten(0, -2), labels.flatten().long())


class XLMWithLMHeadModel(XLMPreTrainedModel):
    """Language model: scores of the words at each position.

    With `causal=True` the scores at a position are those of the next word; without it, of the word
    itself. Labels are not shifted in either case.

    >>> config = XLMConfig(vocab_size=100, emb_dim=32, n_layers=2, n_heads=4)
    >>> model = XLMWithLMHeadModel(config).eval()
    >>> ids = torch.tensor([[1, 14, config.mask_index, 1]])
    >>> model(ids).logits.shape
    torch.Size([1, 4, 100])
    >>> model(ids, logits_to_keep=torch.tensor([2])).logits.shape
    torch.Size([1, 1, 100])
    """

    def __init__(self, config: XLMConfig) -> None:
        super().__init__(config)
        self.transformer = XLMModel(config)
        self.pred_layer = PredictionLayer(config)
        self._initialize_head()

    @property
    def is_tied(self) -> bool:
        """Whether the word embeddings are the projection to words, too."""
        # An adaptive softmax has no single projection that could be the embeddings.
        return self.config.tie_word_embeddings and not self.config.asm

    def tie_weights(self) -> None:
        """Make the projection and the word embeddings one tensor, if the configuration says so."""
        if self.is_tied:
            self.pred_layer.proj.weight = self.transformer.embeddings.weight

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        langs: Tensor | None = None,
        *,
        labels: Tensor | None = None,
        logits_to_keep: int | Tensor = 0,
        **inputs: Unpack[EncoderInputs],
    ) -> MaskedLMOutput:
        """Score the words.

        Args:
            input_ids: As in `XLMModel.forward`, like all that is not named here.
            attention_mask: *Shape:* (batch, length)
            langs: *Shape:* (batch, length)
            labels: The right words, -100 where none is asked for; one for each position that
                `logits_to_keep` keeps. *Shape:* (batch, kept length)
            logits_to_keep: Score only the last so many positions, or the positions in this tensor
                of shape (kept length,); 0 scores all.
            **inputs: See `EncoderInputs`.
        """
        encoded = self.transformer(input_ids, attention_mask, langs, **inputs)
        hidden = encoded.last_hidden_state
        if isinstance(logits_to_keep, Tensor):
            hidden = hidden[:, logits_to_keep]
        elif logits_to_keep:
            hidden = hidden[:, -logits_to_keep:]
        logits = self.pred_layer(hidden)
        loss = None
        if labels is not None:
            check_shape("labels", labels, logits.shape[:-1])
            check_ids("labels", labels, self.config.vocab_size, IGNORED)
            loss = self.pred_layer.loss(hidden, logits, labels)
        return MaskedLMOutput(
            loss=loss,
            logits=logits,
            hidden_states=encoded.hidden_states,
            attentions=encoded.attentions,
        )

    def get_output_embeddings(self) -> nn.Module:
        """Return the projection to the words."""
        return self.pred_layer.proj

    def resize_token_embeddings(self, vocab_size: int) -> nn.Embedding:
        """Cut or extend the vocabulary of the embeddings and of the projection.

        As `XLMPreTrainedModel.resize_token_embeddings`; the bias of a new word is 0.

        Raises:
            ConfigError: also for an adaptive softmax, whose clusters are bound to the vocabulary.
        """
        old = self.pred_layer.proj
        if not isinstance(old, nn.Linear):
            raise ConfigError(
                f"vocab_size is {vocab_size}: expected {self.config.vocab_size}; an adaptive "
                "softmax (asm) cannot be resized"
            )
        embeddings = super().resize_token_embeddings(vocab_size)
        new = Linear(
            self.config.emb_dim, vocab_size, dtype=old.weight.dtype, device=old.weight.device
        )
        rows = min(vocab_size, old.out_features)
        with torch.no_grad():
            new.weight.normal_(std=self.config.init_std)
            new.bias.zero_()
            new.weight[:rows] = old.weight[:rows]
            new.bias[:rows] = old.bias[:rows]
        self.pred_layer.proj = new
        self.tie_weights()
        return embeddings


class XLMForSequenceClassification(XLMPreTrainedModel):
    """One vector of scores for each sequence: classification, multi-label, or regression."""

    def __init__(self, config: XLMConfig) -> None:
        super().__init__(config)
        self.transformer = XLMModel(config)
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
            attention_mask: *Shape:* (batch, length)
            langs: *Shape:* (batch, length)
            labels: Classes of *shape* (batch,); or 0 and 1 of *shape* (batch, num_labels) for
                several labels; or values to regress to, of the logits' shape. Which of them:
                `problem_type` of the configuration, else regression for one label, classes for
                integer labels, several labels for others.
            **inputs: See `EncoderInputs`.
        """
        encoded = self.transformer(input_ids, attention_mask, langs, **inputs)
        logits = self.sequence_summary(encoded.last_hidden_state)
        return SequenceClassifierOutput(
            loss=None if labels is None else self._loss(logits, labels),
            logits=logits,
            hidden_states=encoded.hidden_states,
            attentions=encoded.attentions,
        )

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


class XLMForMultipleChoice(XLMPreTrainedModel):
    """One score for each choice; every input has the choices as its second dimension."""

    def __init__(self, config: XLMConfig) -> None:
        super().__init__(config)
        self.transformer = XLMModel(config)
        self.sequence_summary = SequenceSummary(config)
        if self.sequence_summary.width != config.num_labels:
            raise ConfigError(
                f"the sequence summary gives {self.sequence_summary.width} values: expected "
                f"num_labels, {config.num_labels}, for XLMForMultipleChoice; set summary_use_proj "
                "and summary_proj_to_labels to true"
            )
        self.logits_proj = nn.Linear(config.num_labels, 1)
        self._initialize_head()

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        langs: Tensor | None = None,
        *,
        labels: Tensor | None = None,
        **inputs: Unpack[EncoderInputs],
    ) -> MultipleChoiceModelOutput:
        """Score the choices.

        Args:
            input_ids: *Shape:* (batch, choices, length)
            attention_mask: *Shape:* (batch, choices, length)
            langs: *Shape:* (batch, choices, length)
            labels: The right choice. *Shape:* (batch,)
            **inputs: See `EncoderInputs`, with the choices as the second dimension; `lengths` are
                ignored with a warning, as in the reference.
        """
        words, least = (input_ids, 3) if input_ids is not None else (inputs.get("inputs_embeds"), 4)
        if words is None or words.dim() != least:
            name = "inputs_embeds" if input_ids is None and words is not None else "input_ids"
            given = "is missing" if words is None else f"has shape {tuple(words.shape)}"
            raise ValueError(f"{name} {given}: expected (batch, choices, length, …)")
        if inputs.pop("lengths", None) is not None:
            warnings.warn(
                "lengths have no effect on XLMForMultipleChoice: use attention_mask", stacklevel=2
            )
        for name in ("token_type_ids", "position_ids", "inputs_embeds"):
            if inputs.get(name) is not None:
                inputs[name] = inputs[name].flatten(0, 1)  # type: ignore[literal-required]
        encoded = self.transformer(
            *(None if x is None else x.flatten(0, 1) for x in (input_ids, attention_mask, langs)),
            **inputs,
        )
        logits = self.logits_proj(self.sequence_summary(encoded.last_hidden_state))
        logits = logits.view(words.shape[0], words.shape[1])
        return MultipleChoiceModelOutput(
            loss=None if labels is None else class_loss("labels", logits, labels),
            logits=logits,
            hidden_states=encoded.hidden_states,
            attentions=encoded.attentions,
        )


class XLMForTokenClassification(XLMPreTrainedModel):
    """Scores of the classes for each token."""

    def __init__(self, config: XLMConfig) -> None:
        super().__init__(config)
        self.transformer = XLMModel(config)
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
            attention_mask: *Shape:* (batch, length)
            langs: *Shape:* (batch, length)
            labels: Classes, -100 where none is asked for. *Shape:* (batch, length)
            **inputs: See `EncoderInputs`.
        """
        encoded = self.transformer(input_ids, attention_mask, langs, **inputs)
        logits = self.classifier(self.dropout(encoded.last_hidden_state))
        return TokenClassifierOutput(
            loss=None if labels is None else class_loss("labels", logits, labels),
            logits=logits,
            hidden_states=encoded.hidden_states,
            attentions=encoded.attentions,
        )
