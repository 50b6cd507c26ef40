"""What a segmenter is: it cuts texts into words, one text or many at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence


class Segmenter:
    """Cuts texts into words, which one after another make up the text again.

    A segmenter that is faster with many texts at once overrides :meth:`words` or :meth:`spaced`.

    Args:
        cut: returns the words of one text.

    Example:
        >>> segmenter = Segmenter(list)
        >>> segmenter("ab"), segmenter.words(["ab", "c"]), segmenter.spaced(["ab", "c"])
        (['a', 'b'], [['a', 'b'], ['c']], ['a b', 'c'])

    """

    def __init__(self, cut: Callable[[str], list[str]]) -> None:
        self._cut = cut

    def __call__(self, text: str) -> list[str]:
        """Return the words of one text."""
        return self._cut(text)

    def words(self, texts: Sequence[str]) -> list[list[str]]:
        """Return the words of each text."""
        return list(map(self._cut, texts))

    def spaced(self, texts: Sequence[str]) -> list[str]:
        """Return each text with a space between its words."""
        return list(map(" ".join, self.words(texts)))
