"""From words back to written text."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import accumulate
from typing import Any, Literal, NamedTuple
from unicodedata import category


class _Style(NamedTuple):
    """How a language that is written without spaces between its words treats others."""

    # Whether words in other scripts are set off by spaces, as in Thai text they nearly always are.
    set_off: bool
    # Whether its segmenter makes words of other scripts of ASCII letters only, and cuts the rest
    # character by character.
    ascii_only: bool
    # Whether its segmenter parts what is written together: `172 cm`, `F 1`.
    parts_digits: bool


_WITHOUT_SPACES = {
    "zh": _Style(set_off=False, ascii_only=True, parts_digits=False),
    "ja": _Style(set_off=False, ascii_only=True, parts_digits=True),
    "th": _Style(set_off=True, ascii_only=False, parts_digits=True),
}

# Letters of scripts without spaces: Thai, Lao, Burmese, Khmer, Chinese and Japanese.
_unspaced = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u303c"
    "\u3040-\u312f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f"
    "\U00020000-\U0003ffff]"
).match
# What is written close to what is before it, and to what is behind it; a quote is either.
_CLOSING = frozenset(',.!?;:%)]}"')
_OPENING = frozenset('([{"')
_IN_NUMBERS = frozenset(",.:")

# English only, and the same list, in the same order, as the reference has.
_CLOSED = (
    (" .", "."),
    (" ?", "?"),
    (" !", "!"),
    (" ,", ","),
    (" ' ", "'"),
    (" n't", "n't"),
    (" 'm", "'m"),
    (" 's", "'s"),
    (" 've", "'ve"),
    (" 're", "'re"),
)


def close_spaces(text: str) -> str:
    """Close the space before English punctuation and contractions.

    >>> close_spaces("it 's done , is n't it ?")
    "it's done, isn't it?"
    """
    for spaced, closed in _CLOSED:
        text = text.replace(spaced, closed)
    return text


def join_words(words: list[str], lang: str) -> str:
    """Put words together as a language is written.

    >>> join_words(["l'", "eau", ",", "dit", "-", "il", "."], "fr")
    "l'eau, dit - il."
    """
    if lang in _WITHOUT_SPACES:
        return _join_unspaced(words, _WITHOUT_SPACES[lang])
    text: str = _detokenizer(lang).detokenize(words, unescape=False)
    return text


# Chinese, Japanese and Thai ------------------------------------------------------------------
#
# Between two words a space is possible only where the nearest letter or digit on one of the two
# sides, or on both, is of a script that has spaces.  It goes behind the marks that close something
# and before those that open something: `very good, he said (twice)`.  Every other mark keeps what
# is beside it together (`a-b`, `it's`), and so do those of numbers between digits (`3,000`).

# A letter or digit of a script with spaces or without, or (`None`) a mark.
_Kind = Literal["spaced", "unspaced"] | None


def _kind(char: str, ascii_only: bool) -> _Kind:
    if _unspaced(char):
        return "unspaced"
    if not char.isalnum() and category(char)[0] != "M":
        return None
    return "spaced" if char.isascii() or not ascii_only else "unspaced"


def _join_unspaced(words: list[str], style: _Style) -> str:
    text = "".join(words)
    kinds = [_kind(char, style.ascii_only) for char in text]
    before = _nearest(kinds, text, _CLOSING)
    behind = [
        (len(text) - 1 - place, open_only)
        for place, open_only in _nearest(kinds[::-1], text[::-1], _OPENING)
    ][::-1]
    quotes = list(accumulate((char == '"' for char in text), initial=0))

    def has_space(start: int, at: int, end: int) -> bool:
        """Tell whether a space is between the words ``[start, at)`` and ``[at, end)``."""
        (left, closes), (right, opens) = before[at], behind[at]
        if not (closes and opens and left >= 0 and right < len(text)):
            return False
        spaced = (kinds[left] == "spaced", kinds[right] == "spaced")
        if not (any(spaced) if style.set_off else all(spaced)):
            return False
        if not style.set_off and "unspaced" in kinds[start:end]:
            return False  # a number, say, of which a part went to a word beside it
        if '"' in (text[at - 1], text[at]) and quotes[at] % 2:
            return False  # the quote before it opens something, or the one behind it closes it
        digits = (text[left].isdigit(), text[right].isdigit())
        alone = left == 0 or kinds[left - 1] != "spaced"
        if right - left == 1:
            # Units, and the names of roads and cars.
            unit = digits == (True, False)
            name = digits == (False, True) and at - start == 1
            if style.parts_digits and all(spaced) and (unit or name):
                return False
            # Full-width digits are words each.
            return not (all(digits) and end - start == 2)
        if right - left == 2:
            # One mark: is it inside a number, or behind a single letter?
            if all(digits):
                return text[left + 1] not in _IN_NUMBERS
            return not (alone and text[left].isalpha() and text[left + 1] == ".")
        return True

    ends = [0, *accumulate(map(len, words))]
    parts = words[:1]
    for word, start, at, end in zip(words[1:], ends, ends[1:], ends[2:], strict=False):
        parts += (" ", word) if start < at < end and has_space(start, at, end) else (word,)
    return "".join(parts)


def _nearest(kinds: list[_Kind], text: str, allowed: frozenset[str]) -> list[tuple[int, bool]]:
    """Return, for each place between two characters, where the last letter before it is.

    With it goes whether every mark from there on is one of those allowed; -1 is for no letter.
    """
    found = [(-1, True)]
    for i, char in enumerate(text):
        place, only = found[-1]
        found.append((i, True) if kinds[i] else (place, only and char in allowed))
    return found


# Each takes a few hundred kilobytes: enough are kept for the languages of one program.
@lru_cache(maxsize=16)
def _detokenizer(lang: str) -> Any:
    from sacremoses import MosesDetokenizer

    return MosesDetokenizer(lang=lang)
