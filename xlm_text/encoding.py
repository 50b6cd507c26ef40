"""What a call of the tokenizer returns."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from xlm_text.analysis import Analysis
from xlm_text.errors import InputError


class CharSpan(NamedTuple):
    """The characters ``[start, end)`` of a text."""

    start: int
    end: int


class TokenSpan(NamedTuple):
    """The tokens ``[start, end)`` of a row."""

    start: int
    end: int


class Window(NamedTuple):
    """Which tokens of a sample make up a row.

    Attributes:
        sample: the number of the text, or pair, in the call.
        first: the tokens of the first text that the row has.
        second: those of the second text; ``None`` without one.

    """

    sample: int
    first: range
    second: range | None


@dataclass(frozen=True)
class Encoding:
    """One row with everything that is known of its tokens; every list has an item for each.

    Attributes:
        ids: the tokens' ids.
        tokens: the tokens; an unknown piece stands as it is in the text.
        offsets: the span of the text, in code points, end exclusive; ``(0, 0)`` for special
            tokens and padding.
        word_ids: the number of the word in its text; ``None`` for special tokens and padding.
        sequence_ids: 0 for the first text, 1 for the second, ``None`` for the others.

    """

    ids: list[int]
    tokens: list[str]
    offsets: list[tuple[int, int]]
    word_ids: list[int | None]
    sequence_ids: list[int | None]

    def append(
        self, token: str, offsets: tuple[int, int], word: int | None, sequence: int | None
    ) -> None:
        """Describe the next token."""
        self.tokens.append(token)
        self.offsets.append(offsets)
        self.word_ids.append(word)
        self.sequence_ids.append(sequence)


@dataclass
class Rows:
    """Where the rows of a call came from; looked at only when somebody asks.

    Attributes:
        ids: the ids of each row.
        windows: gives the window of each row.
        special: whether the rows have special tokens.
        padding_side: where a row that is longer than its window is padded.
        analyze: gives the analysis of a text: (number of the sample, 0 or 1).
        token_of: gives the token of an id, for special tokens and padding.

    """

    ids: list[list[int]]
    windows: Callable[[], list[Window]]
    special: bool
    padding_side: str
    analyze: Callable[[int, int], Analysis]
    token_of: Callable[[int], str]

    def encodings(self) -> list[Encoding]:
        """Build the full description of every row."""
        return [
            self._encoding(window, ids)
            for window, ids in zip(self.windows(), self.ids, strict=True)
        ]

    def _encoding(self, window: Window, ids: list[int]) -> Encoding:
        encoding = Encoding(ids, [], [], [], [])
        for place, id_ in zip(self._places(window, len(ids)), ids, strict=True):
            if place is None:
                encoding.append(self.token_of(id_), (0, 0), None, None)
            else:
                sequence, i = place
                text = self.analyze(window.sample, sequence)
                encoding.append(text.tokens[i], text.offsets[i], text.words[i], sequence)
        return encoding

    def _places(self, window: Window, length: int) -> list[tuple[int, int] | None]:
        """Return the text of each token, 0 or 1, and its number there; ``None`` for others."""
        edge: list[tuple[int, int] | None] = [None] if self.special else []
        places = [*edge, *((0, i) for i in window.first), *edge]
        if window.second is not None:
            places += [*((1, i) for i in window.second), *edge]
        padding: list[tuple[int, int] | None] = [None] * (length - len(places))
        return places + padding if self.padding_side == "right" else padding + places


class BatchEncoding(UserDict[str, Any]):
    """A dictionary of model inputs that knows where its tokens came from.

    ``batch["input_ids"]`` and ``batch.input_ids`` are the same.  Row numbers may be left out
    where there is one row.

    >>> from xlm_text import XLMTokenizer
    >>> batch = XLMTokenizer.from_pretrained()("Hello, world!", lang="en")
    >>> batch.tokens()[:4], batch.word_ids()[:4]
    (['<s>', 'hel', 'lo</w>', ',</w>'], [None, 0, 0, 1])
    >>> batch.char_to_token(7), batch.token_to_chars(3)
    (4, CharSpan(start=5, end=6))
    """

    def __init__(self, data: dict[str, Any], rows: Rows | None = None) -> None:
        super().__init__(data)
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

    def tokens(self, batch_index: int = 0) -> list[str]:
        """Return the tokens of a row."""
        return self._row(batch_index).tokens

    def word_ids(self, batch_index: int = 0) -> list[int | None]:
        """Return the number of each token's word; ``None`` for special tokens and padding."""
        return self._row(batch_index).word_ids

    def sequence_ids(self, batch_index: int = 0) -> list[int | None]:
        """Return 0 or 1 for tokens of the first or second text, ``None`` for the others."""
        return self._row(batch_index).sequence_ids

    def token_to_chars(
        self, batch_or_token_index: int, token_index: int | None = None
    ) -> CharSpan | None:
        """Return the characters of a token; ``None`` for special tokens and padding."""
        row, token = self._row_and(batch_or_token_index, token_index)
        if not -len(row.ids) <= token < len(row.ids):
            raise InputError(f"no token {token}: the row has {len(row.ids)}")
        return None if row.sequence_ids[token] is None else CharSpan(*row.offsets[token])

    def char_to_token(
        self, batch_or_char_index: int, char_index: int | None = None, sequence_index: int = 0
    ) -> int | None:
        """Return the first token that covers a character; ``None`` if it was dropped."""
        row, char = self._row_and(batch_or_char_index, char_index)
        covering = (
            i
            for i, (start, end) in enumerate(row.offsets)
            if row.sequence_ids[i] == sequence_index and start <= char < end
        )
        return next(covering, None)

    def word_to_tokens(
        self, batch_or_word_index: int, word_index: int | None = None, sequence_index: int = 0
    ) -> TokenSpan | None:
        """Return the tokens of a word; ``None`` if the row has none."""
        row, word = self._row_and(batch_or_word_index, word_index)
        found = [
            i
            for i, number in enumerate(row.word_ids)
            if number == word and row.sequence_ids[i] == sequence_index
        ]
        return TokenSpan(found[0], found[-1] + 1) if found else None

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

    def __getattr__(self, name: str) -> Any:
        data = self.__dict__.get("data", {})
        if name in data:
            return data[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __repr__(self) -> str:
        fields = ",\n ".join(f"{name!r}: {value!r}" for name, value in self.data.items())
        return f"{{{fields}}}"

    def __getstate__(self) -> dict[str, Any]:
        # What only the tokenizer could say is made now: the copy has no tokenizer to ask.
        encodings = self.encodings if self._rows is not None else None
        return {"data": self.data, "_rows": None, "_encodings": encodings}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
