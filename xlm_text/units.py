"""Cutting a text into units that cannot influence each other, and why the cuts are safe.

For the Moses languages a unit ends at a space between two *closed* edges.  The rules of
:mod:`xlm_text.normalization` and :mod:`xlm_text.moses` were gone through one by one for what they
look at across a space, or at the beginning or end of a text:

- ``( x``, ``x )``, ``x :``, ``x ;``, ``5 %`` and ``) .`` lose their space: so no cut behind ``(``,
  nor before ``)``, ``:``, ``;``, ``%``, nor before any of ``. ! ? ,``.
- A full stop stays on its word or not by the word that follows, and ``."`` is swapped in some
  languages if anything follows: so no cut behind a word that ends in a full stop, even behind a
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
import unicodedata


def _ranges(chars: list[str]) -> str:
    """Write characters, in order, as ranges of a set in a regular expression."""
    starts = [c for c in chars if chr(ord(c) - 1) not in chars]
    ends = [c for c in chars if chr(ord(c) + 1) not in chars]
    return "".join(f"{start}-{end}" for start, end in zip(starts, ends, strict=True))


# Signs above and below letters are no letters to `re`.  The scripts of all known checkpoints have
# theirs below U+1000.
_MARKS = _ranges([c for c in map(chr, range(0x300, 0x1000)) if unicodedata.category(c)[0] == "M"])
_WORD = rf"\w{_MARKS}"
# Marks that become words of their own, whatever is beside them.
_ALONE = '"“”„«»–—&/+=*|-'
_BEFORE = r"\"“”„«»(\[$€£#@&*+=|/–—¿¡-"
_BEHIND = r"\"“”«»)\],;:?!%–—…/-"

# The space is looked for first, which is quick, and then what is before it, itself included.
_BEFORE_CUT = rf"""(?: (?<=[{_WORD}][ ])
                      | (?<=[{_WORD}][{_BEHIND}][ ])
                      | (?<=[{_WORD}][ \xa0][»:;?!%][ ])
                      | (?<=[{_WORD}]\.\.\.[ ])
                      | (?<=(?<![^ ])[{re.escape(_ALONE)}][ ]) )"""
_BEHIND_CUT = rf"[{_WORD}{_BEFORE}]"
_MOSES_CUT = re.compile(rf"[ ]{_BEFORE_CUT}[ ]*(?={_BEHIND_CUT})", re.VERBOSE)
_closed_end = re.compile(rf"[ ]{_BEFORE_CUT}", re.VERBOSE).match
_closed_start = re.compile(_BEHIND_CUT, re.VERBOSE).match


def moses_units(text: str) -> list[str]:
    """Cut a text of a Moses language; the spaces at the cuts are left out.

    >>> moses_units("Mr. Smith (the 2nd) said: “5 % of it, no more.”")
    ['Mr. Smith', '(the', '2nd)', 'said:', '“5 %', 'of', 'it,', 'no', 'more.”']
    """
    return _MOSES_CUT.split(text)


def moses_closed(chunk: str) -> tuple[bool, bool]:
    """Tell whether a chunk between spaces could be cut off before it, and behind it too."""
    if " " in chunk or not _closed_start(chunk):
        return False, False
    return True, _closed_end(f"{chunk} ", len(chunk)) is not None
