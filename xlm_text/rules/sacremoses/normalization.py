"""What happens to the characters of a text before it is cut into words, as data.

The order and content of the steps are those of the XLM preprocessing: Moses'
``replace-unicode-punctuation.perl``, ``normalize-punctuation.perl`` and
``remove-non-printing-char.perl``, and for Romanian the mapping of the WMT16 preparation that the
English-Romanian checkpoint was trained on.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from xlm_text.rules.engine import (
    OneSpace,
    ReplaceFound,
    Rule,
    Rules,
    Strip,
    Substitution,
    Translation,
)
from xlm_text.rules.sacremoses.source import punctuation_expressions

_UNICODE_PUNCTUATION = {
    "，": ",",
    "、": ",",
    "”": '"',
    "“": '"',
    "《": '"',
    "》": '"',
    "」": '"',
    "「": '"',
    "∶": ":",
    "：": ":",
    "？": "?",
    "！": "!",
    "；": ";",
    "（": "(",
    "）": ")",
    "【": "[",
    "】": "]",
    "〈": "<",
    "〉": ">",
    "’": "'",
    "…": "...",
    "～": "~",
    "━": "-",
    "％": "%",
    **{chr(ord("０") + digit): str(digit) for digit in range(10)},
}

# The characters that normalisation turns into one other character each, if it leaves them where
# they are.
REPLACED_ONE_TO_ONE = str.maketrans(
    {char: new for char, new in _UNICODE_PUNCTUATION.items() if len(new) == 1}
    | dict.fromkeys("„«»", '"')
    | dict.fromkeys("‘‚´`", "'")
    | dict.fromkeys("–—", "-")
    | dict.fromkeys("。．", ".")
)

# What is at the end of a quotation and changes places, by language: a quote and another mark.
SWAPPED = {"en": ('".', '",'), **dict.fromkeys(("de", "es", "fr"), (',"',))}


def replaced_characters(lang: str) -> frozenset[str]:
    """Return the letters and digits that normalisation may change."""
    return frozenset(_UNICODE_PUNCTUATION).union("。．", _ROMANIAN if lang == "ro" else ())


_replace = Translation(_UNICODE_PUNCTUATION, "replace-unicode-punctuation")
replace_punctuation = _replace.apply

_LEADING_GROUP = re.compile(r"\((?:[^()\\]|\\.)*\)")

# The cedilla forms are what old encodings had in place of the comma forms; both lose their mark,
# and so do the vowels, in upper and in lower case.
_ROMANIAN = {
    "\u015e": "S",
    "\u015f": "s",
    "\u0162": "T",
    "\u0163": "t",
    "\u0218": "S",
    "\u0219": "s",
    "\u021a": "T",
    "\u021b": "t",
    "\u0102": "A",
    "\u0103": "a",
    "\u00c2": "A",
    "\u00e2": "a",
    "\u00ce": "I",
    "\u00ee": "i",
}


def normalization(lang: str) -> Rules:
    """Return the steps that a text in ``lang`` goes through before the words are cut.

    >>> normalization("en").apply("I said：（really）　“yes…”")
    'I said: (really) \\u3000"yes..."'
    """
    steps: list[Rule] = [
        _replace,
        # These two full stops take the white space behind them along.
        Rules(
            [
                Substitution(r"。\s*", ". ", needs="。"),
                Substitution(r"．\s*", ". ", needs="．"),
            ],
            "replace-unicode-punctuation",
        ),
        Rules(_moses_punctuation(lang), "normalize-punctuation"),
        Strip(),
        ReplaceFound(controls, "", "remove-non-printing-char"),
    ]
    if lang == "ro":
        steps.append(Translation(_ROMANIAN, "letters of the Romanian preparation"))
    return Rules(steps)


def _moses_punctuation(lang: str) -> list[Rule]:
    return [
        # A single space in the place of a single space changes nothing.
        OneSpace()
        if (pattern, template) == (" +", " ")
        else Substitution(pattern, template, required_characters(pattern))
        for pattern, template in punctuation_expressions(lang)
    ]


def required_characters(pattern: str) -> str:
    r"""Return characters that stand one behind another in every match of ``pattern``.

    They are its plain characters from the beginning, or from behind a group at the beginning, up
    to the first that is special, optional or repeated; perhaps there is none.

    >>> [required_characters(p) for p in (r"\) ([.!:?;,])", r" +", r"(\d) %", r"(a|b)?c")]
    [') ', ' ', ' %', '']
    """
    group = _LEADING_GROUP.match(pattern)
    i = group.end() if group else 0
    found = ""
    while i < len(pattern):
        char, width = pattern[i], 1
        if char == "\\":
            char, width = {"r": "\r"}.get(pattern[i + 1], pattern[i + 1]), 2
            if char.isalnum():
                break
        elif char in ".^$*+?{}[]|()":
            break
        quantifier = pattern[i + width : i + width + 1]
        if quantifier and quantifier in "*?{":
            break
        found += char
        i += width
        if quantifier == "+":
            break
    return found


def controls(text: str) -> Iterable[str]:
    """Return the characters of a text whose Unicode category is a C: controls, formats …"""
    # What can be printed is none.  White space other than the plain space cannot, either; that of
    # two kinds is common.
    if text.isprintable() or text.replace("\u3000", "").replace("\xa0", "").isprintable():
        return ()
    return [char for char in set(text) if unicodedata.category(char)[0] == "C"]
