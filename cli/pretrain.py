"""``xlm-model pretrain``: from a corpus to a language model."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping
from typing import Any

import click

from . import options
from .model_run import ModelCommand
from .output import is_terminal
from .program import Interrupted, as_stopped


def training_options(command: Any) -> Any:
    """Add the options that every training has: steps, optimiser, when to evaluate and save."""
    return options.together(
        options.shared("--steps", type=click.IntRange(min=1), default=10_000, show_default=True),
        options.shared(
            "--learning-rate",
            type=click.FloatRange(min=0, min_open=True),
            default=1e-4,
            show_default=True,
            help="The highest, behind the warm-up.",
        ),
        options.shared(
            "--schedule",
            type=click.Choice(["inverse-sqrt", "linear", "constant"]),
            default="inverse-sqrt",
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
            "--weight-decay", type=click.FloatRange(min=0), default=0.01, show_default=True
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
            help="Evaluate and save after so many steps; twenty times unless set.",
        ),
        options.shared(
            "--metric",
            metavar="NAME",
            help="The score that decides what is best; mean/perplexity unless set.",
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
    )(command)


@click.command(
    cls=ModelCommand,
    epilog="""\b
Examples:
  xlm-model pretrain --data data --objective mlm:en,fr --config small.json -o run
  xlm-model pretrain --data data --objective mlm:en,fr --objective tlm:en-fr \\
    --from xlm-mlm-enfr-1024 --steps 50000 --precision bf16 -o run --resume
  accelerate launch --num_processes 8 $(which xlm-model) pretrain --data data ...
""",
)
@click.option(
    "--data", required=True, metavar="FOLDER", help="What `xlm-tok prepare` made, with --blocks."
)
@click.option(
    "--objective",
    "objectives",
    required=True,
    multiple=True,
    metavar="KIND:LANGS",
    help="mlm:en,fr masked words, tlm:en-fr masked words in pairs, clm:en the next word.",
)
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False),
    help="JSON file with the sizes of a new model: emb_dim, n_layers, n_heads …",
)
@click.option("--from", "checkpoint", metavar="CHECKPOINT", help="Begin with this one instead.")
@click.option(
    "--output", "-o", required=True, type=click.Path(), metavar="FOLDER", help="Checkpoints, log."
)
@click.option(
    "--batch-tokens",
    type=click.IntRange(min=1),
    default=8192,
    show_default=True,
    metavar="N",
    help="Tokens of a batch.",
)
@click.option(
    "--alpha",
    type=click.FloatRange(min=0),
    default=0.7,
    show_default=True,
    help="Draw languages in proportion to their rows to this power.",
)
@click.option(
    "--sample-alpha",
    type=click.FloatRange(min=0),
    default=0.0,
    show_default=True,
    help="Mask rare words more often: in proportion to their counts to minus this power.",
)
@click.option(
    "--max-pair-tokens",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    metavar="N",
    help="Leave out pairs of which a text is longer.",
)
@click.option(
    "--context-size",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    help="First positions of each row that predict nothing in clm.",
)
@click.option("--held-out", metavar="SPLIT", help="Evaluate on this split; valid unless set.")
@click.option(
    "--any-objective", is_flag=True, help="Allow objectives that CHECKPOINT was not made for."
)
@click.option(
    "--new-positions",
    type=click.Choice(["copy", "interpolate"]),
    help="Give CHECKPOINT more positions where rows are longer, and how these begin.",
)
@training_options
def pretrain(
    data: str,
    objectives: tuple[str, ...],
    output: str,
    config: str | None,
    checkpoint: str | None,
    resume: bool,
    tensorboard: bool,
    quiet: bool,
    any_objective: bool,
    new_positions: str | None,
    **rest: Any,
) -> None:
    """Pretrain a language model on a corpus: a new one (--config), or a checkpoint (--from).

    The output folder gets `last` and `best`, checkpoints that transformers loads, too, `log.jsonl`
    and `curves.svg`. After a crash the same command goes on with --resume, to the very same
    weights.
    """
    if (config is None) == (checkpoint is None):
        raise click.UsageError("expected either --config, for a new model, or --from")
    from xlm_model.training import ObjectiveSettings
    from xlm_model.training import pretrain as run

    warnings.formatwarning = lambda message, *_, **__: f"Note: {message}\n"
    names = ("batch_tokens", "alpha", "sample_alpha", "max_pair_tokens", "context_size", "held_out")
    how = ObjectiveSettings(**{name: rest.pop(name) for name in names})
    try:
        result = run(
            data,
            objectives,
            output,
            config=config,
            checkpoint=checkpoint,
            settings=training_settings(rest),
            how=how,
            resume=resume,
            any_objective=any_objective,
            new_positions=new_positions,
            tensorboard=tensorboard,
            progress=not quiet and is_terminal(sys.stderr),
            evaluated=None if quiet else show_scores,
        )
    except KeyboardInterrupt as error:
        stop = as_stopped(error)
        raise Interrupted(f"{stop}: --resume goes on from {output}/last", stop) from error
    early = " (stopped early)" if result.finished == "patience" else ""
    click.echo(f"{result.checkpoint}: trained {result.step:,} steps{early}")


def training_settings(values: dict[str, Any]) -> Any:
    """Return the settings that the options of `training_options` give."""
    from xlm_model.training import TrainingSettings

    # One process, as elsewhere, means none beside the command's own.
    workers = values.pop("workers")
    return TrainingSettings(**values, workers=0 if workers == 1 else workers)


def show_scores(step: int, scores: Mapping[str, Mapping[str, float]]) -> None:
    """Print a line of an evaluation."""
    shown = (
        f"{name} " + " ".join(f"{score} {value:.4g}" for score, value in found.items())
        for name, found in scores.items()
    )
    click.echo(f"step {step:,}: " + ", ".join(shown))
