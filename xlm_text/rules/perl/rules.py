r"""The rules of Moses' Perl scripts, early 2019, as data.

The four scripts that the original preprocessing runs one behind the other are stated here step by
step: ``replace-unicode-punctuation``, ``normalize-punctuation -l LANG``,
``remove-non-printing-char`` and ``tokenizer -no-escape -l LANG``.  What is peculiar to them:

- The first two read bytes: ``\d``, ``\s`` and ``[a-z]`` there are those of ASCII.
- The second sees the line feed at the end of a line: a full stop and a quote change places there,
  too, as they do before anything but ``<``.
- The tokenizer's classes are Perl's (:mod:`xlm_text.rules.perl.classes`).  The marks that write a
  Hindi conjunct are none of ``\p{IsAlnum}``, so each becomes a word of its own.
- The last word of a line always loses its full stop, abbreviation or not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from xlm_text.alignment.aligned import Aligned, Piece
from xlm_text.rules.engine import (
    ReplaceFound,
    Rewriting,
    Rule,
    Rules,
    Strip,
    Substitution,
    Translation,
)
from xlm_text.rules.perl import classes
from xlm_text.rules.perl.characters import (
    alphanumeric,
    has_newer_character,
    in_set,
    is_other,
    lower,
    members,
)
from xlm_text.rules.perl.prefixes import Prefixes, nonbreaking_prefixes

# replace-unicode-punctuation.  The full-width digit one is taken for a quotation mark.
_PUNCTUATION = {
    **dict(zip("，、∶：？）！（；～’…━〈〉【】％", ",,::?)!(;~'.-<>[]%", strict=True)),
    "…": "...",
    **dict.fromkeys("”“《》」「１", '"'),
    **{chr(ord("０") + digit): str(digit) for digit in (0, *range(2, 10))},
}
# These two full stops take the spaces behind them along.
_FULL_STOPS = "。．"
_NO_BREAK = "\u00a0"

# What normalize-punctuation may change of what the script before it leaves.
_NORMALIZED = "\r\u0060\u00b4„–—‘‚«»\u00ba" + _NO_BREAK


def touched() -> frozenset[str]:
    """Return the characters, ASCII aside, that normalisation may change."""
    return frozenset(_PUNCTUATION).union(_FULL_STOPS, _NORMALIZED)


def normalization(lang: str) -> Rules:
    """Return the three character stages of a line.

    >>> normalization("en").apply("He said：“１ (really)…”.")
    'He said:"" (really)...."'
    """
    return Rules(
        [
            Translation(_PUNCTUATION, "replace-unicode-punctuation"),
            Rules(
                [Substitution(f"{mark} *", ". ", needs=mark) for mark in _FULL_STOPS],
                "replace-unicode-punctuation",
            ),
            Rules(_normalize_punctuation(lang), "normalize-punctuation"),
            ReplaceFound(_others, " ", "remove-non-printing-char"),
        ]
    )


def _normalize_punctuation(lang: str) -> list[Rule]:
    one_space = Substitution(" {2,}", " ", needs="  ")
    letter, digit, nb = "[A-Za-z]", "[0-9]", _NO_BREAK
    steps: list[Rule] = [
        Substitution("\r", "", needs="\r"),
        Substitution(r"\(", " (", needs="("),
        Substitution(r"\)", ") ", needs=")"),
        one_space,
        Substitution(r"\) ([.!:?;,])", r")\1", needs=") "),
        Substitution(r"\( ", "(", needs="( "),
        Substitution(r" \)", ")", needs=" )"),
        Substitution(rf"({digit}) %", r"\1%", needs=" %"),
        Substitution(" :", ":", needs=" :"),
        Substitution(" ;", ";", needs=" ;"),
        Substitution("`", "'", needs="`"),
        Substitution("''", ' " ', needs="''"),
        Substitution("„", '"', needs="„"),
        Substitution("–", "-", needs="–"),
        Substitution("—", " - ", needs="—"),
        one_space,
        Substitution("´", "'", needs="´"),
        Substitution(f"({letter})‘({letter})", r"\1'\2", needs="‘"),
        Substitution("‘", '"', needs="‘"),
        Substitution("‚", '"', needs="‚"),
        Substitution("''", '"', needs="''"),
        Substitution(f"{nb}«{nb}", ' "', needs=f"{nb}«{nb}"),
        Substitution(f"«{nb}", '"', needs=f"«{nb}"),
        Substitution("«", '"', needs="«"),
        Substitution(f"{nb}»{nb}", '" ', needs=f"{nb}»{nb}"),
        Substitution(f"{nb}»", '"', needs=f"{nb}»"),
        Substitution("»", '"', needs="»"),
        Substitution(f"{nb}%", "%", needs=f"{nb}%"),
        Substitution(f"nº{nb}", "nº ", needs=f"nº{nb}"),
        Substitution(f"{nb}:", ":", needs=f"{nb}:"),
        Substitution(f"{nb}ºC", " ºC", needs=f"{nb}ºC"),
        Substitution(f"{nb}cm", " cm", needs=f"{nb}cm"),
        *(Substitution(re.escape(nb + mark), mark, needs=nb + mark) for mark in "?!;"),
        Substitution(f",{nb}", ", ", needs=f",{nb}"),
        one_space,
    ]
    if lang == "en":
        steps.append(Substitution('"([,.]+)', r'\1"', needs='"'))
    elif lang not in ("cs", "cz"):
        steps += [
            Substitution(',"', '",', needs=',"'),
            # Behind the line there is a line feed.
            Substitution(r'(\.+)"([ \t\n\x0b\x0c\r]*[^<]|\Z)', r'"\1\2', needs='."'),
        ]
    mark = "," if lang in ("de", "es", "cz", "cs", "fr") else "."
    steps.append(Substitution(rf"({digit}){nb}({digit})", rf"\1{mark}\2", needs=nb))
    return steps


def _others(text: str) -> list[str]:
    r"""Return the characters of a text that are in ``\p{C}``: controls, formats, unassigned …"""
    if text.isprintable() and not has_newer_character(text):
        return []
    return [char for char in set(text) if is_other(char)]


def words(lang: str) -> Rules:
    """Return the rules that put white space between the words of a normalised line.

    >>> words("en").apply("Isn't 3,000 e.g. many... (Dr. X. No. 5) etc.").split()[-9:]
    ['...', '(', 'Dr.', 'X.', 'No.', '5', ')', 'etc', '.']
    >>> words("hi").apply("हिन्दी").split()
    ['हिन', '्', 'दी']
    """
    number, space = in_set(classes.NUMERIC), in_set(classes.SPACE)
    steps: list[Rule] = [
        Substitution(rf"[{space}]+", " ", name="one space for several"),
        Strip(),
        Apart(alphanumeric(), members(classes.SPACE), ".'`,-" + ":" * (lang in ("fi", "sv"))),
    ]
    if lang in ("fi", "sv"):
        # There a colon may be inside a word: `EU:n`.
        end = rf":(?=[^{in_set(classes.LOWER)}]|\Z)"
        steps.append(Substitution(end, " : ", ":", "split at a colon"))
    return Rules(
        [
            *steps,
            Rewriting(_DOTS, _mark_dots, ".", "hide several dots"),
            Substitution(f"([^{number}]),", r"\1 , ", ",", "split at a comma"),
            Substitution(f",([^{number}])", r" , \1", ",", "split at a comma"),
            Substitution(rf"([{number}]),\Z", r"\1 ,", ",", "split at a comma"),
            *_apostrophes(lang),
            _full_stops(nonbreaking_prefixes(lang)),
            Strip(),
            Substitution(r"\.'\Z", " . ' ", ".'", "split a full stop and an apostrophe"),
            Rewriting("(?:DOT)+MULTI", _restore_dots, DOTS_MARKER, "put several dots back"),
        ],
        "tokenizer",
    )


# No more characters than this are kept; no text of people has as many.
_MOST_CHARACTERS = 1 << 16


class Table(dict[int, str]):
    """What characters become, computed when each is met for the first time."""

    def __init__(self, place: Callable[[str], str]) -> None:
        super().__init__()
        self._place_of = place

    def __missing__(self, code: int) -> str:
        becomes = self._place_of(chr(code))
        if len(self) < _MOST_CHARACTERS:
            self[code] = becomes
        return becomes


class Apart:
    """Put spaces around every character that makes no words."""

    name = "spaces around marks"
    needs = ""

    def __init__(self, alphanumeric: frozenset[str], *others: Iterable[str]) -> None:
        self._alphanumeric = alphanumeric
        self._kept = frozenset().union(*others)
        self._table = Table(self._place)

    def _place(self, char: str) -> str:
        return char if char in self._alphanumeric or char in self._kept else f" {char} "

    def apply(self, text: str) -> str:  # noqa: D102
        return text.translate(self._table)

    def align(self, text: Aligned) -> Aligned:  # noqa: D102
        return text.rewrite(
            (i, i + 1, [(" ", i, i), (char, i, i + 1), (" ", i + 1, i + 1)])
            for i, char in enumerate(text.text)
            if len(self._place(char)) > 1
        )


# What stands for dots while the rules run ends in this; in a text, letters like these become dots.
DOTS_MARKER = "DOTMULTI"

# Dots that stay together.  The scripts turn `...` into the marker in a loop that, in a text with
# the marker's letters and one dot behind them, takes that dot for one of its own; and of two such
# that follow one another it pads only the first with a space.
_MARKED = rf"{DOTS_MARKER}\.(?!\.)"
_DOTS = rf"(?:\.{{2,}}|{_MARKED})(?:{_MARKED})*"
_each_dots = re.compile(rf"\.{{2,}}|{_MARKED}").finditer


def _mark_dots(match: re.Match[str]) -> list[Piece]:
    """Hide dots from the comma, apostrophe and full stop rules behind letters."""
    pieces: list[Piece] = []
    padded_before = False
    for part in _each_dots(match[0]):
        start, end = match.start() + part.start(), match.start() + part.end()
        if part[0][0] == ".":
            pieces += [(" ", start, start), *(("DOT", i, i + 1) for i in range(start, end))]
            in_loop = end - start > 2
        else:
            pieces += [("DOT", start, start + 3), ("DOT", start + 3, end)]
            in_loop = False
        pieces.append(("MULTI", end - 1, end))
        # The space takes the place of a match that began with the letter behind this one.
        padded = in_loop or not padded_before
        if padded and end < len(match.string):
            pieces.append((" ", end, end))
        padded_before = padded and not in_loop
    return pieces


def _restore_dots(match: re.Match[str]) -> list[Piece]:
    start, end = match.span()
    last = end - len(DOTS_MARKER)
    dots: list[Piece] = [(".", i, i + 3) for i in range(start, last, 3)]
    return [*dots, (".", last, end)]


_APOSTROPHE = "split at an apostrophe"


def _apostrophes(lang: str) -> list[Rule]:
    """Return what a language does beside an apostrophe: "is 't", "l' eau", "d ' or"."""
    letter = in_set(classes.ALPHABETIC)
    alone = [
        Substitution(f"([^{letter}])'([^{letter}])", r"\1 ' \2", "'", _APOSTROPHE),
        Substitution(f"([^{letter}])'([{letter}])", r"\1 ' \2", "'", _APOSTROPHE),
        Substitution(f"([{letter}])'([^{letter}])", r"\1 ' \2", "'", _APOSTROPHE),
    ]
    if lang == "en":
        neither = letter + in_set(classes.NUMERIC)
        alone[1] = Substitution(f"([^{neither}])'([{letter}])", r"\1 ' \2", "'", _APOSTROPHE)
        return [
            *alone,
            Substitution(f"([{letter}])'([{letter}])", r"\1 '\2", "'", _APOSTROPHE),
            Substitution(f"([{in_set(classes.NUMERIC)}])'s", r"\1 's", "'", _APOSTROPHE),
        ]
    if lang in ("fr", "it", "ga"):
        return [*alone, Substitution(f"([{letter}])'([{letter}])", r"\1' \2", "'", _APOSTROPHE)]
    if lang == "so":
        return [*alone]
    return [Substitution("'", " ' ", "'", _APOSTROPHE)]


def _full_stops(prefixes: Prefixes) -> Rewriting:
    """Split the full stop off a word: always at the end, elsewhere unless it abbreviates.

    It stays on a word with a dot and a letter inside (``e.g.``), on a known prefix (``Dr.``), on
    one known before numbers (``No. 5``), and before a lower-case word, which must be one space
    away.
    """
    lowercase = lower()
    has_letter = re.compile(f"[{in_set(classes.ALPHABETIC)}]").search

    def pieces(match: re.Match[str]) -> list[Piece]:
        word, last, following = match.groups()
        start, end = match.span()
        abbreviates = last is None and (
            ("." in word and has_letter(word) is not None)
            or word in prefixes.always
            or following in lowercase
            or (word in prefixes.before_numbers and following in DIGITS)
        )
        space = [] if abbreviates else [(" ", end - 1, end - 1)]
        return [(word, start, end - 1), *space, (".", end - 1, end)]

    # The look-behind keeps the search linear: a word is tried from its beginning only.
    return Rewriting(
        r"(?<!\S)(\S+)\.(?:(?=(\s*\Z))|(?=\s(.?)))", pieces, ".", "split off a full stop"
    )


DIGITS = frozenset("0123456789")
