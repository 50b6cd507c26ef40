"""How a model is trained, whatever it learns."""

from __future__ import annotations

from dataclasses import dataclass

from xlm_model.training import rules

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
        rules.check(self, _RULES)

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


_RULES = {
    "steps": rules.count(1),
    "learning_rate": rules.ABOVE_0,
    "schedule": rules.one_of(*SCHEDULES),
    "warmup_steps": rules.count(0),
    "betas": rules.Rule(
        lambda value: len(value) == 2 and all(0 <= beta < 1 for beta in value),
        "two numbers from 0, below 1",
    ),
    "eps": rules.ABOVE_0,
    "weight_decay": rules.FROM_0,
    "gradient_norm": rules.FROM_0,
    "accumulate": rules.count(1),
    "precision": rules.one_of(*PRECISIONS),
    "seed": rules.count(0),
    "every": rules.count(1),
    "metric": rules.NAME,
    "patience": rules.count(1),
    "log_every": rules.count(1),
    "workers": rules.count(0),
}
