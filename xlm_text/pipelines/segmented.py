"""Languages that have a segmenter: what they share, and all that most of them need."""

from __future__ import annotations

from collections.abc import Sequence

from xlm_text.alignment.aligned import Aligned, Piece
from xlm_text.pipelines.base import SEGMENTER, SPACES, SPLIT, Setup, WithoutChunks, tell
from xlm_text.pipelines.normalizing import normalize
from xlm_text.pipelines.units import Cut, cut_lines
from xlm_text.pipelines.words import Words
from xlm_text.rules.engine import Watch
from xlm_text.rules.sacremoses.normalization import normalization
from xlm_text.segmenters.segmenter import Segmenter


def segmenter_of(setup: Setup) -> Segmenter:
    """Return the segmenter of a language that has one."""
    assert setup.segment is not None, setup.lang
    return setup.segment


class SegmentedPipeline(WithoutChunks):
    """Normalise, then cut with the segmenter, whose words may be white space too.

    A text is one unit: nothing is known of how far a segmenter looks.  (KyTea looks at three
    characters on each side and at dictionary words of any length.)
    """

    def __init__(self, setup: Setup) -> None:
        self.normalization = normalization(setup.lang)
        self.segment = segmenter_of(setup)

    def cut(self, text: str) -> Cut:  # noqa: D102
        return Cut([text], None)

    def words(self, units: Sequence[str]) -> Words:  # noqa: D102
        return Words.of(self.segment.words(normalize(self.normalization, units)))

    def align(self, unit: Aligned, watch: Watch | None = None) -> list[Aligned]:  # noqa: D102
        normal = self.normalization.align(unit, watch)
        return tell(watch, SEGMENTER, [normal], normal.cut(self.segment(normal.text)))


class PerlSegmentedPipeline(WithoutChunks):
    """The same by the rules of Moses' own scripts: a line is one unit."""

    def __init__(self, setup: Setup) -> None:
        from xlm_text.rules.perl.rules import normalization  # its tables take long to import

        self._segment = segmenter_of(setup)
        self._separator = " " if setup.as_written else None
        self._strip_end = setup.as_written and setup.strip_end
        self._as_written = setup.as_written
        self._normalization = normalization(setup.lang)

    def cut(self, text: str) -> Cut:
        """Cut a text into lines, and these into units."""
        return cut_lines(text, self._cut_line)

    def _cut_line(self, line: str) -> Cut:
        return Cut([line], None)

    def words(self, units: Sequence[str]) -> Words:  # noqa: D102
        lines = self._lines(units)
        if self._strip_end:
            lines = list(map(str.rstrip, lines))
        return Words.of([list(filter(None, line.split(self._separator))) for line in lines])

    def align(self, unit: Aligned, watch: Watch | None = None) -> list[Aligned]:  # noqa: D102
        line = self._align_line(unit, watch)
        if self._strip_end:
            end = len(line.text.rstrip())
            (line,) = tell(watch, "strip the end of the line", [line], [line.slice(0, end)])
        words = [word for word in line.split(self._separator) if word.text]
        return tell(watch, SPLIT if self._separator is None else "split at spaces", [line], words)

    def _lines(self, units: Sequence[str]) -> list[str]:
        """Return the words of each unit with spaces between them."""
        return self._segment.spaced(list(map(self._normalization.apply, units)))

    def _align_line(self, unit: Aligned, watch: Watch | None) -> Aligned:
        return self._align_words(self._normalization.align(unit, watch), watch)

    def _align_words(self, text: Aligned, watch: Watch | None) -> Aligned:
        words = tell(watch, SEGMENTER, [text], text.cut(self._segment(text.text)))
        (line,) = tell(watch, SPACES, words, [spaced(text, words)])
        return line


def spaced(text: Aligned, words: Sequence[Aligned]) -> Aligned:
    """Put a space between the words that make up a text."""
    changes: list[tuple[int, int, list[Piece]]] = []
    end = 0
    for word in words[:-1]:
        end += len(word)
        changes.append((end, end, [(" ", end, end)]))
    return text.rewrite(changes)
