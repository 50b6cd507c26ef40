"""Thai: PyThaiNLP's default word tokenizer, newmm, or its Rust port.

On text as people write it the two hardly differ; on unusual sequences of letters they do.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from xlm_text.languages.table import require
from xlm_text.segmenters.newmm_search import load_search


def load_newmm() -> Callable[[str], list[str]]:
    """Load newmm with PyThaiNLP's standard dictionary."""
    require("newmm")
    return load_search()


def load_nlpo3() -> Callable[[str], list[str]]:
    """Load the Rust port of newmm with PyThaiNLP's standard dictionary."""
    require("newmm")
    require("nlpo3", extra="fast")
    from pythainlp.tokenize import word_tokenize

    return lambda text: list(word_tokenize(text, engine="nlpo3"))


@cache
def spaces_inside_words() -> frozenset[str]:
    """Return the spaces in the words of the dictionary, each with the characters beside it."""
    from pythainlp.corpus.common import thai_words

    return frozenset(
        word[match.start() - 1 : match.end() + 1]
        for word in map(str.strip, thai_words())
        for match in re.finditer(" ", word)
    )
