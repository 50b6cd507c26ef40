"""FlauBERT's French: a preparation of its own, then Moses' rules for French.

Why the cuts of Moses languages are safe here, too: only texts in NFC are cut, which composing
leaves as they are; no cut is beside an apostrophe, and so none beside two that become a quote; and
lower case makes letters of letters, with marks behind some.  What it takes away is the capital at
the beginning of a sentence, which says what the full stop before it is: so where texts lose their
case, none is cut there.  The capital sigma looks no further than its word.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from xlm_text.alignment.aligned import Aligned
from xlm_text.alignment.composition import is_composed
from xlm_text.pipelines.base import Setup
from xlm_text.pipelines.moses import MosesPipeline
from xlm_text.pipelines.moses_units import (
    cut_moses,
    cut_moses_words,
    moses_chunks,
)
from xlm_text.pipelines.units import Chunks, Cut
from xlm_text.pipelines.words import Words
from xlm_text.rules.engine import Watch
from xlm_text.rules.flaubert import flaubert_preparation


class FlaubertPipeline(MosesPipeline):
    """Prepare, normalise, then cut by the Moses rules for French.

    Args:
        lowercase: whether texts lose their case.

    """

    def __init__(self, lowercase: bool) -> None:
        super().__init__(Setup("fr"))
        self._lowercase = lowercase
        self._preparation = flaubert_preparation(lowercase)

    def cut(self, text: str) -> Cut:  # noqa: D102
        if not is_composed(text):
            return Cut.of([text])
        return Cut.of(cut_moses_words(text) if self._lowercase else cut_moses(text))

    def chunks(self, chunks: Iterable[str]) -> Chunks:  # noqa: D102
        found = moses_chunks(filter(is_composed, chunks))
        return found._replace(at_sentence_end={}) if self._lowercase else found

    def words(self, units: Sequence[str]) -> Words:  # noqa: D102
        return super().words(list(map(self._preparation.apply, units)))

    def align(self, unit: Aligned, watch: Watch | None = None) -> list[Aligned]:  # noqa: D102
        return super().align(self._preparation.align(unit, watch), watch)
