"""What each word became: new units are mostly made of known words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

V = TypeVar("V")

# Longer words are computed each time: they hardly repeat.
_LONGEST_WORD = 32


class WordCache(Generic[V]):
    """The values of words, within a limit.

    Args:
        compute: computes the values of words that are not known, all together.
        limit: how many words are cached at most; all go when it is reached.

    >>> lengths = WordCache(lambda words: map(len, words), limit=100)
    >>> lengths.values(["a", "bcd", "a"])
    [1, 3, 1]

    """

    def __init__(self, compute: Callable[[list[str]], Iterable[V]], limit: int) -> None:
        self._compute = compute
        self._limit = limit
        self._known: dict[str, V] = {}

    def values(self, words: Sequence[str]) -> list[V]:
        """Return the value of each word."""
        known = self._known
        values = list(map(known.get, words))
        new = [word for word, value in zip(words, values, strict=True) if value is None]
        if not new:
            return values  # type: ignore[return-value]
        distinct = list(dict.fromkeys(new))
        found = dict(zip(distinct, self._compute(distinct), strict=True))
        kept = {word: value for word, value in found.items() if len(word) <= _LONGEST_WORD}
        if len(known) + len(kept) > self._limit:
            known = self._known = {}
        if len(kept) <= self._limit:
            known.update(kept)
        computed = map(found.__getitem__, new)
        return [next(computed) if value is None else value for value in values]
