"""Chinese: a text is cut beside punctuation marks, and its units into words by Jieba."""

from __future__ import annotations

import re
from collections.abc import Sequence

from xlm_text.alignment.aligned import Aligned
from xlm_text.characters import HAN, only_chinese
from xlm_text.pipelines.base import SEGMENTER, SPACES, SPLIT, Setup, WithoutChunks, tell
from xlm_text.pipelines.normalizing import normalize
from xlm_text.pipelines.segmented import PerlSegmentedPipeline, segmenter_of, spaced
from xlm_text.pipelines.units import Cut
from xlm_text.pipelines.words import Words
from xlm_text.rules.engine import Watch
from xlm_text.rules.sacremoses.normalization import normalization

# Jieba takes runs of Chinese characters, ASCII letters and digits and `+#&._%-` as blocks
# and cuts each by itself; all other characters become words of their own.  The spaces that are
# then put between the words change what normalisation does beside brackets, colons and the
# like.  So a cut is safe between a Chinese character and a mark that neither is part of a block nor
# pulls what is beside it closer: no cut before a closing bracket or a colon, none behind an opening
# bracket.
_ZH_BEHIND = "，。、？！“”「」《》〈〉…—：；）"
_ZH_BEFORE = "，。、？！“”「」《》〈〉…—（"
_has_mark = re.compile(f"[{_ZH_BEHIND}{_ZH_BEFORE}]").search
_chinese_cut = re.compile(f"(?<=[{HAN}])(?=[{_ZH_BEFORE}])|(?<=[{_ZH_BEHIND}])(?=[{HAN}])")


def cut_chinese(text: str) -> list[str]:
    """Cut a Chinese text into units beside its punctuation marks; nothing is between them.

    >>> cut_chinese("但是，他（當時）說：“好。”")
    ['但是', '，', '他', '（當時）', '說：“', '好', '。”']
    """
    # Looking for a mark is much faster than looking at both sides of every character.
    return _chinese_cut.split(text) if _has_mark(text) else [text]


class ChinesePipeline(WithoutChunks):
    """Cut with Jieba, put a space between the words, normalise, split at white space."""

    def __init__(self, setup: Setup) -> None:
        self.normalization = normalization(setup.lang)
        self.segment = segmenter_of(setup)

    def cut(self, text: str) -> Cut:  # noqa: D102
        return Cut(cut_chinese(text), None)

    def words(self, units: Sequence[str]) -> Words:  # noqa: D102
        spaced = self.segment.spaced(units)
        return Words.of([text.split() for text in normalize(self.normalization, spaced)])

    def align(self, unit: Aligned, watch: Watch | None = None) -> list[Aligned]:  # noqa: D102
        words = tell(watch, SEGMENTER, [unit], unit.cut(self.segment(unit.text)))
        (line,) = tell(watch, SPACES, words, [spaced(unit, words)])
        line = self.normalization.align(line, watch)
        return tell(watch, SPLIT, [line], line.split())


class PerlChinesePipeline(PerlSegmentedPipeline):
    """The same in the same order, with the rules of Moses' own scripts.

    The units are those of the first rule set, and safe for the same reasons: of the steps that
    differ none looks across the space that stands between a Chinese character and a mark.
    """

    def _cut_line(self, line: str) -> Cut:
        return Cut(cut_chinese(line), None)

    def _lines(self, units: Sequence[str]) -> list[str]:
        apply = self._normalization.apply
        return [
            # No rule is about Chinese characters.
            spaced if only_chinese(unit) else apply(spaced)
            for unit, spaced in zip(units, self._segment.spaced(units), strict=True)
        ]

    def _align_line(self, unit: Aligned, watch: Watch | None) -> Aligned:
        return self._normalization.align(self._align_words(unit, watch), watch)
