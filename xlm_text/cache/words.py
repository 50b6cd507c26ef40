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
        distinct = dict.fromkeys(words)
        # Of this call: another thread may make the cache forget.
        known = self._known
        new = [word for word in distinct if word not in known]
        if new:
            found = dict(zip(new, self._compute(new), strict=True))
            if not self._keep(found, known):
                known = {word: known[word] for word in distinct if word in known} | found
        return list(map(known.__getitem__, words))

    def _keep(self, found: dict[str, V], known: dict[str, V]) -> bool:
        """Keep values, and tell whether all of them were added to ``known``."""
        kept = {word: value for word, value in found.items() if len(word) <= _LONGEST_WORD}
        current = self._known
        if len(current) + len(kept) > self._limit:
            self._known = kept if len(kept) <= self._limit else {}
            return False
        current.update(kept)
        return current is known and len(kept) == len(found)
