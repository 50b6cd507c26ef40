"""The names of parameters: a model's own, and those that checkpoints have.

All encoders here are one class, so that their parameters have one set of names, XLM's. A family
whose published names are others has a table, which is read in both directions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

# A layer's number inside a name.
_NUMBER = re.compile(r"\.\d+\.")
# What the encoder's own names begin with in a model with a head.
OWN_ENCODER = "transformer."


@dataclass(frozen=True)
class Names:
    """How a family's checkpoints name what a model has.

    Attributes:
        encoder: What the published names of the encoder begin with in a model with a head.
        words: Published name of the word embeddings.
        positions: That of the position embeddings.
        projection: That of the projection to words, which may be the word embeddings.
        table: From the beginnings of own names to those of published ones, `{}` for the number of a
            layer; what begins otherwise has one name.
        beside: Beginnings of own names that are no part of the encoder, though a bare one may have
            them.
        beside_in_files: Likewise of published names.
        optional: Beginning of the published names of what belongs to a head, and may be left over,
            though it stands among the encoder's.
        doubles: From a published name to another one of the same parameter. Where nothing is tied
            a checkpoint needs both, and the first one counts.
        ignored: Published names in older checkpoints of what is no weight.

    Example:
        >>> names = Names("bert.", "", "", "", table={"transformer.ffns.{}.": "bert.layer.{}.ffn."})
        >>> names.published("transformer.ffns.3.lin1.bias")
        'bert.layer.3.ffn.lin1.bias'
        >>> names.own("bert.layer.3.ffn.lin1.bias")
        'transformer.ffns.3.lin1.bias'
    """

    encoder: str
    words: str
    positions: str
    projection: str
    table: Mapping[str, str] = field(default_factory=dict)
    beside: tuple[str, ...] = ()
    beside_in_files: tuple[str, ...] = ()
    optional: str | None = None
    doubles: Mapping[str, str] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()

    def published(self, name: str) -> str:
        """Return the published name of an own one."""
        return _translated(name, self.table)

    def own(self, name: str) -> str:
        """Return the own name of a published one."""
        return _translated(name, {theirs: ours for ours, theirs in self.table.items()})

    def is_encoders(self, name: str) -> bool:
        """Whether a published name is that of a part of the encoder."""
        return name.startswith(self.encoder) and not self.is_optional(name)

    def is_optional(self, name: str) -> bool:
        """Whether a model may do without what a checkpoint has under this name."""
        return self.optional is not None and name.startswith(self.optional)


def _translated(name: str, table: Mapping[str, str]) -> str:
    found = _NUMBER.search(name)
    plain = name if found is None else name.replace(found[0], ".{}.", 1)
    for start, other in table.items():
        if plain.startswith(start):
            translated = other + plain.removeprefix(start)
            return translated if found is None else translated.replace(".{}.", found[0], 1)
    return name


XLM = Names(
    encoder=OWN_ENCODER,
    words="transformer.embeddings.weight",
    positions="transformer.position_embeddings.weight",
    projection="pred_layer.proj.weight",
    beside=("pred_layer.",),
    beside_in_files=("pred_layer.",),
    # Saved by old versions of the reference; a count from 0.
    ignored=frozenset({"transformer.position_ids"}),
)
