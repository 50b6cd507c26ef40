"""Many texts in one string, for what works on one string much faster than on many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")

# A symbol that can be printed, is no white space, letter, digit or mark, and is in no dictionary
# and no rule: nothing changes it, and nothing looks across it.
SEPARATOR = "\u241e"


def map_together(
    texts: Sequence[str],
    together: Callable[[Sequence[str]], list[T]],
    alone: Callable[[str], T],
    must_be_alone: Callable[[str], object],
) -> list[T]:
    """Return what becomes of each text, computed for nearly all of them at once.

    Args:
        texts: the texts.
        together: computes it for many texts, all that need not be alone.
        alone: computes it for one text.
        must_be_alone: tells whether a string has characters that forbid computing it together with
            others.

    Example:
        >>> map_together(["a", "bc", "1"], lambda texts: "|".join(texts).upper().split("|"),
        ...     str.upper, "|".__contains__)
        ['A', 'BC', '1']

    """
    if not texts:
        return []
    if not must_be_alone("".join(texts)):
        return together(texts)
    apart = [bool(must_be_alone(text)) for text in texts]
    others = [text for text, is_apart in zip(texts, apart, strict=True) if not is_apart]
    done = iter(together(others) if others else ())
    return [
        alone(text) if is_apart else next(done) for text, is_apart in zip(texts, apart, strict=True)
    ]
