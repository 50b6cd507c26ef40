"""Multiple choice: which of several texts goes with another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from xlm_model.finetuning.batches import ExampleBatch, Item
from xlm_model.finetuning.examples import Example, Values
from xlm_model.finetuning.metrics import Metrics, choice_metrics
from xlm_model.finetuning.task import FinetuningTask, pack_items
from xlm_model.heads import XLMForMultipleChoice
from xlm_model.tasks import Choice, MultipleChoice
from xlm_model.tasks.sequences import TokenSequence
from xlm_model.tasks.tokenizers import TaskTokenizer
from xlm_text.errors import InputError


@dataclass(frozen=True)
class ChooseTask(FinetuningTask):
    """Choose among texts.

    The fields are `text`, `choices` and `label`, the number of the right choice from 0. Choices are
    a list, or stand in columns of their own (`choice0`, `choice1` …, or
    `{"choices": "ending0,ending1"}`). Questions may have different numbers of them.

    Attributes:
        columns: As for every task.
        truncation: Cut texts that are too long, instead of raising an error.
    """

    truncation: bool = False

    name: ClassVar[str] = "choose"
    fields: ClassVar[tuple[str, ...]] = ("text", "choices", "label")

    @property
    def model_class(self) -> type[XLMForMultipleChoice]:  # noqa: D102
        return XLMForMultipleChoice

    def read(self, values: Values) -> tuple[Any, Any]:  # noqa: D102
        choices = values.many("choices")
        if len(choices) < 2 or not all(isinstance(choice, str) for choice in choices):
            raise InputError(
                f"{values.place}: choices is {choices!r:.60}: expected two strings or more"
            )
        label = values.get("label")
        number = int(label) if isinstance(label, int) or str(label).isdecimal() else -1
        if not 0 <= number < len(choices):
            raise InputError(
                f"{values.place}: label is {label!r:.40}: expected the number of the right choice, "
                f"from 0 to {len(choices) - 1}"
            )
        return (values.text("text"), choices), number

    def inference(
        self, model: Any, tokenizer: TaskTokenizer, examples: Sequence[Example]
    ) -> MultipleChoice:
        """Return the task of the same name."""
        return MultipleChoice(model, tokenizer, truncation=self.truncation)

    def items(  # noqa: D102
        self,
        example: Example,
        prepared: list[tuple[TokenSequence, str]],
        labels: Mapping[str, int],
    ) -> list[Item]:
        return [Item(tuple(sequence for sequence, _ in prepared), example.target)]

    def collate(self, items: Sequence[Item], tokenizer: TaskTokenizer) -> ExampleBatch:  # noqa: D102
        labels = torch.tensor([item.target for item in items])
        counts = [len(item.sequences) for item in items]
        return ExampleBatch(pack_items(items), {"labels": labels}, counts, name=self.name)

    def loss(self, model: nn.Module, batch: ExampleBatch) -> Tensor:
        """Return the mean cross-entropy of the right choices; shape `()`."""
        scores = model(**batch.packed.inputs).logits.flatten().split(list(batch.counts))
        padded = nn.utils.rnn.pad_sequence(list(scores), batch_first=True, padding_value=-torch.inf)
        return nn.functional.cross_entropy(padded, batch.targets["labels"])

    def score(  # noqa: D102
        self,
        examples: Sequence[Example],
        prepared: Sequence[list[Any]],
        results: Sequence[Choice],
        labels: Sequence[str] | None,
    ) -> Metrics:
        right = [example.target for example in examples]
        return choice_metrics(right, [found.index for found in results])

    def metrics(self, labels: Sequence[str] | None) -> tuple[str, ...]:  # noqa: D102
        return ("accuracy",)
