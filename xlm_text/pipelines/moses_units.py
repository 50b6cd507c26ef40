"""Cutting a text of a Moses language into units, and why the cuts are safe.

A unit ends at a space between two *closed* edges.  The rules of
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
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from xlm_text.characters import characters_of, ranges
from xlm_text.pipelines.units import Chunks

# Signs above and below letters are no letters to `re`.
_WORD = rf"\w{ranges(characters_of('Mc', 'Me', 'Mn'))}"
# Marks that become words of their own, whatever is beside them; some lose a space before them.
_LOSE_SPACE = ":;?!%"
_ALONE = '"“”„«»–—&/+=*|-' + _LOSE_SPACE
_BEFORE = r"\"“”„«»(\[$€£#@&*+=|/–—¿¡-"
_BEHIND_MARKS = '"“”«»)],;:?!%–—…/-'
_BEHIND = re.escape(_BEHIND_MARKS)
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
_WORDS_CUT = re.compile(rf"([ ]{_BEFORE_CUT}[ ]*(?={_BEHIND_CUT}))", re.VERBOSE)
_SENTENCE_END = rf"(?<=[{_WORD}]\.[ ])"
_MOSES_CUT = re.compile(
    rf"""([ ](?: {_BEFORE_CUT}[ ]*(?={_BEHIND_CUT})
               | {_SENTENCE_END}[ ]*(?=[{_BEGIN}]) ))""",
    re.VERBOSE,
)
_closed_end = re.compile(rf"[ ]{_BEFORE_CUT}", re.VERBOSE).match
_closed_start = re.compile(_BEHIND_CUT, re.VERBOSE).match
_begins = re.compile(f"[{_BEGIN}]").match
_ends = re.compile(rf"[{_WORD}]\.\Z").match


def cut_moses(text: str) -> list[str]:
    """Cut a text of a Moses language into units and the spaces between them.

    >>> cut_moses("Mr. Smith (the 2nd) said: “5 % of it, no more.”")[::2]
    ['Mr.', 'Smith', '(the', '2nd)', 'said:', '“5', '%', 'of', 'it,', 'no', 'more.”']
    """
    return _MOSES_CUT.split(text)


def cut_moses_words(text: str) -> list[str]:
    """Do the same, but behind no full stop that ends a sentence.

    For texts whose capitals are gone when the rules see them, and so cannot say what the full stop
    before them is.

    >>> cut_moses("He sat. She stood.")[::2], cut_moses_words("He sat. She stood.")[::2]
    (['He', 'sat.', 'She', 'stood.'], ['He', 'sat. She', 'stood.'])
    """
    return _WORDS_CUT.split(text)


def begins_sentence(chunk: str) -> bool:
    """Tell whether a chunk is one that a full stop before it cannot belong to an abbreviation for.

    Behind a word, the full stop then is what it is at the end of a text.

    >>> list(map(begins_sentence, ["So", "“So", "so", "5", ""]))
    [True, True, False, False, False]
    """
    return _begins(chunk) is not None


def moses_chunks(chunks: Iterable[str]) -> Chunks:
    """Return which chunks between spaces are certain units: those with closed edges.

    >>> moses_chunks(["word", "(in", "U.S.", "end.", ")"]).inside
    {'word': 'word', '(in': '(in', 'U.S.': 'U.S.'}
    """
    inside, at_end = {}, {}
    for chunk in chunks:
        # Letters and digits have closed edges; nearly all of the others have a mark at one of them.
        if chunk.isalnum() or not chunk or (chunk[-1] in _BEHIND_MARKS and chunk[:-1].isalnum()):
            inside[chunk] = at_end[chunk] = chunk
        elif _closed_start(chunk):
            at_end[chunk] = chunk
            if _closed_end(f"{chunk} ", len(chunk)):
                inside[chunk] = chunk
    ends = {chunk: chunk for chunk in at_end if chunk[-1:] == "." and _ends(chunk, len(chunk) - 2)}
    return Chunks(inside, ends, at_end)
