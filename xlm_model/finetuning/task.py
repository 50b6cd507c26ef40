"""What can be learnt: how its data are read, become batches, and are scored."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from torch import Tensor, nn

from xlm_model.attention import PackedBatch
from xlm_model.finetuning.batches import ExampleBatch, Item
from xlm_model.finetuning.examples import Example, Values, at_place
from xlm_model.finetuning.metrics import Metrics
from xlm_model.pretrained import XLMPreTrainedModel
from xlm_model.tasks.base import Task
from xlm_model.tasks.batching import chunks
from xlm_model.tasks.sequences import pack_sequences
from xlm_model.tasks.tokenizers import TaskTokenizer
from xlm_text.errors import InputError

_CHUNK = 256


@dataclass(frozen=True)
class FinetuningTask(ABC):
    """One kind of task.

    Attributes:
        columns: From what is looked for in the data (`fields`) to the column that has it, where
            that is called otherwise. A number counts the columns of a file without a header.
    """

    columns: Mapping[str, str] = field(default_factory=dict)

    name: ClassVar[str]
    fields: ClassVar[tuple[str, ...]]

    def __post_init__(self) -> None:
        for name in self.columns:
            if name not in self.fields:
                raise InputError(
                    f"has {name!r}: expected one of {', '.join(self.fields)}", argument="columns"
                )

    @property
    def column_names(self) -> dict[str, str]:
        """From all that is looked for to the columns that have it."""
        return {name: self.columns.get(name, name) for name in self.fields}

    @property
    def has_one_label(self) -> bool:
        """Whether each example, or each word of it, has one label of several."""
        return False

    @property
    @abstractmethod
    def model_class(self) -> type[XLMPreTrainedModel]:
        """The model with the task's head."""

    @abstractmethod
    def read(self, values: Values) -> tuple[Any, Any]:
        """Make of a row what is given and the right answer.

        Raises:
            InputError: a row that cannot be used; names its place.
        """

    def labels_of(self, example: Example) -> Sequence[str] | None:
        """Return the labels that an example has; None if the task has none."""
        return None

    def config(self, labels: Sequence[str] | None) -> dict[str, Any]:
        """Return the keys of a configuration that the task wants."""
        names = dict(enumerate(labels or ()))
        return {"id2label": names} if names else {}

    @abstractmethod
    def inference(
        self, model: Any, tokenizer: TaskTokenizer, examples: Sequence[Example]
    ) -> Task[Any, Any]:
        """Return the task that answers examples: training, too, gets its sequences from it."""

    @abstractmethod
    def items(self, example: Example, prepared: list[Any], labels: Mapping[str, int]) -> list[Item]:
        """Make what is learnt from of an example and the sequences that the task made of it."""

    @abstractmethod
    def collate(self, items: Sequence[Item], tokenizer: TaskTokenizer) -> ExampleBatch:
        """Make a batch of items."""

    def loss(self, model: nn.Module, batch: Any) -> Tensor:
        """Return the loss of a batch; shape `()`."""
        loss: Tensor = model(**batch.inputs).loss
        return loss

    @abstractmethod
    def score(
        self,
        examples: Sequence[Example],
        prepared: Sequence[list[Any]],
        results: Sequence[Any],
        labels: Sequence[str] | None,
    ) -> Metrics:
        """Compare results with the right answers.

        Args:
            examples: What was asked.
            prepared: The sequences of each.
            results: What the task said of each.
            labels: All that there are; None if the task has none.
        """

    @abstractmethod
    def metrics(self, labels: Sequence[str] | None) -> tuple[str, ...]:
        """Return the names of the scores; the first is the one that usually decides."""


def prepare(task: Task[Any, Any], examples: Sequence[Example]) -> Iterator[list[Any]]:
    """Give the sequences of each example.

    Raises:
        InputError: an example that cannot be used; names its place.
    """
    for chunk in chunks(examples, _CHUNK):
        try:
            yield from task.prepare([example.asked for example in chunk])
        except InputError:
            for example in chunk:
                try:
                    yield from task.prepare([example.asked])
                except InputError as error:
                    raise at_place(error, example.place) from None


def pack_items(items: Sequence[Item]) -> PackedBatch:
    """Put the sequences of items one behind the other."""
    return pack_sequences([sequence for item in items for sequence in item.sequences])
