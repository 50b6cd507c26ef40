"""Text that knows where each of its characters came from.

Offsets are not a second pipeline.  Every stage of the tokenizer can run on an :class:`Aligned`
text as well as on a string: it makes the same characters, and each of them keeps the half-open
span ``[start, end)`` of the caller's string that it stands for.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from xlm_text.characters import FIRST_BEYOND, characters_of, ranges

# A piece of a replacement: its characters, and the span they stand for in the matched string.
# When both have the same length they correspond one to one; otherwise each character of the
# piece stands for the whole span.
Piece = tuple[str, int, int]


@dataclass(slots=True)
class Aligned:
    """A text and, for each of its characters, the span of the caller's string behind it.

    >>> text = Aligned.of("a…b")
    >>> text.starts, text.ends
    ([0, 1, 2], [1, 2, 3])
    """

    text: str
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, text: str, offset: int = 0) -> Aligned:
        """Align ``text`` with itself; ``offset`` is where it begins in the caller's string."""
        end = offset + len(text)
        return cls(text, list(range(offset, end)), list(range(offset + 1, end + 1)))

    def __len__(self) -> int:
        return len(self.text)

    def slice(self, start: int, end: int) -> Aligned:
        """Return the characters ``[start, end)`` with their spans."""
        return Aligned(self.text[start:end], self.starts[start:end], self.ends[start:end])

    def span(self) -> tuple[int, int]:
        """Return the smallest span of the caller's string that covers every character."""
        return min(self.starts), max(self.ends)

    def strip(self) -> Aligned:
        """Drop white space at both ends, as :meth:`str.strip` does."""
        start = len(self.text) - len(self.text.lstrip())
        return self.slice(start, start + len(self.text.strip()))

    def join(self, other: Aligned) -> Aligned:
        """Put another text behind this one."""
        return Aligned(self.text + other.text, self.starts + other.starts, self.ends + other.ends)

    def split(self, separator: str | None = None) -> list[Aligned]:
        """Split as :meth:`str.split` does: at runs of white space, or at each ``separator``."""
        parts, position = [], 0
        for word in self.text.split(separator):
            position = self.text.index(word, position)
            parts.append(self.slice(position, position + len(word)))
            position += len(word) + len(separator or "")
        return parts

    def cut(self, words: list[str]) -> list[Aligned]:
        """Cut into ``words``, which must make up the text one after another."""
        if "".join(words) != self.text:
            raise RuntimeError(
                f"a segmenter must only cut its text, but made {words!r} of {self.text!r}"
            )
        parts, position = [], 0
        for word in words:
            parts.append(self.slice(position, position + len(word)))
            position += len(word)
        return parts

    def lower(self) -> Aligned:
        """Lower-case as :meth:`str.lower` does; one character may become several."""
        mapped = self.map_characters(char.lower() for char in self.text)
        # A capital sigma becomes another letter at the end of a word: right only in context.
        mapped.text = self.text.lower()
        return mapped

    def rewrite(self, changes: Iterable[tuple[int, int, list[Piece]]]) -> Aligned:
        """Replace the parts ``[start, end)`` of this text, in order, by their pieces."""
        text: list[str] = []
        starts: list[int] = []
        ends: list[int] = []
        done = 0
        for start, end, pieces in changes:
            for piece, source, source_end in [(self.text[done:start], done, start), *pieces]:
                text.append(piece)
                if len(piece) == source_end - source:
                    starts += self.starts[source:source_end]
                    ends += self.ends[source:source_end]
                else:
                    first, last = self._hull(source, source_end)
                    starts += [first] * len(piece)
                    ends += [last] * len(piece)
            done = end
        if not text:
            return Aligned(self.text, self.starts, self.ends)
        text.append(self.text[done:])
        return Aligned("".join(text), starts + self.starts[done:], ends + self.ends[done:])

    def _hull(self, start: int, end: int) -> tuple[int, int]:
        if start < end:
            return min(self.starts[start:end]), max(self.ends[start:end])
        # An inserted character stands for nothing: an empty span where it was put.
        position = self.ends[start - 1] if start else (self.starts[0] if self.starts else 0)
        return position, position

    def map_characters(self, mapped: Iterable[str]) -> Aligned:
        """Replace each character by a string, empty to drop it."""
        return self.rewrite(
            (i, i + 1, [(new, i, i + 1)]) for i, new in enumerate(mapped) if new != self.text[i]
        )


def match_pieces(match: re.Match[str], template: tuple[str | int, ...]) -> list[Piece]:
    """Say where the characters come from that ``template`` puts in the place of ``match``.

    Groups correspond to themselves.  The literal characters of the template correspond to the
    matched characters outside the used groups.  White space aside, they correspond one to one
    where there are as many of the one as of the other, to the same characters if a rule changes
    nothing but their order; else all correspond to all.
    """
    groups = [part for part in template if isinstance(part, int)]
    kept = {i for group in groups for i in range(*match.span(group))}
    free = [i for i in range(*match.span()) if i not in kept]
    solid = [i for i in free if not match.string[i].isspace()]
    blank = [i for i in free if match.string[i].isspace()]
    literals = "".join(part for part in template if isinstance(part, str))
    wanted = sum(not char.isspace() for char in literals)
    if wanted == len(solid):
        in_turn = iter(_same_characters(literals, match.string, solid) or solid)
    else:
        in_turn = None

    def source(char: str, here: int) -> tuple[int, int]:
        if char.isspace():
            return (blank[0], blank[-1] + 1) if blank else (here, here)
        if in_turn is not None:
            position = next(in_turn)
            return position, position + 1
        hull = solid or free
        return (hull[0], hull[-1] + 1) if hull else (here, here)

    pieces: list[Piece] = []
    here = match.start()
    for part in template:
        if isinstance(part, int):
            start, end = match.span(part)
            pieces.append((match.string[start:end], start, end))
            here = end
        else:
            for char in part:
                start, end = source(char, here)
                pieces.append((char, start, end))
                here = max(here, end)
    return pieces


def _same_characters(literals: str, text: str, positions: list[int]) -> list[int] | None:
    """Return the positions in the order of ``literals``, unless other characters are there."""
    wanted = [char for char in literals if not char.isspace()]
    if sorted(wanted) != sorted(text[i] for i in positions):
        return None
    found = []
    for char in wanted:
        found.append(next(i for i in positions if text[i] == char and i not in found))
    return found


def decompose(text: Aligned) -> Aligned:
    """Normalise to NFD and drop marks (category Mn), keeping the alignment."""
    expected = strip_marks(text.text)
    result = text.map_characters(strip_marks(char) for char in text.text)
    if result.text != expected:
        # Canonical ordering moved a combining mark that is not dropped (some are of category
        # Mc) past another one.  It stays within its own cluster, so the run from one base
        # character to the next is aligned as a whole.
        result = text.rewrite(_clusters(text.text))
    return result


def _clusters(text: str) -> Iterator[tuple[int, int, list[Piece]]]:
    start = 0
    for end in range(1, len(text) + 1):
        if end == len(text) or not unicodedata.combining(
            unicodedata.normalize("NFD", text[end])[0]
        ):
            yield start, end, [(char, start, end) for char in strip_marks(text[start:end])]
            start = end


# Runs of what may be a mark; the others are known not to be, Chinese characters and kana (without
# their two marks) among them.
_PERHAPS_MARKS = re.compile(
    f"[{ranges(characters_of('Mn'))}{chr(FIRST_BEYOND)}-\u1fff\u20d0-\u2fff\u302a-\u302f\u3099\u309a"
    "\ua000-\U0010ffff]+"
)


def strip_marks(text: str) -> str:
    """Normalise to NFD and drop every character of category Mn."""
    if text.isascii():
        return text
    text = unicodedata.normalize("NFD", text)
    # Looking at the distinct characters and replacing each mark in C beats a loop over the text.
    for char in set("".join(_PERHAPS_MARKS.findall(text))):
        if unicodedata.category(char) == "Mn":
            text = text.replace(char, "")
    return text
