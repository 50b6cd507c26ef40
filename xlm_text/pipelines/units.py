"""Cutting a text into units that cannot influence each other, and why the cuts are safe.

For the Moses languages a unit ends at a space between two *closed* edges.  The rules of
:mod:`xlm_text.rules.sacremoses` were gone through one by one for what they look at across a space,
or at the beginning or end of a text:

- ``( x``, ``x )``, ``x :``, ``x ;``, ``5 %`` and ``) .`` lose their space: so no cut behind ``(``,
  nor before ``)``, ``:``, ``;``, ``%``, nor before any of ``. ! ? ,``; but one of ``: ; ? ! %``
  between spaces is a word of its own with the space or without.
- A full stop stays on its word or not by the character that follows, but only a lower-case letter
  or a digit makes a difference: so no cut behind it where one of these follows, unless the word
  is an abbreviation like ``U.S.``, which keeps its full stop before anything.
- ``."`` is swapped in some languages if anything follows: so no cut behind a full stop with a
  quote or bracket.
- The comma rule sees whether anything stands before a comma: none before a comma.  (Behind one it
  does not matter: a comma that ends a text is split off just the same.)
- The apostrophe rules tell a space from the edge of the text: none beside an apostrophe, nor
  beside the characters that become one.
- White space other than the plain space, and controls, are dropped or kept by rules of their own:
  none beside them.

All else is decided by a character and its neighbours within the word.  So an edge is closed if it
is a letter, digit or mark, or one of a few punctuation marks next to one; everything else stays
together, and a unit of several words is computed, and cached, as a whole.  A unit alone is then cut
just as it is within its text; the differential tests show it for every language.

What is between units is white space, and left out of them, but not of the cut: where a unit begins
is the sum of the lengths before it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import accumulate, islice
from typing import NamedTuple

from xlm_text.characters import HAN, characters_of, ranges


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


class Chunk(NamedTuple):
    """What stands between spaces, and where nothing beside it makes it another unit.

    Attributes:
        text: the characters.
        inside: between two chunks of its sentence, and in front of all of them.
        at_sentence_end: in front of a space at which :func:`moses_sentences` cuts.
        at_text_end: at the end of its text.

    """

    text: str
    inside: bool
    at_sentence_end: bool
    at_text_end: bool


# Signs above and below letters are no letters to `re`.
_WORD = rf"\w{ranges(characters_of('Mc', 'Me', 'Mn'))}"
# Marks that become words of their own, whatever is beside them; some lose a space before them.
_LOSE_SPACE = ":;?!%"
_ALONE = '"“”„«»–—&/+=*|-' + _LOSE_SPACE
_BEFORE = r"\"“”„«»(\[$€£#@&*+=|/–—¿¡-"
_BEHIND = r"\"“”«»)\],;:?!%–—…/-"
# Of these, two may stand one behind the other: no rule sees anything beyond them.
_BEHIND_TWO = r"\"“”«»\)\],;:?!%"

# Letters of abbreviations: those that the rules, too, know as letters.
_LETTER = ranges([c for c in characters_of("Lu", "Ll", "Lt", "Lm", "Lo") if c < "\u0530"])
# What begins a sentence: capitals, letters without case, the Korean ones, and some marks.
_CAPITALS = ranges([c for c in characters_of("Lu", "Lt", "Lo") if not c.islower()])
_BEGIN = rf"{_CAPITALS}\uac00-\ud7a3{_BEFORE}"

# The space is looked for first, which is quick, and then what is before it, itself included.
_BEFORE_CUT = rf"""(?: (?<=[{_WORD}][ ])
                      | (?<=[{_WORD}][{_BEHIND}][ ])
                      | (?<=[{_WORD}][{_BEHIND_TWO}][{_BEHIND_TWO}][ ])
                      | (?<=[{_WORD}]\xa0[»{_LOSE_SPACE}][ ])
                      | (?<=[{_WORD}]\.\.\.[ ])
                      | (?<=[{_WORD}]\.[{_LETTER}]\.[ ])
                      | (?<=(?<![^ ])[{re.escape(_ALONE)}][ ]) )"""
_BEHIND_CUT = rf"(?: [{_WORD}{_BEFORE}] | [{_LOSE_SPACE}](?![^ ]) )"
_SENTENCE_END = rf"(?<=[{_WORD}]\.[ ])"
_MOSES_CUT = re.compile(
    rf"""([ ](?: {_BEFORE_CUT}[ ]*(?={_BEHIND_CUT})
               | {_SENTENCE_END}[ ]*(?=[{_BEGIN}]) ))""",
    re.VERBOSE,
)
_closed_end = re.compile(rf"[ ]{_BEFORE_CUT}", re.VERBOSE).match
_closed_start = re.compile(_BEHIND_CUT, re.VERBOSE).match
_sentence_end = re.compile(rf"[ ]{_SENTENCE_END}(?=[{_BEGIN}])", re.VERBOSE)


def cut_moses(text: str) -> list[str]:
    """Cut a text of a Moses language into units and the spaces between them.

    >>> cut_moses("Mr. Smith (the 2nd) said: “5 % of it, no more.”")[::2]
    ['Mr.', 'Smith', '(the', '2nd)', 'said:', '“5', '%', 'of', 'it,', 'no', 'more.”']
    """
    return _MOSES_CUT.split(text)


def moses_sentences(text: str) -> list[str]:
    """Cut behind each full stop between two words that the next one cannot make an abbreviation.

    There a full stop is what it is at the end of a text.  One space is left out at each cut.

    >>> moses_sentences("Dr. Who said 5. So did the U.S. Then. no")
    ['Dr.', 'Who said 5.', 'So did the U.S.', 'Then. no']
    """
    return _sentence_end.split(text)


def is_closed(chunk: str) -> tuple[bool, bool]:
    """Tell whether a chunk between spaces could be cut off before it, and behind it too."""
    if " " in chunk or not _closed_start(chunk):
        return False, False
    return True, _closed_end(f"{chunk} ", len(chunk)) is not None


def moses_chunk(unit: str) -> Chunk | None:
    """Return the chunk that always is this unit, if there is one."""
    if not unit:
        return Chunk("", True, False, True)
    before, behind = is_closed(unit)
    return Chunk(unit, behind, unit.endswith("."), True) if before else None


def cut_lines(text: str, cut_line: Callable[[str], Cut]) -> Cut:
    r"""Cut a text into lines, and each of them by a function.

    >>> cut_lines("a b\nc", lambda line: Cut.of(cut_moses(line))).parts
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


# Chinese.  Jieba takes runs of Chinese characters, ASCII letters and digits and `+#&._%-` as blocks
# and cuts each by itself; all other characters become words of their own.  The spaces that are
# then put between the words change what normalisation does beside brackets, colons and the
# like.  So a cut is safe between a Chinese character and a mark that neither is part of a block nor
# pulls what is beside it closer: no cut before a closing bracket or a colon, none behind an opening
# bracket.
_ZH_BEHIND = "，。、？！“”「」《》〈〉…—：；）"
_ZH_BEFORE = "，。、？！“”「」《》〈〉…—（"
_chinese_cut = re.compile(f"(?<=[{HAN}])(?=[{_ZH_BEFORE}])|(?<=[{_ZH_BEHIND}])(?=[{HAN}])")


def cut_chinese(text: str) -> list[str]:
    """Cut a Chinese text into units beside its punctuation marks; nothing is between them.

    >>> cut_chinese("但是，他（當時）說：“好。”")
    ['但是', '，', '他', '（當時）', '說：“', '好', '。”']
    """
    return _chinese_cut.split(text)


# Thai.  newmm walks through the text along the words of its dictionary; at a space every way ends,
# unless a word of the dictionary has that very space inside.  What it knows of the text behind the
# space is that a space follows, so the space stays with the unit before it.
_THAI = "\u0e01-\u0e3a\u0e40-\u0e4e\u0e50-\u0e59"
_thai_cut = re.compile(f"(?<=[{_THAI}] )(?=[{_THAI}])")


def cut_thai(text: str, inside_words: frozenset[str]) -> list[str]:
    """Cut a Thai text into units behind single spaces; nothing is between them.

    Args:
        text: the text.
        inside_words: the spaces, each with the characters beside it, that are inside words of the
            dictionary.

    >>> cut_thai("สวัสดี ชาวโลก ดี ๆ", frozenset({"ี ๆ"}))
    ['สวัสดี ', 'ชาวโลก ', 'ดี ๆ']

    """
    units: list[str] = []
    for unit in _thai_cut.split(text):
        if units and units[-1][-2:] + unit[0] in inside_words:
            units[-1] += unit
        else:
            units.append(unit)
    return units
