"""Lower case and no accents, as the lower-cased checkpoints were trained."""

from __future__ import annotations

from xlm_text.alignment.aligned import Aligned, decompose, strip_marks
from xlm_text.pipelines.words import Words


def lowercase_and_remove_accents(words: Words) -> Words:
    """Lower-case the words of units and drop their accents.

    In the reference words go through joined by single spaces and are split at single spaces
    again: one that holds a space falls apart, and one of nothing but marks is gone.  No step
    looks across white space, so the words of all units can go through at once.

    >>> words = Words.of([["ÉCOLE", "Ǆ", "\\u0301"], ["ไม่ a"]])
    >>> list(lowercase_and_remove_accents(words).of_units())
    [['ecole', 'ǆ'], ['ไม', 'a']]
    """
    if not words.flat:
        return words
    # Words hold no line feed: the pipelines drop it, or split at it.
    text = "\n".join(words.flat)
    if " " in text:
        text = "\n".join(map(" ".join, words.of_units()))
        lines = _without_case_and_accents(text).split("\n")
        return Words.of([list(filter(None, line.split(" "))) for line in lines])
    flat = _without_case_and_accents(text).split("\n")
    return words._replace(flat=flat).without_empty()


def _without_case_and_accents(text: str) -> str:
    return strip_marks(text.lower()).lower()


def lowercase_and_remove_accents_aligned(words: list[Aligned]) -> list[Aligned]:
    """Do the same to words that carry their alignment."""
    # One word at a time gives the same: nothing in the three steps looks across a space.
    parts = (decompose(word.lower()).lower().split(" ") for word in words)
    return [part for word in parts for part in word if part.text]
