"""``xlm-model pretrain``: from a corpus to a language model."""

from __future__ import annotations

from typing import Any

import click

from .model_run import ModelCommand
from .training import shown, speaks, training_options, training_settings


@click.command(
    cls=ModelCommand,
    epilog="""\b
Examples:
  xlm-model pretrain --data data --objective mlm:en,fr --config small.json --steps 20 -o run
  xlm-model pretrain --data data --objective tlm:en-fr --from ./model --steps 20 -o more
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
@click.option(
    "--held-out",
    metavar="SPLIT|FOLDER",
    help="Evaluate on this split, or on another corpus; on the split valid unless set.",
)
@click.option(
    "--any-objective", is_flag=True, help="Allow objectives that CHECKPOINT was not made for."
)
@click.option(
    "--new-positions",
    type=click.Choice(["copy", "interpolate"]),
    help="Give CHECKPOINT more positions where rows are longer, and how these begin.",
)
@training_options()
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
    and `curves.svg`. The same command with --resume goes on after a crash, to the very same
    weights.
    """
    if (config is None) == (checkpoint is None):
        raise click.UsageError("expected either --config, for a new model, or --from")
    from xlm_model.pretraining import ObjectiveSettings
    from xlm_model.pretraining import pretrain as run

    names = ("batch_tokens", "alpha", "sample_alpha", "max_pair_tokens", "context_size", "held_out")
    with shown(output, quiet) as callbacks:
        result = run(
            data,
            objectives,
            output,
            config=config,
            checkpoint=checkpoint,
            objective_settings=ObjectiveSettings(**{name: rest.pop(name) for name in names}),
            settings=training_settings(rest),
            resume=resume,
            any_objective=any_objective,
            new_positions=new_positions,
            tensorboard=tensorboard,
            on_step=callbacks.on_step,
            on_evaluation=callbacks.on_evaluation,
        )
    if speaks():
        early = " (stopped early)" if result.finished == "patience" else ""
        click.echo(f"{result.checkpoint}: trained {result.step:,} steps{early}")
