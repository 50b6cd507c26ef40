"""The Moses word rules as sacremoses has them, as data.

sacremoses keeps its regular expressions as attributes of ``MosesTokenizer``; those very
expressions are run here, as rules that can also carry alignment.  Two of its steps are loops
there and are stated as expressions here: the marking of dot runs and the splitting of full
stops.  Another rule set (the Perl original differs from sacremoses in a few places) is another
function like :func:`moses_words`.
"""

from __future__ import annotations

import re

from xlm_text.alignment.aligned import Piece
from xlm_text.rules.engine import Rewriting, Rule, Rules, Strip, Substitution
from xlm_text.rules.sacremoses.data import MosesData, moses_data
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
