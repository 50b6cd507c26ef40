"""From words back to written text."""

from __future__ import annotations

from functools import cache
from typing import Any

# Languages that are written without spaces between words.
_WITHOUT_SPACES = frozenset({"zh", "ja", "th"})

# English only, and the same list, in the same order, as the reference has.
_CLOSED = (
    (" .", "."),
    (" ?", "?"),
    (" !", "!"),
    (" ,", ","),
    (" ' ", "'"),
    (" n't", "n't"),
    (" 'm", "'m"),
    (" 's", "'s"),
    (" 've", "'ve"),
    (" 're", "'re"),
)


def close_spaces(text: str) -> str:
    """Close the space before English punctuation and contractions.

    >>> close_spaces("it 's done , is n't it ?")
    "it's done, isn't it?"
    """
    for spaced, closed in _CLOSED:
        text = text.replace(spaced, closed)
    return text


def join_words(words: list[str], lang: str) -> str:
    """Put words together as a language is written.

    >>> join_words(["l'", "eau", ",", "dit", "-", "il", "."], "fr")
    "l'eau, dit - il."
    """
    if lang in _WITHOUT_SPACES:
        return "".join(words)
    text: str = _detokenizer(lang).detokenize(words, unescape=False)
    return text


@cache
def _detokenizer(lang: str) -> Any:
    from sacremoses import MosesDetokenizer

    return MosesDetokenizer(lang=lang)
