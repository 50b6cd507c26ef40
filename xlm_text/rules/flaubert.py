"""What FlauBERT's preprocessing does to a text before Moses' rules see it, as data."""

from __future__ import annotations

from unicodedata import normalize

from xlm_text.alignment.aligned import Aligned
from xlm_text.alignment.composition import compose_aligned, is_composed
from xlm_text.rules.engine import Rule, Rules, Substitution


class _Compose:
    name = "compose (NFC)"
    needs = ""

    def apply(self, text: str) -> str:
        return text if is_composed(text) else normalize("NFC", text)

    def align(self, text: Aligned) -> Aligned:
        return text if is_composed(text.text) else compose_aligned(text)


class _Lower:
    name = "lower case"
    needs = ""

    def apply(self, text: str) -> str:
        return text.lower()

    def align(self, text: Aligned) -> Aligned:
        return text.lower()


def flaubert_preparation(lowercase: bool) -> Rules:
    """Return the rules that come before all others.

    >>> flaubert_preparation(lowercase=True).apply("``Oe\\u0301''")
    '"oé"'
    """
    steps: list[Rule] = [
        Substitution("``", '"', "``", "one quote for two"),
        Substitution("''", '"', "''", "one quote for two"),
        _Compose(),
        *([_Lower()] if lowercase else []),
    ]
    return Rules(steps)
