"""Jieba's way through a block of text, with what its Rust port does in the same way.

The port (``rjieba``) has Jieba's dictionary, and finds the likeliest words by the same sums of the
same numbers.  What it makes of single characters that remain beside each other is not the same: of
two equally likely ways its hidden Markov model takes the other one.  So Jieba's model is used here,
as :mod:`xlm_text.segmenters.jieba_search` has it.  Jieba's own dictionary, half a second, is not
loaded.

That both ways are always the same was measured with the versions in :data:`SAME`; with others
there is Jieba itself.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version

from xlm_text.segmenters.jieba_search import load_unknown_words

SAME = ({"jieba": "0.42.1", "rjieba": "0.2.2"},)
# The longest word of the dictionary has sixteen characters.
_LONGEST = 16


def is_same() -> bool:
    """Tell whether the versions that are here were found to give the same words."""
    try:
        return {name: version(name) for name in ("jieba", "rjieba")} in SAME
    except PackageNotFoundError:
        return False


def load_port() -> Callable[[str], list[str]]:
    """Return what cuts blocks as a ``jieba.Tokenizer`` with the standard dictionary does.

    >>> load_port()("他来到了网易杭研大厦") if is_same() else []
    ['他', '来到', '了', '网易', '杭研', '大厦']
    """
    from rjieba import cut, cut_all

    unknown_words = load_unknown_words()

    ascii_words = lru_cache(maxsize=1 << 12)(unknown_words)

    def singles(run: str) -> list[str]:
        if run.isascii():
            return ascii_words(run)
        # A word of the dictionary that was not the best way is left in characters.
        if len(run) == 1 or (len(run) <= _LONGEST and run in cut_all(run)):
            return list(run)
        return unknown_words(run)

    def search(text: str) -> list[str]:
        words: list[str] = []
        run = ""
        for word in cut(text, False):
            # No word of the dictionary is of ASCII letters and digits alone: where the port has
            # one it has put characters together.
            if len(word) == 1 or (word.isascii() and word.isalnum()):
                run += word
                continue
            if run:
                words += singles(run)
                run = ""
            words.append(word)
        if run:
            words += singles(run)
        return words

    return search
