"""What a pipeline is: it cuts a text into units, and finds the words of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol

from xlm_text.alignment.aligned import Aligned
from xlm_text.pipelines.units import Chunk, Cut
from xlm_text.pipelines.words import Words


class Pipeline(Protocol):
    """Finds the words of a text, before case and accents, unit by unit."""

    # Whether any chunk between spaces always is a certain unit.
    has_chunks: ClassVar[bool]

    def cut(self, text: str) -> Cut:
        """Cut a text into units that cannot influence each other."""
        ...

    def chunk(self, unit: str) -> Chunk | None:
        """Return the chunk between spaces that always is this unit, if there is one."""
        ...

    def sentences(self, text: str) -> list[str]:
        """Cut a text at spaces where the end of a sentence is like the end of the text."""
        ...

    def words(self, units: Sequence[str]) -> Words:
        """Return the words of units."""
        ...

    def align(self, unit: Aligned) -> list[Aligned]:
        """Return the same words with their alignment."""
        ...


class WithoutChunks:
    """Part of a pipeline for a language in which what is beside a unit always matters."""

    has_chunks: ClassVar[bool] = False

    def chunk(self, unit: str) -> Chunk | None:
        """Say that no chunk between spaces always is this unit."""
        return None

    def sentences(self, text: str) -> list[str]:
        """Cut nothing: a full stop is nothing special."""
        return [text]
