"""Which data are given: languages, and for each a file or rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xlm_text.corpora.sources import split_argument
from xlm_text.errors import InputError

# A file, or rows such as those of a `datasets.Dataset`.
Data = str | Path | Iterable[Mapping[str, Any]]
Sources = Mapping[str, Data] | Sequence[str]


@dataclass(frozen=True)
class Source:
    """Data in one language, in a pair of languages, or in those that a column names.

    Attributes:
        label: As it is given: "en", "en-fr" or "@lang".
        langs: The language, or that of the first and of the second text; none where a column says.
        lang_column: The column that has the language.
        data: A file, or rows.
    """

    label: str
    langs: tuple[str, ...]
    lang_column: str | None
    data: Data


def read_sources(given: Sources) -> list[Source]:
    """Return the sources that are given, as a mapping or in words.

    Args:
        given: From a language ("en"), a pair of them ("en-fr") or a column ("@lang") to a file or
            rows; or words such as "en=train.tsv".

    Raises:
        InputError: one of them means nothing.

    Example:
        >>> [(source.langs, source.data) for source in read_sources(["en=train.tsv"])]
        [(('en',), 'train.tsv')]
    """
    if isinstance(given, str):
        raise InputError(f"the data are the string {given!r:.60}: expected a list or a mapping")
    if isinstance(given, Mapping):
        parts = [(*split_argument(f"{label}=-")[:2], data) for label, data in given.items()]
    else:
        parts = [split_argument(word) for word in given]
    return [
        Source("-".join(langs) or f"@{column}", langs, column, data)
        for langs, column, data in parts
    ]
