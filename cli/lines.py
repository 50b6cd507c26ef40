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
_CHUNK_BYTES = 1 << 16
_BLOCK_LINES = 1000
_PART_LINES = 2500
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


@dataclass(frozen=True)
class Chunk:
    """Whole lines of one input as bytes: cheap to send to another process, which decodes them.

    Attributes:
        name: what errors call the input.
        first: the number of the first line, from 1.
        count: how many lines there are.
        data: the lines, without the end of the last.
        size: how many bytes of the file they took.

    """

    name: str
    first: int
    count: int
    data: bytes
    size: int

    def parts(self) -> Iterator[Chunk]:
        """Cut many short lines at about every 2,500th, so that their results take little memory.

        Only the ends of the parts are looked for: to look at each line takes far longer.
        """
        length, parts = len(self.data), -(-self.count // _PART_LINES)
        if parts == 1:
            yield self
            return
        start, first = 0, self.first
        while start <= length:
            end = self.data.find(b"\n", start + length // parts)
            end = length if end < 0 else end
            count = self.data.count(b"\n", start, end) + 1
            size = self._share(end + 1, length + 1) - self._share(start, length + 1)
            yield Chunk(self.name, first, count, self.data[start:end], size)
            start, first = end + 1, first + count

    def blocks(self, errors: str = "strict") -> Iterator[Block]:
        """Decode it, not more than a block at once; arguments and errors as for `read_blocks`."""
        try:
            whole = self.data.decode("utf-8", "replace" if errors == "replace" else "strict")
        except UnicodeDecodeError:
            yield from self._blocks_with_problems(errors)
            return
        texts = whole.split("\n")
        if "\r" in whole:
            texts = [text.removesuffix("\r") for text in texts]
        for start, end, size in self._bounds():
            numbers = range(self.first + start, self.first + end)
            yield Block(self.name, numbers, texts[start:end], numbers[-1], size)

    def _blocks_with_problems(self, errors: str) -> Iterator[Block]:
        lines = self.data.split(b"\n")
        for start, end, size in self._bounds():
            yield from _decode_one_by_one(
                lines[start:end], self.name, self.first + start, size, errors
            )

    def _bounds(self) -> Iterator[tuple[int, int, int]]:
        """Give the first line of each block, the one behind its last, and the size of both."""
        for start in range(0, self.count, _BLOCK_LINES):
            end = min(start + _BLOCK_LINES, self.count)
            yield start, end, self._share(end, self.count) - self._share(start, self.count)

    def _share(self, done: int, total: int) -> int:
        return self.size * done // total


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
    for chunk in Chunks(paths):
        yield from chunk.blocks(errors)


class Chunks:
    """Reads files, or standard input, as `read_blocks` does, and leaves the decoding for later.

    Args:
        paths: the files.

    Attributes:
        awaited: the pipe, terminal or socket that the next chunk is read from; ``None`` where
            that needs no waiting, or nobody can tell.

    Raises:
        click.ClickException: a file cannot be read.  Every line before that place has been handed
            over.

    """

    def __init__(self, paths: Sequence[str]) -> None:
        self.awaited: BinaryIO | None = None
        self._paths = paths or [STANDARD_INPUT]

    def __iter__(self) -> Iterator[Chunk]:
        check_readable(self._paths)
        for path in self._paths:
            name = name_of(path)
            with _open(path) as (file, stored):
                number, before = 1, 0
                for data in _split(file, name):
                    size = len(data) + 1
                    if stored is not file:  # compressed: what counts is how much of that was read
                        position = stored.tell()
                        size, before = position - before, position
                    chunk = Chunk(name, number, data.count(b"\n") + 1, data, size)
                    number += chunk.count
                    *parts, last = chunk.parts()
                    yield from parts
                    # More of what is compressed may have been read than was unpacked.
                    self.awaited = stored if stored is file and _can_be_awaited(stored) else None
                    yield last
                    self.awaited = None


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


def _can_be_awaited(file: BinaryIO) -> bool:
    """Tell whether more may come into a file, and the system says when it does."""
    try:
        mode = os.fstat(file.fileno()).st_mode
    except (OSError, ValueError):  # none of the system's
        return False
    # On other systems only sockets can be waited for.
    return os.name == "posix" and any(
        test(mode) for test in (stat.S_ISFIFO, stat.S_ISCHR, stat.S_ISSOCK)
    )


def _split(file: BinaryIO, name: str) -> Iterator[bytes]:
    """Cut a file into whole lines, as many as are there at once, without the end of the last."""
    unfinished: list[bytes] = []  # joined only at its end, so that a huge line stays linear
    mark = _BYTE_ORDER_MARK  # looked for in the first line only
    begun = False
    while chunk := _read(file, name):
        if not begun:
            _check_text(chunk, name)
            begun = True
        complete, newline, rest = chunk.rpartition(b"\n")
        if newline:
            yield b"".join([*unfinished, complete]).removeprefix(mark)
            unfinished, mark = [], b""
        unfinished.append(rest)
    if last := b"".join(unfinished).removeprefix(mark):
        yield last


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
