"""Reading text line by line, as a stream."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import BinaryIO

import click

STANDARD_INPUT = "-"
_CHUNK_BYTES = 1 << 20
_BLOCK_LINES = 1000
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Block:
    """Some lines of one input that follow each other.

    Attributes:
        name: what errors call the input.
        first: the number of the first line, from 1.
        lines: the lines without their ends.
        size: how many bytes they took.

    """

    name: str
    first: int
    lines: list[str]
    size: int

    def place(self, i: int) -> str:
        """Say where the line at index ``i`` is."""
        return f"{self.name}: line {self.first + i}"


def read_blocks(paths: Sequence[str], errors: str = "strict") -> Iterator[Block]:
    r"""Read files, or standard input (``-``, or no path at all), as UTF-8.

    A line is what ends in ``\n``, or in the end of the file; a ``\r`` before that end is not part
    of it, nor is a byte order mark at the beginning of a file.  Lines are handed over as soon as
    the input gives them, so that a program that writes one and waits for its result gets it.

    Raises:
        click.ClickException: a file cannot be read, or, with ``errors="strict"``, is not UTF-8.
            Every line before that place has been handed over.

    """
    paths = paths or [STANDARD_INPUT]
    check_readable(paths)
    for path in paths:
        name = "standard input" if path == STANDARD_INPUT else path
        with _open(path) as file:
            first = 1
            for lines in _split(file, name):
                yield from _decode(lines, name, first, errors)
                first += len(lines)


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


def _open(path: str) -> AbstractContextManager[BinaryIO]:
    if path != STANDARD_INPUT:
        return open(path, "rb")
    if sys.stdin is None:
        raise click.ClickException("standard input is closed")
    return nullcontext(sys.stdin.buffer)


def _split(file: BinaryIO, name: str) -> Iterator[list[bytes]]:
    """Cut a file into lines, not more than a block of them at once."""
    unfinished: list[bytes] = []  # joined only at its end, so that a huge line stays linear
    mark = _BYTE_ORDER_MARK  # looked for in the first line only
    while chunk := _read(file, name):
        complete, newline, rest = chunk.rpartition(b"\n")
        if newline:
            lines = b"".join([*unfinished, complete]).removeprefix(mark).split(b"\n")
            for i in range(0, len(lines), _BLOCK_LINES):
                yield lines[i : i + _BLOCK_LINES]
            unfinished, mark = [], b""
        unfinished.append(rest)
    if last := b"".join(unfinished).removeprefix(mark):
        yield [last]


def _read(file: BinaryIO, name: str) -> bytes:
    try:
        return file.read1(_CHUNK_BYTES)  # type: ignore[attr-defined, no-any-return]
    except OSError as error:
        raise click.ClickException(f"{name}: {_reason(error)}") from None


def _decode(lines: list[bytes], name: str, first: int, errors: str) -> Iterator[Block]:
    texts: list[str] = []
    size = 0
    problem = None
    for line in lines:
        try:
            texts.append(line.removesuffix(b"\r").decode("utf-8", errors))
        except UnicodeDecodeError as error:
            problem = f"byte {error.start + 1}: not UTF-8 ({error.reason})"
            break
        size += len(line) + 1
    block = Block(name, first, texts, size)
    if texts:
        yield block
    if problem:
        raise click.ClickException(
            f"{block.place(len(texts))}, {problem}; --errors replace reads such bytes as U+FFFD"
        )


def _reason(error: OSError | ValueError) -> str:
    return getattr(error, "strerror", None) or str(error)
