"""From a part of a file to blocks of texts, with what is wrong on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from xlm_text.corpora.files import BLOCK_BYTES, TextStream, name_of_input
from xlm_text.corpora.lines import MAX_LINE_BYTES, split_lines, whole_lines
from xlm_text.corpora.records import (
    Record,
    csv_records,
    has_header,
    parquet_records,
    parse_json,
    parse_tabs,
    resolve_columns,
)
from xlm_text.corpora.scanning import BYTE_ORDER_MARK, Part
from xlm_text.corpora.sources import Source
from xlm_text.errors import Argument, InputError

# A text goes through the tokenizer in one piece, which takes some hundred times its size.
MAX_TEXT_CHARACTERS = 1 << 20
ERRORS = ("strict", "skip", "replace")

_BLOCK_RECORDS = 4000


@dataclass(frozen=True)
class Problem:
    """A line that could not be used as it is: ``skipped``, or read with U+FFFD (``replaced``)."""

    file: str
    line: int
    problem: str
    done: str


@dataclass
class Block:
    """Some texts that follow each other.

    Attributes:
        numbers: the line or record of each, from 1.
        documents: the number of each text's document.
        texts: the texts.
        pairs: the second texts of pairs.
        langs: the language of each text where a column has it.
        lines: how many lines or records were read for them.
        empty: how many of these have no text.
        size: how many bytes they took.
        problems: what was wrong.

    """

    numbers: list[int] = field(default_factory=list)
    documents: list[int] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    pairs: list[str] = field(default_factory=list)
    langs: list[str] = field(default_factory=list)
    lines: int = 0
    empty: int = 0
    size: int = 0
    problems: list[Problem] = field(default_factory=list)


class Reader:
    """Reads parts of files; to read parts that follow each other costs no search.

    Args:
        source: what the files are.
        files: one file, or the two of pairs.
        name: what data and messages call them.
        errors: ``strict`` raises for a line that cannot be used, ``skip`` leaves it out, and
            ``replace`` reads bytes that are not UTF-8 as U+FFFD and leaves out the rest.
        check_language: raises an :class:`InputError` for a language that cannot be used; for
            sources whose languages are in a column.

    """

    def __init__(
        self,
        source: Source,
        files: Sequence[str],
        name: str,
        errors: str = "strict",
        check_language: Callable[[str], object] = str,
    ) -> None:
        self._source = source
        self._files = files
        self._name = name
        self._errors = errors
        self._check_language = check_language
        self._wrong_languages: dict[str, str] = {}
        self._open = ExitStack()
        self._streams: list[TextStream] = []
        self._csv: Iterator[Record] | None = None
        self._csv_read = 0

    def close(self) -> None:
        """Close the files."""
        self._open.close()

    def blocks(self, part: Part) -> Iterator[Block]:
        """Yield the texts of a part.

        Raises:
            InputError: with ``strict``, a line that cannot be used; or the file cannot be read.

        """
        if self._source.format == "text" and not self._source.pair:
            return self._blocks_of_text(part)
        return self._blocks_of_records(self._records(part))

    # Text, a line at a time ---------------------------------------------------------------

    def _blocks_of_text(self, part: Part) -> Iterator[Block]:
        number, document = part.first + 1, part.documents
        for run in self._runs(part)[0]:
            block = Block()
            if isinstance(run, int):
                block.size, block.lines = run, 1
                self._skip(block, number, _too_long(run))
            else:
                block.size = len(run)
                lines = self._decode_run(run, number, block)
                block.lines = len(lines)
                if "" not in lines:
                    block.texts = lines
                    block.numbers = list(range(number, number + len(lines)))
                    block.documents = [document] * len(lines)
                else:
                    skipped = {problem.line for problem in block.problems}
                    for i, text in enumerate(lines, number):
                        if text:
                            self._add(block, i, document, text)
                        elif i not in skipped:
                            block.empty += 1
                            document += 1
            number += block.lines
            yield block

    def _decode_run(self, run: bytes, number: int, block: Block) -> list[str]:
        """Return the lines of a run; those that cannot be used are empty."""
        try:
            text = run.decode()
        except UnicodeDecodeError:
            lines = [
                self._decode(line, i, block) for i, line in enumerate(split_lines(run), number)
            ]
        else:
            lines = text.removesuffix("\n").split("\n")
            if "\r" in text:
                lines = [line.removesuffix("\r") for line in lines]
        if len(run) > MAX_TEXT_CHARACTERS:
            lines = [self._short(line, i, block) for i, line in enumerate(lines, number)]
        return lines

    def _runs(self, part: Part) -> list[Iterator[bytes | int]]:
        if not self._streams:
            for path in self._files:
                self._streams.append(self._open.enter_context(TextStream(path)))
        runs = []
        for stream, offset, size in zip(self._streams, part.offsets, part.sizes, strict=True):
            stream.move_to(offset)
            runs.append(_without_mark(whole_lines(stream, size), offset))
        return runs

    # Records ------------------------------------------------------------------------------

    def _records(self, part: Part) -> Iterator[Record]:
        source = self._source
        if source.format == "parquet":
            return parquet_records(source, self._files[0], part.first, part.count)
        if source.format == "csv":
            return self._csv_records(part)
        if source.format == "text":
            first, second = (_each_line(runs) for runs in self._runs(part))
            return _pairs_of_lines(zip(first, second, strict=True), part.first + 1)
        lines = enumerate(_each_line(self._runs(part)[0]), part.first + 1)
        if source.format == "jsonl":
            return _parsed(lines, lambda line: parse_json(line, source.wanted))
        indices = resolve_columns(source, self._files[0])
        if part.first == 0 and has_header(source):
            next(lines)
        return _parsed(lines, lambda line: parse_tabs(line, indices))

    def _csv_records(self, part: Part) -> Iterator[Record]:
        if self._csv is None or self._csv_read > part.first:
            self._csv, self._csv_read = csv_records(self._source, self._files[0]), 0
        for record in self._csv:
            self._csv_read += 1
            if self._csv_read > part.first:
                yield record
            if self._csv_read == part.first + part.count:
                return

    def _blocks_of_records(self, records: Iterator[Record]) -> Iterator[Block]:
        block = Block()
        for record in records:
            block.lines += 1
            block.size += record.size
            if record.problem:
                self._skip(block, record.number, record.problem)
            else:
                self._add_record(block, record)
            if block.size >= BLOCK_BYTES or block.lines >= _BLOCK_RECORDS:
                yield block
                block = Block()
        if block.lines:
            yield block

    def _add_record(self, block: Block, record: Record) -> None:
        if not record.values:
            block.empty += 1
            return
        before = len(block.problems)
        values = [self._decode(value or "", record.number, block) for value in record.values]
        if any(problem.done == "skipped" for problem in block.problems[before:]):
            return
        lang = values.pop() if self._source.lang_column else None
        if not all(value.strip() for value in values):
            block.empty += 1
            return
        if lang is not None and (reason := self._wrong_language(lang)):
            every = (Argument("any_language", True), " takes every code")
            self._skip(block, record.number, reason, advice=every)
            return
        if self._source.pair:
            # The tokenizer would join the words around a line break.
            texts = [" ".join(_lines_of(value)) for value in values]
            texts = [self._short(text, record.number, block) for text in texts]
            if all(texts):
                block.pairs.append(texts[1])
                self._add(block, record.number, record.number, texts[0])
            return
        for text in _lines_of(values[0]):
            if text.strip() and (text := self._short(text, record.number, block)):
                self._add(block, record.number, record.number, text)
                if lang is not None:
                    block.langs.append(lang)

    def _wrong_language(self, lang: str) -> str:
        """Return what is wrong with a language; nothing if it can be used."""
        if lang not in self._wrong_languages:
            try:
                self._check_language(lang)
            except InputError as error:
                # What else could be done is said where the work stops, and is no part of a list.
                self._wrong_languages[lang] = error.describe(lambda argument: None)
            else:
                self._wrong_languages[lang] = ""
        return self._wrong_languages[lang]

    # What is wrong ------------------------------------------------------------------------

    def _add(self, block: Block, number: int, document: int, text: str) -> None:
        block.numbers.append(number)
        block.documents.append(document)
        block.texts.append(text)

    def _decode(self, value: bytes | str, number: int, block: Block) -> str:
        """Return a text that is valid Unicode; it is empty if it is to be left out."""
        try:
            if isinstance(value, bytes):
                return value.decode()
            value.encode()
            return value
        except UnicodeDecodeError as error:
            where, reason = f"byte {error.start + 1}", f"not UTF-8 ({error.reason})"
            mended = value.decode("utf-8", "replace")  # type: ignore[union-attr]
        except UnicodeEncodeError as error:
            where, reason = f"character {error.start + 1}", "half of a surrogate pair"
            both = value.encode("utf-16", "surrogatepass")  # type: ignore[union-attr]
            mended = both.decode("utf-16", "replace")
        if self._errors == "replace":
            block.problems.append(Problem(self._name, number, f"{where}: {reason}", "replaced"))
            return mended
        self._skip(block, number, reason, where, mendable=True)
        return ""

    def _short(self, text: str, number: int, block: Block) -> str:
        """Return a text; an empty one if it is too long to be tokenized."""
        if len(text) <= MAX_TEXT_CHARACTERS:
            return text
        reason = f"a text of {len(text):,} characters: expected at most {MAX_TEXT_CHARACTERS:,}"
        self._skip(block, number, reason)
        return ""

    def _skip(
        self,
        block: Block,
        number: int,
        reason: str,
        where: str = "",
        mendable: bool = False,
        advice: Sequence[str | Argument] = (),
    ) -> None:
        if self._errors == "strict":
            place = "row" if self._source.format == "parquet" else "line"
            where = f", {where}" if where else ""
            advice = [*advice, ", "] if advice else []
            advice += [Argument("errors", "skip"), " leaves it out"]
            if mendable:
                advice += [", ", Argument("errors", "replace"), " reads it as U+FFFD"]
            name = name_of_input(self._name)
            raise InputError(f"{name}: {place} {number}{where}: {reason}", advice=advice)
        reason = f"{where}: {reason}" if where else reason
        block.problems.append(Problem(self._name, number, reason, "skipped"))


def _without_mark(runs: Iterator[bytes | int], offset: int) -> Iterator[bytes | int]:
    """Take the byte order mark away from the beginning of a file."""
    for run in runs:
        yield run.removeprefix(BYTE_ORDER_MARK) if offset == 0 and isinstance(run, bytes) else run
        offset = -1


def _each_line(runs: Iterator[bytes | int]) -> Iterator[bytes | int]:
    for run in runs:
        if isinstance(run, int):
            yield run
        else:
            yield from split_lines(run)


def _parsed(
    lines: Iterator[tuple[int, bytes | int]], parse: Callable[[bytes], Sequence[Any]]
) -> Iterator[Record]:
    for number, line in lines:
        if isinstance(line, int):
            yield Record(number, [], line, _too_long(line))
        elif not line:
            yield Record(number, [], 1)
        else:
            try:
                yield Record(number, parse(line), len(line) + 1)
            except ValueError as error:
                yield Record(number, [], len(line) + 1, str(error))


def _pairs_of_lines(
    lines: Iterator[tuple[bytes | int, bytes | int]], number: int
) -> Iterator[Record]:
    for i, (first, second) in enumerate(lines, number):
        if isinstance(first, bytes) and isinstance(second, bytes):
            yield Record(i, [first, second], len(first) + len(second) + 2)
        else:
            size = max(line for line in (first, second) if isinstance(line, int))
            yield Record(i, [], size, _too_long(size))


def _lines_of(value: str) -> list[str]:
    """Cut a value at its line breaks, and nowhere else."""
    return value.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _too_long(size: int) -> str:
    return f"a line of {size:,} bytes: expected at most {MAX_LINE_BYTES:,}"
