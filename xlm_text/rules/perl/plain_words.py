"""The words of the commonest units of the Perl rules, found without running them."""

from __future__ import annotations

import re
from functools import cache
from typing import ClassVar

from xlm_text.characters import ranges
from xlm_text.rules.perl import classes
from xlm_text.rules.perl.characters import alphanumeric, is_other, lower, members
from xlm_text.rules.perl.prefixes import nonbreaking_prefixes
from xlm_text.rules.perl.rules import DIGITS, DOTS_MARKER, touched

# Characters below this are looked through for such as stand apart: the marks of the scripts of all
# known checkpoints, and most symbols.
_FIRST_BEYOND = 0x3000


@cache
def plain_characters() -> frozenset[str]:
    """Return the characters of words that no rule changes, one object for all languages."""
    return alphanumeric() - touched() | {"-"}


@cache
def lone_characters() -> frozenset[str]:
    """Return characters that become words of their own, whatever is beside them.

    The marks inside Indian words are among them.
    """
    return frozenset(
        char
        for char in map(chr, range(0x80, _FIRST_BEYOND))
        if char not in alphanumeric() and not is_other(char)
    ).difference(touched(), members(classes.SPACE))


class PerlPlainWords:
    """Finds the words of units of letters, digits and hyphens with a few marks around them.

    A unit that ends in a space is one that more words follow
    (:mod:`xlm_text.pipelines.perl_units`).  As in the other rule set, up to two punctuation marks
    before a word and behind it are split off, and
    an apostrophe between two letters as the language has it.

    Attributes:
        characters: a unit of these, the letters of the marker of dots aside, is one word.

    """

    # What the marks become.
    _OPENING: ClassVar = dict.fromkeys('"“”„«»', '"') | {char: char for char in "([$€£¿¡"}
    _CLOSING: ClassVar = dict.fromkeys('"“”«»', '"') | {char: char for char in ",.?!:;)]%؟"}
    _OPENING_MARKS: ClassVar = "".join(_OPENING)
    _CLOSING_MARKS: ClassVar = "".join(_CLOSING)
    # A space that does not break may be before them.
    _SPACED: ClassVar = {f"\xa0{mark}": mark for mark in ":;?!%"}

    def __init__(self, lang: str) -> None:
        self.characters = plain_characters()
        self._lone = lone_characters()
        self._lower = lower()
        self._prefixes = nonbreaking_prefixes(lang)
        # Quotes change places with commas and full stops.
        swaps = ('".', '",') if lang == "en" else () if lang in ("cs", "cz") else (',"', '."')
        self._swapped = {(swap[0], swap[1]): [swap[1], swap[0]] for swap in swaps}
        # What goes with the words on its two sides: "l' eau", "is 't"; elsewhere "d ' or".
        left = dict.fromkeys(("fr", "it", "ga"), ("'", ""))
        self._apostrophe = {"en": ("", "'"), **left}.get(lang)
        self._knows_apostrophes = lang != "so"

    def find(self, unit: str) -> list[str] | None:
        """Return the words of a unit; ``None`` if it takes the rules to find them."""
        if DOTS_MARKER in unit:
            return None
        plain = self._plain(unit)
        if plain or not unit:
            return plain
        # Most of the others are a word and one mark.
        word, mark = unit[:-1], self._CLOSING.get(unit[-1])
        if mark is not None and word and self.characters.issuperset(word):
            return [word, mark]
        *sentences, last = unit.split(". ")
        words = self._last_words(last) if last else []
        return self._with_sentences(sentences, words) if sentences and words is not None else words

    def _last_words(self, unit: str) -> list[str] | None:
        if unit[-2:] in self._SPACED and unit[-3:-2] in self.characters:
            words = self._word_between_marks(unit[:-2])
            return None if words is None else [*words, self._SPACED[unit[-2:]]]
        return self._word_between_marks(unit)

    def _with_sentences(self, sentences: list[str], words: list[str]) -> list[str] | None:
        """Put words, each with a full stop and a space behind it, before the words of the last."""
        # What follows the unit is neither a small letter nor a digit.
        following, backwards = words[0][0] if words else "", words[::-1]
        # From the last one on: what a full stop is depends on the word behind it.
        for sentence in reversed(sentences):
            parts = self._plain(sentence)
            if not parts:
                return None
            abbreviates = (
                parts[-1] in self._prefixes.always
                or following in self._lower
                or (parts[-1] in self._prefixes.before_numbers and following in DIGITS)
            )
            if abbreviates and parts[-1] not in self._lone:
                parts[-1] += "."
            else:
                parts.append(".")
            backwards += reversed(parts)
            following = parts[0][0]
        return backwards[::-1]

    def _plain(self, word: str) -> list[str]:
        """Return the words of nothing but plain and lone characters; none if there are others."""
        if self.characters.issuperset(word):
            return [word] if word else []
        if word.isascii():
            return []
        # Every second part is a lone character.
        parts = _split_at_lone(word)
        if not self.characters.issuperset("".join(parts[::2])):
            return []
        return [part for part in parts if part]

    def _word_between_marks(self, unit: str) -> list[str] | None:
        behind = unit.lstrip(self._OPENING_MARKS)
        word = behind.rstrip(self._CLOSING_MARKS)
        start = len(unit) - len(behind)
        end = start + len(word)
        if start > 2 or len(unit) - end > 2 or not word:
            return None
        words = [word] if _is_number(word) else self._plain(word) or self._elision(word)
        if words is None:
            return None
        closing = [self._CLOSING[char] for char in unit[end:]]
        if len(closing) == 2:
            if {".", ","}.issuperset(closing):
                return None
            closing = self._swapped.get((closing[0], closing[1]), closing)
            # Only a full stop at the very end is split off an abbreviation.
            if closing[0] == "." and words[-1] in self._prefixes.always:
                words[-1] += "."
                closing = closing[1:]
        return [self._OPENING[char] for char in unit[:start]] + words + closing

    def _elision(self, word: str) -> list[str] | None:
        left, found, right = word.replace("’", "'").partition("'")
        if not (found and left and right and self.characters.issuperset(left + right)):
            return None
        if self._apostrophe is None:
            return [left, "'", right] if self._knows_apostrophes else None
        if left[-1] in _NO_LETTERS or right[0] in _NO_LETTERS:
            return None
        before, behind = self._apostrophe
        return [left + before, behind + right]


_split_at_lone = re.compile(f"([{ranges(sorted(lone_characters()))}])").split
# Those of the plain characters that are no letters.
_NO_LETTERS = frozenset(members(classes.DECIMAL)) | {"-"}
_is_number = re.compile(r"[0-9]+[.,][0-9]+").fullmatch
