"""Japanese, cut by KyTea: what Moses' own rules and the original do beside the common pipeline."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from xlm_text.alignment.aligned import Aligned, Piece
from xlm_text.pipelines.base import SEGMENTER, SPACES, tell
from xlm_text.pipelines.segmented import PerlSegmentedPipeline, spaced
from xlm_text.rules.engine import Watch


class PerlJapanesePipeline(PerlSegmentedPipeline):
    """Normalise, then cut with KyTea.

    As they are written, words have a backslash before what means something in the format of the
    command ``kytea``; a space is a word, too, and only its backslash is left of it.
    """

    def _lines(self, units: Sequence[str]) -> list[str]:
        if not self._as_written:
            return super()._lines(units)
        words = self._segment.words(list(map(self._normalization.apply, units)))
        return [" ".join([_escape(r"\\\g<0>", word) for word in own]) for own in words]

    def _align_line(self, unit: Aligned, watch: Watch | None) -> Aligned:
        text = self._normalization.align(unit, watch)
        words = tell(watch, SEGMENTER, [text], text.cut(self._segment(text.text)))
        (line,) = tell(watch, SPACES, words, [spaced(text, words)])
        if not self._as_written:
            return line
        escaped = line.rewrite(_escapes([word.text for word in words]))
        (line,) = tell(watch, "backslashes of KyTea's format", [line], [escaped])
        return line


_MEANS_SOMETHING = re.compile(r"[ /&\\]")
_escape = _MEANS_SOMETHING.sub


def _escapes(words: Sequence[str]) -> Iterator[tuple[int, int, list[Piece]]]:
    start = 0
    for word in words:
        for match in _MEANS_SOMETHING.finditer(word):
            at = start + match.start()
            yield at, at + 1, [("\\", at, at + 1), (match[0], at, at + 1)]
        start += len(word) + 1
