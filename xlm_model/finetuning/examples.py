"""Examples: what a model is asked, and the right answer."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from xlm_model.finetuning.files import Row, read_file
from xlm_model.finetuning.sources import Source, Sources, read_sources
from xlm_model.tasks.base import Asked
from xlm_model.tasks.tokenizers import TaskTokenizer, language_of
from xlm_text.errors import Argument, InputError

Reader = Callable[["Values"], tuple[Any, Any]]


class Example(NamedTuple):
    """One example.

    Attributes:
        given: What the task in `xlm_model.tasks` takes.
        target: The right answer.
        lang: The text's language.
        lang_pair: The second text's; None: the same.
        place: Where it stands, for messages.
    """

    given: Any
    target: Any
    lang: str
    lang_pair: str | None
    place: str

    @property
    def asked(self) -> Asked:
        """The example without its answer, as a task prepares it."""
        return Asked(0, self.given, self.lang, self.lang_pair)


class Values:
    """What a row says, looked up by what it is and not by its column's name.

    Args:
        row: The row.
        columns: From what is looked for to its column.
    """

    def __init__(self, row: Row, columns: Mapping[str, str]) -> None:
        self.place = row.place
        self._values = row.values
        self._columns = columns

    def get(self, field: str) -> Any:
        """Return a value.

        Raises:
            InputError: there is no such column.
        """
        column = self._columns[field]
        if column not in self._values:
            known = ", ".join(map(repr, self._values)) or "none"
            raise InputError(
                f"{self.place}: has no column {column!r}, only {known}",
                advice=(Argument("columns"), f" says which one is {field!r}"),
            )
        return self._values[column]

    def find(self, field: str) -> Any:
        """Return a value, None if there is no such column; one that was named has to be there."""
        is_named = self._columns[field] != field
        return self.get(field) if is_named else self._values.get(field)

    def text(self, field: str) -> str:
        """Return a value that has to be a string.

        Raises:
            InputError: it is none.
        """
        value = self.get(field)
        if not isinstance(value, str):
            raise InputError(f"{self.place}: {field} is {value!r:.40}: expected a string")
        return value

    def many(self, field: str) -> list[Any]:
        """Return the values of several columns, or the list in one.

        Columns are named with commas between them; without a name, those whose names are the
        field's and a number.
        """
        names = self._columns[field].split(",")
        if len(names) == 1 and names[0] in self._values:
            value = self._values[names[0]]
            return list(value) if isinstance(value, Sequence) and not _is_text(value) else [value]
        if names == [field]:
            stem = field.removesuffix("s")
            names = [name for name in self._values if name.removeprefix(stem).isdecimal()]
            names.sort(key=lambda name: int(name.removeprefix(stem)))
        missing = [name for name in names if name not in self._values]
        if missing or not names:
            known = ", ".join(map(repr, self._values)) or "none"
            raise InputError(
                f"{self.place}: has no column {(missing or [field])[0]!r}, only {known}",
                advice=(Argument("columns"), f" says which ones are {field!r}"),
            )
        return [self._values[name] for name in names]


def read_examples(
    given: Sources, columns: Mapping[str, str], read: Reader, tokenizer: TaskTokenizer
) -> dict[str, list[Example]]:
    """Read data, and return their examples by language, or pair of languages.

    Args:
        given: See `read_sources`.
        columns: From what is looked for to the column that has it.
        read: Makes of a row what is given and the right answer.
        tokenizer: Has to know the languages.

    Raises:
        InputError: data that cannot be used; names the file and the line.
    """
    found: dict[str, list[Example]] = {}
    for source in read_sources(given):
        for lang in source.langs:
            _check_language(tokenizer, lang, source.label)
        count = 0
        for row in _rows(source, columns):
            count += 1
            langs = source.langs or (_language_of(row, source, tokenizer),)
            question, target = read(Values(row, columns))
            lang_pair = langs[1] if len(langs) == 2 else None
            example = Example(question, target, langs[0], lang_pair, row.place)
            found.setdefault("-".join(langs), []).append(example)
        if not count:
            name = source.data if isinstance(source.data, str | Path) else source.label
            raise InputError(f"{name}: has no examples: expected one or more")
    return found


def fingerprint(examples: Iterable[Example]) -> str:
    """Return what tells data from others."""
    digest = hashlib.sha256()
    for example in examples:
        digest.update(repr(example[:-1]).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:16]


def _rows(source: Source, columns: Mapping[str, str]) -> Iterator[Row]:
    data = source.data
    if isinstance(data, str | Path):
        yield from read_file(data, columns)
        return
    names = {column: _class_names(data, column) for column in columns.values()}
    for number, row in enumerate(data):
        if not isinstance(row, Mapping):
            raise InputError(f"{source.label}[{number}]: is {row!r:.40}: expected a mapping")
        named = {
            column: _named(row[column], classes)
            for column, classes in names.items()
            if classes and column in row
        }
        yield Row({**row, **named}, f"{source.label}[{number}]")


def _class_names(data: Any, column: str) -> list[str] | None:
    """Return the names of the classes whose numbers a column of a `datasets.Dataset` has."""
    feature = (getattr(data, "features", None) or {}).get(column)
    feature = getattr(feature, "feature", feature)
    return getattr(feature, "names", None)


def _named(value: Any, names: list[str]) -> Any:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_named(one, names) for one in value]
    return names[value] if isinstance(value, int) and 0 <= value < len(names) else value


def _language_of(row: Row, source: Source, tokenizer: TaskTokenizer) -> str:
    column = str(source.lang_column)
    lang = row.values.get(column)
    if not isinstance(lang, str):
        raise InputError(f"{row.place}: has no language in the column {column!r}")
    return _check_language(tokenizer, lang, row.place)


def _check_language(tokenizer: Any, lang: str, place: str) -> str:
    """Return a language, by which scores are told apart even where the tokenizer has none."""
    try:
        return language_of(tokenizer, lang) or lang
    except InputError as error:
        raise at_place(error, place) from None


def at_place(error: InputError, place: str) -> InputError:
    """Return an error that says where the example stands."""
    named = () if error.argument is None else (Argument(error.argument), " ")
    return InputError(f"{place}: ", *named, *error.args, advice=error.advice)


def _is_text(value: Any) -> bool:
    return isinstance(value, str | bytes)
