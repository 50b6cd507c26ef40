"""Thai: PyThaiNLP's default word tokenizer, newmm."""

from __future__ import annotations

from collections.abc import Callable

from xlm_text.languages import require


def load_newmm() -> Callable[[str], list[str]]:
    """Load newmm with PyThaiNLP's standard dictionary."""
    require("newmm")
    from pythainlp.tokenize import word_tokenize

    return lambda text: list(word_tokenize(text))
