"""The words of the commonest units of sacremoses' rules, found without running them."""

from __future__ import annotations

import re
from typing import ClassVar
from unicodedata import category

from xlm_text.rules.sacremoses.clear_cuts import ClearCuts
from xlm_text.rules.sacremoses.data import moses_data
from xlm_text.rules.sacremoses.normalization import replace_punctuation, replaced_characters
from xlm_text.rules.sacremoses.words import DOTS_MARKER


class PlainWords:
    """Finds the words of the commonest units without running the rules.

    A word of nothing but letters, digits and hyphens goes through untouched, and so does a number
    with one comma or full stop.  Up to two punctuation marks before it and behind it are always
    split off, a full stop unless the word is a known abbreviation or what follows makes it one,
    and an apostrophe between two letters is split off by the rule of the language.

    Of other units with marks of ASCII, such as code and paths,
    :class:`~xlm_text.rules.sacremoses.clear_cuts.ClearCuts` finds the words.
    """

    # What the marks become.
    _OPENING: ClassVar = dict.fromkeys('"“”„«»', '"') | {char: char for char in "([$€£¿¡"}
    _CLOSING: ClassVar = dict.fromkeys('"“”«»', '"') | {char: char for char in ",.?!:;)]%؟"}
    _OPENING_MARKS: ClassVar = "".join(_OPENING)
    _CLOSING_MARKS: ClassVar = "".join(_CLOSING)
    # In some languages a space that does not break is before them.
    _SPACED: ClassVar = {f"\xa0{mark}": mark for mark in ":;?!%"}
    # Quotes change places with commas and full stops in some languages.
    _SWAPPED: ClassVar = {
        "en": {('"', "."): [".", '"'], ('"', ","): [",", '"']},
        **{lang: {(",", '"'): ['"', ","]} for lang in ("de", "es", "fr")},
    }

    def __init__(self, lang: str) -> None:
        self._data = moses_data(lang)
        changed = replaced_characters(lang)
        self.characters = frozenset(
            char
            for char in self._data.alphanumeric + "-"
            if char.isascii() or (char not in changed and category(char)[0] != "C")
        )
        self._clear = ClearCuts(lang, self._data, self.characters)
        self._swapped = self._SWAPPED.get(lang, {})
        # What goes with the words on its two sides: "l' eau", "is 't"; elsewhere "d ' or".
        self._apostrophe = {"en": ("", "'"), "fr": ("'", ""), "it": ("'", "")}.get(lang)

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
        plain = (word and self.characters.issuperset(word)) or _is_number(word)
        words = [word] if plain else self._elision(word)
        if words is None:
            return None
        closing = [self._CLOSING[char] for char in unit[end:]]
        if len(closing) == 2:
            if {".", ","}.issuperset(closing):
                return None
            closing = list(self._swapped.get((closing[0], closing[1]), closing))
        if closing and closing[0] == "." and words[-1] in self._data.abbreviations:
            words[-1] += closing.pop(0)
        return [self._OPENING[char] for char in unit[:start]] + words + closing

    def _elision(self, word: str) -> list[str] | None:
        left, found, right = word.replace("’", "'").partition("'")
        if not (found and left and right and self.characters.issuperset(left + right)):
            return None
        if self._apostrophe is None:
            return [left, "'", right]
        if left[-1] not in self._data.letters or right[0] not in self._data.letters:
            return None
        before, behind = self._apostrophe
        return [left + before, behind + right]


_is_number = re.compile(r"[0-9]+[.,][0-9]+").fullmatch
