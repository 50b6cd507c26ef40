"""Where the rows of a batch came from: what each of their tokens is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from xlm_text.alignment.spans import Span
from xlm_text.batches.calling import Source
from xlm_text.errors import InputError


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


def whole_windows(first: Iterable[int], second: Iterable[int] | None) -> list[Window]:
    """Return the windows of rows that are whole samples, of texts of so many tokens."""
    if second is None:
        return [Window(i, range(n), None) for i, n in enumerate(first)]
    pairs = zip(map(range, first), map(range, second), strict=True)
    return [Window(i, *pair) for i, pair in enumerate(pairs)]


class SpecialToken(NamedTuple):
    """A token that stands around texts, and its id."""

    token: str
    id: int


@dataclass(frozen=True)
class Format:
    """How a kind of tokenizer puts rows together; XLM's by default.

    Attributes:
        roles: the roles of the token in front of a row, behind each text, and of padding.
        separators: how many of those behind a text stand between the two texts of a pair.
        second_type: what the second text's tokens are in ``token_type_ids``.
        halves: how ``"longest_first"`` cuts a pair: as the Rust library does, each text to half of
            the room where both are longer; else token by token, from the longer one.
        padded_length: whether ``length`` counts the padding of a batch's rows, too, and stays a
            list where one text was given.

    """

    roles: tuple[str, str, str] = ("bos_token", "sep_token", "pad_token")
    separators: int = 1
    second_type: int = 1
    halves: bool = False
    padded_length: bool = False

    def special_tokens(self, pair: bool) -> int:
        """Return how many special tokens a row has."""
        return 2 + self.separators * pair


class Frame(NamedTuple):
    """The special tokens around texts; ``None`` where no token has the role.

    Attributes:
        start: the first token of a row.
        end: the one behind each text.
        pad: what rows are padded with.
        format: how rows are put together.

    """

    start: SpecialToken | None
    end: SpecialToken | None
    pad: SpecialToken | None
    format: Format = Format()

    def id_of(self, place: Literal["start", "end", "pad"]) -> int:
        """Return the id of a token that rows need."""
        special: SpecialToken | None = getattr(self, place)
        if special is None:
            role = self.format.roles[self._fields.index(place)]
            raise InputError(f"the tokenizer has no {role}: set one, as in tokenizer.{role} = ...")
        return special.id


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
    offsets: list[Span]
    word_ids: list[int | None]
    sequence_ids: list[int | None]


class Rows(NamedTuple):
    """What the rows of a call were put together from.

    None of it changes when the tokenizer or the caller's lists do, so what the rows are can be
    said when somebody asks.

    Attributes:
        first: the first texts.
        second: the second ones.
        windows: the part of them that each row has; ``None`` for all.
        frame: the special tokens around them; with ``None`` for those that were left out.
        length: the length that shorter rows were padded to.
        padding_side: where they were padded.

    """

    first: Source
    second: Source | None
    windows: list[Window] | None
    frame: Frame
    length: int
    padding_side: str

    def encodings(self) -> list[Encoding]:
        """Build the full description of every row."""
        windows = self.windows
        if windows is None:
            second = None if self.second is None else _lengths(self.second)
            windows = whole_windows(_lengths(self.first), second)
        return list(map(self._encoding, windows))

    def _encoding(self, window: Window) -> Encoding:
        row = Encoding([], [], [], [], [])
        start, end, pad, format_ = self.frame
        _add_special(row, start)
        _add_part(row, self.first, window.sample, window.first, 0)
        _add_special(row, end)
        if self.second is not None and window.second is not None:
            _add_special(row, end, format_.separators - 1)
            _add_part(row, self.second, window.sample, window.second, 1)
            _add_special(row, end)
        missing = self.length - len(row.ids)
        if missing <= 0:
            return row
        padding = Encoding([], [], [], [], [])
        _add_special(padding, pad, missing)
        return _join(row, padding) if self.padding_side == "right" else _join(padding, row)


def _lengths(source: Source) -> list[int]:
    return [len(text.ids) for text in source.tokens]


def _add_special(row: Encoding, special: SpecialToken | None, count: int = 1) -> None:
    if special is not None:
        row.ids.extend([special.id] * count)
        row.tokens.extend([special.token] * count)
        row.offsets.extend([(0, 0)] * count)
        row.word_ids.extend([None] * count)
        row.sequence_ids.extend([None] * count)


def _add_part(row: Encoding, source: Source, sample: int, part: range, sequence: int) -> None:
    found, kept = source.tokens[sample], slice(part.start, part.stop)
    row.ids.extend(found.ids[kept])
    row.tokens.extend(found.tokens[kept])
    row.offsets.extend(found.offsets[kept])
    row.word_ids.extend(found.words[kept])
    row.sequence_ids.extend([sequence] * len(part))


def _join(first: Encoding, second: Encoding) -> Encoding:
    return Encoding(
        first.ids + second.ids,
        first.tokens + second.tokens,
        first.offsets + second.offsets,
        first.word_ids + second.word_ids,
        first.sequence_ids + second.sequence_ids,
    )
