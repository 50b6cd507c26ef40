"""How a model is fine-tuned, beside what every training has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from xlm_model.training import TrainingSettings, rules


@dataclass(frozen=True)
class FinetuningSettings:
    """What fine-tuning has beside `TrainingSettings`.

    Attributes:
        epochs: Passes over the data; None: as many updates as `TrainingSettings.steps` says.
        batch_size: Examples, or windows of a context, of a batch.
        head_learning_rate: Of the head; None: that of the encoder.
        freeze: Keep the embeddings and so many first layers as they are; 0: the embeddings alone;
            None: nothing.
        class_weights: "balanced", a weight for each label, or a JSON file of that.
        labels: All labels in their order; None: those of the data that are trained on.

    Raises:
        InputError: a value that cannot be used.
    """

    epochs: float | None = 3
    batch_size: int = 8
    head_learning_rate: float | None = None
    freeze: int | None = None
    class_weights: str | Path | Mapping[str, float] | None = None
    labels: Sequence[str] | None = None

    def __post_init__(self) -> None:
        rules.check(self, _RULES)


# What is usual: the paper's rates are from 5e-6 to 2.5e-5. Weight decay would change even the words
# that are in none of the examples.
DEFAULT_TRAINING = TrainingSettings(learning_rate=2e-5, schedule="linear", weight_decay=0.0)

_RULES = {
    "epochs": rules.Rule(
        lambda value: value is None or rules.ABOVE_0.allows(value), rules.ABOVE_0.expected
    ),
    "batch_size": rules.count(1),
    "head_learning_rate": rules.ABOVE_0,
    "freeze": rules.count(0),
    "class_weights": rules.Rule(lambda value: bool(value), "balanced, a file, or weights"),
    "labels": rules.Rule(
        lambda value: not isinstance(value, str) and len(value) == len(set(value)) > 1,
        "two different names or more",
    ),
}
