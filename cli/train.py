"""``xlm-tok train``: a vocabulary from text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from . import options
from .lines import check_readable, read_blocks
from .output import open_folder
from .program import Command
from .progress import Advance, progress
from .skipped import Skipped, open_skipped


def _texts(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, list[str]]:
    """Read LANG=FILE arguments: the files of each language."""
    files: dict[str, list[str]] = {}
    for value in values:
        lang, equals, path = value.partition("=")
        if not (lang and equals and path):
            raise click.BadParameter(f"{value!r} is not a language and a file such as en=news.txt")
        files.setdefault(lang, []).append(path)
    return files


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  xlm-tok train en=en.txt fr=fr.txt --vocab-size 500 --output enfr
  echo "C'est l'été." | xlm-tok encode --lang fr --model enfr
""",
)
@click.argument("texts", nargs=-1, required=True, callback=_texts, metavar="LANG=FILE...")
@click.option(
    "--vocab-size",
    type=int,
    required=True,
    metavar="N",
    help="How many entries the vocabulary has at most, the fourteen special tokens included.",
)
@click.option(
    "--min-frequency",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    metavar="N",
    help="How often two pieces must stand next to each other to be merged.",
)
@click.option(
    "--keep-case", is_flag=True, help="Do not lower-case the text or take its accents away."
)
@options.languages
@options.rules
@options.faithful
@options.kytea_model
@options.bos_token
@options.errors
@click.option(
    "--output",
    "-o",
    required=True,
    metavar="FOLDER",
    type=click.Path(file_okay=False),
    help="Where the files go, whole or not at all.",
)
@options.quiet
def train(
    texts: dict[str, list[str]],
    vocab_size: int,
    min_frequency: int,
    keep_case: bool,
    languages: dict[str, int] | None,
    errors: str,
    skipped: str | None,
    output: str,
    quiet: bool,
    **settings: Any,
) -> None:
    """Learn a vocabulary from text, and write a folder for --model.

    Each LANG=FILE is a file of text in a language, a sentence or paragraph on each line; a
    language may have several. The languages get their ids in the order given, or in that of
    --languages. The same texts give the same vocabulary.
    """
    from xlm_text import train as learn

    paths = [path for files in texts.values() for path in files]
    check_readable(paths)
    settings = {name: value for name, value in settings.items() if value}
    settings |= options.language_settings(languages)
    with open_skipped(skipped, paths) as left_out, progress(paths, output, quiet) as advance:
        lines = {lang: _lines(files, errors, left_out, advance) for lang, files in texts.items()}
        tokenizer = learn(
            lines,
            vocab_size,
            min_frequency=min_frequency,
            do_lowercase_and_remove_accent=not keep_case,
            **settings,
        )
    with open_folder(output) as folder:
        tokenizer.save_pretrained(folder)


def _lines(paths: list[str], errors: str, left_out: Skipped, advance: Advance) -> Iterator[str]:
    for block in read_blocks(paths, errors):
        for number, problem in block.skipped:
            left_out.add(block.name, number, problem)
        yield from block.lines
        advance(len(block.lines), block.size)
