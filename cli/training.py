"""What every command that trains has: options, a bar, and the scores as they come."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import click

from . import options
from .program import Interrupted, as_stopped
from .progress import training_progress


def training_options(
    *,
    steps: int | None = 10_000,
    learning_rate: float = 1e-4,
    schedule: str = "inverse-sqrt",
    weight_decay: float = 0.01,
) -> Callable[[Any], Any]:
    """Make the options that every training has: steps, optimiser, when to evaluate and save.

    Args:
        steps: Unless they are given; None: the command knows how many.
        learning_rate: Unless it is given.
        schedule: Unless it is given.
        weight_decay: Unless it is given.
    """
    return options.together(
        options.shared(
            "--steps",
            type=click.IntRange(min=1),
            default=steps,
            show_default=steps is not None,
            help="Updates of the weights.",
        ),
        options.shared(
            "--learning-rate",
            type=click.FloatRange(min=0, min_open=True),
            default=learning_rate,
            show_default=True,
            help="The highest, behind the warm-up.",
        ),
        options.shared(
            "--schedule",
            type=click.Choice(["inverse-sqrt", "linear", "constant"]),
            default=schedule,
            show_default=True,
            help="What follows the warm-up.",
        ),
        options.shared(
            "--warmup-steps",
            type=click.IntRange(min=0),
            metavar="N",
            help="Steps in which the rate rises; a tenth of all, 30,000 at most, unless set.",
        ),
        options.shared(
            "--weight-decay",
            type=click.FloatRange(min=0),
            default=weight_decay,
            show_default=True,
            help="Part of the weights that each update takes off, times the rate.",
        ),
        options.shared(
            "--gradient-norm",
            type=click.FloatRange(min=0),
            default=5.0,
            show_default=True,
            help="Scale gradients down to this norm; 0: never.",
        ),
        options.shared(
            "--accumulate",
            type=click.IntRange(min=1),
            metavar="N",
            help="Batches that make one step, shared by the processes; one for each unless set.",
        ),
        options.shared(
            "--precision",
            type=click.Choice(["fp32", "bf16"]),
            default="fp32",
            show_default=True,
            help="Of matrix products; weights stay in fp32.",
        ),
        options.shared("--seed", type=click.IntRange(min=0), default=0, show_default=True),
        options.shared(
            "--every",
            type=click.IntRange(min=1),
            metavar="N",
            help="Evaluate and save after so many steps. Without it twenty times, or each epoch.",
        ),
        options.shared(
            "--metric",
            metavar="NAME",
            help="The score that decides what is best, such as en/accuracy. Without it a mean over "
            "all.",
        ),
        options.shared(
            "--patience",
            type=click.IntRange(min=1),
            metavar="N",
            help="Stop when N evaluations in a row were no better.",
        ),
        options.shared(
            "--log-every", type=click.IntRange(min=1), default=50, show_default=True, metavar="N"
        ),
        options.workers("Processes that make batches."),
        options.shared("--resume", is_flag=True, help="Go on with what is in the output folder."),
        options.shared("--tensorboard", is_flag=True, help="Write event files for TensorBoard."),
        options.quiet,
    )


def training_settings(values: dict[str, Any]) -> Any:
    """Return the settings that the options of `training_options` give."""
    from xlm_model.training import TrainingSettings

    # One process, as elsewhere, means none beside the command's own.
    workers = values.pop("workers")
    return TrainingSettings(**values, workers=0 if workers == 1 else workers)


class Callbacks(NamedTuple):
    """What a training calls.

    Attributes:
        on_step: After each update.
        on_evaluation: After each evaluation.
    """

    on_step: Any
    on_evaluation: Any


@contextmanager
def shown(output: str, quiet: bool) -> Iterator[Callbacks]:
    """Give what shows how far a training is: a bar, and a line of each evaluation.

    Args:
        output: The training's folder.
        quiet: Show nothing.

    Raises:
        Interrupted: a signal stopped it; says how to go on.
    """
    try:
        with training_progress(quiet) as display:

            def evaluated(step: int, scores: Mapping[str, Mapping[str, float]]) -> None:
                if not quiet:
                    display.close()
                    click.echo(_line(step, scores))

            def say(message: Warning | str, *_: Any, **__: Any) -> None:
                if speaks():
                    display.close()
                    click.echo(f"Note: {message}", err=True)

            with warnings.catch_warnings():
                warnings.showwarning = say
                yield Callbacks(display.step, evaluated)
    except KeyboardInterrupt as error:
        stop = as_stopped(error)
        last = Path(output, "last")
        left = f"--resume goes on from {last}" if last.exists() else "nothing is saved yet"
        raise Interrupted(f"{stop}: {left}", stop) from error


def speaks() -> bool:
    """Whether this is the one of several processes that prints for all."""
    return os.environ.get("RANK", "0") == "0"


def _line(step: int, scores: Mapping[str, Mapping[str, float]]) -> str:
    """Return the scores of an evaluation in one line."""
    each = (
        f"{name} " + " ".join(f"{score} {value:.4g}" for score, value in found.items())
        for name, found in scores.items()
    )
    return f"step {step:,}: " + ", ".join(each)
