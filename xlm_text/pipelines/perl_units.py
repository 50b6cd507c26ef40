r"""Cutting a text of a Moses language for the Perl rules, and why the cuts are safe.

The cuts are those of :mod:`xlm_text.pipelines.moses_units`: a unit ends at a space between two
closed edges.  The scripts were gone through again, step by step, for what they look at across a
space, or at the beginning or end of a line.  Where the two rule sets are alike the argument there
holds here.  What differs, or had to be asked again:

- A line feed ends a line, which is a text of its own: a text is cut there first, whatever is
  beside it.
- The last word of a line loses its full stop though it be an abbreviation, the others do not.  So
  one and the same chunk, ``Dr.`` or ``U.S.``, is another unit at the end: *inside* a line a unit
  that ends in a single full stop has the space behind it for its last character.  What follows it
  is a word (an edge that is closed has a character that makes one), so the full stop is not the
  last; and for ``Dr.`` it is neither a small letter nor a digit, which is all that the rule asks.
  At the end of a line spaces are dropped first: no unit there ends in one.
- The rule looks one space far for that letter or digit.  A cut swallows all spaces, but none is
  made where one follows, however many spaces there are.
- ``."`` becomes ``".`` before anything, ``<`` aside, and at the end; the match takes one character
  behind the quote along, over white space.  That character begins no other match of this rule
  unless it is a full stop, which is no closed edge.
- ``( x``, ``x )``, ``) .``, ``x :``, ``x ;``, ``5 %``: as there.  Of the marks ``: ; ? ! %``
  between two spaces each is a word of its own either way, in Finnish and Swedish, too, where a
  colon stays only before a small letter.
- Commas: the first two rules ask what is before and behind, and a space, no number, splits; the
  third gives the end of a line the same.  None before a comma, as there.
- Apostrophes: all but one language's rules ask whether a letter is before and behind; a space is
  none, and an edge of the line is nothing.  None beside an apostrophe, or what becomes one, as
  there.
- White space and controls become spaces here, so words end there; still none beside them.
- The marker that stands for dots while the rules run is no closed edge, nor near one: written in a
  text with a dot behind it, it takes the dot, and an abbreviation may be none.  Such a text is not
  cut.
- ``１`` becomes a quotation mark.  Quotes look at full stops and commas that touch them, and at
  nothing else.

What `\w` is depends on Python's version of Unicode.  A letter that Perl's does not have is nothing
but a space there, no word: a text with one is not cut.
"""

from __future__ import annotations

from collections.abc import Iterable

from xlm_text.pipelines.moses_units import cut_moses, moses_chunks
from xlm_text.pipelines.units import Chunks, Cut, cut_lines
from xlm_text.rules.perl.characters import has_newer_character
from xlm_text.rules.perl.rules import DOTS_MARKER


def cut_perl(text: str) -> Cut:
    r"""Cut a text; a unit that ends in a space is one that ends in a full stop inside its line.

    >>> cut_perl("Mr. Smith of the U.S. said:\n“5 % of it, etc.” Bye. ").units
    ['Mr. ', 'Smith', 'of', 'the', 'U.S. ', 'said:', '“5', '%', 'of', 'it,', 'etc.” Bye.']
    """
    return cut_lines(text, _cut_line)


def _cut_line(line: str) -> Cut:
    text = line.rstrip(" ")
    if _has_no_cuts(text):
        parts = [text]
    else:
        parts = cut_moses(text)
        if ". " in text:
            for i in range(0, len(parts) - 1, 2):
                if _ends_in_full_stop(parts[i]):
                    parts[i] += " "
                    parts[i + 1] = parts[i + 1][1:]
    if len(text) < len(line):
        parts.append(line[len(text) :])
    return Cut.of(parts)


def perl_chunks(chunks: Iterable[str]) -> Chunks:
    """Return which chunks between spaces are certain units.

    An empty chunk at the end says that spaces end the text, so that the chunk before it is the
    last: nothing is known of it there.

    >>> found = perl_chunks(["word", "U.S.", "end."])
    >>> found.inside
    {'word': 'word', 'U.S.': 'U.S. '}
    >>> found.at_sentence_end
    {'U.S.': 'U.S. ', 'end.': 'end. '}
    """
    found = moses_chunks(chunk for chunk in chunks if "\n" not in chunk and not _has_no_cuts(chunk))
    followed = {chunk: f"{chunk} " for chunk in found.at_text_end if _ends_in_full_stop(chunk)}
    inside = {chunk: followed.get(chunk, chunk) for chunk in found.inside}
    ends = {chunk: f"{chunk} " for chunk in found.at_sentence_end}
    found.at_text_end.pop("", None)
    return Chunks(inside, ends, found.at_text_end)


def _has_no_cuts(text: str) -> bool:
    return DOTS_MARKER in text or has_newer_character(text)


def _ends_in_full_stop(unit: str) -> bool:
    # Several dots are a word of their own.
    return unit[-1:] == "." and unit[-2:] != ".."
