"""Lower case and no accents, as the lower-cased checkpoints were trained."""

from __future__ import annotations

from xlm_text.alignment import Aligned, decompose, strip_marks


def lowercase_and_remove_accents(words: list[str]) -> list[str]:
    """Lower-case words and drop their accents.

    The words go through joined by single spaces and are split at single spaces again: one that
    holds a space falls apart, and one of nothing but marks is gone.

    >>> lowercase_and_remove_accents(["ÉCOLE", "Ǆ", "\\u0301", "ไม่"])
    ['ecole', 'ǆ', 'ไม']
    """
    text = strip_marks(" ".join(words).lower()).lower()
    return [word for word in text.split(" ") if word]


def lowercase_and_remove_accents_aligned(words: list[Aligned]) -> list[Aligned]:
    """Do the same to words that carry their alignment."""
    # One word at a time gives the same: nothing in the three steps looks across a space.
    parts = (decompose(word.lower()).lower().split(" ") for word in words)
    return [part for word in parts for part in word if part.text]
