"""What a pipeline is: it cuts a text into units, and finds the words of each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from xlm_text.alignment.aligned import Aligned
from xlm_text.pipelines.units import Chunks, Cut
from xlm_text.pipelines.words import Words
from xlm_text.rules.engine import Watch
from xlm_text.segmenters.segmenter import Segmenter

# Steps that several pipelines take, as they are called where a text is explained.
SEGMENTER = "segmenter"
SPACES = "put spaces between the words"
SPLIT = "split at white space"


@dataclass(frozen=True)
class Setup:
    """What a pipeline is made with; each takes what it needs of it.

    Attributes:
        lang: the language.
        segment: cuts a text into words; languages that Moses cuts have none.
        user_words: the lines of the user's dictionary, which the segmenter has, too.
        as_written: with Moses' own rules: split a line of words at spaces only, as the original's
            next program does, and not at all white space.
        strip_end: and drop white space at the end of a line first, as the program does that
            lower-cases it.  (Within a line no unit ends in white space, spaces aside.)

    """

    lang: str
    segment: Segmenter | None = None
    user_words: tuple[str, ...] = ()
    as_written: bool = False
    strip_end: bool = True


class Pipeline(Protocol):
    """Finds the words of a text, before case and accents, unit by unit."""

    # Whether any chunk between spaces always is a certain unit.
    has_chunks: ClassVar[bool]

    def cut(self, text: str) -> Cut:
        """Cut a text into units that cannot influence each other."""
        ...

    def chunks(self, chunks: Iterable[str]) -> Chunks:
        """Return which chunks between spaces are certain units, whatever is beside them."""
        ...

    def begins_sentence(self, chunk: str) -> bool:
        """Tell whether a chunk begins a sentence where the one before it may end one."""
        ...

    def words(self, units: Sequence[str]) -> Words:
        """Return the words of units."""
        ...

    def align(self, unit: Aligned, watch: Watch | None = None) -> list[Aligned]:
        """Return the same words with their alignment; ``watch`` is told of each step."""
        ...


class WithoutChunks:
    """Part of a pipeline for a language in which what is beside a unit always matters."""

    has_chunks: ClassVar[bool] = False

    def chunks(self, chunks: Iterable[str]) -> Chunks:
        """Say that none is a certain unit."""
        return Chunks({}, {}, {})

    def begins_sentence(self, chunk: str) -> bool:
        """Say no: a full stop is nothing special."""
        return False


def tell(
    watch: Watch | None, step: str, before: Sequence[Aligned], after: list[Aligned]
) -> list[Aligned]:
    """Return what a step made, and tell ``watch`` of it if it changed anything."""
    if watch is not None:
        texts = [[part.text for part in parts] for parts in (before, after)]
        if texts[0] != texts[1]:
            watch(step, texts[0], texts[1])
    return after
