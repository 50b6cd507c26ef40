"""From files to rows: TSV, CSV, JSON lines, SQuAD's JSON, columns of words."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from xlm_model.finetuning.conll import read_sentences
from xlm_text.errors import InputError

FORMATS = {
    ".tsv": "tsv",
    ".csv": "csv",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".conll": "conll",
    ".conllu": "conll",
    ".bio": "conll",
    ".iob": "conll",
    ".iob2": "conll",
}
_MOST_FIELD_BYTES = 16 << 20


class Row(NamedTuple):
    """A row of data.

    Attributes:
        values: By the names of their columns.
        place: Where it stands, for messages.
    """

    values: Mapping[str, Any]
    place: str


class Lines:
    """The lines of a UTF-8 file; knows the number of the one that was given last.

    Args:
        path: The file.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = path
        self.number = 0

    @property
    def place(self) -> str:
        """Where the last line stands."""
        return f"{self.path}: line {self.number}"

    def __iter__(self) -> Iterator[str]:
        with open(self.path, "rb") as file:
            for number, line in enumerate(file, 1):
                self.number = number
                try:
                    text = line.decode("utf-8-sig" if number == 1 else "utf-8")
                except UnicodeDecodeError as error:
                    raise InputError(f"{self.place}: is not UTF-8 ({error.reason})") from None
                yield text.removesuffix("\n").removesuffix("\r")


def read_file(path: str | Path, columns: Mapping[str, str]) -> Iterator[Row]:
    """Give the rows of a file, whose name says what it is.

    Args:
        path: The file.
        columns: From what is looked for to the column that has it. A number means that a table has
            no header.

    Raises:
        InputError: another kind of file, or one that is not what its name says; names the line.
    """
    suffix = Path(path).suffix.lower()
    kind = FORMATS.get(suffix)
    is_tagged = "words" in columns and "tags" in columns
    if is_tagged and (kind is None or (kind == "tsv" and not _has_header(path, columns))):
        kind = "conll"  # many call such files .txt, or .tsv
    if kind is None or (kind == "conll" and not is_tagged):
        known = [name for name, other in FORMATS.items() if other != "conll" or is_tagged]
        raise InputError(f"{path}: expected a file whose name ends in one of {', '.join(known)}")
    if kind == "json":
        yield from _json_rows(path)
    elif kind == "conll":
        lines = Lines(path)
        is_conllu = suffix == ".conllu"
        for number, words, tags in read_sentences(
            lines, lambda: lines.place, columns["words"], columns["tags"], is_conllu=is_conllu
        ):
            yield Row({columns["words"]: words, columns["tags"]: tags}, f"{path}: line {number}")
    else:
        has_header = not any(name.isdecimal() for name in ",".join(columns.values()).split(","))
        yield from _table_rows(path, kind, has_header)


def _has_header(path: str | Path, columns: Mapping[str, str]) -> bool:
    """Whether a file's first line names the columns that are looked for."""
    return set(columns.values()) <= set(next(iter(Lines(path)), "").split("\t"))


def _table_rows(path: str | Path, kind: str, has_header: bool) -> Iterator[Row]:
    lines = Lines(path)
    if kind == "csv":
        csv.field_size_limit(_MOST_FIELD_BYTES)
        # With the ends that they need inside of quotes.
        records: Iterator[list[str]] = csv.reader(f"{line}\n" for line in lines)
    else:
        records = (line.split("\t") for line in lines)
    names: list[str] | None = None
    for record in records:
        if record in ([], [""]):
            continue
        if names is None:
            names = record if has_header else [str(n + 1) for n in range(len(record))]
            if len(set(names)) < len(names):
                raise InputError(f"{lines.place}: two columns have one name: {', '.join(names)}")
            if has_header:
                continue
        if len(record) != len(names):
            raise InputError(
                f"{lines.place}: has {len(record)} columns: expected {len(names)}, as the first "
                "line has"
            )
        yield Row(dict(zip(names, record, strict=True)), lines.place)


def _json_rows(path: str | Path) -> Iterator[Row]:
    """Give the objects of a file: one on each line, a list of them, or SQuAD's."""
    lines = Lines(path)
    first = next((line for line in lines if line.strip()), None)
    if first is None:
        return
    if not _is_row(first):
        yield from _rows_of(path, "\n".join(lines))
        return
    for line in lines:
        if line.strip():
            yield Row(_object(line, lines.place), lines.place)


def _is_row(line: str) -> bool:
    """Whether a file's first line is a row, and not the beginning of one value or SQuAD's."""
    try:
        value = json.loads(line)
    except ValueError:
        return False
    return isinstance(value, dict) and not isinstance(value.get("data"), list)


def _rows_of(path: str | Path, text: str) -> Iterator[Row]:
    """Give the rows of a file that is one JSON value."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise InputError(f"{path}: is not JSON ({error})") from None
    if isinstance(value, dict) and isinstance(value.get("data"), list):
        yield from _squad_rows(path, value["data"])
    elif isinstance(value, list):
        for number, entry in enumerate(value, 1):
            place = f"{path}: entry {number}"
            yield Row(_checked(entry, place), place)
    else:
        raise InputError(
            f"{path}: expected an object on each line, a list of them, or SQuAD's `data`"
        )


def _object(line: str, place: str) -> Mapping[str, Any]:
    try:
        value = json.loads(line)
    except ValueError as error:
        raise InputError(f"{place}: is not JSON ({error})") from None
    return _checked(value, place)


def _checked(value: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"{place}: is {value!r:.40}: expected an object such as {{...}}")
    return value


def _squad_rows(path: str | Path, articles: list[Any]) -> Iterator[Row]:
    """Give the questions of SQuAD's format, 1.1 or 2.0."""
    place = str(path)
    try:
        for article in articles:
            for paragraph in article["paragraphs"]:
                for question in paragraph["qas"]:
                    place = f"{path}: question {question.get('id', question['question'])!r}"
                    is_impossible = bool(question.get("is_impossible"))
                    yield Row(
                        {
                            "question": question["question"],
                            "context": paragraph["context"],
                            "answers": [] if is_impossible else question["answers"],
                        },
                        place,
                    )
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{place}: is not in SQuAD's format ({error!r})") from None
