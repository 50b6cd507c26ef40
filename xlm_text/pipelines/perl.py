"""From a text to its words by the Perl rules: one pipeline for each family of languages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property

from xlm_text.alignment.aligned import Aligned, Piece
from xlm_text.characters import only_chinese
from xlm_text.pipelines.base import WithoutChunks
from xlm_text.pipelines.perl_units import cut_perl, perl_chunk
from xlm_text.pipelines.sacremoses import MosesPipeline
from xlm_text.pipelines.units import Cut, cut_chinese, cut_lines, cut_thai
from xlm_text.pipelines.words import Words
from xlm_text.rules.engine import Rules
from xlm_text.rules.perl.plain_words import PerlPlainWords
from xlm_text.rules.perl.rules import normalization, words
from xlm_text.segmenters import Segmenter
from xlm_text.segmenters.thai import spaces_inside_words

# Stands for the words behind a unit that others follow: a capital, as the cuts demand.
_MORE = "X"


class PerlPipeline(MosesPipeline):
    """Normalise, then cut by the rules of ``tokenizer.perl``."""

    cut = staticmethod(cut_perl)
    chunk = staticmethod(perl_chunk)

    def __init__(self, lang: str) -> None:
        self.lang = lang
        self.plain = PerlPlainWords(lang)

    @cached_property
    def _normalization(self) -> Rules:
        return normalization(self.lang)

    @cached_property
    def _rules(self) -> Rules:
        return words(self.lang)

    def _by_rules(self, text: str) -> list[str]:
        if text.endswith(" "):
            return super()._by_rules(text + _MORE)[:-1]
        return super()._by_rules(text)

    def _align_by_rules(self, text: Aligned) -> list[Aligned]:
        if text.text.endswith(" "):
            end = text.ends[-1]
            return super()._align_by_rules(text.join(Aligned(_MORE, [end], [end])))[:-1]
        return super()._align_by_rules(text)


class _SegmentedPipeline(WithoutChunks):
    """What the languages with a segmenter share.

    Args:
        segment: cuts a line into words.
        as_written: split a line of words at spaces only, as the original's next program does, and
            not at all white space.
        strip_end: drop white space at the end of a line first, as the program does that lower-cases
            it.  (Within a line no unit ends in white space, spaces aside.)

    """

    lang: str

    def __init__(self, segment: Segmenter, as_written: bool, strip_end: bool) -> None:
        self._segment = segment
        self._separator = " " if as_written else None
        self._strip_end = as_written and strip_end
        self._as_written = as_written
        self._normalization = normalization(self.lang)

    def cut(self, text: str) -> Cut:
        """Cut a text into lines, and these into units."""
        return cut_lines(text, self._cut_line)

    def _cut_line(self, line: str) -> Cut:
        return Cut([line], None)

    def words(self, units: Sequence[str]) -> Words:
        return Words.of(map(self._words, units))

    def _words(self, unit: str) -> list[str]:
        line = self._line(unit)
        if self._strip_end:
            line = line.rstrip()
        return [word for word in line.split(self._separator) if word]

    def align(self, unit: Aligned) -> list[Aligned]:
        line = self._align_line(unit)
        if self._strip_end:
            line = line.slice(0, len(line.text.rstrip()))
        return [word for word in line.split(self._separator) if word.text]

    def _line(self, unit: str) -> str:
        """Return the words of a unit with spaces between them."""
        return " ".join(self._segment(self._normalization.apply(unit)))

    def _align_line(self, unit: Aligned) -> Aligned:
        text = self._normalization.align(unit)
        return _spaced(text, self._segment(text.text))


class PerlChinesePipeline(_SegmentedPipeline):
    """Cut into words, put a space between them, normalise.

    The units are those of the first rule set, and safe for the same reasons: of the steps that
    differ none looks across the space that stands between a Chinese character and a mark.
    """

    lang = "zh"

    def _cut_line(self, line: str) -> Cut:
        return Cut(cut_chinese(line), None)

    def _words(self, unit: str) -> list[str]:
        # No rule is about Chinese characters.
        return self._segment(unit) if only_chinese(unit) else super()._words(unit)

    def _line(self, unit: str) -> str:
        return self._normalization.apply(" ".join(self._segment(unit)))

    def _align_line(self, unit: Aligned) -> Aligned:
        return self._normalization.align(_spaced(unit, self._segment(unit.text)))


class PerlThaiPipeline(_SegmentedPipeline):
    """Normalise, then cut with newmm.

    Spaces at the ends of a line stay, so that newmm sees them; else the units are those of the
    first rule set.
    """

    lang = "th"

    def __init__(self, segment: Segmenter, as_written: bool, strip_end: bool) -> None:
        super().__init__(segment, as_written, strip_end)
        self._inside_words = spaces_inside_words()

    def _cut_line(self, line: str) -> Cut:
        solid = line.strip(" ")
        units = cut_thai(solid, self._inside_words)
        if len(solid) < len(line):
            if not solid:
                return Cut([line], None)
            units[0] = " " * (len(line) - len(line.lstrip(" "))) + units[0]
            units[-1] += " " * (len(line) - len(line.rstrip(" ")))
        return Cut(units, None)


class PerlJapanesePipeline(_SegmentedPipeline):
    """Normalise, then cut with KyTea.

    As they are written, words have a backslash before what means something in the format of the
    command ``kytea``; a space is a word, too, and only its backslash is left of it.
    """

    lang = "ja"

    def _line(self, unit: str) -> str:
        words = self._segment(self._normalization.apply(unit))
        if self._as_written:
            words = [_escape(r"\\\g<0>", word) for word in words]
        return " ".join(words)

    def _align_line(self, unit: Aligned) -> Aligned:
        text = self._normalization.align(unit)
        words = self._segment(text.text)
        spaced = _spaced(text, words)
        return spaced.rewrite(_escapes(words)) if self._as_written else spaced


_MEANS_SOMETHING = re.compile(r"[ /&\\]")
_escape = _MEANS_SOMETHING.sub


def _spaced(text: Aligned, words: Sequence[str]) -> Aligned:
    """Put a space between words that make up a text."""
    changes: list[tuple[int, int, list[Piece]]] = []
    end = 0
    for word in words[:-1]:
        end += len(word)
        changes.append((end, end, [(" ", end, end)]))
    return text.rewrite(changes)


def _escapes(words: Sequence[str]) -> Iterator[tuple[int, int, list[Piece]]]:
    start = 0
    for word in words:
        for match in _MEANS_SOMETHING.finditer(word):
            at = start + match.start()
            yield at, at + 1, [("\\", at, at + 1), (match[0], at, at + 1)]
        start += len(word) + 1


_FAMILIES: dict[str, type[_SegmentedPipeline]] = {
    "zh": PerlChinesePipeline,
    "th": PerlThaiPipeline,
    "ja": PerlJapanesePipeline,
}


def load_perl_pipeline(
    lang: str, segment: Segmenter | None, as_written: bool, strip_end: bool
) -> PerlPipeline | _SegmentedPipeline:
    """Build the pipeline of a language; without a segmenter its words are ``tokenizer.perl``'s.

    ``as_written`` and ``strip_end`` make no difference there: its words hold no white space.
    """
    if segment is None:
        return PerlPipeline(lang)
    return _FAMILIES[lang](segment, as_written, strip_end)
