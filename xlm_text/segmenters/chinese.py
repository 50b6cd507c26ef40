"""Chinese: Jieba, or its Rust port, which newer versions of the reference use.

The two differ on about one line in a hundred, and only in pieces that are not Chinese.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import lru_cache

from xlm_text.languages import require


@lru_cache(maxsize=1)
def load_jieba() -> Callable[[str], list[str]]:
    """Load Jieba with its standard dictionary."""
    require("jieba")
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
    return lambda text: list(tokenizer.cut(text))


def load_rjieba() -> Callable[[str], list[str]]:
    """Load the Rust port of Jieba."""
    require("rjieba", extra="fast")
    import rjieba

    return lambda text: list(rjieba.cut(text))
