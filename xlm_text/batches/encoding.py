"""What a call of the tokenizer returns."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar, overload

from xlm_text.batches.rows import Encoding, Rows
from xlm_text.batches.tensors import to_tensors
from xlm_text.errors import InputError

T = TypeVar("T")


class CharSpan(NamedTuple):
    """The characters ``[start, end)`` of a text."""

    start: int
    end: int


class TokenSpan(NamedTuple):
    """The tokens ``[start, end)`` of a row."""

    start: int
    end: int


class BatchEncoding(UserDict[str, Any]):
    """A dictionary of model inputs that knows where its tokens came from.

    ``batch["input_ids"]`` and ``batch.input_ids`` are the same, and ``batch[0]`` describes the
    first row.  Row numbers may be left out where there is one row.  What it says of the tokens is
    what they were in the call, whatever happens to the tokenizer, the texts or the columns.

    >>> from xlm_text import XLMTokenizer
    >>> batch = XLMTokenizer.from_pretrained()("Hello, world!", lang="en")
    >>> batch.tokens()[:4], batch.word_ids()[:4]
    (['<s>', 'hel', 'lo</w>', ',</w>'], [None, 0, 0, 1])
    >>> batch.char_to_token(7), batch.token_to_chars(3), batch.word_to_chars(0)
    (4, CharSpan(start=5, end=6), CharSpan(start=0, end=5))
    """

    def __init__(self, data: dict[str, Any] | None = None, rows: Rows | None = None) -> None:
        super().__init__(data or {})
        self._rows = rows
        self._encodings: list[Encoding] | None = None

    @property
    def encodings(self) -> list[Encoding]:
        """The full description of each row, made when it is first asked for."""
        if self._encodings is None:
            if self._rows is None:
                raise InputError(
                    "these inputs were padded or put together outside the tokenizer's call, "
                    "so where their tokens came from is not known"
                )
            self._encodings = self._rows.encodings()
        return self._encodings

    @property
    def n_sequences(self) -> int | None:
        """How many texts each row has, 1 or 2; ``None`` if that is not known."""
        if self._rows is not None:
            return 1 if self._rows.second is None else 2
        if self._encodings is None:
            return None
        return 2 if any(1 in row.sequence_ids for row in self._encodings) else 1

    # Rows ---------------------------------------------------------------------------------

    def tokens(self, batch_index: int = 0) -> list[str]:
        """Return the tokens of a row."""
        return self._row(batch_index).tokens

    def word_ids(self, batch_index: int = 0) -> list[int | None]:
        """Return the number of each token's word; ``None`` for special tokens and padding."""
        return self._row(batch_index).word_ids

    def sequence_ids(self, batch_index: int = 0) -> list[int | None]:
        """Return 0 or 1 for tokens of the first or second text, ``None`` for the others."""
        return self._row(batch_index).sequence_ids

    # From tokens --------------------------------------------------------------------------

    def token_to_sequence(
        self, batch_or_token_index: int, token_index: int | None = None
    ) -> int | None:
        """Return 0 or 1 for a token of the first or second text, ``None`` for any other."""
        row, token = self._row_and(batch_or_token_index, token_index)
        return _of_token(row.sequence_ids, token)

    def token_to_word(
        self, batch_or_token_index: int, token_index: int | None = None
    ) -> int | None:
        """Return the number of a token's word; ``None`` for special tokens and padding."""
        row, token = self._row_and(batch_or_token_index, token_index)
        return _of_token(row.word_ids, token)

    def token_to_chars(
        self, batch_or_token_index: int, token_index: int | None = None
    ) -> CharSpan | None:
        """Return the characters of a token; ``None`` for special tokens and padding."""
        row, token = self._row_and(batch_or_token_index, token_index)
        if _of_token(row.word_ids, token) is None:
            return None
        return CharSpan(*row.offsets[token])

    # From characters ----------------------------------------------------------------------

    def char_to_token(
        self, batch_or_char_index: int, char_index: int | None = None, sequence_index: int = 0
    ) -> int | None:
        """Return the first token that covers a character; ``None`` if it was dropped."""
        return _covering(*self._row_and(batch_or_char_index, char_index), sequence_index)

    def char_to_word(
        self, batch_or_char_index: int, char_index: int | None = None, sequence_index: int = 0
    ) -> int | None:
        """Return the number of the word that covers a character; ``None`` if it was dropped."""
        row, char = self._row_and(batch_or_char_index, char_index)
        token = _covering(row, char, sequence_index)
        return None if token is None else row.word_ids[token]

    # From words ---------------------------------------------------------------------------

    def word_to_tokens(
        self, batch_or_word_index: int, word_index: int | None = None, sequence_index: int = 0
    ) -> TokenSpan | None:
        """Return the tokens of a word; ``None`` if the row has none."""
        row, word = self._row_and(batch_or_word_index, word_index)
        found = _tokens_of(row, word, sequence_index)
        return TokenSpan(found[0], found[-1] + 1) if found else None

    def word_to_chars(
        self, batch_or_word_index: int, word_index: int | None = None, sequence_index: int = 0
    ) -> CharSpan | None:
        """Return the characters of a word; ``None`` if the row has no tokens of it."""
        row, word = self._row_and(batch_or_word_index, word_index)
        spans = [row.offsets[i] for i in _tokens_of(row, word, sequence_index)]
        if not spans:
            return None
        return CharSpan(min(start for start, _ in spans), max(end for _, end in spans))

    # Columns ------------------------------------------------------------------------------

    def convert_to_tensors(
        self, tensor_type: str | None = None, prepend_batch_axis: bool = False
    ) -> BatchEncoding:
        """Turn the columns into arrays or tensors, in place; return the batch.

        ``tensor_type`` is ``"np"``, ``"pt"`` or ``"tf"``; ``None`` leaves them as they are.

        ``prepend_batch_axis`` makes a batch of one of a single row.
        """
        if tensor_type is not None:
            columns = self.data
            if prepend_batch_axis:
                columns = {name: [value] for name, value in columns.items()}
            self.data = to_tensors(columns, tensor_type)
        return self

    def to(self, device: Any, *, non_blocking: bool = False) -> BatchEncoding:
        """Move every tensor to a device, in place; return the batch itself."""
        for name, value in self.data.items():
            if hasattr(value, "to"):
                self.data[name] = value.to(device, non_blocking=non_blocking)
        return self

    def _row(self, index: int) -> Encoding:
        if not -len(self.encodings) <= index < len(self.encodings):
            raise InputError(f"no row {index}: the batch has {len(self.encodings)}")
        return self.encodings[index]

    def _row_and(self, first: int, second: int | None) -> tuple[Encoding, int]:
        return (self._row(0), first) if second is None else (self._row(first), second)

    @overload
    def __getitem__(self, key: int) -> Encoding: ...
    @overload
    def __getitem__(self, key: str) -> Any: ...
    def __getitem__(self, key: str | int) -> Any:
        return self._row(key) if isinstance(key, int) else super().__getitem__(key)

    def __getattr__(self, name: str) -> Any:
        data = self.__dict__.get("data", {})
        if name in data:
            return data[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __repr__(self) -> str:
        fields = ",\n ".join(f"{name!r}: {value!r}" for name, value in self.data.items())
        return f"{{{fields}}}"

    def __getstate__(self) -> dict[str, Any]:
        # What the row's source could say is made now: it holds on to the tokenizer's caches.
        encodings = self.encodings if self._rows is not None else None
        return {"data": self.data, "_rows": None, "_encodings": encodings}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


def _of_token(values: Sequence[T], token: int) -> T:
    if not -len(values) <= token < len(values):
        raise InputError(f"no token {token}: the row has {len(values)}")
    return values[token]


def _covering(row: Encoding, char: int, sequence: int) -> int | None:
    numbered = enumerate(zip(row.offsets, row.sequence_ids, strict=True))
    found = (i for i, ((start, end), own) in numbered if own == sequence and start <= char < end)
    return next(found, None)


def _tokens_of(row: Encoding, word: int, sequence: int) -> list[int]:
    numbered = enumerate(zip(row.word_ids, row.sequence_ids, strict=True))
    return [i for i, places in numbered if places == (word, sequence)]
