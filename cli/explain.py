"""``xlm-tok explain``: every step from a text to its tokens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import click

from . import options
from .lines import read_blocks
from .program import Command


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  xlm-tok explain --lang fr "C'est l'été (vraiment)."
  xlm-tok explain --lang zh '我来到北京清华大学。' --format jsonl
""",
)
@click.argument("texts", nargs=-1, metavar="[TEXT]...")
@options.lang_of_any
@options.model_or_default
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "jsonl"]),
    default="text",
    show_default=True,
    help="A page for people, or a JSON object for each text.",
)
@options.bypass
@click.option(
    "--split-special-tokens",
    is_flag=True,
    help="Treat <s>, <special1> and the like in the text as text.",
)
@options.segmentation
def explain(
    texts: tuple[str, ...],
    lang: str | None,
    format_: str,
    bypass: bool,
    split_special_tokens: bool,
    **tokenizer_options: Any,
) -> None:
    """Say which rule cut or changed what, from a text to its tokens.

    Explains each TEXT, or the lines of standard input. The first line of what is printed says what
    finds the words; a line that begins with numbers is a part of the text, and below it stand the
    steps that changed something, each with what it left, and the words with their tokens.
    """
    from xlm_text import InputError
    from xlm_text.bpe_tokenizer import BpeTokenizer

    if tokenizer_options["model"] is None:
        options.needed(lang)
    tokenizer = options.load_any_tokenizer(**tokenizer_options)
    if not isinstance(tokenizer, BpeTokenizer):
        raise InputError(
            f"explain shows rules that find words, and {type(tokenizer).__name__} has none: "
            "xlm-tok show draws its tokens"
        )
    lang = options.language_of(tokenizer, lang)
    for text in texts or _lines():
        explained = tokenizer.explain(
            text, lang, bypass_tokenizer=bypass, split_special_tokens=split_special_tokens or None
        )
        if format_ == "jsonl":
            shown = json.dumps(explained.to_dict(), ensure_ascii=False)
        else:
            shown = f"{explained}\n" if len(texts) != 1 else str(explained)
        click.echo(shown.encode())


def _lines() -> Iterator[str]:
    for block in read_blocks((), "strict"):
        yield from block.lines
