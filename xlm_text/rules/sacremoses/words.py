"""The Moses word rules as sacremoses has them, as data.

sacremoses keeps its regular expressions as attributes of ``MosesTokenizer``; those very
expressions are run here, as rules that can also carry alignment.  Two of its steps are loops
there and are stated as expressions here: the marking of dot runs and the splitting of full
stops.  Another rule set (the Perl original differs from sacremoses in a few places) is another
function like :func:`moses_words`.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar
from unicodedata import category

from xlm_text.alignment.aligned import Piece
from xlm_text.rules.engine import Rewriting, Rule, Rules, Strip, Substitution
from xlm_text.rules.sacremoses.data import moses_data
from xlm_text.rules.sacremoses.normalization import replaced_characters

# What stands for dots while the rules run ends in this; in a text, letters like these become dots.
DOTS_MARKER = "DOTMULTI"


def moses_words(lang: str) -> Rules:
    """Return the rules that put white space between the words of a normalised text.

    >>> moses_words("en").apply("Isn't 3,000 e.g. many... (Dr. X.)?").split()
    ['Isn', "'t", '3,000', 'e.g.', 'many', '...', '(', 'Dr.', 'X.', ')', '?']
    """
    from sacremoses import MosesTokenizer

    moses = MosesTokenizer(lang=lang)
    if lang == "en":
        apostrophes = moses.ENGLISH_SPECIFIC_APOSTROPHE
    elif lang in ("fr", "it"):
        apostrophes = moses.FR_IT_SPECIFIC_APOSTROPHE
    else:
        apostrophes = [moses.NON_SPECIFIC_APOSTROPHE]
    one_space = _substitution("one space for several", moses.DEDUPLICATE_SPACE)
    commas = (moses.COMMA_SEPARATE_1, moses.COMMA_SEPARATE_2, moses.COMMA_SEPARATE_3)
    steps: list[Rule] = [
        one_space,
        _substitution("drop controls", moses.ASCII_JUNK),
        Strip(),
        _substitution("spaces around marks", moses.PAD_NOT_ISALNUM),
        Rewriting(r"\.{2,}", _mark_dots, needs="..", name="hide several dots"),
        *(_substitution("split at a comma", rule, ",") for rule in commas),
        *(_substitution("split at an apostrophe", rule, "'") for rule in apostrophes),
        _full_stops(moses),
        one_space,
        Strip(),
        _substitution("split a full stop and an apostrophe", moses.TRAILING_DOT_APOSTROPHE, ".'"),
        Rewriting(r"(?:DOT)+MULTI", _restore_dots, DOTS_MARKER, "put several dots back"),
    ]
    return Rules(steps, "tokenizer")


class PlainWords:
    """Finds the words of the commonest units without running the rules.

    A word of nothing but letters, digits and hyphens goes through untouched, and so does a number
    with one comma or full stop.  Up to two punctuation marks before it and behind it are always
    split off, a full stop unless the word is a known abbreviation or what follows makes it one,
    and an apostrophe between two letters is split off by the rule of the language.
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
        *sentences, last = unit.split(". ")
        words = self._last_words(last)
        return self._with_sentences(sentences, words) if sentences and words else words

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


def _substitution(name: str, rule: tuple[re.Pattern[str], str], needs: str = "") -> Substitution:
    pattern, template = rule
    return Substitution(pattern, template, needs, name)


def _mark_dots(match: re.Match[str]) -> list[Piece]:
    """Hide a run of dots from the comma, apostrophe and full stop rules behind letters."""
    start, end = match.span()
    dots: list[Piece] = [("DOT", i, i + 1) for i in range(start, end)]
    tail: list[Piece] = [(" ", end, end)] if end < len(match.string) else []
    return [(" ", start, start), *dots, ("MULTI", end - 1, end), *tail]


def _restore_dots(match: re.Match[str]) -> list[Piece]:
    start, end = match.span()
    last = end - len(DOTS_MARKER)
    dots: list[Piece] = [(".", i, i + 3) for i in range(start, last, 3)]
    return [*dots, (".", last, end)]


def _full_stops(moses: Any) -> Rewriting:
    """Split the full stop off a word unless it abbreviates.

    It stays on a word with a dot and a letter inside (``e.g.``), on a known prefix (``Dr.``), on
    one known before numbers (``No. 5``), and before a lower-case word.
    """
    lower = frozenset(moses.IsLower)
    alpha = frozenset(moses.IsAlpha)
    numeric_only = frozenset(moses.NUMERIC_ONLY_PREFIXES)
    prefixes = frozenset(moses.NONBREAKING_PREFIXES) - numeric_only

    def pieces(match: re.Match[str]) -> list[Piece]:
        word, following = match[1], match[2]
        start, end = match.span()
        abbreviates = (
            ("." in word and not alpha.isdisjoint(word))
            or word in prefixes
            or (following is not None and following in lower)
            or (word in numeric_only and following is not None and following in "0123456789")
        )
        space = [] if abbreviates else [(" ", end - 1, end - 1)]
        return [(word, start, end - 1), *space, (".", end - 1, end)]

    # The look-behind keeps the search linear: a word is tried from its beginning only.
    return Rewriting(r"(?<!\S)(\S+)\.(?=\s+(\S)|\s*\Z)", pieces, ".", "split off a full stop")
