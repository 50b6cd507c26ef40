"""The encoder alone and with each head, on Keras; `TFXLMPreTrainedModel.call` tells the inputs."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from xlm_model import outputs
from xlm_model.checkpoints import formats
from xlm_model.config import XLMConfig
from xlm_model.errors import ConfigError
from xlm_model.inputs import check_choices, check_shape
from xlm_model.tf.base import TFXLMPreTrainedModel
from xlm_model.tf.encoder import readable
from xlm_model.tf.layers import Linear, SequenceSummary, WordScores
from xlm_model.tf.losses import checked_class_loss, class_loss


class TFXLMModel(TFXLMPreTrainedModel):
    """The bare encoder.

    Example:
        >>> config = XLMConfig(vocab_size=100, emb_dim=32, n_layers=2, n_heads=4)
        >>> model = TFXLMModel(config)
        >>> output = model({"input_ids": keras.ops.array([[1, 14, 15, 1]])})
        >>> tuple(output.last_hidden_state.shape)
        (1, 4, 32)
    """

    OUTPUT = outputs.BaseModelOutput
    SCORES = ("last_hidden_state",)
    LABELS = ()


class TFXLMWithLMHeadModel(TFXLMPreTrainedModel):
    """Language model: scores of the words at each position; labels are not shifted."""

    OUTPUT = outputs.MaskedLMOutput

    def _make_head(self, config: XLMConfig, dtype: Any) -> None:
        if config.asm:
            raise ConfigError(
                "asm is true: expected false; only XLMWithLMHeadModel has an adaptive softmax"
            )
        self.pred_layer = WordScores(config, dtype)

    @property
    def tied_weights(self) -> dict[str, str]:
        """The projection and the word embeddings, if the configuration says that they are one."""
        is_tied = self.config.tie_word_embeddings
        return {formats.PROJECTION: formats.EMBEDDINGS} if is_tied else {}

    def _head(self, hidden: Any, inputs: dict[str, Any], training: bool | None) -> tuple[Any, ...]:
        words = self.transformer.embeddings.embeddings
        return (self.pred_layer(hidden, ops.convert_to_tensor(words)),)


class TFXLMForSequenceClassification(TFXLMPreTrainedModel):
    """One vector of scores for each sequence: classification, multi-label, or regression."""

    OUTPUT = outputs.SequenceClassifierOutput

    def _make_head(self, config: XLMConfig, dtype: Any) -> None:
        self.sequence_summary = SequenceSummary(config, dtype)

    def _head(self, hidden: Any, inputs: dict[str, Any], training: bool | None) -> tuple[Any, ...]:
        return (self.sequence_summary(hidden, training=training),)

    def _head_loss(self, scores: tuple[Any, ...], labels: tuple[Any, ...]) -> Any:
        logits, right = ops.cast(scores[0], "float32"), labels[0]
        problem = self.config.problem_type
        if problem is None and logits.shape[-1] == 1:
            problem = "regression"
        is_integer = keras.backend.standardize_dtype(right.dtype) in ("int64", "int32")
        if problem == "single_label_classification" or (problem is None and is_integer):
            return checked_class_loss(logits, ops.reshape(right, (-1,)))
        right = ops.cast(right, "float32")
        if problem == "regression" and logits.shape[-1] == 1:
            logits, right = ops.squeeze(logits, -1), ops.reshape(right, (-1,))
        check_shape("labels", readable(right), tuple(logits.shape))
        if problem == "regression":
            return ops.mean(ops.square(logits - right))
        return ops.mean(ops.softplus(logits) - right * logits)


class TFXLMForMultipleChoice(TFXLMPreTrainedModel):
    """One score for each choice; every input has the choices as its second dimension."""

    OUTPUT = outputs.MultipleChoiceModelOutput
    DIMENSIONS = ("batch", "choices", "length")

    def _make_head(self, config: XLMConfig, dtype: Any) -> None:
        config.check_choices()
        self.sequence_summary = SequenceSummary(config, dtype)
        self.logits_proj = Linear(config, config.num_labels, 1, "logits_proj", dtype)

    def _flatten(self, inputs: dict[str, Any]) -> dict[str, Any]:
        inputs = dict(inputs)
        lengths = inputs.pop("lengths", None)
        check_choices(inputs.get("input_ids"), inputs.get("inputs_embeds"), lengths)
        return {name: ops.reshape(x, (-1, *ops.shape(x)[2:])) for name, x in inputs.items()}

    def _head(self, hidden: Any, inputs: dict[str, Any], training: bool | None) -> tuple[Any, ...]:
        scores = self.logits_proj(self.sequence_summary(hidden, training=training))
        choices = ops.shape(inputs.get("input_ids", inputs.get("inputs_embeds")))[1]
        return (ops.reshape(scores, (-1, choices)),)


class TFXLMForTokenClassification(TFXLMPreTrainedModel):
    """Scores of the classes for each token."""

    OUTPUT = outputs.TokenClassifierOutput

    def _make_head(self, config: XLMConfig, dtype: Any) -> None:
        self.dropout = keras.layers.Dropout(config.dropout, dtype=dtype)
        self.classifier = Linear(config, config.emb_dim, config.num_labels, "classifier", dtype)

    def _head(self, hidden: Any, inputs: dict[str, Any], training: bool | None) -> tuple[Any, ...]:
        return (self.classifier(self.dropout(hidden, training=training)),)


class TFXLMForQuestionAnsweringSimple(TFXLMPreTrainedModel):
    """Scores of each token as the start, and as the end, of the answer."""

    OUTPUT = outputs.QuestionAnsweringModelOutput
    SCORES = ("start_logits", "end_logits")
    LABELS = ("start_positions", "end_positions")

    def _make_head(self, config: XLMConfig, dtype: Any) -> None:
        config.check_spans()
        self.qa_outputs = Linear(config, config.emb_dim, 2, "qa_outputs", dtype)

    def _head(self, hidden: Any, inputs: dict[str, Any], training: bool | None) -> tuple[Any, ...]:
        scores = self.qa_outputs(hidden)
        return scores[..., 0], scores[..., 1]

    def _head_loss(self, scores: tuple[Any, ...], labels: tuple[Any, ...]) -> Any:
        losses = []
        for name, logits, at in zip(self.LABELS, scores, labels, strict=True):
            at = ops.squeeze(at, -1) if len(at.shape) > 1 else at
            check_shape(name, readable(at), tuple(logits.shape)[:1])
            length = ops.shape(logits)[1]
            losses.append(class_loss(logits, ops.clip(ops.cast(at, "int32"), 0, length), length))
        return (losses[0] + losses[1]) / 2
