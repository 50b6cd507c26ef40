"""How a text came to its pieces: what :meth:`XLMTokenizer.explain` returns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from unicodedata import combining, east_asian_width


@dataclass(frozen=True)
class Step:
    """A step that changed something.

    Attributes:
        name: what it is called: a rule of one of Moses' programs, the segmenter, and so on.
        before: the text before it, or the words that it was cut into by then.
        after: the same behind it.

    """

    name: str
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True)
class Piece:
    """A piece: its token and id, the span ``[start, end)`` of the text, in code points.

    ``unknown`` says that the vocabulary does not have it, so that its id is ``unk_token``'s.
    """

    token: str
    id: int
    start: int
    end: int
    unknown: bool


@dataclass(frozen=True)
class Word:
    """A word as it is cut into pieces."""

    text: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Unit:
    """What the steps are run on: no other part of the text can change what becomes of it.

    Attributes:
        text: the characters.
        start: where it begins in the text.
        end: where it ends.
        steps: the steps that changed something, in order.  Each begins with what the one before
            it left: the first with the characters, and the last left the words.
        words: the words.

    """

    text: str
    start: int
    end: int
    steps: tuple[Step, ...]
    words: tuple[Word, ...]


@dataclass(frozen=True)
class Part:
    """A part of the text.

    Attributes:
        kind: ``"text"``, ``"added token"``, which is never cut, or ``"protected"``, which is one
            word.
        text: the characters.
        start: where it begins in the text.
        end: where it ends.
        units: what it was cut into; an added token is one.

    """

    kind: str
    text: str
    start: int
    end: int
    units: tuple[Unit, ...]


# The first column of what is printed.
_NAME = 34
_COVERED = re.compile(r"^ +| +$| {2,}")


@dataclass(frozen=True)
class Explanation:
    """How a text came to its pieces.  As a string it is a page for people.

    Attributes:
        text: the text.
        lang: its language.
        rules: the rule set.
        faithful: whether pieces are read as the original implementation reads them.
        composed: the text as it was composed (NFC), if that changed anything; then it is what
            the parts were cut out of, and their spans are those of ``text`` all the same.
        words_by: what found the words: a segmenter, or ``moses``.
        parts: added tokens and what is between them, in order.

    """

    text: str
    lang: str
    rules: str
    faithful: bool
    words_by: str
    composed: str | None
    parts: tuple[Part, ...]

    @property
    def words(self) -> list[Word]:
        """The words of all parts."""
        return [word for part in self.parts for unit in part.units for word in unit.words]

    @property
    def pieces(self) -> list[Piece]:
        """The pieces of all words: those that a call gives."""
        return [piece for word in self.words for piece in word.pieces]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as dictionaries, lists, strings and numbers, as JSON has them."""
        return asdict(self)

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        faithful = ", faithful" * self.faithful
        yield f"{self.lang}, words by {self.words_by}, rules {self.rules}{faithful}"
        if self.composed is not None:
            yield f"composed (NFC): {_shown([self.composed])}"
        for part in self.parts:
            if part.kind != "text":
                yield f"{part.start}:{part.end} {_shown([part.text])}  ({part.kind})"
            for unit in part.units:
                if part.kind == "text":
                    yield f"{unit.start}:{unit.end} {_shown([unit.text])}"
                for step in unit.steps:
                    yield f"  {_padded(step.name)}  {_shown(step.after)}"
                for word in unit.words:
                    pieces = "  ".join(map(_described, word.pieces))
                    yield f"  {_padded(f'= {_shown([word.text])}')}  {pieces}"


def _described(piece: Piece) -> str:
    unknown = " unknown" if piece.unknown else ""
    return f"{_shown([piece.token])} ({piece.id}{unknown}, {piece.start}:{piece.end})"


def _padded(text: str) -> str:
    """Fill a text up with spaces to the width of the first column, as terminals draw it."""
    width = sum(
        0 if combining(char) else 1 + (east_asian_width(char) in ("W", "F")) for char in text
    )
    return text + " " * (_NAME - width)


def _shown(parts: Sequence[str]) -> str:
    """Write texts in a line, with bars between words and spaces that would not be seen."""
    return " | ".join(map(_visible, parts)) if parts else "(nothing)"


def _visible(text: str) -> str:
    text = _COVERED.sub(lambda spaces: "␣" * len(spaces[0]), text)
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )
