"""From a text to its words: one pipeline for each family of languages."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from xlm_text.alignment import Aligned
from xlm_text.languages import language
from xlm_text.moses import moses_words
from xlm_text.normalization import normalization
from xlm_text.segmenters import Segmenter, load_segmenter


class Pipeline(Protocol):
    """Finds the words of a text, before case and accents."""

    def words(self, text: str) -> list[str]:
        """Return the words."""
        ...

    def align(self, text: Aligned) -> list[Aligned]:
        """Return the same words with their alignment."""
        ...


class MosesPipeline:
    """Normalise, then cut by the Moses rules."""

    def __init__(self, lang: str) -> None:
        self.normalization = normalization(lang)
        self.rules = moses_words(lang)

    def words(self, text: str) -> list[str]:  # noqa: D102
        return self.rules.apply(self.normalization.apply(text)).split()

    def align(self, text: Aligned) -> list[Aligned]:  # noqa: D102
        return self.rules.align(self.normalization.align(text)).split()


class SegmentFirstPipeline:
    """Cut with a segmenter, put a space between the words, normalise, split at white space."""

    def __init__(self, lang: str, segment: Segmenter) -> None:
        self.normalization = normalization(lang)
        self.segment = segment

    def words(self, text: str) -> list[str]:  # noqa: D102
        return self.normalization.apply(" ".join(self.segment(text))).split()

    def align(self, text: Aligned) -> list[Aligned]:  # noqa: D102
        spaced, end = [], 0
        for word in self.segment(text.text)[:-1]:
            end += len(word)
            spaced.append((end, end, [(" ", end, end)]))
        return self.normalization.align(text.rewrite(spaced)).split()


class SegmentLastPipeline:
    """Normalise, then cut with a segmenter, whose words may be white space too."""

    def __init__(self, lang: str, segment: Segmenter) -> None:
        self.normalization = normalization(lang)
        self.segment = segment

    def words(self, text: str) -> list[str]:  # noqa: D102
        return self.segment(self.normalization.apply(text))

    def align(self, text: Aligned) -> list[Aligned]:  # noqa: D102
        normal = self.normalization.align(text)
        return normal.cut(self.segment(normal.text))


class WhiteSpacePipeline:
    """Split at white space and do nothing else: for text that is cut already."""

    def words(self, text: str) -> list[str]:  # noqa: D102
        return text.split()

    def align(self, text: Aligned) -> list[Aligned]:  # noqa: D102
        return text.split()


def load_pipeline(lang: str, component: str, kytea_model: str | Path | None) -> Pipeline:
    """Build the pipeline of a language with a segmenter from the table of languages."""
    if component == "moses":
        return MosesPipeline(lang)
    segment = load_segmenter(component, kytea_model)
    if language(lang).segment_first:
        return SegmentFirstPipeline(lang, segment)
    return SegmentLastPipeline(lang, segment)
