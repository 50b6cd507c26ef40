"""``xlm-tok stats``: the numbers of a corpus."""

from __future__ import annotations

import json

import click

from . import options
from .output import open_output
from .program import Command


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  xlm-tok stats data
  xlm-tok stats data --format html -o data.html
""",
)
@click.argument("folder", type=click.Path())
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "json", "html"]),
    default="table",
    show_default=True,
    help="A table; all numbers as one JSON object; or a page with plots.",
)
@options.output
def stats(folder: str, format_: str, output: str | None) -> None:
    """Print the numbers of a corpus.

    FOLDER is what `prepare` made; the numbers are those of each language.
    Lines, words, tokens, pieces of a word, the shares of unknown pieces and of lines that were
    cut or left out, and how long the texts are. Where far more pieces are unknown than in the
    other languages, ten such lines are shown. Of work that is not done yet, the numbers so far.
    """
    from xlm_text.corpora.opening import statistics_of
    from xlm_text.corpora.page import page
    from xlm_text.corpora.report import as_json, table
    from xlm_text.corpora.statistics import warnings

    statistics, complete = statistics_of(folder)
    if format_ == "json":
        text = json.dumps(as_json(statistics), ensure_ascii=False, indent=1) + "\n"
    elif format_ == "html":
        text = page(statistics, f"Corpus {folder}")
    else:
        text = table(statistics)
    with open_output(output) as out:
        out.write(text.encode())
    if format_ == "table":
        for warning in warnings(statistics):
            click.echo(f"Note: {warning}", err=True)
    if not complete:
        click.echo(f"Note: {folder} is not complete: these are the numbers so far", err=True)
