"""What the arguments of `prepare` mean: languages, files, formats and columns."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from xlm_text.corpora.files import (
    STANDARD_INPUT,
    expand,
    is_remote,
    reads_once,
    shown,
    without_codec,
)
from xlm_text.errors import InputError

FORMATS = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
}
MIXED = "mixed"


@dataclass(frozen=True)
class Source:
    """Files of one format in one language or pair of languages.

    Attributes:
        label: what its shards are called: ``en``, ``en-fr``, or ``mixed``.
        langs: the language, or the two of pairs; none where a column has them.
        lang_column: the column with the language of each line, if there is one.
        format: ``text``, ``jsonl``, ``csv``, ``tsv`` or ``parquet``.
        columns: the columns of the texts, by name, or by number from 1 in files without header.
        files: the files in order; two that belong together for pairs of text files.

    """

    label: str
    langs: tuple[str, ...]
    lang_column: str | None
    format: str
    columns: tuple[str, ...]
    files: tuple[tuple[str, ...], ...]

    @property
    def pair(self) -> bool:
        """Whether a line is a pair of texts."""
        return len(self.langs) == 2

    @property
    def read_once(self) -> list[str]:
        """Those of its files that can be read only once: standard input, and pipes."""
        return [path for names in self.files for path in names if reads_once(path)]

    @property
    def wanted(self) -> tuple[str, ...]:
        """All columns that are read: those of the texts, then that of the language."""
        return (*self.columns, self.lang_column) if self.lang_column else self.columns


def parse_sources(arguments: Iterable[str | Source]) -> list[Source]:
    """Read arguments such as ``en=news.txt.gz`` or ``en-fr=europarl.en,europarl.fr``.

    What was read before stays as it is.

    Raises:
        InputError: an argument means nothing, or its files are not there.

    Example:
        >>> parse_sources(["en=-"])[0].langs
        ('en',)

    """
    sources = [given if isinstance(given, Source) else parse_source(given) for given in arguments]
    if not sources:
        raise InputError("no sources: expected at least one such as en=news.txt")
    _check_read_once([path for source in sources for path in source.read_once])
    return sources


def _check_read_once(paths: Sequence[str]) -> None:
    for path in paths:
        if paths.count(path) > 1:
            name = "standard input (-)" if path == STANDARD_INPUT else path
            raise InputError(f"{name} can be read only once, and so be given only once")


def split_argument(argument: str) -> tuple[tuple[str, ...], str | None, str]:
    """Return an argument's languages, or else the column that has them, and what is behind the =.

    Raises:
        InputError: it has no such parts.

    Example:
        >>> split_argument("en-fr=pairs.tsv")
        (('en', 'fr'), None, 'pairs.tsv')

    """
    left, equals, spec = argument.partition("=")
    if not (left and equals and spec):
        raise InputError(
            f"{argument!r} is not a language and a file: expected one such as en=news.txt, "
            "en-fr=news.en,news.fr or en=web.jsonl:text"
        )
    lang_column, langs = None, tuple(left.split("-"))
    if left.startswith("@"):
        lang_column, langs = left[1:], ()
    if lang_column == "" or "" in langs or len(langs) > 2:
        raise InputError(
            f"{argument!r}: {left!r} is neither a language such as en, nor a pair such as en-fr, "
            "nor @ and the name of the column that has the language"
        )
    return langs, lang_column, spec


def parse_source(argument: str) -> Source:
    """Read one argument, and find its files."""
    langs, lang_column, spec = split_argument(argument)
    pair = len(langs) == 2
    paths, columns = _paths_and_columns(spec, pair)
    formats = {format_of(path) for path in paths}
    files = list(zip(*_expand_all(argument, paths), strict=True))
    formats |= {format_of(path) for file in files for path in file}
    if len(formats) > 1:
        raise InputError(f"{argument!r}: files of one format were expected, not of {_and(formats)}")
    format_ = formats.pop()
    if format_ == "text":
        if columns or lang_column:
            raise InputError(
                f"{argument!r}: {paths[0]} is text, which has no columns; formats with columns "
                f"are {', '.join(FORMATS)}"
            )
        if pair and len(paths) == 1:
            raise InputError(
                f"{argument!r}: a pair needs two files such as news.en,news.fr, or a file with "
                "two columns such as pairs.tsv"
            )
    else:
        columns = _check_columns(argument, format_, columns, pair, lang_column)
    label = MIXED if lang_column else "-".join(langs)
    return Source(label, langs, lang_column, format_, columns, tuple(files))


def format_of(path: str) -> str:
    """Return the format of a file by its name; anything unknown is text.

    >>> format_of("a/b.jsonl.zst"), format_of("europarl.en")
    ('jsonl', 'text')
    """
    return FORMATS.get(os.path.splitext(without_codec(path))[1], "text")


def _paths_and_columns(spec: str, pair: bool) -> tuple[list[str], tuple[str, ...]]:
    if not os.path.lexists(spec):
        path, colon, columns = spec.rpartition(":")
        if colon and path and "/" not in columns and not columns.startswith("//"):
            if format_of(path) != "text":
                return [path], tuple(columns.split(","))
            if not is_remote(spec) and os.path.lexists(path):
                raise InputError(
                    f"{spec!r}: {path} is text, which has no columns; formats with columns are "
                    f"{', '.join(FORMATS)}"
                )
        if pair and "," in spec:
            first, _, second = spec.partition(",")
            return [first, second], ()
    return [spec], ()


def _expand_all(argument: str, paths: Sequence[str]) -> list[list[str]]:
    found = [expand(path) for path in paths]
    if len(found) == 2 and len(found[0]) != len(found[1]):
        raise InputError(
            f"{argument!r}: {shown(paths[0])} is {len(found[0])} files and {shown(paths[1])} is "
            f"{len(found[1])}: expected one for one"
        )
    return found


def _check_columns(
    argument: str, format_: str, columns: tuple[str, ...], pair: bool, lang_column: str | None
) -> tuple[str, ...]:
    if not columns:
        if pair and format_ in ("csv", "tsv"):
            columns = ("1", "2")
        elif not pair and format_ in ("jsonl", "parquet"):
            columns = ("text",)
        else:
            number = "two columns such as :en,fr" if pair else "the column such as :text"
            raise InputError(f"{argument!r}: name {number} behind the file")
    if len(columns) != 1 + pair or "" in columns:
        expected = "two columns, one for each language" if pair else "one column"
        raise InputError(f"{argument!r}: expected {expected}, not {','.join(columns)!r}")
    if lang_column and lang_column.isdecimal() != columns[0].isdecimal():
        raise InputError(
            f"{argument!r}: expected columns by name (of a file with a header) or by number (of "
            "one without), not both"
        )
    return columns


def _and(names: Iterable[str]) -> str:
    return " and ".join(sorted(names))
