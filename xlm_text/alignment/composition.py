"""Unicode's composed form (NFC), with the places of its characters in the text as it was."""

from __future__ import annotations

from collections.abc import Iterator
from unicodedata import combining, is_normalized, normalize

from xlm_text.alignment.aligned import Aligned, Piece


def is_composed(text: str) -> bool:
    """Tell whether a text is in NFC already; ASCII is told in no time."""
    return text.isascii() or is_normalized("NFC", text)


def compose(text: str) -> Aligned:
    """Return the composed form of a text.

    Each character of it stands for the characters that it was composed of.

    >>> composed = compose("Vie\\u0323\\u0302t")
    >>> composed.text, composed.starts, composed.ends
    ('Việt', [0, 1, 2, 5], [1, 2, 5, 6])
    """
    return compose_aligned(Aligned.of(text))


def compose_aligned(text: Aligned) -> Aligned:
    """Do the same to text that carries its alignment."""
    aligned = text.rewrite(_changes(text.text))
    whole = normalize("NFC", text.text)
    if aligned.text == whole:
        return aligned
    # Never seen: a sequence whose parts compose otherwise alone.
    size = len(text)
    return text.rewrite([(0, size, [(char, 0, size) for char in whole])])


def _changes(text: str) -> Iterator[tuple[int, int, list[Piece]]]:
    """Give the sequences of characters that change."""
    start = 0
    for end in range(1, len(text) + 1):
        if end == len(text) or _begins_anew(text[start:end], text[end]):
            sequence = text[start:end]
            composed = normalize("NFC", sequence)
            if composed != sequence:
                yield start, end, [(char, start, end) for char in composed]
            start = end


def _begins_anew(before: str, char: str) -> bool:
    """Tell whether a character has nothing to do with what is before it."""
    if char.isascii():
        return True
    if combining(normalize("NFD", char)[0]):
        return False
    # Some compose though they are no marks: Korean vowels, Indic vowel signs.
    return normalize("NFC", before + char) == normalize("NFC", before) + normalize("NFC", char)
