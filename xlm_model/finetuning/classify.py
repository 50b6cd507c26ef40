"""Classification of texts, and of pairs of them; several labels; values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from xlm_model.finetuning.batches import ExampleBatch, Item
from xlm_model.finetuning.examples import Example, Values
from xlm_model.finetuning.metrics import (
    Metrics,
    class_metrics,
    multi_label_metrics,
    regression_metrics,
)
from xlm_model.finetuning.task import FinetuningTask, pack_items
from xlm_model.heads import XLMForSequenceClassification
from xlm_model.tasks import Classification, TextClassification
from xlm_model.tasks.sequences import TokenSequence
from xlm_model.tasks.tokenizers import TaskTokenizer
from xlm_text.errors import InputError

# What a label may be, and what the configuration calls it.
PROBLEMS = {
    "single": "single_label_classification",
    "multi": "multi_label_classification",
    "regression": "regression",
}
# A label counts from this probability on where an example may have several.
_LIKELY = 0.5


@dataclass(frozen=True)
class ClassifyTask(FinetuningTask):
    """Classify texts, or pairs of texts.

    The fields are `text`, `label`, and `pair` for a second text.

    Attributes:
        columns: As for every task.
        problem: "single", one label for each text; "multi", any number of labels, as a list or
            with commas between them; "regression", a number.
        truncation: Cut texts that are too long, instead of raising an error.

    Example:
        >>> ClassifyTask({"text": "premise", "pair": "hypothesis"}).column_names
        {'text': 'premise', 'pair': 'hypothesis', 'label': 'label'}
    """

    problem: str = "single"
    truncation: bool = False

    name: ClassVar[str] = "classify"
    fields: ClassVar[tuple[str, ...]] = ("text", "pair", "label")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.problem not in PROBLEMS:
            raise InputError(
                f"is {self.problem!r}: expected one of {', '.join(PROBLEMS)}", argument="problem"
            )

    @property
    def has_one_label(self) -> bool:  # noqa: D102
        return self.problem == "single"

    @property
    def model_class(self) -> type[XLMForSequenceClassification]:  # noqa: D102
        return XLMForSequenceClassification

    def read(self, values: Values) -> tuple[Any, Any]:  # noqa: D102
        text, has_pair = values.text("text"), values.find("pair") is not None
        given = (text, values.text("pair")) if has_pair else text
        label = values.get("label")
        if self.problem == "regression":
            return given, _number(label, values.place)
        if self.problem == "multi":
            parts = label.split(",") if isinstance(label, str) else label
            if not isinstance(parts, Sequence):
                raise InputError(f"{values.place}: label is {label!r:.40}: expected a list of them")
            return given, tuple(label_name(part, values.place) for part in parts if part != "")
        return given, label_name(label, values.place)

    def labels_of(self, example: Example) -> Sequence[str] | None:  # noqa: D102
        if self.problem == "regression":
            return None
        labels: Sequence[str] = example.target if self.problem == "multi" else (example.target,)
        return labels

    def config(self, labels: Sequence[str] | None) -> dict[str, Any]:  # noqa: D102
        problem = {"problem_type": PROBLEMS[self.problem]}
        return {**problem, **(super().config(labels) if labels else {"num_labels": 1})}

    def inference(
        self, model: Any, tokenizer: TaskTokenizer, examples: Sequence[Example]
    ) -> TextClassification:
        """Return the task of the same name."""
        return TextClassification(model, tokenizer, truncation=self.truncation)

    def items(  # noqa: D102
        self, example: Example, prepared: list[TokenSequence], labels: Mapping[str, int]
    ) -> list[Item]:
        target = example.target
        if self.problem == "multi":
            target = _as_flags(target, labels)
        elif self.problem == "single":
            target = labels[target]
        return [Item(tuple(prepared), target)]

    def collate(self, items: Sequence[Item], tokenizer: TaskTokenizer) -> ExampleBatch:  # noqa: D102
        dtype = torch.int64 if self.problem == "single" else torch.float32
        labels = torch.tensor([item.target for item in items], dtype=dtype)
        return ExampleBatch(pack_items(items), {"labels": labels}, name=self.name)

    def score(  # noqa: D102
        self,
        examples: Sequence[Example],
        prepared: Sequence[list[Any]],
        results: Sequence[Classification],
        labels: Sequence[str] | None,
    ) -> Metrics:
        right = [example.target for example in examples]
        if self.problem == "regression":
            return regression_metrics(right, [found.score for found in results])
        if self.problem == "multi":
            numbers = {name: i for i, name in enumerate(results[0].scores)}
            flags = [[int(s >= _LIKELY) for s in found.scores.values()] for found in results]
            return multi_label_metrics([_as_flags(one, numbers) for one in right], flags)
        return class_metrics(right, [found.label for found in results])

    def metrics(self, labels: Sequence[str] | None) -> tuple[str, ...]:  # noqa: D102
        return {
            "single": ("accuracy", "f1", "matthews"),
            "multi": ("f1", "macro_f1", "accuracy"),
            "regression": ("pearson", "spearman", "mean_squared_error"),
        }[self.problem]


def label_name(label: Any, place: str) -> str:
    """Return a label as a string.

    Raises:
        InputError: it is neither a string nor a whole number.
    """
    if isinstance(label, str | int) and label != "":
        return str(label)
    raise InputError(f"{place}: label is {label!r:.40}: expected a string or a whole number")


def _number(value: Any, place: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise InputError(f"{place}: label is {value!r:.40}: expected a number") from None


def _as_flags(names: Sequence[str], labels: Mapping[str, int]) -> list[int]:
    """Return 1 for each label that is there, 0 for the others."""
    return [int(label in names) for label in labels]
