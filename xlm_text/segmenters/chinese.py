"""Chinese: Jieba, or its Rust port, which newer versions of the reference use.

The two differ on about one line in a hundred, and only in pieces that are not Chinese.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from functools import lru_cache

from xlm_text.languages.table import require
from xlm_text.segmenters.jieba_search import BLOCK, load_search

# Jieba cuts each block by itself; between them every character is a word.
_parts = re.compile(f"{BLOCK}|\r\n|.", re.DOTALL).findall


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
    search = load_search(tokenizer)

    def cut(text: str) -> list[str]:
        words: list[str] = []
        for part in _parts(text):
            words += [part] if len(part) == 1 or part == "\r\n" else search(part)
        return words

    return cut


def load_rjieba() -> Callable[[str], list[str]]:
    """Load the Rust port of Jieba."""
    require("rjieba")
    import rjieba

    return lambda text: list(rjieba.cut(text))
