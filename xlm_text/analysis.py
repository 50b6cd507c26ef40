"""From texts of one language to ids and places: units, words, case and accents, pieces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice
from typing import NamedTuple

from xlm_text.alignment import Aligned, strip_marks
from xlm_text.casing import lowercase_and_remove_accents, lowercase_and_remove_accents_aligned
from xlm_text.memory import Memory
from xlm_text.normalization import REPLACED_ONE_TO_ONE
from xlm_text.pipelines import Pipeline
from xlm_text.subwords import Subwords

Span = tuple[int, int]


@dataclass
class Analysis:
    """The pieces of a text and where they are in it.

    Attributes:
        tokens: the pieces.
        offsets: for each piece, the span ``(start, end)`` of the caller's string, in code points.
        words: for each piece, the number of its word.

    """

    tokens: list[str]
    offsets: list[Span]
    words: list[int]

    def extend(self, tokens: Sequence[str], offsets: Sequence[Span], words: Sequence[int]) -> None:
        """Append further pieces, whose words are numbered from 0, to the ones there are."""
        first = self.words[-1] + 1 if self.words else 0
        self.tokens += tokens
        self.offsets += offsets
        self.words += [first + word for word in words]


class Pieces(NamedTuple):
    """The pieces of a unit; the offsets count from its beginning, the words from 0."""

    ids: tuple[int, ...]
    tokens: tuple[str, ...]
    offsets: tuple[Span, ...]
    words: tuple[int, ...]


class Analyzer:
    """Runs the stages for the texts of one language, and remembers what units became.

    Args:
        pipeline: finds the words.
        lowercase: whether words lose their case and accents.
        subwords: cuts words into pieces.
        ids_of: gives the ids of pieces.
        memory_limit: how many units are remembered, with and again without their places.

    """

    def __init__(
        self,
        pipeline: Pipeline,
        lowercase: bool,
        subwords: Subwords,
        ids_of: Callable[[Sequence[str]], list[int]],
        memory_limit: int,
    ) -> None:
        self._pipeline = pipeline
        self._lowercase = lowercase
        self._subwords = subwords
        self._ids_of = ids_of
        self._ids = Memory(pipeline, self._work_out_ids, memory_limit)
        self._pieces = Memory(pipeline, self._work_out_pieces, memory_limit)

    # The hot path -------------------------------------------------------------------------

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of each text."""
        inner, final = self._ids.inner.__getitem__, self._ids.final.__getitem__
        flat = chain.from_iterable
        rows: list[list[int]] = []
        late: list[int] = []
        for text in texts:
            chunks = text.split(" ")
            last = chunks.pop()
            try:
                rows.append([*flat(map(inner, chunks)), *final(last)])
            except KeyError:
                # A chunk is new, or what is beside it can change it.
                late.append(len(rows))
                rows.append([])
        for i, (_, values) in zip(late, self._ids.units([texts[i] for i in late]), strict=True):
            rows[i] = [*flat(values)]
        return rows

    def ids_and_offsets(self, texts: Sequence[str]) -> list[tuple[list[int], list[Span]]]:
        """Return the ids of each text and, for each of them, its span of the text."""
        inner, final = self._pieces.inner.__getitem__, self._pieces.final.__getitem__
        rows: list[tuple[list[int], list[Span]]] = []
        late: list[int] = []
        for text in texts:
            chunks = text.split(" ")
            ids: list[int] = []
            spans: list[Span] = []
            try:
                values = [*map(inner, chunks[:-1]), final(chunks[-1])]
            except KeyError:
                late.append(len(rows))
                values = []
            position = 0
            for chunk, (chunk_ids, _, offsets, _) in zip(chunks, values, strict=False):
                ids += chunk_ids
                for start, end in offsets:
                    spans.append((start + position, end + position))
                position += len(chunk) + 1
            rows.append((ids, spans))
        for i, analysis in zip(late, self.analyses([texts[i] for i in late]), strict=True):
            rows[i] = (self._ids_of(analysis.tokens), analysis.offsets)
        return rows

    # Everything about a text --------------------------------------------------------------

    def analyses(self, texts: Sequence[str]) -> list[Analysis]:
        """Return the pieces of each text with their places."""
        found = []
        for text, (units, values) in zip(texts, self._pieces.units(texts), strict=True):
            analysis = Analysis([], [], [])
            position = 0
            for unit, pieces in zip(units, values, strict=True):
                # Between two units there is nothing but spaces.
                position = text.index(unit, position)
                spans = [(start + position, end + position) for start, end in pieces.offsets]
                analysis.extend(pieces.tokens, spans, pieces.words)
                position += len(unit)
            found.append(analysis)
        return found

    def words(self, text: str) -> list[str]:
        """Return the words of a text, in the case and with the accents that the pieces have."""
        return list(chain.from_iterable(self._words(self._pipeline.units(text))))

    # A unit for the first time ------------------------------------------------------------

    def _words(self, units: Sequence[str]) -> list[list[str]]:
        words = [self._pipeline.words(unit) for unit in units]
        return self._cased(words)

    def _cased(self, words: list[list[str]]) -> list[list[str]]:
        if self._lowercase:
            return lowercase_and_remove_accents(words)
        return [[word for word in unit if word] for unit in words]

    def _work_out_ids(self, units: list[str]) -> list[tuple[int, ...]]:
        words = self._words(units)
        distinct = list(dict.fromkeys(chain.from_iterable(words)))
        pieces = self._subwords.split(distinct)
        flat = iter(self._ids_of(list(chain.from_iterable(pieces))))
        ids = {
            word: tuple(islice(flat, len(own))) for word, own in zip(distinct, pieces, strict=True)
        }
        return [tuple(chain.from_iterable(map(ids.__getitem__, unit))) for unit in words]

    def _work_out_pieces(self, units: list[str]) -> list[Pieces]:
        words = [self._pipeline.words(unit) for unit in units]
        aligned = [
            align_in_place(*unit) or self._align(unit[0])
            for unit in zip(units, words, self._cased(words), strict=True)
        ]
        distinct = list({word.text: None for unit in aligned for word in unit})
        pieces_of = dict(zip(distinct, self._subwords.split(distinct), strict=True))
        return [self._place(unit, [pieces_of[word.text] for word in unit]) for unit in aligned]

    def _align(self, unit: str) -> list[Aligned]:
        words = self._pipeline.align(Aligned.of(unit))
        if self._lowercase:
            words = lowercase_and_remove_accents_aligned(words)
        return [word for word in words if word.text]

    def _place(self, words: list[Aligned], pieces: list[list[str]]) -> Pieces:
        tokens = tuple(chain.from_iterable(pieces))
        return Pieces(
            tuple(self._ids_of(tokens)),
            tokens,
            tuple(chain.from_iterable(map(_spans, words, pieces))),
            tuple(i for i, word in enumerate(pieces) for _ in word),
        )


def align_in_place(unit: str, words: list[str], cased: list[str]) -> list[Aligned] | None:
    """Align the words of a unit whose characters are all where they were.

    Most units only get white space between their words, and their quotes, cases and accents
    changed.  For the others the answer is ``None``: they take rules that carry alignment.
    """
    text = "".join(words)
    solid = "".join(unit.split())
    if text not in (solid, solid.translate(REPLACED_ONE_TO_ONE)):
        return None
    if words is not cased and list(map(len, words)) != list(map(len, cased)):
        return None
    same = "".join(cased)
    if not text.isascii() and same != text and any(_width(char) != 1 for char in set(text)):
        return None
    starts = [i for i, char in enumerate(unit) if not char.isspace()]
    ends = [start + 1 for start in starts]
    aligned, position = [], 0
    for word in cased:
        end = position + len(word)
        aligned.append(Aligned(word, starts[position:end], ends[position:end]))
        position = end
    return aligned


@lru_cache(maxsize=1 << 16)
def _width(char: str) -> int:
    return len(strip_marks(char.lower()))


def _spans(word: Aligned, pieces: list[str]) -> list[Span]:
    if len(pieces) == 1 or " " in word.text:
        # White space as a word: the reference cuts it into pieces that are no part of it.
        return [word.span()] * len(pieces)
    spans, start = [], 0
    for piece in pieces[:-1]:
        end = start + len(piece)
        spans.append(word.slice(start, end).span())
        start = end
    return [*spans, word.slice(start, len(word)).span()]
