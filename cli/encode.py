"""``xlm-tok encode``: from lines of text to lines of tokens."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from . import options
from .lines import Block, read_blocks
from .output import open_output, progress
from .program import Command

if TYPE_CHECKING:
    from xlm_text import XLMTokenizer
    from xlm_text.encoding import BatchEncoding


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  echo '我来到北京清华大学。' | xlm-tok encode --lang zh
  echo "C'est l'été." | xlm-tok encode --lang fr --format tokens
  printf 'Where?\\tWo?\\n' | xlm-tok encode --lang en --pair --pair-lang de
""",
)
@options.files
@options.lang
@options.model_or_default
@click.option(
    "--format",
    "format_",
    type=click.Choice(["ids", "tokens", "jsonl"]),
    default="ids",
    show_default=True,
    help="What a line of results holds: ids; tokens; or a JSON object with ids, tokens, offsets "
    "(spans of the line, in characters), word_ids, for pairs sequence_ids, and langs where the "
    "checkpoint has language embeddings.",
)
@click.option(
    "--pair", is_flag=True, help="A line holds two texts with a tab between them, to go together."
)
@click.option(
    "--pair-lang",
    metavar="CODE",
    shell_complete=options.complete_language,
    help="The language of the second text of a pair, if it is another.",
)
@options.bypass
@click.option(
    "--split-special-tokens",
    is_flag=True,
    help="Treat <s>, <special1> and the like in the text as text.",
)
@click.option("--no-special-tokens", is_flag=True, help="Leave out <s> and </s>.")
@click.option(
    "--max-length",
    type=click.IntRange(min=1),
    metavar="N",
    help="Cut what is longer than N tokens, <s> and </s> included.",
)
@click.option(
    "--truncation",
    type=click.Choice(["longest_first", "only_first", "only_second"]),
    help="Which text of a pair to cut; without --max-length, to the model's longest sequence.",
)
@options.segmentation
@options.languages
@options.bos_token
@options.errors
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Work in so many processes; the order of the lines stays.",
)
@options.output
def encode(
    files: tuple[str, ...],
    lang: str,
    format_: str,
    pair: bool,
    pair_lang: str | None,
    bypass: bool,
    split_special_tokens: bool,
    no_special_tokens: bool,
    max_length: int | None,
    truncation: str | None,
    errors: str,
    workers: int,
    output: str | None,
    **tokenizer_options: Any,
) -> None:
    """Cut text into tokens, line by line.

    Reads FILES, or standard input, as UTF-8, and writes one line for each line.
    """
    if pair_lang is not None and not pair:
        raise click.UsageError("--pair-lang needs --pair")
    if truncation == "only_second" and not pair:
        raise click.UsageError("--truncation only_second needs --pair")
    from xlm_text.streaming import map_in_order

    tokenizer = options.load_tokenizer(**tokenizer_options)
    langs = [tokenizer.check_language(code) for code in (lang, pair_lang or lang)]
    have_ids = all(code in (tokenizer.lang2id or ()) for code in langs)
    call: dict[str, Any] = {
        "lang": langs[0],
        "lang_pair": langs[1],
        "bypass_tokenizer": bypass,
        # Without the flag as the files say.
        "split_special_tokens": split_special_tokens or None,
        "verbose": False,
        "add_special_tokens": not no_special_tokens,
        "max_length": max_length,
        "truncation": truncation,
        "return_attention_mask": False,
        "return_offsets_mapping": format_ == "jsonl",
        # The checkpoint's own default where they are written, and there are any.
        "return_langs": None if format_ == "jsonl" and have_ids else False,
    }
    work = _Work(tokenizer, call, pair, format_)
    with open_output(output) as out, progress(files, output) as advance:
        for done in map_in_order(work, read_blocks(files, errors), workers):
            out.write(done.lines)
            out.flush()
            if done.problem is not None:
                raise click.ClickException(done.problem)
            advance(done.size)


@dataclass(frozen=True)
class _Done:
    """The results of a block: whole lines, and what is wrong with the next, if anything is."""

    lines: bytes
    problem: str | None
    size: int


@dataclass(frozen=True)
class _Work:
    """What is done to each block, in whichever process."""

    tokenizer: XLMTokenizer
    call: dict[str, Any]
    pair: bool
    format_: str

    def __call__(self, block: Block) -> _Done:
        from xlm_text import InputError

        first, second, problem = _pairs(block) if self.pair else (block.lines, None, None)
        try:
            batch = self.tokenizer(first, second, **self.call)
        except InputError as error:
            bad = error.number
            if bad is None:
                raise
            problem = f"{block.place(bad)}: {error.reason}"
            batch = self.tokenizer(first[:bad], second and second[:bad], **self.call)
        render = {"ids": _ids, "tokens": _tokens, "jsonl": _objects}[self.format_]
        lines = "".join(f"{row}\n" for row in render(batch, self.pair)).encode()
        return _Done(lines, problem, block.size)


def _pairs(block: Block) -> tuple[list[str], list[str], str | None]:
    """Return the first and the second texts of lines, and what is wrong with the next, if any."""
    pairs = [line.split("\t") for line in block.lines]
    good = list(itertools.takewhile(lambda texts: len(texts) == 2, pairs))
    problem = None
    if len(good) < len(pairs):
        tabs = len(pairs[len(good)]) - 1
        problem = (
            f"{block.place(len(good))}: a pair is two texts with a tab between them, "
            f"but this line has {tabs or 'no'} tab{'s' if tabs > 1 else ''}"
        )
    return [first for first, _ in good], [second for _, second in good], problem


class _Numerals(dict[int, str]):
    """Ids as they are written: to look one up takes half as long as to write it again."""

    def __missing__(self, id_: int) -> str:
        return self.setdefault(id_, str(id_))


_numeral_of = _Numerals().__getitem__


def _ids(batch: BatchEncoding, pair: bool) -> Iterator[str]:
    for ids in batch["input_ids"]:
        yield " ".join(map(_numeral_of, ids))


def _tokens(batch: BatchEncoding, pair: bool) -> Iterator[str]:
    for i in range(len(batch["input_ids"])):
        yield " ".join(batch.tokens(i))


def _objects(batch: BatchEncoding, pair: bool) -> Iterator[str]:
    langs = batch.get("langs")
    for i, row in enumerate(batch.encodings):
        found: dict[str, Any] = {
            "ids": row.ids,
            "tokens": row.tokens,
            "offsets": row.offsets,
            "word_ids": row.word_ids,
        }
        if pair:
            found["sequence_ids"] = row.sequence_ids
        if langs is not None:
            found["langs"] = langs[i]
        yield json.dumps(found, ensure_ascii=False)
