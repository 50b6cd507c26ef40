"""What the models return: mappings from names to tensors, that are dataclasses and tuples, too.

The models of both frameworks return these; nothing here needs either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


class ModelOutput(dict[str, Any]):
    """A mapping of what a model computed, in the order of the fields.

    Each field is an attribute, None where the model did not compute it; only the others are in the
    mapping, and in the tuple that counts its values. Whatever else is put in under a name of its
    own comes behind them.

    In the shapes of its subclasses `(…)` is `(batch, length)` for a padded batch and `(tokens,)`
    for a packed one.

    Args:
        values: A mapping, or pairs of a name and a value.
        **named: More of them.

    Attributes:
        hidden_states: The embeddings and each layer's output; n_layers + 1 of shape `(…, dim)`.
        attentions: Each layer's attention weights; n_layers of shape
            `(batch, heads, length, length)`.

    Example:
        >>> import torch
        >>> output = MaskedLMOutput(logits=torch.zeros(2, 3, 100))
        >>> output[0] is output["logits"] is output.logits, list(output), output.loss
        (True, ['logits'], None)
        >>> output["loss"] = torch.tensor(0.5)
        >>> loss, logits = output.to_tuple()
    """

    hidden_states: tuple[Tensor, ...] | None
    attentions: tuple[Tensor, ...] | None

    def __init__(
        self, values: Mapping[str, Any] | Iterable[tuple[str, Any]] = (), /, **named: Any
    ) -> None:
        given = dict(values, **named)
        super().__init__()
        for name in (*self._names(), *given):
            if name in given:
                self[name] = given.pop(name)

    @classmethod
    def _names(cls) -> tuple[str, ...]:
        return tuple(cls.__dataclass_fields__)  # type: ignore[attr-defined]

    def __getattr__(self, name: str) -> Any:
        if name in self._names():
            return self.get(name)
        raise AttributeError(f"{type(self).__name__} has no field {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self._names():
            self[name] = value
        else:
            super().__setattr__(name, value)

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(key) if isinstance(key, str) else self.to_tuple()[key]

    def __setitem__(self, name: str, value: Any) -> None:
        """Put a value in; a field that becomes None leaves the mapping."""
        names = self._names()
        if value is None and name in names:
            self.pop(name, None)
            return
        is_new = name not in self
        super().__setitem__(name, value)
        if is_new and name in names:
            before = names[: names.index(name) + 1]
            for other in [n for n in self if n not in before]:
                super().__setitem__(other, self.pop(other))

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in self.items())
        return f"{type(self).__name__}({values})"

    def update(self, *values: Any, **named: Any) -> None:
        """Put several values in."""
        for name, value in dict(*values, **named).items():
            self[name] = value

    def to_tuple(self) -> tuple[Any, ...]:
        """Return the values alone."""
        return tuple(self.values())

    def tree_flatten(self) -> tuple[tuple[Any, ...], tuple[str, ...]]:
        """Return the values, and their names: what JAX and Keras ask a container for."""
        return self.to_tuple(), tuple(self)

    @classmethod
    def tree_unflatten(cls, names: tuple[str, ...], values: tuple[Any, ...]) -> ModelOutput:
        """Put back together what `tree_flatten` took apart."""
        return cls(zip(names, values, strict=True))

    def __tf_flatten__(self) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        values, names = self.tree_flatten()
        return names, values

    @classmethod
    def __tf_unflatten__(cls, names: tuple[str, ...], values: tuple[Any, ...]) -> ModelOutput:
        return cls.tree_unflatten(names, values)


@dataclass(init=False, repr=False, eq=False)
class BaseModelOutput(ModelOutput):
    """Output of `XLMModel`.

    Attributes:
        last_hidden_state: Output of the last layer, zero where the mask is. Shape `(…, dim)`.
        hidden_states: See `ModelOutput`.
        attentions: See `ModelOutput`.
    """

    last_hidden_state: Tensor
    hidden_states: tuple[Tensor, ...] | None
    attentions: tuple[Tensor, ...] | None


@dataclass(init=False, repr=False, eq=False)
class BaseModelOutputWithPooling(ModelOutput):
    """Output of `XLMRobertaModel`.

    Attributes:
        last_hidden_state: Output of the last layer. Shape `(…, dim)`.
        pooler_output: That of the pooling layer. Shape `(sequences, dim)`.
        hidden_states: See `ModelOutput`.
        attentions: See `ModelOutput`.
    """

    last_hidden_state: Tensor
    pooler_output: Tensor | None
    hidden_states: tuple[Tensor, ...] | None
    attentions: tuple[Tensor, ...] | None


@dataclass(init=False, repr=False, eq=False)
class _HeadOutput(ModelOutput):
    loss: Tensor | None
    logits: Tensor
    hidden_states: tuple[Tensor, ...] | None
    attentions: tuple[Tensor, ...] | None


@dataclass(init=False, repr=False, eq=False)
class MaskedLMOutput(_HeadOutput):
    """Output of `XLMWithLMHeadModel` and `XLMRobertaForMaskedLM`.

    Attributes:
        loss: Mean cross-entropy over the labels that are not -100. Shape `()`.
        logits: Scores of the words; log-probabilities where the configuration says `asm`.
            Shape `(…, vocab_size)`.
    """


@dataclass(init=False, repr=False, eq=False)
class CausalLMOutput(_HeadOutput):
    """Output of `XLMRobertaForCausalLM`.

    Attributes:
        loss: Mean cross-entropy of each next word. Shape `()`.
        logits: Scores of the next word. Shape `(…, vocab_size)`.
    """


@dataclass(init=False, repr=False, eq=False)
class SequenceClassifierOutput(_HeadOutput):
    """Output of `XLMForSequenceClassification`.

    Attributes:
        loss: Mean loss of the problem type. Shape `()`.
        logits: Shape `(sequences, num_labels)`.
    """


@dataclass(init=False, repr=False, eq=False)
class MultipleChoiceModelOutput(_HeadOutput):
    """Output of `XLMForMultipleChoice`; its states have batch × choices as their batch.

    Attributes:
        loss: Mean cross-entropy. Shape `()`.
        logits: Shape `(batch, choices)`.
    """


@dataclass(init=False, repr=False, eq=False)
class TokenClassifierOutput(_HeadOutput):
    """Output of `XLMForTokenClassification`.

    Attributes:
        loss: Mean cross-entropy over the labels that are not -100. Shape `()`.
        logits: Shape `(…, num_labels)`.
    """


@dataclass(init=False, repr=False, eq=False)
class QuestionAnsweringModelOutput(ModelOutput):
    """Output of `XLMForQuestionAnsweringSimple`.

    Attributes:
        loss: Mean of the start's and the end's cross-entropy. Shape `()`.
        start_logits: Shape `(…)`.
        end_logits: Shape `(…)`.
    """

    loss: Tensor | None
    start_logits: Tensor
    end_logits: Tensor
    hidden_states: tuple[Tensor, ...] | None
    attentions: tuple[Tensor, ...] | None


@dataclass(init=False, repr=False, eq=False)
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

    loss: Tensor | None
    start_top_log_probs: Tensor | None
    start_top_index: Tensor | None
    end_top_log_probs: Tensor | None
    end_top_index: Tensor | None
    cls_logits: Tensor | None
    hidden_states: tuple[Tensor, ...] | None
    attentions: tuple[Tensor, ...] | None

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
    BaseModelOutputWithPooling,
    MaskedLMOutput,
    CausalLMOutput,
    SequenceClassifierOutput,
    MultipleChoiceModelOutput,
    TokenClassifierOutput,
    QuestionAnsweringModelOutput,
    XLMForQuestionAnsweringOutput,
)
