"""Cutting a text into units that cannot influence each other.

Each family of languages has cuts of its own; why they are safe stands beside them:
:mod:`~xlm_text.pipelines.moses_units`, :mod:`~xlm_text.pipelines.perl_units`,
:mod:`~xlm_text.pipelines.chinese` and :mod:`~xlm_text.pipelines.thai`.

What is between units is white space, and left out of them, but not of the cut: where a unit begins
is the sum of the lengths before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import accumulate, islice
from typing import NamedTuple


class Cut(NamedTuple):
    """A text that was cut into units.

    Attributes:
        units: the units.
        parts: units and what is between them in turns, beginning with a unit; ``None`` if there is
            nothing between them.  Joined they are the text.

    """

    units: list[str]
    parts: list[str] | None

    @classmethod
    def of(cls, parts: list[str]) -> Cut:
        """Make a cut of units and what is between them in turns."""
        return cls(parts[::2], parts)

    def starts(self) -> Iterator[int]:
        """Give where each unit begins.

        >>> list(Cut.of(["a", "  ", "bc", " ", "d"]).starts())
        [0, 3, 6]
        """
        parts, step = (self.units, 1) if self.parts is None else (self.parts, 2)
        return islice(accumulate(map(len, parts), initial=0), 0, len(parts), step)


class Chunks(NamedTuple):
    """What stands between spaces, and is a certain unit whatever is beside it.

    Attributes:
        inside: the units of chunks between two others of their sentence, or in front of all.
        at_sentence_end: those in front of a chunk that begins a sentence.
        at_text_end: those at the end of their text.

    """

    inside: dict[str, str]
    at_sentence_end: dict[str, str]
    at_text_end: dict[str, str]


def cut_lines(text: str, cut_line: Callable[[str], Cut]) -> Cut:
    r"""Cut a text into lines, and each of them by a function.

    >>> import re
    >>> cut_lines("a b\nc", lambda line: Cut.of(re.split("( )", line))).parts
    ['a', ' ', 'b', '\n', 'c']
    """
    if "\n" not in text:
        return cut_line(text)
    parts: list[str] = []
    for line in text.split("\n"):
        if len(parts) % 2:
            parts.append("\n")
        elif parts:
            parts[-1] += "\n"
        units, with_gaps = cut_line(line)
        parts += with_gaps or [part for unit in units for part in (unit, "")][:-1]
    return Cut.of(parts)
