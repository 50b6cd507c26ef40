"""Records of formats with columns: JSON lines, TSV, CSV and Parquet."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from xlm_text.corpora.files import CHUNK_BYTES, TextStream, import_pyarrow, open_raw, shown
from xlm_text.corpora.lines import MAX_LINE_BYTES, whole_lines
from xlm_text.corpora.sources import Source
from xlm_text.errors import InputError

# So few rows are decoded at once: a text may be long.
_PARQUET_ROWS = 256

if TYPE_CHECKING:
    from pyarrow import Schema
    from pyarrow.parquet import ParquetFile


class Record(NamedTuple):
    """What stands in the columns of a record; bytes are text that is not decoded yet.

    ``problem`` says why the record cannot be used, if it cannot.
    """

    number: int
    values: Sequence[bytes | str | None]
    size: int
    problem: str = ""


def parse_json(line: bytes, columns: Sequence[str]) -> list[str | None]:
    """Return the values of columns of a JSON line.

    Raises:
        ValueError: it is no JSON object, or a column is not there or no text.

    """
    try:
        record = json.loads(line)
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 at byte {error.start + 1} ({error.reason})") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON (column {error.colno}: {error.msg})") from None
    except RecursionError:
        raise ValueError("not JSON (too deep)") from None
    if not isinstance(record, dict):
        raise ValueError(f"a JSON object was expected, not {_kind(record)}")
    for name in columns:
        if name not in record:
            raise ValueError(f"no column {name!r}: there are {_some(record)}")
        value = record[name]
        if value is not None and not isinstance(value, str):
            raise ValueError(f"column {name!r} has {_kind(value)}: expected text")
    return [record[name] for name in columns]


def parse_tabs(line: bytes, indices: Sequence[int]) -> list[bytes]:
    """Return fields of a line of tab-separated values, in which quotes mean nothing."""
    return _fields(line.split(b"\t"), indices)


def _fields(fields: Sequence[Any], indices: Sequence[int]) -> list[Any]:
    if max(indices) >= len(fields):
        columns = f"{len(fields)} column{'' if len(fields) == 1 else 's'}"
        raise ValueError(f"has {columns}: expected at least {max(indices) + 1}")
    return [fields[i] for i in indices]


def has_header(source: Source) -> bool:
    """Tell whether the first line of the source's CSV or TSV files has the names of columns."""
    return not source.columns[0].isdecimal()


def resolve_columns(source: Source, path: str) -> tuple[int, ...]:
    """Return where the source's columns stand in the fields of a CSV or TSV file.

    Raises:
        InputError: a column is not there.

    """
    if not has_header(source):
        return tuple(_index(source, path, name) for name in source.wanted)
    with TextStream(path) as stream:
        start = stream.read(CHUNK_BYTES).removeprefix(b"\xef\xbb\xbf")
    try:
        first = start.decode("utf-8", "replace").splitlines()[0]
    except IndexError:
        raise InputError(f"{shown(path)}: is empty: expected a header with columns") from None
    names = next(csv.reader([first])) if source.format == "csv" else first.split("\t")
    for name in source.wanted:
        if name not in names:
            raise InputError(f"{shown(path)}: no column {name!r}: there are {_some(names)}")
    return tuple(names.index(name) for name in source.wanted)


def _index(source: Source, path: str, name: str) -> int:
    if int(name) < 1:
        raise InputError(f"{shown(path)}: columns are numbered from 1, not {name}")
    return int(name) - 1


def csv_records(source: Source, path: str) -> Iterator[Record]:
    """Yield the records of a CSV file, numbered by the lines they begin on, without the header."""
    indices = resolve_columns(source, path)
    with TextStream(path) as stream:
        lines = _Lines(stream)
        csv.field_size_limit(MAX_LINE_BYTES)
        reader = csv.reader(lines)
        header = has_header(source)
        while True:
            line, begun = lines.number + 1, lines.end
            values: Sequence[bytes] = []
            problem = ""
            try:
                fields = next(reader)
                if header or not fields:
                    header = False
                    continue
                chosen = _fields(fields, indices)
                values = [value.encode("utf-8", "surrogateescape") for value in chosen]
            except StopIteration:
                return
            except csv.Error as error:
                problem = f"not CSV ({error})"
            except ValueError as error:
                problem = str(error)
            yield Record(line, values, lines.end - begun, problem)


class _Lines:
    """The lines of a CSV file with their ends, one after another, and the place of the last."""

    def __init__(self, stream: TextStream) -> None:
        self.number = 0
        self.end = 0
        self._lines = self._read(stream)

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.number += 1
        self.end += len(line)
        return line.decode("utf-8", "surrogateescape")

    def _read(self, stream: TextStream) -> Iterator[bytes]:
        for run in whole_lines(stream):
            if isinstance(run, int):
                raise InputError(
                    f"{shown(stream.path)}: line {self.number + 1}: has {run:,} bytes: expected "
                    f"at most {MAX_LINE_BYTES:,}"
                )
            if self.number == 0:
                run = run.removeprefix(b"\xef\xbb\xbf")
            yield from (line + b"\n" for line in run.removesuffix(b"\n").split(b"\n"))


@contextmanager
def parquet_file(path: str) -> Iterator[ParquetFile]:
    """Open a Parquet file, to be read in small pieces.

    Raises:
        InputError: it is cut short, or no Parquet file at all.

    """
    pa = import_pyarrow()
    import pyarrow.parquet

    with open_raw(path) as raw:
        try:
            file = pyarrow.parquet.ParquetFile(raw, buffer_size=1 << 20, pre_buffer=False)
        except (pa.ArrowException, OSError) as error:
            reason = str(error).split("\n")[0].split(". ")[0].rstrip(".")
            raise InputError(f"{shown(path)}: not a whole Parquet file ({reason})") from None
        with file:
            yield file


def parquet_records(source: Source, path: str, first: int, count: int) -> Iterator[Record]:
    """Yield ``count`` rows of a Parquet file, from the one that ``first`` stand before."""
    pa = import_pyarrow()
    with parquet_file(path) as file:
        parquet_types(source, path, file.schema_arrow)
        groups, passed, rows = [], 0, 0
        for i in range(file.metadata.num_row_groups):
            size = file.metadata.row_group(i).num_rows
            if rows + size > first and rows < first + count:
                groups.append(i)
            elif not groups:
                passed += size
            rows += size
        row = passed
        batches = file.iter_batches(_PARQUET_ROWS, groups, list(dict.fromkeys(source.wanted)))
        while True:
            try:
                batch = next(batches)
            except StopIteration:
                return
            except (pa.ArrowException, OSError) as error:
                reason = str(error).split("\n")[0]
                raise InputError(f"{shown(path)}: damaged after row {row:,} ({reason})") from None
            begin, end = max(0, first - row), min(batch.num_rows, first + count - row)
            if begin < end:
                chosen = batch.slice(begin, end - begin)
                columns = [_bytes_of(chosen.column(name)) for name in source.wanted]
                for i, values in enumerate(zip(*columns, strict=True), row + begin + 1):
                    yield Record(i, values, sum(len(value) for value in values if value))
            row += batch.num_rows
            if row >= first + count:
                return


def _bytes_of(column: Any) -> list[bytes | None]:
    """Return a column of text as it is stored: nobody has checked yet that it is UTF-8."""
    pa = import_pyarrow()
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    values: list[bytes | None] = column.cast(pa.large_binary()).to_pylist()
    return values


def parquet_types(source: Source, path: str, schema: Schema) -> None:
    """Raise an :class:`InputError` unless the source's columns are there and hold text."""
    pa = import_pyarrow()
    for name in source.wanted:
        if name not in schema.names:
            raise InputError(f"{shown(path)}: no column {name!r}: there are {_some(schema.names)}")
        kind: Any = schema.field(name).type
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            raise InputError(f"{shown(path)}: column {name!r} holds {kind}: expected text")


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", bool: "true or false", str: "text"}
    return names.get(type(value), "nothing" if value is None else f"the number {value!r:.30}")


def _some(names: Any) -> str:
    names = [repr(name) for name in names]
    return ", ".join(names[:10]) + (" …" if len(names) > 10 else "") if names else "none"
