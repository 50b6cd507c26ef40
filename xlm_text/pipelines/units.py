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
together, and a unit of several words is worked out, and remembered, as a whole.  A unit alone is
then cut just as it is within its text; the differential tests show it for every language.
"""

from __future__ import annotations

import re

from xlm_text.rules.characters import characters_of, ranges

# Chunks between spaces inside a text, and others at its end, that always are a certain unit.
Chunks = tuple[list[str], list[str]]

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
    rf"""[ ](?: {_BEFORE_CUT}[ ]*(?={_BEHIND_CUT})
              | {_SENTENCE_END}[ ]*(?=[{_BEGIN}]) )""",
    re.VERBOSE,
)
_closed_end = re.compile(rf"[ ]{_BEFORE_CUT}", re.VERBOSE).match
_closed_start = re.compile(_BEHIND_CUT, re.VERBOSE).match
_sentence_end = re.compile(rf"\.[ ]{_SENTENCE_END}(?=[{_BEGIN}])", re.VERBOSE)


def moses_units(text: str) -> list[str]:
    """Cut a text of a Moses language; the spaces at the cuts are left out.

    >>> moses_units("Mr. Smith (the 2nd) said: “5 % of it, no more.”")
    ['Mr.', 'Smith', '(the', '2nd)', 'said:', '“5', '%', 'of', 'it,', 'no', 'more.”']
    """
    return _MOSES_CUT.split(text)


def moses_closed(chunk: str) -> tuple[bool, bool]:
    """Tell whether a chunk between spaces could be cut off before it, and behind it too."""
    if " " in chunk or not _closed_start(chunk):
        return False, False
    return True, _closed_end(f"{chunk} ", len(chunk)) is not None


def moses_chunks(unit: str) -> Chunks:
    """Return the chunks between spaces that this unit always is, inside a text and at its end."""
    before, behind = moses_closed(unit)
    if not before:
        return ([""], [""]) if not unit else ([], [])
    inner = [unit] if behind else []
    return [*inner, unit + END_OF_SENTENCE] if unit.endswith(".") else inner, [unit]


# What marks the end of a sentence, behind its full stop; no valid text has such a character.
END_OF_SENTENCE = "\ud800"
_FULL_STOP_AND_MARK = f".{END_OF_SENTENCE} "


def mark_sentences(text: str) -> str:
    """Mark each full stop between two words that the one behind it cannot make an abbreviation.

    There a full stop is what it is at the end of a text, and a cut is safe.

    >>> mark_sentences("Dr. Who said 5. So did the U.S. Then. no").replace(END_OF_SENTENCE, "|")
    'Dr.| Who said 5.| So did the U.S.| Then. no'
    """
    return _sentence_end.sub(_FULL_STOP_AND_MARK, text)


# Chinese.  Jieba takes runs of Chinese characters, ASCII letters and digits and `+#&._%-` as blocks
# and cuts each by itself; all other characters become words of their own.  The spaces that are
# then put between the words change what normalisation does beside brackets, colons and the
# like.  So a cut is safe between a Chinese character and a mark that neither is part of a block nor
# pulls what is beside it closer: no cut before a closing bracket or a colon, none behind an opening
# bracket.
_HAN = "\u4e00-\u9fd5"
_ZH_BEHIND = "，。、？！“”「」《》〈〉…—：；）"
_ZH_BEFORE = "，。、？！“”「」《》〈〉…—（"
_chinese_cut = re.compile(f"(?<=[{_HAN}])(?=[{_ZH_BEFORE}])|(?<=[{_ZH_BEHIND}])(?=[{_HAN}])")


def chinese_units(text: str) -> list[str]:
    """Cut a Chinese text beside its punctuation marks; nothing is left out.

    >>> chinese_units("但是，他（當時）說：“好。”")
    ['但是', '，', '他', '（當時）', '說：“', '好', '。”']
    """
    return _chinese_cut.split(text)


only_chinese = re.compile(f"[{_HAN}]+").fullmatch


# Thai.  newmm walks through the text along the words of its dictionary; at a space every way ends,
# unless a word of the dictionary has that very space inside.  What it knows of the text behind the
# space is that a space follows, so the space stays with the unit before it.
_THAI = "\u0e01-\u0e3a\u0e40-\u0e4e\u0e50-\u0e59"
_thai_cut = re.compile(f"(?<=[{_THAI}] )(?=[{_THAI}])")


def thai_units(text: str, inside_words: frozenset[str]) -> list[str]:
    """Cut a Thai text behind single spaces; spaces at its two ends are left out.

    Args:
        text: the text.
        inside_words: the spaces, each with the characters beside it, that are inside words of the
            dictionary.

    >>> thai_units(" สวัสดี ชาวโลก ดี ๆ ", frozenset({"ี ๆ"}))
    ['สวัสดี ', 'ชาวโลก ', 'ดี ๆ']

    """
    units: list[str] = []
    for unit in _thai_cut.split(text.strip(" ")):
        if units and units[-1][-2:] + unit[0] in inside_words:
            units[-1] += unit
        else:
            units.append(unit)
    return units
