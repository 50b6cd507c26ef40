"""``xlm-tok prepare``: from raw files to training data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from . import options
from .program import Command, Interrupted, as_stopped
from .progress import corpus_progress

if TYPE_CHECKING:
    from xlm_text.corpora import Corpus


def _shares(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> dict[str, float] | None:
    if value is None:
        return None
    try:
        pairs = [part.split("=") for part in value.split(",")]
        shares = {name: float(share) for name, share in pairs}
    except ValueError:
        shares = {}
    if not shares or len(shares) < value.count(",") + 1:
        raise click.BadParameter(f"{value!r} is not shares such as train=0.99,valid=0.01")
    return shares


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  xlm-tok prepare en=en.txt fr='fr*.txt' --blocks 256 -o data
  xlm-tok prepare en-fr=en.txt,fr.txt --split train=0.99,valid=0.01 -o pairs
""",
)
@options.sources
@click.option(
    "--output",
    "-o",
    required=True,
    metavar="FOLDER",
    type=click.Path(),
    help="Where the shards go: a new or empty folder, or one that the same command began.",
)
@options.model_or_default
@click.option(
    "--blocks",
    type=click.IntRange(min=2),
    metavar="N",
    help="Make streams: rows of N tokens over sentence and document borders.",
)
@click.option(
    "--split",
    metavar="SHARES",
    callback=_shares,
    help="Part the texts by their hashes, such as train=0.99,valid=0.01.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["parquet", "bin"]),
    default="parquet",
    show_default=True,
    help="Parquet files, or flat files of token ids to be mapped into memory.",
)
@click.option("--offsets", is_flag=True, help="Add the characters that each token stands for.")
@click.option("--max-length", type=click.IntRange(min=3), metavar="N", help="Cut rows to N tokens.")
@click.option("--no-special-tokens", is_flag=True, help="Leave out <s> and </s>.")
@options.line_errors
@click.option(
    "--shard-size",
    type=click.FloatRange(min=0, min_open=True),
    default=64,
    show_default=True,
    metavar="MB",
    help="How much text becomes a shard.",
)
@options.segmentation
@options.bos_token
@options.workers("Work in so many processes; the shards stay the same.")
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="Work on this machine, or on a Ray cluster.",
)
@click.option("--address", metavar="ADDRESS", help="The Ray cluster; without it one is started.")
@options.quiet
def prepare(
    sources: tuple[str, ...],
    output: str,
    model: str | None,
    revision: str | None,
    local_files_only: bool,
    split: dict[str, float] | None,
    format_: str,
    no_special_tokens: bool,
    shard_size: float,
    address: str | None,
    engine: str,
    quiet: bool,
    bos_token: str | None,
    **rest: Any,
) -> None:
    """Turn raw text into shards of token ids.

    Each LANG=FILE is a file in a language: en=news.txt, fr='wiki/*.txt.zst', de=web.jsonl:body,
    en-fr=europarl.en,europarl.fr, ar-en=pairs.tsv, @lang=mixed.parquet:text. That is a path or a
    glob pattern of text (a sentence a line, an empty line ends a document), JSON lines, CSV, TSV
    or Parquet with :COLUMN behind it, as it is or compressed (.gz, .bz2, .xz, .zst), or - for
    standard input; here, or on s3://, gs:// or hdfs://. LANG-LANG is pairs of texts, and @COLUMN
    a column with the language of each line.

    What was interrupted goes on when the same command is run again.
    """
    from xlm_text import corpora
    from xlm_text.corpora.report import table
    from xlm_text.corpora.statistics import warnings

    if address is not None and engine != "ray":
        raise click.UsageError("--address needs --engine ray")
    tokenizer = options.load_tokenizer(
        model,
        revision,
        local_files_only,
        bos_token=bos_token,
        **{name: rest.pop(name) for name in options.SEGMENTATION},
    )
    try:
        with corpus_progress(quiet=quiet) as progress:
            corpus = corpora.prepare(
                sources,
                output,
                model=tokenizer,
                split=split,
                format=format_,
                special_tokens=not no_special_tokens,
                shard_bytes=max(1, int(shard_size * 1_000_000)),
                engine=engine,
                address=address,
                progress=progress,
                **rest,
            )
    except KeyboardInterrupt as error:
        stop = as_stopped(error)
        raise Interrupted(f"{stop}: the same command goes on from here", stop) from error
    statistics = corpus.statistics()
    click.echo(table(statistics), nl=False)
    for warning in warnings(statistics):
        click.echo(f"Note: {warning}", err=True)
    _say_problems(corpus)


def _say_problems(corpus: Corpus) -> None:
    count = corpus.manifest["problems"]
    if count:
        lines = "line has a mistake" if count == 1 else "lines have mistakes"
        click.echo(f"Note: {count:,} {lines}: {corpus.folder}/problems.jsonl", err=True)
