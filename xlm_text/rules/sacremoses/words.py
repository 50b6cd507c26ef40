"""The Moses word rules as sacremoses has them, as data.

sacremoses keeps its regular expressions as attributes of ``MosesTokenizer``; those very
expressions are run here, as rules that can also carry alignment.  Two of its steps are loops
there and are stated as expressions here: the marking of dot runs and the splitting of full
stops.  Another rule set (the Perl original differs from sacremoses in a few places) is another
function like :func:`moses_words`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import ClassVar
from unicodedata import category

from xlm_text.alignment.aligned import Piece
from xlm_text.characters import ranges
from xlm_text.rules.engine import Rewriting, Rule, Rules, Strip, Substitution
from xlm_text.rules.sacremoses.data import MosesData, moses_data
from xlm_text.rules.sacremoses.normalization import replaced_characters
from xlm_text.rules.sacremoses.source import Expression, word_expressions

# What stands for dots while the rules run ends in this; in a text, letters like these become dots.
DOTS_MARKER = "DOTMULTI"


def moses_words(lang: str) -> Rules:
    """Return the rules that put white space between the words of a normalised text.

    >>> moses_words("en").apply("Isn't 3,000 e.g. many... (Dr. X.)?").split()
    ['Isn', "'t", '3,000', 'e.g.', 'many', '...', '(', 'Dr.', 'X.', ')', '?']
    """
    rules = word_expressions(lang)
    one_space = _substitution("one space for several", rules.one_space)
    steps: list[Rule] = [
        one_space,
        _substitution("drop controls", rules.controls),
        Strip(),
        _substitution("spaces around marks", rules.marks),
        Rewriting(r"\.{2,}", _mark_dots, needs="..", name="hide several dots"),
        *(_substitution("split at a comma", rule, ",") for rule in rules.commas),
        *(_substitution("split at an apostrophe", rule, "'") for rule in rules.apostrophes),
        _full_stops(moses_data(lang)),
        one_space,
        Strip(),
        _substitution("split a full stop and an apostrophe", rules.dot_apostrophe, ".'"),
        Rewriting(r"(?:DOT)+MULTI", _restore_dots, DOTS_MARKER, "put several dots back"),
    ]
    return Rules(steps, "tokenizer")


class PlainWords:
    """Finds the words of the commonest units without running the rules.

    A word of nothing but letters, digits and hyphens goes through untouched, and so does a number
    with one comma or full stop.  Up to two punctuation marks before it and behind it are always
    split off, a full stop unless the word is a known abbreviation or what follows makes it one,
    and an apostrophe between two letters is split off by the rule of the language.

    Of other units with marks of ASCII, such as code and paths, one expression finds the words, if
    no rule can do anything but cut at those marks and at commas.
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
        separate = "".join(set(_MARKS).difference(self._data.alphanumeric))
        self._clear_characters = self.characters.union(separate, " .,")
        self._is_unclear, self._cut = _expressions(separate, self._data.numbers)
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
        if self._clear_characters.issuperset(unit):
            if not self._is_unclear(unit):
                return self._cut(unit)
            if unit[-1] == "." and not self._is_unclear(word):
                words = self._cut(word)
                # A full stop inside: an abbreviation.  And a quote may change places with it.
                if not {".", '"'} & set(words[-1]) and words[-1] not in self._data.abbreviations:
                    return [*words, "."]
        *sentences, last = unit.split(". ")
        last_words = self._last_words(last)
        if sentences and last_words:
            return self._with_sentences(sentences, last_words)
        return last_words

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


# The marks of ASCII that always are words of their own.
_MARKS = '!"#$%&()*+/:;<=>?@[\\]^_{|}~'


def _expressions(
    separate: str, numbers: Iterable[str]
) -> tuple[Callable[[str], object], Callable[[str], list[str]]]:
    """Return what finds where other rules may matter, and what finds the words elsewhere.

    Quotes change places with full stops and commas.  Other rules decide of several dots or commas,
    of a comma that begins a text, and of a full stop that ends a word.  The normalisation puts
    spaces around brackets, and drops some around marks: all of those are cut off anyway.
    """
    marks = f"{re.escape(separate)} "
    unclear = rf"""\A,|\.\.|,,|"[.,]|[.,]"|[^{marks}.,]\.(?![^{marks}.,])"""
    number = f"[{ranges(sorted(numbers))}]"
    word = rf"[^{marks},]+(?:(?<={number}),(?={number})[^{marks},]+)*"
    return re.compile(unclear).search, re.compile(f"{word}|[^ ]").findall


_is_number = re.compile(r"[0-9]+[.,][0-9]+").fullmatch


def _substitution(name: str, rule: Expression, needs: str = "") -> Substitution:
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


def _full_stops(data: MosesData) -> Rewriting:
    """Split the full stop off a word unless it abbreviates.

    It stays on a word with a dot and a letter inside (``e.g.``), on a known prefix (``Dr.``), on
    one known before numbers (``No. 5``), and before a lower-case word.
    """

    def pieces(match: re.Match[str]) -> list[Piece]:
        word, following = match[1], match[2]
        start, end = match.span()
        abbreviates = (
            ("." in word and not data.letters.isdisjoint(word))
            or word in data.abbreviations
            or (following is not None and following in data.lowercase)
            or (word in data.numeric and following is not None and following in "0123456789")
        )
        space = [] if abbreviates else [(" ", end - 1, end - 1)]
        return [(word, start, end - 1), *space, (".", end - 1, end)]

    # The look-behind keeps the search linear: a word is tried from its beginning only.
    return Rewriting(r"(?<!\S)(\S+)\.(?=\s+(\S)|\s*\Z)", pieces, ".", "split off a full stop")
