"""From a text without added tokens to its pieces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from xlm_text.alignment import Aligned
from xlm_text.casing import lowercase_and_remove_accents, lowercase_and_remove_accents_aligned
from xlm_text.pipelines import Pipeline, WhiteSpacePipeline
from xlm_text.subwords import END_OF_WORD, Subwords

_BYPASS = WhiteSpacePipeline()


@dataclass
class Analysis:
    """The pieces of a text and where they are in it.

    Attributes:
        tokens: the pieces.
        offsets: for each piece, the span ``(start, end)`` of the caller's string, in code points.
        words: for each piece, the number of its word.

    """

    tokens: list[str]
    offsets: list[tuple[int, int]]
    words: list[int]

    def extend(self, other: Analysis, first_word: int) -> None:
        """Append the pieces of another text, numbering its words from ``first_word`` on."""
        self.tokens += other.tokens
        self.offsets += other.offsets
        self.words += [first_word + word for word in other.words]


class Analyzer:
    """Runs the stages one after another: words, case and accents, pieces."""

    def __init__(
        self, subwords: Subwords, lowercase: bool, pipeline: Callable[[str], Pipeline]
    ) -> None:
        self._subwords = subwords
        self._lowercase = lowercase
        self._pipeline = pipeline

    def words(self, text: str, lang: str, bypass: bool = False) -> list[str]:
        """Return the words of a text, in the case and with the accents that the pieces have."""
        if bypass:
            return _BYPASS.words(text)
        words = self._pipeline(lang).words(text)
        return lowercase_and_remove_accents(words) if self._lowercase else words

    def tokens(self, text: str, lang: str, bypass: bool = False) -> list[str]:
        """Return the pieces of a text."""
        words = self.words(text, lang, bypass)
        pieces = self._subwords.split([word for word in words if word])
        return [piece for word in pieces for piece in word]

    def analyze(self, text: str, offset: int, lang: str, bypass: bool = False) -> Analysis:
        """Return the pieces with their places; the text begins at ``offset``."""
        aligned = Aligned.of(text, offset)
        if bypass:
            words = _BYPASS.align(aligned)
        else:
            words = self._pipeline(lang).align(aligned)
            if self._lowercase:
                words = lowercase_and_remove_accents_aligned(words)
        words = [word for word in words if word.text]
        analysis = Analysis([], [], [])
        for i, (word, pieces) in enumerate(
            zip(words, self._subwords.split([word.text for word in words]), strict=True)
        ):
            analysis.tokens += pieces
            analysis.offsets += _piece_spans(word, pieces)
            analysis.words += [i] * len(pieces)
        return analysis


def _piece_spans(word: Aligned, pieces: list[str]) -> list[tuple[int, int]]:
    if "" in pieces or len(pieces) == 1 or " " in word.text:
        # A word of white space, which the reference cuts into pieces that are no part of it.
        return [word.span()] * len(pieces)
    spans, start = [], 0
    for i, piece in enumerate(pieces):
        end = start + len(piece)
        if i == len(pieces) - 1:
            end -= len(END_OF_WORD)
        spans.append(word.slice(start, end).span())
        start = end
    return spans
