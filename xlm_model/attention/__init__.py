"""Layouts: which positions of a batch belong to which sequence, and what may attend to what.

A `Layout` is made once for a batch. The encoder's layers take their attention from it, the heads
their sequences: so the same code serves padded batches (`PaddedLayout`), sequences packed one
behind the other (`PackedLayout`), and new tokens of sequences whose keys and values are cached
(`KeyValueCache`).
"""

from xlm_model.attention.cached import KeyValueCache
from xlm_model.attention.layout import Layout
from xlm_model.attention.packed import PackedBatch, PackedLayout, pack
from xlm_model.attention.padded import PaddedLayout

__all__ = [
    "KeyValueCache",
    "Layout",
    "PackedBatch",
    "PackedLayout",
    "PaddedLayout",
    "pack",
]
