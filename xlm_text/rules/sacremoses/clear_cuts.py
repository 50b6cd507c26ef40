"""The words of units in which rules can do nothing but cut at the marks of ASCII.

Why the cuts are those of the rules, where none of what :func:`_unclear` names is there:

- The normalisation puts spaces around brackets, and drops some around marks that are cut off
  anyway.  It makes quotes of two apostrophes, and lets quotes change places with full stops and
  commas.
- Marks become words of their own, a comma too unless it stands between two numbers, and several
  full stops together.
- A full stop that ends a word stays or not by that word and the following one, and by the word
  alone where it ends the unit; inside a word it is like a letter.
- An apostrophe becomes a word of its own, or part of the word on one side of it, by the characters
  beside it; where a unit begins or ends with one it stays with the word.  An expression takes the
  characters on both sides with it: an apostrophe one character further is not seen.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from xlm_text.characters import ranges
from xlm_text.rules.sacremoses.data import MosesData
from xlm_text.rules.sacremoses.normalization import SWAPPED

# The marks of ASCII that always are words of their own.
_MARKS = '!"#$%&()*+/:;<=>?@[\\]^_{|}~'
_several_dots = re.compile(r"\.{2,}")


class ClearCuts:
    """Finds the words of units in which nothing but cuts happens.

    Args:
        lang: the language.
        data: its character classes and abbreviations.
        words: the characters of words that no rule changes.

    Attributes:
        characters: those of the units that it is for.

    """

    def __init__(self, lang: str, data: MosesData, words: frozenset[str]) -> None:
        marks = "".join(set(_MARKS).difference(data.alphanumeric))
        self.characters = words.union(marks, " .,'")
        self._abbreviations, self._letters = data.abbreviations, data.letters
        self._swapped = [pair for pair in SWAPPED.get(lang, ()) if "," in pair]
        number = f"[{ranges(sorted(data.numbers))}]"
        # Of these characters, what is no letter is much the shorter list.
        letter = f"[^{ranges(sorted(self.characters - data.letters))}]"
        self._is_unclear = re.compile(_unclear(lang, marks, number, letter, self._swapped)).search
        self._cut = re.compile(_word(lang, marks, number, letter)).findall

    def find(self, unit: str) -> list[str] | None:
        """Return the words of a unit; ``None`` if other rules may matter."""
        # Rules that look for the beginning and the end do so behind and before spaces.
        unit = unit.strip(" ")
        if not self._is_unclear(unit):
            return self._words(unit)
        if unit[-1:] != "." or unit[-2:-1] in ",\"'" or self._is_unclear(unit[:-1]):
            return None
        *words, last = self._words(unit[:-1])
        if last in self._abbreviations or ("." in last and not self._letters.isdisjoint(last)):
            return [*words, f"{last}."]
        return [*words, last, "."]

    def _words(self, unit: str) -> list[str]:
        for pair in self._swapped:
            unit = unit.replace(pair, pair[::-1])
        if ".." in unit:
            unit = _several_dots.sub(r" \g<0> ", unit)
        return self._cut(unit)


def _unclear(lang: str, marks: str, number: str, letter: str, swapped: Sequence[str]) -> str:
    """Return an expression that finds what other rules may matter for."""
    mark = re.escape(f"{marks} ")
    found = [
        r"\A,",
        ",,",
        # A full stop that ends a word, and one beside a quote or an apostrophe.
        rf"[^{mark}.,']\.(?![^{mark},'])",
        r"""\.['"]|['"]\.""",
        # Two apostrophes that one expression may take together.
        rf"'[^{re.escape(marks)},]?'",
        # What a quote and a comma change places with may change places, too.
        ',",',
    ]
    found += [r'\.,"' if pair == ',"' else '",[,.]' for pair in swapped]
    if lang == "en":
        found.append(f"{number}'{letter}")
    return "|".join(found)


def _word(lang: str, marks: str, number: str, letter: str) -> str:
    """Return an expression that matches one word after the other."""
    mark = re.escape(f"{marks} ")
    word = rf"[^{mark},']+(?:(?<={number}),(?={number})[^{mark},']+)*"
    between = rf"(?<={letter})'(?={letter})"
    if lang == "en":
        return rf"(?:{between}|\A')?{word}(?:'\Z)?|[^ ]"
    if lang in ("fr", "it"):
        return rf"(?:\A')?{word}(?:{between}|'\Z)?|[^ ]"
    return rf"{word}|[^ ]"
