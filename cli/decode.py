"""``xlm-tok decode``: from lines of ids or tokens back to words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from . import options
from .journal import open_journal
from .lines import read_blocks
from .output import open_output
from .program import Command
from .progress import progress
from .signals import held
from .skipped import open_skipped

if TYPE_CHECKING:
    from xlm_text.base import BaseTokenizer


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  echo 'Hello, world!' | xlm-tok encode --lang en | xlm-tok decode
  echo '0 2000 2001 1' | xlm-tok decode --skip-special-tokens
""",
)
@options.files
@options.model_or_default
@click.option(
    "--format",
    "format_",
    type=click.Choice(["ids", "tokens", "jsonl"]),
    default="ids",
    show_default=True,
    help="What a line holds, as `encode` writes it.",
)
@click.option("--skip-special-tokens", is_flag=True, help="Leave <s>, </s> and the like out.")
@click.option(
    "--detokenize",
    metavar="CODE",
    shell_complete=options.complete_language,
    help="Write the words as this language is written: without the spaces before punctuation, or "
    "between words where it has none.",
)
@options.any_language
@options.errors
@options.output
@options.quiet
def decode(
    files: tuple[str, ...],
    format_: str,
    skip_special_tokens: bool,
    detokenize: str | None,
    errors: str,
    skipped: str | None,
    output: str | None,
    quiet: bool,
    **tokenizer_options: Any,
) -> None:
    """Turn ids or tokens back into words, line by line.

    This is not quite the text that was encoded: an XLM tokenizer's words stand between single
    spaces, in lower case and without accents where the checkpoint wants that, and unknown pieces
    stay unknown.
    """
    tokenizer = options.load_any_tokenizer(**tokenizer_options)
    if detokenize is not None:
        _check_language(tokenizer, detokenize)
    with (
        open_output(output, files) as out,
        open_skipped(skipped, files) as left_out,
        progress(files, output, quiet) as advance,
    ):
        journal = open_journal(files)
        for block in read_blocks(files, errors):
            texts, last, stop = [], block.last, None
            for number, line, problem in block.in_order():
                try:
                    if problem is None:
                        texts.append(
                            _text(tokenizer, line, format_, skip_special_tokens, detokenize)
                        )
                except ValueError as error:
                    problem = str(error)
                if problem is not None and errors == "skip":
                    left_out.add(block.name, number, problem)
                elif problem is not None:
                    last, stop = number - 1, f"{block.name}: line {number}: {problem}"
                    break
            with held():
                out.write("".join(f"{text}\n" for text in texts).encode())
                journal.add(len(texts), block.name, last)
            if stop is not None:
                raise click.ClickException(stop)
            advance(len(texts), block.size)


def _check_language(tokenizer: BaseTokenizer, lang: str) -> None:
    from xlm_text import InputError, XLMRobertaTokenizer, XLMTokenizer

    if isinstance(tokenizer, XLMTokenizer):
        tokenizer.check_language(lang)
    elif isinstance(tokenizer, XLMRobertaTokenizer):
        problem = "is for words: leave it out, as this tokenizer's pieces have their spaces"
        raise InputError(problem, argument="detokenize")


def _text(
    tokenizer: BaseTokenizer,
    line: str,
    format_: str,
    skip_special_tokens: bool,
    detokenize: str | None,
) -> str:
    if format_ != "tokens":
        ids = _ids_of_json(line) if format_ == "jsonl" else [_id(field) for field in line.split()]
        other = {} if detokenize is None else {"detokenize": detokenize}
        text: str = tokenizer.decode(ids, skip_special_tokens, **other)
        return text
    from xlm_text.detokenization import join_words

    special = tokenizer.all_special_tokens if skip_special_tokens else ()
    text = tokenizer.convert_tokens_to_string(t for t in line.split(" ") if t not in special)
    return text if detokenize is None else join_words(text.split(), detokenize)


def _id(field: str) -> int:
    # int() alone would take 1_000 and digits of other scripts, which no encoder writes.
    if not (field.isascii() and field.isdecimal() and len(field) < 20):
        raise ValueError(f"{field[:40]!r} is not an id")
    return int(field)


def _ids_of_json(line: str) -> list[int]:
    try:
        ids = json.loads(line)["ids"]
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON (column {error.colno}: {error.msg})") from None
    except (KeyError, TypeError):
        ids = None
    if not isinstance(ids, list) or any(type(id_) is not int for id_ in ids):
        raise ValueError('a JSON object with "ids", a list of whole numbers, was expected')
    return ids
