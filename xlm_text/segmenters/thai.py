"""Thai: PyThaiNLP's default word tokenizer, newmm, or its Rust port.

On text as people write it the two hardly differ; on unusual sequences of letters they do.
"""

from __future__ import annotations

from collections.abc import Callable

from xlm_text.languages.table import require
from xlm_text.segmenters.newmm_search import load_search
from xlm_text.segmenters.newmm_source import load_rules, spaces_in


def load_newmm(user_words: tuple[str, ...] = ()) -> Callable[[str], list[str]]:
    """Load newmm with PyThaiNLP's standard dictionary, and the user's words beside it."""
    require("newmm")
    return load_search(user_words)


def load_nlpo3() -> Callable[[str], list[str]]:
    """Load the Rust port of newmm with PyThaiNLP's standard dictionary."""
    require("newmm")
    require("nlpo3")
    from pythainlp.tokenize import word_tokenize

    return lambda text: list(word_tokenize(text, engine="nlpo3"))


def spaces_inside_words(user_words: tuple[str, ...] = ()) -> frozenset[str]:
    """Return the spaces in the words of the dictionary, each with the characters beside it.

    ``user_words`` are words that were added to it.
    """
    return load_rules().spaces.union(spaces_in(user_words))
