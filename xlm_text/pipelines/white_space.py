"""Text that was cut into words already."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import ClassVar

from xlm_text.alignment.aligned import Aligned
from xlm_text.pipelines.base import SPLIT, tell
from xlm_text.pipelines.units import Chunks, Cut
from xlm_text.pipelines.words import Words
from xlm_text.rules.engine import Watch

_spaces = re.compile("( )")


class WhiteSpacePipeline:
    """Split at white space and do nothing else: for text that is cut already."""

    has_chunks: ClassVar[bool] = True

    def cut(self, text: str) -> Cut:  # noqa: D102
        return Cut.of(_spaces.split(text))

    def chunks(self, chunks: Iterable[str]) -> Chunks:  # noqa: D102
        units = {chunk: chunk for chunk in chunks}
        return Chunks(units, units, units)

    def begins_sentence(self, chunk: str) -> bool:  # noqa: D102
        return False

    def words(self, units: Sequence[str]) -> Words:  # noqa: D102
        return Words.of([unit.split() for unit in units])

    def align(self, unit: Aligned, watch: Watch | None = None) -> list[Aligned]:  # noqa: D102
        return tell(watch, SPLIT, [unit], unit.split())
