"""What the models return: dataclasses that also unpack, index and count as tuples.

The models of both frameworks return these; nothing here needs either.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


class ModelOutput:
    """The tuple side of an output: its fields in order, those that are None left out.

    In the shapes of its subclasses `(…)` is `(batch, length)` for a padded batch and `(tokens,)`
    for a packed one.

    Attributes:
        hidden_states: The embeddings and each layer's output; n_layers + 1 of shape `(…, dim)`.
        attentions: Each layer's attention weights; n_layers of shape
            `(batch, heads, length, length)`.

    Example:
        >>> import torch
        >>> output = MaskedLMOutput(logits=torch.zeros(2, 3, 100))
        >>> output[0] is output.logits, len(output)
        (True, 1)
    """

    hidden_states: tuple[Tensor, ...] | None
    attentions: tuple[Tensor, ...] | None

    def to_tuple(self) -> tuple[Any, ...]:
        """Return the fields that are not None."""
        values = (getattr(self, f.name) for f in fields(self))  # type: ignore[arg-type]
        return tuple(value for value in values if value is not None)

    def tree_flatten(self) -> tuple[tuple[Any, ...], tuple[str, ...]]:
        """Return what is given, and its fields: what JAX and Keras ask a container for."""
        given = {f.name: getattr(self, f.name) for f in fields(self)}  # type: ignore[arg-type]
        given = {name: value for name, value in given.items() if value is not None}
        return tuple(given.values()), tuple(given)

    @classmethod
    def tree_unflatten(cls, names: tuple[str, ...], values: tuple[Any, ...]) -> ModelOutput:
        """Put back together what `tree_flatten` took apart."""
        return cls(**dict(zip(names, values, strict=True)))

    def __tf_flatten__(self) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        values, names = self.tree_flatten()
        return names, values

    @classmethod
    def __tf_unflatten__(cls, names: tuple[str, ...], values: tuple[Any, ...]) -> ModelOutput:
        return cls.tree_unflatten(names, values)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.to_tuple())

    def __len__(self) -> int:
        return len(self.to_tuple())

    def __getitem__(self, key: int | slice | str) -> Any:
        return getattr(self, key) if isinstance(key, str) else self.to_tuple()[key]


@dataclass
class BaseModelOutput(ModelOutput):
    """Output of `XLMModel`.

    Attributes:
        last_hidden_state: Output of the last layer, zero where the mask is. Shape `(…, dim)`.
        hidden_states: See `ModelOutput`.
        attentions: See `ModelOutput`.
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
    """Output of `XLMWithLMHeadModel`.

    Attributes:
        loss: Mean cross-entropy over the labels that are not -100. Shape `()`.
        logits: Scores of the words; log-probabilities where the configuration says `asm`.
            Shape `(…, vocab_size)`.
    """


@dataclass(kw_only=True)
class SequenceClassifierOutput(_HeadOutput):
    """Output of `XLMForSequenceClassification`.

    Attributes:
        loss: Mean loss of the problem type. Shape `()`.
        logits: Shape `(sequences, num_labels)`.
    """


@dataclass(kw_only=True)
class MultipleChoiceModelOutput(_HeadOutput):
    """Output of `XLMForMultipleChoice`; its states have batch × choices as their batch.

    Attributes:
        loss: Mean cross-entropy. Shape `()`.
        logits: Shape `(batch, choices)`.
    """


@dataclass(kw_only=True)
class TokenClassifierOutput(_HeadOutput):
    """Output of `XLMForTokenClassification`.

    Attributes:
        loss: Mean cross-entropy over the labels that are not -100. Shape `()`.
        logits: Shape `(…, num_labels)`.
    """


@dataclass(kw_only=True)
class QuestionAnsweringModelOutput(ModelOutput):
    """Output of `XLMForQuestionAnsweringSimple`.

    Attributes:
        loss: Mean of the start's and the end's cross-entropy. Shape `()`.
        start_logits: Shape `(…)`.
        end_logits: Shape `(…)`.
    """

    loss: Tensor | None = None
    start_logits: Tensor
    end_logits: Tensor
    hidden_states: tuple[Tensor, ...] | None = None
    attentions: tuple[Tensor, ...] | None = None


@dataclass
class XLMForQuestionAnsweringOutput(ModelOutput):
    """Output of `XLMForQuestionAnswering`: a loss if both positions were given, else a beam search.

    Attributes:
        loss: Mean of the start's and the end's cross-entropy, plus half the answer class's.
            Shape `()`.
        start_top_log_probs: The most likely starts; probabilities, in spite of the name, as in the
            reference. Shape `(sequences, start_n_top)`.
        start_top_index: Their positions. Shape `(sequences, start_n_top)`.
        end_top_log_probs: The most likely ends of each start; probabilities, too. `spans` says
            which belongs to which. Shape `(sequences, end_n_top * start_n_top)`.
        end_top_index: Their positions. Shape `(sequences, end_n_top * start_n_top)`.
        cls_logits: Score of "the question has no answer". Shape `(sequences,)`.
    """

    loss: Tensor | None = None
    start_top_log_probs: Tensor | None = None
    start_top_index: Tensor | None = None
    end_top_log_probs: Tensor | None = None
    end_top_index: Tensor | None = None
    cls_logits: Tensor | None = None
    hidden_states: tuple[Tensor, ...] | None = None
    attentions: tuple[Tensor, ...] | None = None

    def spans(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return the search's spans: first token, last token, and log-probability in fp32.

        Each of shape `(sequences, end_n_top * start_n_top)`, in the order of `end_top_index`, where
        entry `e * start_n_top + s` is end `e` of start `s`. An end may lie before its start.

        Raises:
            ValueError: this is the output of a call for the loss.
        """
        starts, start_probabilities = self.start_top_index, self.start_top_log_probs
        ends, end_probabilities = self.end_top_index, self.end_top_log_probs
        if (
            starts is None
            or ends is None
            or start_probabilities is None
            or end_probabilities is None
        ):
            raise ValueError("there are no spans: expected the output of a call without positions")
        ends_of_each = ends.shape[1] // starts.shape[1]
        scores = start_probabilities.float().log().repeat(1, ends_of_each)
        return starts.repeat(1, ends_of_each), ends, scores + end_probabilities.float().log()


OUTPUTS: tuple[type[ModelOutput], ...] = (
    BaseModelOutput,
    MaskedLMOutput,
    SequenceClassifierOutput,
    MultipleChoiceModelOutput,
    TokenClassifierOutput,
    QuestionAnsweringModelOutput,
    XLMForQuestionAnsweringOutput,
)
