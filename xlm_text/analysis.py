"""From texts of one language to ids and places: units, words, case and accents, pieces."""

from __future__ import annotations

import unicodedata
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
    offsets: tuple[Span, ...]
    # Of the unit with the space behind it: so far it is to the next one.
    length: int
    tokens: tuple[str, ...]
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

    def ids_and_offsets(self, texts: Sequence[str]) -> tuple[list[list[int]], list[list[Span]]]:
        """Return the ids of each text and, for each of them, its span of the text."""
        inner, final = self._pieces.inner.__getitem__, self._pieces.final.__getitem__
        rows: list[list[int]] = []
        places: list[list[Span]] = []
        late: list[int] = []
        for text in texts:
            chunks = text.split(" ")
            last = chunks.pop()
            ids: list[int] = []
            spans: list[Span] = []
            rows.append(ids)
            places.append(spans)
            try:
                values = [*map(inner, chunks), final(last)]
            except KeyError:
                late.append(len(rows) - 1)
                continue
            position = 0
            for unit_ids, offsets, length, _, _ in values:
                ids += unit_ids
                for start, end in offsets:
                    spans.append((start + position, end + position))
                position += length
        late_texts = [texts[i] for i in late]
        for i, text, found in zip(late, late_texts, self._pieces.units(late_texts), strict=True):
            ids, spans = rows[i], places[i]
            position = 0
            for unit, (unit_ids, offsets, length, _, _) in zip(*found, strict=True):
                # Between two units there is nothing but spaces.
                position = text.index(unit, position)
                ids += unit_ids
                for start, end in offsets:
                    spans.append((start + position, end + position))
                position += length - 1
        return rows, places

    # Everything about a text --------------------------------------------------------------

    def analyses(self, texts: Sequence[str]) -> list[Analysis]:
        """Return the pieces of each text with their places."""
        found = []
        for text, known in zip(texts, self._pieces.units(texts), strict=True):
            analysis = Analysis([], [], [])
            position = 0
            for unit, pieces in zip(*known, strict=True):
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
        ids = {}
        for word, found in zip(distinct, self._subwords.ids(distinct), strict=True):
            if found is None:
                found = self._ids_of(self._subwords.split([word])[0])
            ids[word] = tuple(found)
        return [
            ids[unit[0]]
            if len(unit) == 1
            else tuple(chain.from_iterable(map(ids.__getitem__, unit)))
            for unit in words
        ]

    def _work_out_pieces(self, units: list[str]) -> list[Pieces]:
        words = [self._pipeline.words(unit) for unit in units]
        cased = self._cased(words)
        # Most units keep their characters where they are; the others take the rules again, on
        # text that carries its alignment.
        places = list(map(find_places, units, words, cased))
        aligned = {i: self._align(units[i]) for i, found in enumerate(places) if found is None}
        for i, found in aligned.items():
            cased[i] = [word.text for word in found]
        distinct = list(dict.fromkeys(chain.from_iterable(cased)))
        pieces_of = dict(zip(distinct, self._subwords.split(distinct), strict=True))
        pieces = [[pieces_of[word] for word in unit] for unit in cased]
        ids = iter(self._ids_of([p for unit in pieces for word in unit for p in word]))
        made = []
        for i, unit in enumerate(units):
            where = places[i]
            if where is None:
                offsets = [
                    span
                    for word in zip(aligned[i], pieces[i], strict=True)
                    for span in _spans(*word)
                ]
            else:
                offsets = spans_at(where, cased[i], pieces[i])
            made.append(
                Pieces(
                    tuple(islice(ids, len(offsets))),
                    tuple(offsets),
                    len(unit) + 1,
                    tuple(chain.from_iterable(pieces[i])),
                    tuple(number for number, word in enumerate(pieces[i]) for _ in word),
                )
            )
        return made

    def _align(self, unit: str) -> list[Aligned]:
        words = self._pipeline.align(Aligned.of(unit))
        if self._lowercase:
            words = lowercase_and_remove_accents_aligned(words)
        return [word for word in words if word.text]


def find_places(unit: str, words: list[str], cased: list[str]) -> Sequence[int] | None:
    """Return where in a unit each character of its words comes from.

    The words of most units are its characters, with white space put between them and with quotes,
    case and accents changed.  ``None`` says that this unit is none of them.
    """
    if len(cased) < len(words):
        words = [word for word in words if not word.isspace()]
    text = words[0] if len(words) == 1 else "".join(words)
    if " " in text:
        return None
    places: Sequence[int] = range(len(unit))
    if text != unit:
        solid = "".join(unit.split())
        if text not in (solid, solid.translate(REPLACED_ONE_TO_ONE)):
            return None
        if len(solid) < len(unit):
            places = [i for i, char in enumerate(unit) if not char.isspace()]
    same = cased[0] if len(cased) == 1 else "".join(cased)
    if same == text or (text.isascii() and len(same) == len(text)):
        return places
    widths = list(map(_width, text))
    if None in widths or [sum(map(_width, word)) for word in words] != list(map(len, cased)):  # type: ignore[arg-type]
        return None
    return [place for place, width in zip(places, widths, strict=True) for _ in range(width or 0)]


@lru_cache(maxsize=1 << 16)
def _width(char: str) -> int | None:
    """Return how many characters one becomes in lower case without marks.

    ``None`` is for marks that stay and may change places with others.
    """
    left = strip_marks(char.lower())
    return None if any(map(unicodedata.combining, left)) else len(left)


def spans_at(places: Sequence[int], words: list[str], pieces: list[list[str]]) -> list[Span]:
    """Return the span of each piece of words whose characters come from ``places``."""
    spans = []
    end = 0
    for word, own in zip(words, pieces, strict=True):
        start, end = end, end + len(word)
        for piece in own[:-1]:
            spans.append((start, start + len(piece)))
            start += len(piece)
        spans.append((start, end))
    if isinstance(places, range):
        return spans
    return [(places[start], places[end - 1] + 1) for start, end in spans]


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
