"""Which characters of a text its tokens cover, for :mod:`.show`."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

# Light backgrounds that black text is well read on, as numbers of a terminal's 256 colours and
# as the same colours on a page.
COLOURS = (
    (153, "#afd7ff"),
    (229, "#ffffaf"),
    (157, "#afffaf"),
    (225, "#ffd7ff"),
    (223, "#ffd7af"),
    (189, "#d7d7ff"),
)


END_OF_WORD = "</w>"


@dataclass(frozen=True)
class Token:
    """A token of a line: its text and id, and the characters ``[start, end)`` behind it.

    ``unknown`` says that the vocabulary does not have it.
    """

    text: str
    id: int
    start: int
    end: int
    unknown: bool = False

    @property
    def piece(self) -> str:
        """The text without the mark of a word's end."""
        return self.text.removesuffix(END_OF_WORD)

    @property
    def end_of_word(self) -> str:
        """The mark of a word's end, if the token has it."""
        return self.text[len(self.piece) :]


@dataclass
class Counts:
    """What a heading says of the lines that are shown."""

    lines: int = 0
    tokens: int = 0
    unknown: int = 0

    def add(self, tokens: Sequence[Token]) -> None:
        """Count a line."""
        self.lines += 1
        self.tokens += len(tokens)
        self.unknown += sum(token.unknown for token in tokens)

    def __str__(self) -> str:
        part = f" ({self.unknown / self.tokens:.1%})" if self.unknown else ""
        lines, tokens = _count(self.lines, "line"), _count(self.tokens, "token")
        return f"{lines}, {tokens}, {self.unknown:,} unknown{part}"


def _count(number: int, name: str) -> str:
    return f"{number:,} {name}{'' if number == 1 else 's'}"


@dataclass(frozen=True)
class Segment:
    """Characters of a line that the same tokens, none or more, stand for.

    ``tokens`` are their numbers in the line.  Several cover the same characters where one
    character became several pieces, as a Hangul syllable does.
    """

    text: str
    tokens: tuple[int, ...]


def segments(text: str, tokens: Sequence[Token]) -> Iterator[Segment]:
    """Cut a text wherever a token begins or ends.

    >>> tokens = [Token("un", 7, 0, 2), Token("do</w>", 8, 2, 4)]
    >>> [(s.text, s.tokens) for s in segments("undo it", tokens)]
    [('un', (0,)), ('do', (1,)), (' it', ())]
    """
    begins: dict[int, list[int]] = {}
    ends: dict[int, list[int]] = {}
    for i, token in enumerate(tokens):
        if token.start < token.end:
            begins.setdefault(token.start, []).append(i)
            ends.setdefault(token.end, []).append(i)
    open_tokens: set[int] = set()
    edges = sorted({0, len(text), *begins, *ends})
    for start, end in pairwise(edges):
        open_tokens.difference_update(ends.get(start, ()))
        open_tokens.update(begins.get(start, ()))
        yield Segment(text[start:end], tuple(sorted(open_tokens)))


def direction_of(text: str, default: str = "ltr") -> str:
    """Return ``rtl`` for what is written from right to left, as its first letter says, or ``ltr``.

    >>> direction_of("… שלום"), direction_of("1. Hello שלום"), direction_of("…", "rtl")
    ('rtl', 'ltr', 'rtl')
    """
    for char in text:
        found = unicodedata.bidirectional(char)
        if found in ("L", "R", "AL"):
            return "ltr" if found == "L" else "rtl"
    return default


def visible(text: str) -> str:
    r"""Put a picture in the place of each control character.

    A terminal would obey them, and a page must not hold them.

    >>> visible("a\tb\x1b[0m\x00")
    'a\tb␛[0m␀'
    """
    if text.isprintable():
        return text
    return "".join(char if char == "\t" else _picture(char) for char in text)


def _picture(char: str) -> str:
    if unicodedata.category(char) != "Cc":
        return char
    if char < " ":
        return chr(0x2400 + ord(char))
    return "\u2421" if char == "\x7f" else "\ufffd"
