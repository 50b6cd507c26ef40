"""From a text to its words: one pipeline for each family of languages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Protocol

from xlm_text.alignment.aligned import Aligned
from xlm_text.characters import only_chinese
from xlm_text.pipelines.base import Pipeline, WithoutChunks
from xlm_text.pipelines.units import (
    Chunk,
    Cut,
    cut_chinese,
    cut_moses,
    cut_thai,
    moses_chunk,
    moses_sentences,
)
from xlm_text.pipelines.words import Words
from xlm_text.rules.engine import Rules
from xlm_text.rules.sacremoses.normalization import normalization
from xlm_text.rules.sacremoses.words import DOTS_MARKER, PlainWords, moses_words
from xlm_text.segmenters import Segmenter, load_segmenter
from xlm_text.segmenters.thai import spaces_inside_words


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

    def __init__(self, lang: str) -> None:
        self.lang = lang
        self.plain: FindsPlainWords = PlainWords(lang)

    has_chunks: ClassVar[bool] = True
    chunk = staticmethod(moses_chunk)
    sentences = staticmethod(moses_sentences)

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

    def align(self, unit: Aligned) -> list[Aligned]:  # noqa: D102
        return self._align_by_rules(unit)

    def _by_rules(self, text: str) -> list[str]:
        return self._rules.apply(self._normalization.apply(text)).split()

    def _align_by_rules(self, text: Aligned) -> list[Aligned]:
        return self._rules.align(self._normalization.align(text)).split()


class ChinesePipeline(WithoutChunks):
    """Cut with Jieba, put a space between the words, normalise, split at white space."""

    def __init__(self, segment: Segmenter) -> None:
        self.normalization = normalization("zh")
        self.segment = segment

    def cut(self, text: str) -> Cut:  # noqa: D102
        return Cut(cut_chinese(text), None)

    def words(self, units: Sequence[str]) -> Words:  # noqa: D102
        return Words.of(map(self._words, units))

    def _words(self, unit: str) -> list[str]:
        words = self.segment(unit)
        # No rule is about Chinese characters.
        return words if only_chinese(unit) else self.normalization.apply(" ".join(words)).split()

    def align(self, unit: Aligned) -> list[Aligned]:  # noqa: D102
        spaced, end = [], 0
        for word in self.segment(unit.text)[:-1]:
            end += len(word)
            spaced.append((end, end, [(" ", end, end)]))
        return self.normalization.align(unit.rewrite(spaced)).split()


class ThaiPipeline(WithoutChunks):
    """Normalise, then cut with newmm, whose words may be white space too."""

    def __init__(self, segment: Segmenter) -> None:
        self.normalization = normalization("th")
        self.segment = segment
        self._inside_words = spaces_inside_words()

    def cut(self, text: str) -> Cut:  # noqa: D102
        # Spaces at the ends of a text belong to no unit.
        solid = text.strip(" ")
        units = cut_thai(solid, self._inside_words)
        if len(solid) == len(text):
            return Cut(units, None)
        start = len(text) - len(text.lstrip(" ")) if solid else 0
        parts = ["", text[:start], *(part for unit in units for part in (unit, ""))]
        parts[-1] = text[start + len(solid) :]
        return Cut.of(parts)

    def words(self, units: Sequence[str]) -> Words:  # noqa: D102
        return Words.of(map(self._words, units))

    def _words(self, unit: str) -> list[str]:
        # The space that a unit ends in is inside the text, and so is not stripped with its ends.
        return self.segment(self.normalization.apply(unit) + " " * unit.endswith(" "))

    def align(self, unit: Aligned) -> list[Aligned]:  # noqa: D102
        normal = self.normalization.align(unit)
        if unit.text.endswith(" "):
            normal = normal.join(unit.slice(len(unit) - 1, len(unit)))
        return normal.cut(self.segment(normal.text))


class JapanesePipeline(WithoutChunks):
    """Normalise, then cut with KyTea, whose words may be white space too.

    KyTea looks at three characters on each side and at dictionary words of any length, so a text
    is one unit.
    """

    def __init__(self, segment: Segmenter) -> None:
        self.normalization = normalization("ja")
        self.segment = segment

    def cut(self, text: str) -> Cut:  # noqa: D102
        return Cut([text], None)

    def words(self, units: Sequence[str]) -> Words:  # noqa: D102
        return Words.of([self.segment(self.normalization.apply(unit)) for unit in units])

    def align(self, unit: Aligned) -> list[Aligned]:  # noqa: D102
        normal = self.normalization.align(unit)
        return normal.cut(self.segment(normal.text))


_spaces = re.compile("( )")


class WhiteSpacePipeline:
    """Split at white space and do nothing else: for text that is cut already."""

    has_chunks: ClassVar[bool] = True

    def cut(self, text: str) -> Cut:  # noqa: D102
        return Cut.of(_spaces.split(text))

    def chunk(self, unit: str) -> Chunk | None:  # noqa: D102
        return Chunk(unit, True, True, True)

    def sentences(self, text: str) -> list[str]:  # noqa: D102
        return [text]

    def words(self, units: Sequence[str]) -> Words:  # noqa: D102
        return Words.of([unit.split() for unit in units])

    def align(self, unit: Aligned) -> list[Aligned]:  # noqa: D102
        return unit.split()


def load_pipeline(
    lang: str,
    component: str,
    kytea_model: str | Path | None,
    rules: str = "sacremoses",
    *,
    as_written: bool = False,
    strip_end: bool = True,
) -> Pipeline:
    """Build the pipeline of a language.

    Args:
        lang: the language.
        component: what cuts its words, from the table of languages.
        kytea_model: the model for Japanese.
        rules: ``"sacremoses"``, or ``"moses"`` for those of Moses' own scripts.
        as_written: with ``"moses"``: split a line of words at spaces only, as the original does.
        strip_end: and drop white space at its end first, as it does where it lower-cases.

    """
    segment = None if component == "moses" else load_segmenter(component, kytea_model)
    if rules == "moses":
        from xlm_text.pipelines.perl import load_perl_pipeline  # not before it is needed

        return load_perl_pipeline(lang, segment, as_written, strip_end)
    if segment is None:
        return MosesPipeline(lang)
    if lang == "zh":
        return ChinesePipeline(segment)
    return ThaiPipeline(segment) if lang == "th" else JapanesePipeline(segment)
