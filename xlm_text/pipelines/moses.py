"""The Moses languages: all that have no segmenter."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import ClassVar, Protocol

from xlm_text.alignment.aligned import Aligned
from xlm_text.pipelines.base import SPLIT, Setup, tell
from xlm_text.pipelines.moses_units import begins_sentence, cut_moses, moses_chunks
from xlm_text.pipelines.units import Cut
from xlm_text.pipelines.words import Words
from xlm_text.rules.engine import Rules, Watch
from xlm_text.rules.sacremoses.normalization import normalization
from xlm_text.rules.sacremoses.plain_words import PlainWords
from xlm_text.rules.sacremoses.words import DOTS_MARKER, moses_words


class FindsPlainWords(Protocol):
    """Finds the words of the commonest units without running the rules."""

    @property
    def characters(self) -> frozenset[str]:
        """The characters of units that are one word as they stand."""
        ...

    def find(self, unit: str) -> list[str] | None:
        """Return the words of a unit; ``None`` if it takes the rules to find them."""
        ...


class MosesPipeline:
    """Normalise, then cut by the Moses rules."""

    def __init__(self, setup: Setup) -> None:
        self.lang = setup.lang
        self.plain: FindsPlainWords = PlainWords(setup.lang)

    has_chunks: ClassVar[bool] = True
    chunks = staticmethod(moses_chunks)
    begins_sentence = staticmethod(begins_sentence)

    def cut(self, text: str) -> Cut:  # noqa: D102
        return Cut.of(cut_moses(text))

    # Not before they are needed: most lines of many a text are plain words, and sacremoses, whose
    # rules these are, takes long to import.
    @cached_property
    def _normalization(self) -> Rules:
        return normalization(self.lang)

    @cached_property
    def _rules(self) -> Rules:
        return moses_words(self.lang)

    def words(self, units: Sequence[str]) -> Words:  # noqa: D102
        flat: list[str] = []
        counts: list[int] = []
        untouched = self.plain.characters.issuperset
        for unit in units:
            # Most new units are a word and nothing else: this saves a list for each of them.
            if unit and untouched(unit) and DOTS_MARKER not in unit:
                flat.append(unit)
                counts.append(1)
            else:
                words = self._words(unit)
                flat += words
                counts.append(len(words))
        return Words(flat, counts)

    def _words(self, unit: str) -> list[str]:
        plain = self.plain.find(unit)
        if plain is not None:
            return plain
        return self._by_rules(unit)

    def align(self, unit: Aligned, watch: Watch | None = None) -> list[Aligned]:  # noqa: D102
        return self._align_by_rules(unit, watch)

    def _by_rules(self, text: str) -> list[str]:
        return self._rules.apply(self._normalization.apply(text)).split()

    def _align_by_rules(self, text: Aligned, watch: Watch | None) -> list[Aligned]:
        spaced = self._rules.align(self._normalization.align(text, watch), watch)
        return tell(watch, SPLIT, [spaced], spaced.split())
