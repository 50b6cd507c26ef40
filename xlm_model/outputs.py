"""What the models return: dataclasses that also unpack, index and count as tuples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor


class ModelOutput:
    """The tuple side of an output: its fields in order, those that are None left out.

    >>> output = MaskedLMOutput(logits=torch.zeros(2, 3, 100))
    >>> output[0] is output.logits, len(output)
    (True, 1)
    """

    def to_tuple(self) -> tuple[Any, ...]:
        """Return the fields that are not None."""
        values = (getattr(self, f.name) for f in fields(self))  # type: ignore[arg-type]
        return tuple(value for value in values if value is not None)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.to_tuple())

    def __len__(self) -> int:
        return len(self.to_tuple())

    def __getitem__(self, key: int | slice | str) -> Any:
        return getattr(self, key) if isinstance(key, str) else self.to_tuple()[key]


@dataclass
class BaseModelOutput(ModelOutput):
    """Output of `XLMModel`.

    last_hidden_state:
        Output of the last layer, zero where the mask is. *Shape:* (batch, length, dim)
    hidden_states:
        The embeddings and each layer's output. *Shape:* n_layers + 1 of (batch, length, dim)
    attentions:
        Each layer's attention weights. *Shape:* n_layers of (batch, heads, length, length)
    """

    last_hidden_state: Tensor
    hidden_states: tuple[Tensor, ...] | None = None
    attentions: tuple[Tensor, ...] | None = None


@dataclass(kw_only=True)
class _HeadOutput(ModelOutput):
    loss: Tensor | None = None
    logits: Tensor
    hidden_states: tuple[Tensor, ...] | None = None
    attentions: tuple[Tensor, ...] | None = None


@dataclass(kw_only=True)
class MaskedLMOutput(_HeadOutput):
    """Output of `XLMWithLMHeadModel`; hidden states and attentions as in `BaseModelOutput`.

    loss:
        Mean cross-entropy over the labels that are not -100. *Shape:* ()
    logits:
        Scores of the words; log-probabilities where the configuration says `asm`.
        *Shape:* (batch, kept length, vocab_size)
    """


@dataclass(kw_only=True)
class SequenceClassifierOutput(_HeadOutput):
    """Output of `XLMForSequenceClassification`; the rest as in `BaseModelOutput`.

    loss:
        Mean loss of the problem type. *Shape:* ()
    logits:
        *Shape:* (batch, num_labels)
    """


@dataclass(kw_only=True)
class MultipleChoiceModelOutput(_HeadOutput):
    """Output of `XLMForMultipleChoice`; the rest as in `BaseModelOutput`, batch × choices first.

    loss:
        Mean cross-entropy. *Shape:* ()
    logits:
        *Shape:* (batch, choices)
    """


@dataclass(kw_only=True)
class TokenClassifierOutput(_HeadOutput):
    """Output of `XLMForTokenClassification`; the rest as in `BaseModelOutput`.

    loss:
        Mean cross-entropy over the labels that are not -100. *Shape:* ()
    logits:
        *Shape:* (batch, length, num_labels)
    """


@dataclass(kw_only=True)
class QuestionAnsweringModelOutput(ModelOutput):
    """Output of `XLMForQuestionAnsweringSimple`; the rest as in `BaseModelOutput`.

    loss:
        Mean of the start's and the end's cross-entropy. *Shape:* ()
    start_logits, end_logits:
        *Shape:* (batch, length)
    """

    loss: Tensor | None = None
    start_logits: Tensor
    end_logits: Tensor
    hidden_states: tuple[Tensor, ...] | None = None
    attentions: tuple[Tensor, ...] | None = None


@dataclass
class XLMForQuestionAnsweringOutput(ModelOutput):
    """Output of `XLMForQuestionAnswering`: a loss if both positions were given, else a beam search.

    loss:
        Mean of the start's and the end's cross-entropy, plus half the answer class's. *Shape:* ()
    start_top_log_probs, start_top_index:
        The likeliest starts; probabilities, in spite of the name, as in the reference.
        *Shape:* (batch, start_n_top)
    end_top_log_probs, end_top_index:
        The likeliest ends of each start: entry `e * start_n_top + s` is end `e` of start `s`.
        *Shape:* (batch, end_n_top * start_n_top)
    cls_logits:
        Score of «the question has no answer». *Shape:* (batch,)
    hidden_states, attentions:
        As in `BaseModelOutput`.
    """

    loss: Tensor | None = None
    start_top_log_probs: Tensor | None = None
    start_top_index: Tensor | None = None
    end_top_log_probs: Tensor | None = None
    end_top_index: Tensor | None = None
    cls_logits: Tensor | None = None
    hidden_states: tuple[Tensor, ...] | None = None
    attentions: tuple[Tensor, ...] | None = None


for _output in (
    BaseModelOutput,
    MaskedLMOutput,
    SequenceClassifierOutput,
    MultipleChoiceModelOutput,
    TokenClassifierOutput,
    QuestionAnsweringModelOutput,
    XLMForQuestionAnsweringOutput,
):
    torch.export.register_dataclass(_output)
