"""Reading text line by line, as a stream."""

from __future__ import annotations

import heapq
import os
import stat
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import BinaryIO

import click

STANDARD_INPUT = "-"
_CHUNK_BYTES = 1 << 20
_BLOCK_LINES = 1000
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Block:
    """Some lines of one input, in order.

    Attributes:
        name: what errors call the input.
        numbers: the number of each line, from 1.
        lines: the lines without their ends.
        last: the number of the last line that was read for it, used or left out.
        size: how many bytes of the file they took.
        skipped: the number of each line that is left out, and what is wrong with it.

    """

    name: str
    numbers: Sequence[int]
    lines: list[str]
    last: int
    size: int
    skipped: list[tuple[int, str]] = field(default_factory=list)

    def without_text(self) -> Block:
        """Return all but the lines, for the way back from another process."""
        return replace(self, lines=[], numbers=[], skipped=[])

    def in_order(self) -> Iterator[tuple[int, str, str | None]]:
        """Give the number of each line, its text, and what is wrong with it if it is left out."""
        lines = (
            (number, text, None) for number, text in zip(self.numbers, self.lines, strict=True)
        )
        skipped = ((number, "", problem) for number, problem in self.skipped)
        return heapq.merge(lines, skipped, key=itemgetter(0))

    def place(self, i: int) -> str:
        """Say where the line at index ``i`` is."""
        return f"{self.name}: line {self.numbers[i]}"


def read_blocks(paths: Sequence[str], errors: str = "strict") -> Iterator[Block]:
    r"""Read files, or standard input (``-``, or no path at all), as UTF-8.

    A line is what ends in ``\n``, or in the end of the file; a ``\r`` before that end is not part
    of it, nor is a byte order mark at the beginning of a file.  Lines are handed over as soon as
    the input gives them, so that a program that writes one and waits for its result gets it.
    Files whose names say that they are compressed are unpacked on the way.

    Args:
        paths: the files.
        errors: ``strict``; ``replace`` to read bytes that are not UTF-8 as U+FFFD; ``skip`` to
            leave lines with such bytes out.

    Raises:
        click.ClickException: a file cannot be read, or, with ``errors="strict"``, is not UTF-8.
            Every line before that place has been handed over.

    """
    paths = paths or [STANDARD_INPUT]
    check_readable(paths)
    for path in paths:
        name = name_of(path)
        with _open(path) as (file, stored):
            number, before = 1, 0
            for lines in _split(file, name):
                size = sum(map(len, lines)) + len(lines)
                if stored is not file:  # compressed: what counts is how much of that was read
                    position = stored.tell()
                    size, before = position - before, position
                yield from _decode(lines, name, number, size, errors)
                number += len(lines)


def name_of(path: str) -> str:
    """Return what errors call an input."""
    return "standard input" if path == STANDARD_INPUT else path


def check_readable(paths: Iterable[str]) -> None:
    """Raise :class:`click.ClickException` for a missing file before any work is done."""
    for path in paths:
        if path != STANDARD_INPUT:
            # Looked at and not opened: to open a named pipe and close it again ends its writer.
            try:
                directory = stat.S_ISDIR(os.stat(path).st_mode)
            except (OSError, ValueError) as error:
                raise click.ClickException(f"{path}: {_reason(error)}") from None
            if directory:
                raise click.ClickException(f"{path}: Is a directory")


def total_size(paths: Sequence[str]) -> int | None:
    """Return the size of files in bytes; ``None`` if one has none, as pipes and terminals."""
    if not paths or STANDARD_INPUT in paths:
        return None
    try:
        found = [os.stat(path) for path in paths]
    except OSError:
        return None
    if not all(stat.S_ISREG(status.st_mode) for status in found):
        return None
    return sum(status.st_size for status in found)


@contextmanager
def _open(path: str) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """Open an input, and give its contents and the file as it is stored."""
    from xlm_text.files.compression import decompressed

    if path == STANDARD_INPUT:
        if sys.stdin is None:
            raise click.ClickException("standard input is closed")
        yield sys.stdin.buffer, sys.stdin.buffer
        return
    with open(path, "rb") as stored:
        yield decompressed(stored, path), stored


def _split(file: BinaryIO, name: str) -> Iterator[list[bytes]]:
    """Cut a file into lines, not more than a block of them at once."""
    unfinished: list[bytes] = []  # joined only at its end, so that a huge line stays linear
    mark = _BYTE_ORDER_MARK  # looked for in the first line only
    begun = False
    while chunk := _read(file, name):
        if not begun:
            _check_text(chunk, name)
            begun = True
        complete, newline, rest = chunk.rpartition(b"\n")
        if newline:
            lines = b"".join([*unfinished, complete]).removeprefix(mark).split(b"\n")
            for i in range(0, len(lines), _BLOCK_LINES):
                yield lines[i : i + _BLOCK_LINES]
            unfinished, mark = [], b""
        unfinished.append(rest)
    if last := b"".join(unfinished).removeprefix(mark):
        yield [last]


def _check_text(begin: bytes, name: str) -> None:
    from xlm_text.errors import InputError
    from xlm_text.files.compression import check_text

    try:
        check_text(begin, name)
    except InputError as error:
        raise click.ClickException(str(error)) from None


def _read(file: BinaryIO, name: str) -> bytes:
    from xlm_text.files.compression import DAMAGED

    try:
        return file.read1(_CHUNK_BYTES)  # type: ignore[attr-defined, no-any-return]
    except (*DAMAGED, OSError) as error:
        reason = _reason(error)
        if not getattr(error, "errno", None):  # not from the system
            reason = f"damaged, or not compressed as its name says ({reason})"
        raise click.ClickException(f"{name}: {reason}") from None


def _decode(lines: list[bytes], name: str, first: int, size: int, errors: str) -> Iterator[Block]:
    try:
        whole = b"\n".join(lines).decode("utf-8", "replace" if errors == "replace" else "strict")
    except UnicodeDecodeError:
        yield from _decode_one_by_one(lines, name, first, size, errors)
        return
    texts = whole.split("\n")
    if "\r" in whole:
        texts = [text.removesuffix("\r") for text in texts]
    yield Block(name, range(first, first + len(texts)), texts, first + len(texts) - 1, size)


def _decode_one_by_one(
    lines: list[bytes], name: str, first: int, size: int, errors: str
) -> Iterator[Block]:
    """Give the lines that are UTF-8, and say which are not."""
    texts: list[str] = []
    numbers: list[int] = []
    skipped: list[tuple[int, str]] = []
    problem = None
    for number, line in enumerate(lines, first):
        try:
            texts.append(line.removesuffix(b"\r").decode())
            numbers.append(number)
        except UnicodeDecodeError as error:
            problem = f"byte {error.start + 1}: not UTF-8 ({error.reason})"
            if errors != "skip":
                break
            skipped.append((number, problem))
    if texts or skipped:
        last = max([*numbers[-1:], *(number for number, _ in skipped[-1:])])
        yield Block(name, numbers, texts, last, size, skipped)
    if problem and errors != "skip":
        raise click.ClickException(
            f"{name}: line {first + len(texts)}, {problem}; "
            "--errors replace reads such bytes as U+FFFD, --errors skip leaves such lines out"
        )


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
