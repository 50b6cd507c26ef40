"""A step for other people's pipelines: from a table with text to the table with its ids."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xlm_text.corpora.files import import_pyarrow
from xlm_text.corpora.shards import IDS
from xlm_text.errors import InputError
from xlm_text.tokenizer import XLMTokenizer

if TYPE_CHECKING:
    from pyarrow import Table


class Tokenize:
    """Adds the column ``input_ids`` to a :class:`pyarrow.Table`.

    It can be pickled and called in any process, which is what Ray's ``map_batches``, ``datasets``'
    ``map``, Spark's ``mapInArrow``, Dask and DuckDB want.  A tokenizer is loaded once in each
    process.

    Args:
        model: a folder or checkpoint, to be found wherever this is called; or a tokenizer, which
            is carried along.
        lang: the language of all texts; or
        lang_column: the column with the language of each text.
        text_column: the column with the texts.
        settings: changes to the tokenizer's settings.
        **options: arguments of the tokenizer's call that change ids, such as ``max_length``.

    Raises:
        InputError: not exactly one of ``lang`` and ``lang_column``; when called, a column is not
            there, or a text cannot be used.

    Example:
        >>> import pyarrow
        >>> tokenize = Tokenize(None, lang="en")
        >>> tokenize(pyarrow.table({"text": ["Hello!"]})).column("input_ids").to_pylist()
        [[0, 5662, 4655, 14, 1]]

    """

    def __init__(
        self,
        model: str | Path | XLMTokenizer | None,
        *,
        lang: str | None = None,
        lang_column: str | None = None,
        text_column: str = "text",
        settings: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        if (lang is None) == (lang_column is None):
            raise InputError("expected either lang, for all texts, or lang_column")
        if isinstance(model, XLMTokenizer) and settings:
            raise InputError("settings are for a model that is loaded: change the tokenizer's own")
        self.model = model
        self.lang = lang
        self.lang_column = lang_column
        self.text_column = text_column
        self.settings = settings or {}
        self.options = options

    def __call__(self, table: Table) -> Table:
        """Return the table with the column ``input_ids`` (``list<int32>``), a row for each text.

        A missing text (null) has missing ids.
        """
        pa = import_pyarrow()
        texts = self._column(table, self.text_column)
        tokenizer = self._tokenizer()
        known = [i for i, text in enumerate(texts) if text is not None]
        lang: Any = self.lang
        if self.lang_column is not None:
            langs = self._column(table, self.lang_column)
            lang = [langs[i] for i in known]
        some = texts if len(known) == len(texts) else [texts[i] for i in known]
        found = tokenizer.batch_encode(some, lang=lang, **self.options)
        rows: list[list[int] | None] = list(found)
        if len(known) < len(texts):
            rows = [None] * len(texts)
            for i, row in zip(known, found, strict=True):
                rows[i] = row
        return table.append_column(IDS, pa.array(rows, pa.list_(pa.int32())))

    def _column(self, table: Table, name: str) -> list[Any]:
        if name not in table.column_names:
            raise InputError(f"no column {name!r}: there are {', '.join(table.column_names)}")
        column = table.column(name)
        values: list[Any] = column.to_pylist()
        # Numbers and lists have a meaning of their own for the tokenizer.
        if not all(value is None or isinstance(value, str) for value in values):
            raise InputError(f"column {name!r} holds {column.type}: expected text")
        return values

    def _tokenizer(self) -> XLMTokenizer:
        if isinstance(self.model, XLMTokenizer):
            return self.model
        return _load(self.model, tuple(sorted(self.settings.items())))


@lru_cache(maxsize=4)
def _load(model: str | Path | None, settings: tuple[tuple[str, Any], ...]) -> XLMTokenizer:
    return XLMTokenizer.from_pretrained(model, **dict(settings))
