"""``xlm-tok show``: tokens drawn over the text that they come from."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from . import options, page
from .drawing import COLOURS, Counts, Token, direction_of, segments, visible
from .lines import Block, read_blocks
from .output import (
    Output,
    check_writable,
    is_terminal,
    open_output,
    refuse_inputs,
    write_whole,
)
from .program import Command
from .progress import Advance, progress
from .skipped import Skipped, open_skipped

if TYPE_CHECKING:
    from xlm_text.base import BaseTokenizer

# Draws the text of a token, which has a number in its line.
Style = Callable[[str, Token, int], str]

# What Unicode calls isolates: text that runs its own way, whatever is around it.
_FROM_LEFT, _FROM_RIGHT, _END = "\u2066", "\u2067", "\u2069"


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  echo "C'est l'été." | xlm-tok show --lang fr
  echo 'تعلمت الكتابة' | xlm-tok show --lang ar --html tokens.html
""",
)
@options.files
@options.lang_of_any
@options.model_or_default
@click.option(
    "--html",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Write a page for a browser instead, which needs no other file. It has as many lines as "
    "a browser can show, and says where it ends.",
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
@options.quiet
def show(
    files: tuple[str, ...],
    lang: str | None,
    model: str | None,
    html: str | None,
    color: str,
    bypass: bool,
    errors: str,
    skipped: str | None,
    quiet: bool,
    **tokenizer_options: Any,
) -> None:
    """Draw tokens over the very characters that they come from.

    Each line of FILES, or of standard input, is shown with its tokens, and under it the tokens
    with their ids.
    """
    if model is None:
        options.needed(lang)
    tokenizer = options.load_any_tokenizer(model, **tokenizer_options)
    lang = options.language_of(tokenizer, lang)
    shown = _Shown(tokenizer, lang, bypass, model or "demonstration vocabulary")
    if html is None:
        style = _coloured if _wants_colour(color) else _plain
        with open_output(None, files) as out, open_skipped(skipped, files) as left_out:
            _write_lines(out, shown, _drawn(shown, read_blocks(files, errors), left_out), style)
    else:
        refuse_inputs(html, files)
        check_writable(html)
        with (
            open_skipped(skipped, files) as left_out,
            progress(files, html, quiet) as advance,
        ):
            content = _make_page(
                html, shown, _drawn(shown, read_blocks(files, errors), left_out), advance
            )
        write_whole(html, content.encode())


@dataclass(frozen=True)
class _Shown:
    """What is shown, beside the lines.

    Attributes:
        tokenizer: what cuts them.
        lang: the code of their language; ``None`` where it does not matter.
        bypass: whether their words are cut already.
        model: what the vocabulary is called.

    """

    tokenizer: BaseTokenizer
    lang: str | None
    bypass: bool
    model: str

    @property
    def language(self) -> str:
        """The language as people call it, and its code."""
        from xlm_text.languages.names import english_name

        if self.lang is None:
            return "any language"
        name = english_name(self.lang)
        return name if name == self.lang else f"{name} ({self.lang})"


class _Line(NamedTuple):
    """A line of text and its tokens; ``size`` is that of its block behind the block's last."""

    place: str
    text: str
    tokens: list[Token]
    size: int


def _drawn(shown: _Shown, blocks: Iterable[Block], left_out: Skipped) -> Iterator[_Line]:
    unknown = shown.tokenizer.unk_token_id
    for block in blocks:
        for number, problem in block.skipped:
            left_out.add(block.name, number, problem)
        batch = shown.tokenizer(
            block.lines,
            lang=shown.lang,
            bypass_tokenizer=shown.bypass,
            add_special_tokens=False,
            return_langs=False,
            verbose=False,
        )
        for i, (text, row) in enumerate(zip(block.lines, batch.encodings, strict=True)):
            tokens = [
                Token(token, id_, start, end, id_ == unknown)
                for token, id_, (start, end) in zip(row.tokens, row.ids, row.offsets, strict=True)
            ]
            size = block.size if i == len(block.lines) - 1 else 0
            yield _Line(block.place(i), text, tokens, size)


def _write_lines(out: Output, shown: _Shown, lines: Iterable[_Line], style: Style) -> None:
    counts = Counts()
    bold = style is _coloured
    for line in lines:
        head = "" if counts.lines else f"{shown.model}: {shown.language}"
        counts.add(line.tokens)
        drawn = _draw(line.text, line.tokens, style)
        head = head and (click.style(head, bold=True) if bold else head) + "\n"
        out.write(f"{head}{drawn}".encode())
    if counts.lines:
        out.write(f"{click.style(str(counts), bold=True) if bold else counts}\n".encode())


def _make_page(html: str, shown: _Shown, lines: Iterable[_Line], advance: Advance) -> str:
    counts, size, note = Counts(), 0, ""
    parts: list[str] = []
    for line in lines:
        part = page.line(line.text, line.tokens, shown.lang or "und")
        if parts and size + len(part) > page.MOST_CHARACTERS:
            note = f"The page ends before {line.place}: show the rest on another one."
            click.echo(f"xlm-tok: {html}: {note[0].lower()}{note[1:-1]}", err=True)
            break
        counts.add(line.tokens)
        parts.append(part)
        size += len(part)
        advance(1, line.size)
    return page.page(shown.model, shown.language, counts, parts, note)


def _draw(text: str, tokens: Sequence[Token], style: Style) -> str:
    drawn, before = "", False
    for segment in segments(text, tokens):
        touches = before and bool(segment.tokens)
        before = bool(segment.tokens)
        part = visible(segment.text)
        if before:
            i = next((i for i in segment.tokens if tokens[i].unknown), segment.tokens[0])
            part = style(part, tokens[i], i)
        drawn += ("|" if touches and style is _plain else "") + part
    direction = direction_of(text)
    below = "  ".join(_chip(token, i, style, direction) for i, token in enumerate(tokens))
    if direction == "rtl":
        below = f"{_FROM_RIGHT}{below}{_END}"
    return f"{drawn}\n  {below}\n" if tokens else f"{drawn}\n\n"


def _chip(token: Token, number: int, style: Style, direction: str) -> str:
    piece, end = visible(token.piece), token.end_of_word
    said = f"({token.id}{' unknown' if token.unknown else ''})"
    own = direction_of(token.piece, direction)
    if own == direction == "ltr":
        return style(piece + end, token, number) + said
    # A terminal that knows Arabic would mirror the mark and the brackets.
    if own == "ltr":
        return f"{_FROM_LEFT}{style(piece + end, token, number)}{said}{_END}"
    end = f"{_FROM_LEFT}{end}{_END}" if end else ""
    chip = f"{style(piece + end, token, number)}{_FROM_LEFT}{said}{_END}"
    return chip if direction == "rtl" else f"{_FROM_RIGHT}{chip}{_END}"


def _coloured(text: str, token: Token, number: int) -> str:
    if token.unknown:
        return click.style(text, fg=231, bg=160, bold=True)
    return click.style(text, fg=16, bg=COLOURS[number % len(COLOURS)][0])


def _plain(text: str, token: Token, number: int) -> str:
    return text


def _wants_colour(color: str) -> bool:
    if color != "auto":
        return color == "always"
    # An empty NO_COLOR counts as not set: see no-color.org.
    return is_terminal(sys.stdout) and not os.environ.get("NO_COLOR")
