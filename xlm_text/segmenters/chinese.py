"""Chinese: Jieba, or its Rust port, which newer versions of the reference use.

The two differ on about one line in a hundred, and only in pieces that are not Chinese.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from xlm_text.languages.table import require
from xlm_text.segmenters.jieba_port import JiebaPort, is_same
from xlm_text.segmenters.jieba_search import by_blocks, load_search
from xlm_text.segmenters.segmenter import Segmenter


def load_jieba(user_words: tuple[str, ...] = ()) -> Segmenter:
    """Load Jieba with its standard dictionary.

    Args:
        user_words: lines of a dictionary beside it, in Jieba's own format: a word and, with spaces
            between, perhaps how often it is counted and a part of speech.

    """
    require("jieba")
    return _load(user_words) if user_words else _load_standard()


@lru_cache(maxsize=1)
def _load_standard() -> Segmenter:
    return JiebaPort() if is_same() else _load(())


def _load(user_words: tuple[str, ...]) -> Segmenter:
    import jieba

    # A tokenizer of our own: words that a program adds to jieba's global one change no ids here.
    tokenizer = jieba.Tokenizer()
    log = logging.getLogger("jieba")
    level = log.level
    log.setLevel(logging.WARNING)
    try:
        tokenizer.initialize()
    finally:
        log.setLevel(level)
    return Segmenter(by_blocks(load_search(tokenizer, _add_words(tokenizer, user_words))))


_adding = threading.Lock()


def _add_words(tokenizer: Any, user_words: tuple[str, ...]) -> frozenset[str]:
    """Add words to a tokenizer's dictionary; return those that are to fall apart.

    They are those that count 0 times.  Jieba has one set of them for all tokenizers of a program:
    ours must not get into it.
    """
    from jieba import finalseg

    with _adding:
        own: set[str] = set()
        everybodys = finalseg.Force_Split_Words
        finalseg.Force_Split_Words = own
        try:
            tokenizer.load_userdict(iter(user_words))
        finally:
            finalseg.Force_Split_Words = everybodys
    return frozenset(own)


def load_rjieba() -> Callable[[str], list[str]]:
    """Load the Rust port of Jieba."""
    require("rjieba")
    import rjieba

    cut: Callable[[str], list[str]] = rjieba.cut
    return cut
