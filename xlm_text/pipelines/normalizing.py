"""Normalising many texts at once."""

from __future__ import annotations

from collections.abc import Sequence

from xlm_text.joining import SEPARATOR, map_together
from xlm_text.rules.engine import Rules
from xlm_text.rules.sacremoses.normalization import controls


def normalize(rules: Rules, texts: Sequence[str]) -> list[str]:
    """Run the rules of :func:`~xlm_text.rules.sacremoses.normalization.normalization` on each text.

    No rule looks across the separator: it is no white space, letter or digit, and a rule treats
    what stands beside it as it treats what stands at the end of a text.  White space at the ends is
    stripped before control characters are dropped, which matters only where there are some.

    >>> from xlm_text.rules.sacremoses.normalization import normalization
    >>> normalize(normalization("zh"), ["你好 ：", " 「世界」。 "])
    ['你好:', '"世界".']
    """

    def together(texts: Sequence[str]) -> list[str]:
        return list(map(str.strip, rules.apply(SEPARATOR.join(texts)).split(SEPARATOR)))

    return map_together(texts, together, rules.apply, _must_be_alone)


def _must_be_alone(text: str) -> bool:
    return SEPARATOR in text or bool(controls(text))
