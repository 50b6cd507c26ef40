"""From a text to its words: one pipeline for each family of languages."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from xlm_text.alignment import Aligned
from xlm_text.languages import language
from xlm_text.moses import moses_words, plain_words
from xlm_text.normalization import normalization
from xlm_text.segmenters import Segmenter, load_segmenter
from xlm_text.units import moses_closed, moses_units


class Pipeline(Protocol):
    """Finds the words of a text, before case and accents, unit by unit.

    ``spaced`` says that units are what lies between spaces; otherwise they are the text cut
    somewhere, nothing left out.
    """

    spaced: bool

    def units(self, text: str) -> list[str]:
        """Cut a text into units that cannot influence each other."""
        ...

    def closed(self, unit: str) -> tuple[bool, bool]:
        """Tell whether a cut before a unit, and one behind it too, is always safe."""
        ...

    def words(self, unit: str) -> list[str]:
        """Return the words of a unit."""
        ...

    def align(self, unit: Aligned) -> list[Aligned]:
        """Return the same words with their alignment."""
        ...


class MosesPipeline:
    """Normalise, then cut by the Moses rules."""

    spaced = True

    def __init__(self, lang: str) -> None:
        self.lang = lang
        self.plain = plain_words(lang)

    units = staticmethod(moses_units)
    closed = staticmethod(moses_closed)

    def words(self, unit: str) -> list[str]:  # noqa: D102
        plain = self.plain.find(unit)
        if plain is not None:
            return plain
        normal = normalization(self.lang).apply(unit)
        return moses_words(self.lang).apply(normal).split()

    def align(self, unit: Aligned) -> list[Aligned]:  # noqa: D102
        normal = normalization(self.lang).align(unit)
        return moses_words(self.lang).align(normal).split()


class SegmentFirstPipeline:
    """Cut with a segmenter, put a space between the words, normalise, split at white space."""

    spaced = False

    def __init__(self, lang: str, segment: Segmenter) -> None:
        self.normalization = normalization(lang)
        self.segment = segment

    def units(self, text: str) -> list[str]:  # noqa: D102
        return [text]

    def closed(self, unit: str) -> tuple[bool, bool]:  # noqa: D102
        return False, False

    def words(self, unit: str) -> list[str]:  # noqa: D102
        return self.normalization.apply(" ".join(self.segment(unit))).split()

    def align(self, unit: Aligned) -> list[Aligned]:  # noqa: D102
        spaced, end = [], 0
        for word in self.segment(unit.text)[:-1]:
            end += len(word)
            spaced.append((end, end, [(" ", end, end)]))
        return self.normalization.align(unit.rewrite(spaced)).split()


class SegmentLastPipeline:
    """Normalise, then cut with a segmenter, whose words may be white space too."""

    spaced = False

    def __init__(self, lang: str, segment: Segmenter) -> None:
        self.normalization = normalization(lang)
        self.segment = segment

    def units(self, text: str) -> list[str]:  # noqa: D102
        return [text]

    def closed(self, unit: str) -> tuple[bool, bool]:  # noqa: D102
        return False, False

    def words(self, unit: str) -> list[str]:  # noqa: D102
        return self.segment(self.normalization.apply(unit))

    def align(self, unit: Aligned) -> list[Aligned]:  # noqa: D102
        normal = self.normalization.align(unit)
        return normal.cut(self.segment(normal.text))


class WhiteSpacePipeline:
    """Split at white space and do nothing else: for text that is cut already."""

    spaced = True

    def units(self, text: str) -> list[str]:  # noqa: D102
        return text.split(" ")

    def closed(self, unit: str) -> tuple[bool, bool]:  # noqa: D102
        return True, True

    def words(self, unit: str) -> list[str]:  # noqa: D102
        return unit.split()

    def align(self, unit: Aligned) -> list[Aligned]:  # noqa: D102
        return unit.split()


def load_pipeline(lang: str, component: str, kytea_model: str | Path | None) -> Pipeline:
    """Build the pipeline of a language with a segmenter from the table of languages."""
    if component == "moses":
        return MosesPipeline(lang)
    segment = load_segmenter(component, kytea_model)
    if language(lang).segment_first:
        return SegmentFirstPipeline(lang, segment)
    return SegmentLastPipeline(lang, segment)
