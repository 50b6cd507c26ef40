"""What is asked for: objectives, and the languages that they are learnt on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from xlm_text.errors import InputError

KINDS = ("mlm", "tlm", "clm")


class ObjectiveSpec(NamedTuple):
    """An objective, and the language or the pair that it is learnt on.

    Attributes:
        kind: "mlm", "tlm" or "clm".
        label: A language, or two with a hyphen between.
    """

    kind: str
    label: str

    @property
    def name(self) -> str:
        """As it is given, such as "mlm:en"."""
        return f"{self.kind}:{self.label}"

    @property
    def langs(self) -> list[str]:
        """The language, or the two."""
        return self.label.split("-")

    @property
    def is_pair(self) -> bool:
        """Whether it reads pairs, not streams."""
        return self.kind == "tlm"


def parse_objectives(texts: Sequence[str]) -> list[ObjectiveSpec]:
    """Read objectives such as "mlm:en,fr".

    Raises:
        InputError: one that is none.

    Example:
        >>> [spec.name for spec in parse_objectives(["mlm:en,fr", "tlm:en-fr"])]
        ['mlm:en', 'mlm:fr', 'tlm:en-fr']
    """
    specs = []
    for text in texts:
        kind, _, labels = text.partition(":")
        parts = [label.strip() for label in labels.split(",")]
        sizes = {len(set(label.split("-"))) for label in parts if all(label.split("-"))}
        if kind not in KINDS or not all(parts) or sizes != {2 if kind == "tlm" else 1}:
            raise InputError(
                f"{text!r} is no objective: expected mlm or clm with languages, such as mlm:en,fr, "
                "or tlm with pairs of them, such as tlm:en-fr"
            )
        specs += [ObjectiveSpec(kind, label) for label in parts]
    if not specs:
        raise InputError("got no objectives: expected some, such as mlm:en,fr")
    return list(dict.fromkeys(specs))


def languages_of(specs: Sequence[ObjectiveSpec]) -> list[str]:
    """Return the languages of all objectives, each once."""
    return list(dict.fromkeys(lang for spec in specs for lang in spec.langs))


def is_causal(specs: Sequence[ObjectiveSpec]) -> bool | None:
    """Whether all objectives are causal; None where some are and some are not."""
    kinds = {spec.kind == "clm" for spec in specs}
    return kinds.pop() if len(kinds) == 1 else None
