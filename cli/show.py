"""``xlm-tok show``: tokens drawn over the text that they come from."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from . import options, page
from .drawing import COLOURS, Token, segments, visible
from .lines import read_blocks
from .output import is_terminal, open_output, progress
from .program import Command

if TYPE_CHECKING:
    from xlm_text.encoding import BatchEncoding

Style = Callable[[str, int], str]


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  echo "C'est l'été." | xlm-tok show --lang fr
  echo 'تعلمت الكتابة' | xlm-tok show --lang ar --html tokens.html
""",
)
@options.files
@options.lang
@options.model_or_default
@click.option(
    "--html",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Write a page for a browser instead, which needs no other file.",
)
@click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    show_default=True,
    help="Whether to colour; auto does on a terminal, unless NO_COLOR is set. Without colours a "
    "bar stands between tokens that touch.",
)
@options.bypass
@options.segmentation
@options.errors
def show(
    files: tuple[str, ...],
    lang: str,
    html: str | None,
    color: str,
    bypass: bool,
    errors: str,
    **tokenizer_options: Any,
) -> None:
    """Draw tokens over the very characters that they come from.

    Each line of FILES, or of standard input, is shown with its tokens, and under it the tokens
    with their ids.
    """
    tokenizer = options.load_tokenizer(**tokenizer_options)
    lang = tokenizer.check_language(lang)
    style = _coloured if _wants_colour(color) else _plain
    with open_output(html) as out, progress(files, html) as advance:
        if html is not None:
            out.write(page.head(lang).encode())
        for block in read_blocks(files, errors):
            batch = tokenizer(
                block.lines,
                lang=lang,
                bypass_tokenizer=bypass,
                add_special_tokens=False,
                return_langs=False,
                verbose=False,
            )
            for text, tokens in zip(block.lines, _tokens(batch), strict=True):
                drawn = (
                    _draw(text, tokens, style) if html is None else page.line(text, tokens, lang)
                )
                out.write(drawn.encode())
            out.flush()
            advance(block.size)
        if html is not None:
            out.write(page.foot().encode())


def _tokens(batch: BatchEncoding) -> Iterator[list[Token]]:
    for row in batch.encodings:
        yield [
            Token(text, id_, start, end)
            for text, id_, (start, end) in zip(row.tokens, row.ids, row.offsets, strict=True)
        ]


def _draw(text: str, tokens: Sequence[Token], style: Style) -> str:
    drawn, before = "", False
    for segment in segments(text, tokens):
        touches = before and bool(segment.tokens)
        before = bool(segment.tokens)
        part = visible(segment.text)
        if before:
            part = style(part, segment.tokens[0])
        drawn += ("|" if touches and style is _plain else "") + part
    below = "  ".join(
        f"{style(visible(token.text), i)}({token.id})" for i, token in enumerate(tokens)
    )
    return f"{drawn}\n  {below}\n" if tokens else f"{drawn}\n\n"


def _coloured(text: str, number: int) -> str:
    return click.style(text, fg=16, bg=COLOURS[number % len(COLOURS)][0])


def _plain(text: str, number: int) -> str:
    return text


def _wants_colour(color: str) -> bool:
    if color != "auto":
        return color == "always"
    # An empty NO_COLOR counts as not set: see no-color.org.
    return is_terminal(sys.stdout) and not os.environ.get("NO_COLOR")
