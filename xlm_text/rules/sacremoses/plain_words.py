"""The words of the commonest units of sacremoses' rules, found without running them."""

from __future__ import annotations

import re
from typing import ClassVar
from unicodedata import category

from xlm_text.rules.sacremoses.clear_cuts import ClearCuts
from xlm_text.rules.sacremoses.data import moses_data
from xlm_text.rules.sacremoses.normalization import (
    SWAPPED,
    replace_punctuation,
    replaced_characters,
)
from xlm_text.rules.sacremoses.words import DOTS_MARKER


class PlainWords:
    """Finds the words of the commonest units without running the rules.

    A word of nothing but letters, digits and hyphens goes through untouched, and so does a number
    with one comma or full stop.  Up to two punctuation marks before it and behind it are always
    split off, a full stop unless the word is a known abbreviation or what follows makes it one.

    Of units with other marks of ASCII, such as apostrophes, code and paths,
    :class:`~xlm_text.rules.sacremoses.clear_cuts.ClearCuts` finds the words.
    """

    # What the marks become.
    _OPENING: ClassVar = dict.fromkeys('"“”„«»', '"') | {char: char for char in "([$€£¿¡"}
    _CLOSING: ClassVar = dict.fromkeys('"“”«»', '"') | {char: char for char in ",.?!:;)]%؟"}
    _OPENING_MARKS: ClassVar = "".join(_OPENING)
    _CLOSING_MARKS: ClassVar = "".join(_CLOSING)
    # In some languages a space that does not break is before them.
    _SPACED: ClassVar = {f"\xa0{mark}": mark for mark in ":;?!%"}

    def __init__(self, lang: str) -> None:
        self._data = moses_data(lang)
        changed = replaced_characters(lang)
        self.characters = frozenset(
            char
            for char in self._data.alphanumeric + "-"
            if char.isascii() or (char not in changed and category(char)[0] != "C")
        )
        self._clear = ClearCuts(lang, self._data, self.characters)
        self._swapped = SWAPPED.get(lang, ())

    def find(self, unit: str) -> list[str] | None:
        """Return the words of a unit; ``None`` if it takes the rules to find them."""
        if DOTS_MARKER in unit:
            return None
        if self.characters.issuperset(unit):
            return [unit] if unit else []
        # Most of the others are a word and one mark.
        word, mark = unit[:-1], self._CLOSING.get(unit[-1])
        if mark is not None and word and self.characters.issuperset(word):
            return [unit] if mark == "." and word in self._data.abbreviations else [word, mark]
        if self._clear.characters.issuperset(unit):
            words = self._clear.find(unit)
            if words is not None:
                return words
        *sentences, last = unit.split(". ")
        found = self._last_words(last)
        if sentences and found:
            found = self._with_sentences(sentences, found)
        if found is None and (replaced := replace_punctuation(unit)) != unit:
            # The rules do this first, too.
            return self.find(replaced)
        return found

    def _last_words(self, unit: str) -> list[str] | None:
        """Return the words of what no full stop with a space behind it is in."""
        if unit[-2:] in self._SPACED and unit[-3:-2] in self.characters:
            words = self._word_between_marks(unit[:-2])
            return None if words is None else [*words, self._SPACED[unit[-2:]]]
        return self._word_between_marks(unit) if unit else None

    def _with_sentences(self, sentences: list[str], words: list[str]) -> list[str] | None:
        """Put words, each with a full stop and a space behind it, before the words of the last."""
        data = self._data
        if "" in sentences or not all(map(self.characters.issuperset, sentences)):
            return None
        # From the last one on: what a full stop is depends on the word behind it.
        following, backwards = words[0][0], words[::-1]
        for word in reversed(sentences):
            abbreviates = (
                word in data.abbreviations
                or following in data.lowercase
                or (word in data.numeric and following in "0123456789")
            )
            backwards += [f"{word}."] if abbreviates else [".", word]
            following = word[0]
        return backwards[::-1]

    def _word_between_marks(self, unit: str) -> list[str] | None:
        behind = unit.lstrip(self._OPENING_MARKS)
        word = behind.rstrip(self._CLOSING_MARKS)
        start = len(unit) - len(behind)
        end = start + len(word)
        if start > 2 or len(unit) - end > 2:
            return None
        if not ((word and self.characters.issuperset(word)) or _is_number(word)):
            return None
        closing = [self._CLOSING[char] for char in unit[end:]]
        if len(closing) == 2:
            if {".", ","}.issuperset(closing):
                return None
            if "".join(closing) in self._swapped:
                closing.reverse()
        if closing and closing[0] == "." and word in self._data.abbreviations:
            word += closing.pop(0)
        return [*(self._OPENING[char] for char in unit[:start]), word, *closing]


_is_number = re.compile(r"[0-9]+[.,][0-9]+").fullmatch
