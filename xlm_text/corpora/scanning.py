"""The first look through the input: what is there, and where it is cut into parts.

A part becomes one shard.  Where parts begin depends on the files and the size of shards alone,
never on who works on them, so that any number of workers makes the same shards.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xlm_text.corpora.files import CHUNK_BYTES, TextStream, hash_file, shown
from xlm_text.corpora.records import csv_records, parquet_file, parquet_types, resolve_columns
from xlm_text.corpora.sources import Source
from xlm_text.errors import InputError

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_AT_ONCE = 16 * CHUNK_BYTES
# One search, four times as fast as one for each kind of line end.
_EMPTY_LINE = re.compile(rb"\n\r?\n")


@dataclass(frozen=True)
class Part:
    """Lines or records of a file that follow each other and become one shard.

    Attributes:
        first: how many lines or records stand before it in the file.
        count: how many it has.
        documents: how many empty lines stand before it.
        size: its text in bytes, for Parquet about so many.
        offsets: the byte where it begins in each file's text; none where records are counted.
        sizes: its size in each file.

    """

    first: int
    count: int
    documents: int
    size: int
    offsets: tuple[int, ...] = ()
    sizes: tuple[int, ...] = ()


@dataclass(frozen=True)
class Facts:
    """What the manifest says of a file."""

    path: str
    bytes: int
    hash: str


def scan(source: Source, files: Sequence[str], part_bytes: int) -> tuple[list[Facts], list[Part]]:
    """Look through a file, or two that belong together.

    Raises:
        InputError: a file is damaged, a column is not there, or two files do not fit together.

    """
    if source.format == "parquet":
        return _scan_parquet(source, files[0], part_bytes)
    if source.format == "csv":
        return _scan_csv(source, files[0], part_bytes)
    with TextStream(files[0], watch=True) as stream:
        marks = list(_marks(stream, part_bytes, documents=source.format == "text"))
        facts = [Facts(shown(files[0]), *stream.facts())]
    if source.format == "tsv":
        resolve_columns(source, files[0])
    sides = [[mark.offset for mark in marks]]
    if len(files) == 2:
        with TextStream(files[1], watch=True) as stream:
            other, lines = _offsets_of_lines(stream, [mark.lines for mark in marks])
            facts.append(Facts(shown(files[1]), *stream.facts()))
        if lines != marks[-1].lines:
            raise InputError(
                f"{shown(files[0])} and {shown(files[1])} have {marks[-1].lines:,} and {lines:,} "
                "lines: the two texts of pairs stand on the same lines of both"
            )
        sides.append(other)
    parts = []
    for i in range(len(marks) - 1):
        sizes = tuple(side[i + 1] - side[i] for side in sides)
        parts.append(
            Part(
                marks[i].lines,
                marks[i + 1].lines - marks[i].lines,
                marks[i].empty,
                sum(sizes),
                tuple(side[i] for side in sides),
                sizes,
            )
        )
    return facts, parts


@dataclass(frozen=True)
class _Mark:
    """A place between two lines: the byte, and how many (empty) lines stand before it."""

    offset: int
    lines: int
    empty: int


def _marks(stream: TextStream, part_bytes: int, documents: bool) -> Iterator[_Mark]:
    """Yield the beginning, each place where a part ends, and the end."""
    yield _Mark(0, 0, 0)
    lines = empty = begun = end = 0
    open_line = False
    tail = b""  # of the line that goes on: as much as tells whether it is empty
    for chunk in _chunks(stream):
        end += len(chunk)
        if end == len(chunk):
            chunk = chunk.removeprefix(BYTE_ORDER_MARK)
        newlines = chunk.count(b"\n")
        lines += newlines
        if documents:
            found, tail = _empty_lines(tail + chunk)
            empty += found
        if newlines and end - begun >= part_bytes:
            begun = end - (len(chunk) - chunk.rindex(b"\n") - 1)
            yield _Mark(begun, lines, empty)
        open_line = not chunk.endswith(b"\n")
    if end > begun:
        yield _Mark(end, lines + open_line, empty)


def _chunks(stream: TextStream) -> Iterator[bytes]:
    """Yield what decides where parts end; much is read and hashed at once, beside other threads."""
    while data := stream.read(_AT_ONCE):
        yield from (data[i : i + CHUNK_BYTES] for i in range(0, len(data), CHUNK_BYTES))


def _empty_lines(data: bytes) -> tuple[int, bytes]:
    r"""Return how many lines of some text are empty, and how the line that goes on begins.

    >>> _empty_lines(b"\nOne.\n\r\n\nTwo.")
    (3, b'Tw')
    """
    if data.startswith((b"\n", b"\r\n")) or _EMPTY_LINE.search(data):
        lines = data.split(b"\n")
        end = lines.pop()
        return lines.count(b"") + lines.count(b"\r"), end[:2]
    start = data.rfind(b"\n") + 1
    return 0, data[start : start + 2]


def _offsets_of_lines(stream: TextStream, wanted: Sequence[int]) -> tuple[list[int], int]:
    """Return the bytes where the lines of these numbers begin, and the number of all lines."""
    offsets = [0]
    lines, open_line, position = 0, False, 0
    while chunk := stream.read(CHUNK_BYTES):
        newlines = chunk.count(b"\n")
        at, passed = 0, 0
        while len(offsets) < len(wanted) and lines + newlines >= wanted[len(offsets)]:
            while lines + passed < wanted[len(offsets)]:
                at = chunk.index(b"\n", at) + 1
                passed += 1
            offsets.append(position + at)
        lines += newlines
        position += len(chunk)
        open_line = not chunk.endswith(b"\n")
    if lines + open_line == wanted[-1]:
        offsets = [*offsets[: len(wanted) - 1], position]
    return offsets, lines + open_line


def _scan_csv(source: Source, path: str, part_bytes: int) -> tuple[list[Facts], list[Part]]:
    size, digest = hash_file(path)
    parts: list[Part] = []
    first = count = begun = 0
    for record in csv_records(source, path):
        count += 1
        begun += record.size
        if begun >= part_bytes:
            parts.append(Part(first, count, 0, begun))
            first, count, begun = first + count, 0, 0
    if count:
        parts.append(Part(first, count, 0, begun))
    return [Facts(shown(path), size, digest)], parts


def _scan_parquet(source: Source, path: str, part_bytes: int) -> tuple[list[Facts], list[Part]]:
    parts: list[Part] = []
    with parquet_file(path) as file:
        parquet_types(source, path, file.schema_arrow)
        first = 0
        for rows, size in _row_groups(file, source.wanted):
            # Large row groups are cut, small ones stay: Parquet is read by row groups.
            pieces = max(1, min(rows, round(size / part_bytes)))
            for i in range(pieces):
                start, end = rows * i // pieces, rows * (i + 1) // pieces
                if end > start:
                    parts.append(Part(first + start, end - start, 0, size // pieces))
            first += rows
    return [Facts(shown(path), *hash_file(path))], _joined(parts, part_bytes)


def _row_groups(file: ParquetFile, columns: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield the rows of each row group, and the size of its columns in bytes."""
    for i in range(file.metadata.num_row_groups):
        group: Any = file.metadata.row_group(i)
        chunks = [group.column(j) for j in range(group.num_columns)]
        sizes = [
            chunk.total_uncompressed_size for chunk in chunks if chunk.path_in_schema in columns
        ]
        yield group.num_rows, sum(sizes)


def _joined(parts: Sequence[Part], part_bytes: int) -> list[Part]:
    """Put small neighbours together, so that a thousand small row groups are no thousand shards."""
    joined: list[Part] = []
    for part in parts:
        last = joined[-1] if joined else None
        if last is not None and last.size + part.size <= part_bytes:
            joined[-1] = Part(last.first, last.count + part.count, 0, last.size + part.size)
        else:
            joined.append(part)
    return joined
