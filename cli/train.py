"""``xlm-tok train``: a vocabulary from text."""

from __future__ import annotations

from typing import Any

import click

from . import options
from .output import open_folder
from .program import Command
from .progress import corpus_progress
from .skipped import open_skipped


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  xlm-tok train en=en.txt fr=fr.txt --vocab-size 500 --output enfr
  echo "C'est l'été." | xlm-tok encode --lang fr --model enfr
""",
)
@options.sources
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
@options.line_errors
@options.skipped
@click.option(
    "--alpha",
    type=click.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    metavar="A",
    help="Let a language of n lines count in proportion to n^A; 1 takes the texts as they are.",
)
@options.workers("Count words in so many processes; the vocabulary stays the same.")
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
    sources: tuple[str, ...],
    vocab_size: int,
    min_frequency: int,
    keep_case: bool,
    languages: dict[str, int] | None,
    errors: str,
    skipped: str | None,
    alpha: float,
    workers: int,
    output: str,
    quiet: bool,
    **settings: Any,
) -> None:
    """Learn a vocabulary from text, and write a folder for --model.

    Each LANG=FILE is a file of text in a language, a sentence or paragraph on each line, or
    whatever else `prepare` takes; a language may have several. The languages get their ids in the
    order given, or in that of --languages. The same texts give the same vocabulary.
    """
    from xlm_text.corpora.counting import count_words
    from xlm_text.corpora.sources import parse_sources
    from xlm_text.training import check_size, learn

    check_size(vocab_size)
    settings = {name: value for name, value in settings.items() if value}
    settings |= options.language_settings(languages)
    settings["do_lowercase_and_remove_accent"] = not keep_case
    parsed = parse_sources(sources)
    paths = [path for source in parsed for names in source.files for path in names]
    with open_skipped(skipped, paths) as left_out, corpus_progress("words", quiet) as progress:
        counts = count_words(
            parsed,
            errors=errors,
            workers=workers,
            progress=progress,
            left_out=left_out.add,
            **settings,
        )
    tokenizer = learn(counts, vocab_size, min_frequency=min_frequency, alpha=alpha, **settings)
    with open_folder(output) as folder:
        tokenizer.save_pretrained(folder)
