"""How a model is trained, whatever it learns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from xlm_text.errors import InputError

SCHEDULES = ("inverse-sqrt", "linear", "constant")
PRECISIONS = ("fp32", "bf16")
# The paper's English model.
MOST_WARMUP_STEPS = 30_000


@dataclass(frozen=True)
class TrainingSettings:
    """Optimiser, schedule, and when to evaluate, save and stop.

    Attributes:
        steps: Updates of the weights.
        learning_rate: The highest, after the warm-up.
        schedule: What follows the warm-up: "inverse-sqrt", "linear" down to 0, or "constant".
        warmup_steps: Steps in which the rate rises from 0; None: a tenth of all, 30,000 at most.
        betas: Adam's decay of the two averages.
        eps: Adam's.
        weight_decay: Decoupled from the gradient, as in the original.
        gradient_norm: Gradients are scaled down to this norm; 0: never.
        accumulate: Batches whose gradients make one update. Processes share them, so that the
            number of processes changes nothing; None: one for each process.
        precision: "fp32", or "bf16" for matrix products, with weights in fp32.
        seed: Of all that is random.
        every: Evaluate and save after so many steps; None: twenty times. Always at the end, too.
        metric: Which score decides what is best, such as "mlm:en/perplexity"; None: the
            evaluation's own choice.
        patience: Stop when the best score has been missed so many times in a row; None: never.
        log_every: Log loss and speed after so many steps.
        workers: Processes that make batches; 0: the training's own.

    Raises:
        InputError: a value that cannot be used.

    Example:
        >>> TrainingSettings(steps=100).evaluation_steps
        5
    """

    steps: int = 10_000
    learning_rate: float = 1e-4
    schedule: str = "inverse-sqrt"
    warmup_steps: int | None = None
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.01
    gradient_norm: float = 5.0
    accumulate: int | None = None
    precision: str = "fp32"
    seed: int = 0
    every: int | None = None
    metric: str | None = None
    patience: int | None = None
    log_every: int = 50
    workers: int = 0

    def __post_init__(self) -> None:
        for f in fields(self):
            value = getattr(self, f.name)
            allows, expected = _RULES[f.name]
            is_optional = f.default is None
            if not (is_optional if value is None else allows(value)):
                raise InputError(f"is {value!r}: expected {expected}", argument=f.name)

    @property
    def warmup(self) -> int:
        """Steps of the warm-up."""
        if self.warmup_steps is not None:
            return self.warmup_steps
        return min(self.steps // 10, MOST_WARMUP_STEPS)

    @property
    def evaluation_steps(self) -> int:
        """Steps from one evaluation to the next."""
        return max(1, self.steps // 20) if self.every is None else self.every

    def rate(self, step: int) -> float:
        """Return the factor of the learning rate for a step, from 0.

        Example:
            >>> settings = TrainingSettings(steps=1000, warmup_steps=4)
            >>> [settings.rate(step) for step in (0, 3, 15)]
            [0.25, 1.0, 0.5]
        """
        number, warmup = step + 1, self.warmup
        if number < warmup:
            return number / warmup
        if self.schedule == "inverse-sqrt":
            return float((max(warmup, 1) / number) ** 0.5)
        if self.schedule == "linear":
            return min(1.0, max(0, self.steps - step) / max(1, self.steps - warmup))
        return 1.0


def _is_count(least: int) -> tuple[Callable[[Any], bool], str]:
    def allows(value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and value >= least

    return allows, f"a whole number from {least}"


def _is_number(allows: Callable[[float], bool], expected: str) -> tuple[Callable[[Any], bool], str]:
    return lambda value: isinstance(value, int | float) and allows(value), expected


def _is_one_of(names: tuple[str, ...]) -> tuple[Callable[[Any], bool], str]:
    return lambda value: value in names, "one of " + ", ".join(names)


_ABOVE_0 = _is_number(lambda value: value > 0, "a number above 0")
_FROM_0 = _is_number(lambda value: value >= 0, "a number from 0")
_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "steps": _is_count(1),
    "learning_rate": _ABOVE_0,
    "schedule": _is_one_of(SCHEDULES),
    "warmup_steps": _is_count(0),
    "betas": (
        lambda value: len(value) == 2 and all(0 <= beta < 1 for beta in value),
        "two numbers from 0, below 1",
    ),
    "eps": _ABOVE_0,
    "weight_decay": _FROM_0,
    "gradient_norm": _FROM_0,
    "accumulate": _is_count(1),
    "precision": _is_one_of(PRECISIONS),
    "seed": _is_count(0),
    "every": _is_count(1),
    "metric": (lambda value: isinstance(value, str), "the name of a score"),
    "patience": _is_count(1),
    "log_every": _is_count(1),
    "workers": _is_count(0),
}
