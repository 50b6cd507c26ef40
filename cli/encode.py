"""``xlm-tok encode``: from lines of text to lines of tokens."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from . import options
from .journal import open_journal
from .lines import Block, Chunk, Chunks, read_blocks
from .output import open_output
from .program import Command, option_names
from .progress import progress
from .signals import held
from .skipped import open_skipped

if TYPE_CHECKING:
    from xlm_text import InputError
    from xlm_text.base import BaseTokenizer
    from xlm_text.batches.encoding import BatchEncoding
    from xlm_text.streams.workers import Failure


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
@options.lang_of_any
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
@options.workers("Work in so many processes; the order of the lines stays.")
@options.output
@options.quiet
def encode(
    files: tuple[str, ...],
    lang: str | None,
    format_: str,
    pair: bool,
    pair_lang: str | None,
    bypass: bool,
    split_special_tokens: bool,
    no_special_tokens: bool,
    max_length: int | None,
    truncation: str | None,
    errors: str,
    skipped: str | None,
    workers: int,
    output: str | None,
    quiet: bool,
    **tokenizer_options: Any,
) -> None:
    """Cut text into tokens, line by line.

    Reads FILES, or standard input, as UTF-8, and writes one line for each line.
    """
    if pair_lang is not None and not pair:
        raise click.UsageError("--pair-lang needs --pair")
    if truncation == "only_second" and not pair:
        raise click.UsageError("--truncation only_second needs --pair")
    if tokenizer_options["model"] is None:
        options.needed(lang)
    tokenizer = options.load_any_tokenizer(**tokenizer_options)
    langs = [options.language_of(tokenizer, lang)]
    langs.append(langs[0] if pair_lang is None else options.language_of(tokenizer, pair_lang))
    have_ids = all(code in (getattr(tokenizer, "lang2id", None) or ()) for code in langs)
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
    work = _Work(tokenizer, call, pair, format_, errors == "skip")
    with (
        open_output(output, files) as out,
        open_skipped(skipped, files) as left_out,
        progress(files, output, quiet) as advance,
    ):
        journal = open_journal(files)
        for done in _results(work, files, errors, workers):
            with held():
                out.write(done.lines)
                journal.add(done.count, done.block.name, done.last)
            for number, problem in done.skipped:
                left_out.add(done.block.name, number, _said(problem))
            if done.problem is not None:
                place = f"{done.block.name}: line {done.last + 1}"
                raise click.ClickException(f"{place}: {_said(done.problem)}")
            advance(done.count, done.block.size)


def _results(work: _Work, files: Sequence[str], errors: str, workers: int) -> Iterator[_Done]:
    """Work on files in order, in this process or in several.

    The workers get bytes: what this process does for each line, all of them wait for.
    """
    if workers == 1:
        yield from map(work, read_blocks(files, errors))
        return
    from xlm_text.streams.ordered import map_in_order

    chunks = Chunks(files)
    work_on = _WorkOnBytes(work, errors)
    for results, failure in map_in_order(work_on, chunks, workers, lambda: chunks.awaited):
        yield from results
        if failure is not None:
            raise failure.error()


def _said(problem: str | InputError) -> str:
    if isinstance(problem, str):
        return problem
    return problem.describe(option_names(click.get_current_context().command))


@dataclass(frozen=True)
class _Done:
    """The results of a block.

    Attributes:
        block: what was worked on, without its text.
        lines: the results, whole lines.
        count: how many.
        last: the number of the last line of input that is done, with results or left out.
        problem: what is wrong with the line behind that, if anything is.
        skipped: the lines that are left out, and what is wrong with them.

    """

    block: Block
    lines: bytes
    count: int
    last: int
    problem: str | InputError | None
    skipped: list[tuple[int, str | InputError]]


@dataclass(frozen=True)
class _Work:
    """What is done to each block, in whichever process."""

    tokenizer: BaseTokenizer
    call: dict[str, Any]
    pair: bool
    format_: str
    skip: bool

    def __call__(self, block: Block) -> _Done:
        problems: dict[int, str | InputError] = _malformed(block.lines) if self.pair else {}
        rows = self._rows(block.lines, problems)
        lines = "".join(f"{row}\n" for row in rows).encode()
        problem: str | InputError | None = None
        last = block.last
        skipped: list[tuple[int, str | InputError]] = [*block.skipped]
        if self.skip:
            skipped += [(block.numbers[i], what) for i, what in problems.items()]
            skipped.sort(key=lambda line: line[0])
        elif problems:
            i = min(problems)
            problem, last = problems[i], block.numbers[i] - 1
        return _Done(block.without_text(), lines, len(rows), last, problem, skipped)

    def _rows(self, lines: list[str], problems: dict[int, str | InputError]) -> list[str]:
        """Return the results of the lines without problems, and add what is found to those.

        Unless such lines are to be skipped, only those before the first.
        """
        from xlm_text import InputError

        usable = [i for i in range(len(lines)) if i not in problems]
        if problems and not self.skip:
            usable = usable[: min(problems)]
        try:
            return self._render([lines[i] for i in usable])
        except InputError as error:
            if error.number is None:
                raise
            if not self.skip:
                problems[usable[error.number]] = error
                return self._render([lines[i] for i in usable[: error.number]])
        rows = []
        for i in usable:  # one by one, as there may be many
            try:
                rows += self._render([lines[i]])
            except InputError as error:
                problems[i] = error
        return rows

    def _render(self, lines: list[str]) -> list[str]:
        first, second = lines, None
        if self.pair:
            first, second = [], []
            for line in lines:
                one, _, other = line.partition("\t")
                first.append(one)
                second.append(other)
        batch = self.tokenizer(first, second, **self.call)
        render = {"ids": _ids, "tokens": _tokens, "jsonl": _objects}[self.format_]
        return list(render(batch, self.pair))


@dataclass(frozen=True)
class _WorkOnBytes:
    """What a worker does to lines that it has to decode."""

    work: _Work
    errors: str

    def __call__(self, chunk: Chunk) -> tuple[list[_Done], Failure | None]:
        """Return the results of its blocks, and what went wrong behind them, if anything did."""
        from xlm_text.streams.workers import Failure

        results: list[_Done] = []
        try:
            for block in chunk.blocks(self.errors):
                results.append(self.work(block))
        except BaseException as error:  # whatever it is, what is done is not lost
            return results, Failure(error)
        return results, None


def _malformed(lines: list[str]) -> dict[int, str | InputError]:
    """Return what is wrong with the lines that are no pair."""
    problems: dict[int, str | InputError] = {}
    for i, line in enumerate(lines):
        tabs = line.count("\t")
        if tabs != 1:
            problems[i] = (
                "a pair is two texts with a tab between them, "
                f"but this line has {tabs or 'no'} tab{'s' if tabs > 1 else ''}"
            )
    return problems


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
