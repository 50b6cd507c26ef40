"""From texts of one language to ids and places: units, words, case and accents, pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import NamedTuple

from xlm_text.alignment.aligned import Aligned
from xlm_text.alignment.places import aligned_spans, find_places, placed_spans
from xlm_text.alignment.spans import Span, Spans, SpanTable
from xlm_text.bpe.subwords import Subwords
from xlm_text.cache.units import Memory, WordMemory
from xlm_text.pipelines.casing import (
    lowercase_and_remove_accents,
    lowercase_and_remove_accents_aligned,
)
from xlm_text.pipelines.sacremoses import Pipeline
from xlm_text.pipelines.words import Words

Numbers = tuple[int, ...]


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


# What is made for each word and each unit is a bare tuple: one with names takes several times as
# long to make.
# Of a word the ids of its pieces, and how many of its characters the pieces have.
WordPieces = tuple[Numbers, Numbers]
# Of a unit the ids of its pieces, where they are, and its length with the space behind it: so far
# it is to the next one.
Places = tuple[Numbers, Spans, int]


class Located(NamedTuple):
    """The words of units, and where they are."""

    words: Words
    # Of each unit: where in it the characters of its words come from.
    places: list[Sequence[int] | None]
    # The words with their alignment, by the number of the unit, of those without places.
    aligned: dict[int, list[Aligned]]


class Details(NamedTuple):
    """The pieces of a unit, and the number in the unit of each piece's word."""

    tokens: tuple[str, ...]
    words: Numbers
    spans: Spans


class Analyzer:
    """Runs the stages for the texts of one language, and remembers what units became.

    Args:
        pipeline: finds the words.
        lowercase: whether words lose their case and accents.
        subwords: cuts words into pieces.
        ids_of: gives the ids of pieces.
        memory_limit: how many units are remembered; those with their places, and with every
            detail, have memories of their own.

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
        self._spans = SpanTable()
        self._word_ids = WordMemory(self._work_out_word_ids, memory_limit)
        self._word_pieces = WordMemory(self._work_out_word_pieces, memory_limit)
        self._ids = Memory(pipeline, self._work_out_ids, memory_limit)
        self._places = Memory(pipeline, self._work_out_places, memory_limit)
        self._details = Memory(pipeline, self._work_out_details, memory_limit)

    # The hot path -------------------------------------------------------------------------
    #
    # Most texts are nothing but chunks between spaces that are known, and that what is beside them
    # cannot change: they are looked up.  A text with a chunk of another kind comes again with its
    # sentences marked, and goes the long way in the end, unit by unit.

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of each text."""
        inner, final = self._ids.inner.__getitem__, self._ids.final.__getitem__
        flat = chain.from_iterable
        rows: list[list[int]] = [[]] * len(texts)
        late: list[int] = []
        coming = list(enumerate(texts))
        for i, text in coming:
            chunks = text.split(" ")
            last = chunks.pop()
            try:
                rows[i] = [*flat(map(inner, chunks)), *final(last)]
            except KeyError:
                self._try_sentences(i, text, coming, late)
        for i, (_, values) in zip(late, self._ids.units([texts[i] for i in late]), strict=True):
            rows[i] = [*flat(values)]
        return rows

    def ids_and_offsets(self, texts: Sequence[str]) -> tuple[list[list[int]], list[list[Span]]]:
        """Return the ids of each text and, for each of them, its span of the text."""
        inner, final = self._places.inner.__getitem__, self._places.final.__getitem__
        rows: list[list[int]] = [[] for _ in texts]
        offsets: list[list[Span]] = [[] for _ in texts]
        late: list[int] = []
        coming = list(enumerate(texts))
        for i, text in coming:
            chunks = text.split(" ")
            last = chunks.pop()
            try:
                known = [*map(inner, chunks), final(last)]
            except KeyError:
                self._try_sentences(i, text, coming, late)
                continue
            row, spans, position = rows[i], offsets[i], 0
            for ids, spans_at, length in known:
                row += ids
                spans += spans_at[position]
                position += length
        late_texts = [texts[i] for i in late]
        for i, text, found in zip(late, late_texts, self._places.units(late_texts), strict=True):
            position = 0
            for unit, (ids, spans_at, length) in zip(*found, strict=True):
                # Between two units there is nothing but spaces.
                position = text.index(unit, position)
                rows[i] += ids
                offsets[i] += spans_at[position]
                position += length - 1
        return rows, offsets

    def _try_sentences(
        self, i: int, text: str, coming: list[tuple[int, str]], late: list[int]
    ) -> None:
        """Let a text come again with its sentences marked, unless it came with them now."""
        marked = self._pipeline.mark_sentences(text)
        if marked != text:
            coming.append((i, marked))
        else:
            late.append(i)

    # Everything about a text --------------------------------------------------------------

    def analyses(self, texts: Sequence[str]) -> list[Analysis]:
        """Return the pieces of each text with their places."""
        analyses = []
        for text, found in zip(texts, self._details.units(texts), strict=True):
            analysis = Analysis([], [], [])
            position = 0
            for unit, (tokens, words, spans_at) in zip(*found, strict=True):
                position = text.index(unit, position)
                analysis.extend(tokens, spans_at[position], words)
                position += len(unit)
            analyses.append(analysis)
        return analyses

    def words(self, text: str) -> list[str]:
        """Return the words of a text, in the case and with the accents that the pieces have."""
        return self._words(self._pipeline.units(text)).flat

    # A unit for the first time ------------------------------------------------------------

    def _words(self, units: Sequence[str]) -> Words:
        return self._cased(self._pipeline.words(units))

    def _cased(self, words: Words) -> Words:
        if self._lowercase:
            return lowercase_and_remove_accents(words)
        return words.without_empty()

    def _work_out_ids(self, units: list[str]) -> list[Numbers]:
        words = self._words(units)
        ids = iter(self._word_ids.values(words.flat))
        return [
            next(ids) if count == 1 else tuple(chain.from_iterable(islice(ids, count)))
            for count in words.counts
        ]

    def _work_out_places(self, units: list[str]) -> list[Places]:
        return self._place(units, self._locate(units))

    def _work_out_details(self, units: list[str]) -> list[Details]:
        located = self._locate(units)
        words = located.words
        distinct = list(dict.fromkeys(words.flat))
        pieces_of = dict(zip(distinct, self._subwords.split(distinct), strict=True))
        each = words.share_out(map(pieces_of.__getitem__, words.flat))
        details = []
        for pieces, (_, spans, _) in zip(each, self._place(units, located), strict=True):
            # A word may be left without pieces; it does not count.
            left = filter(None, pieces)
            numbers = tuple(number for number, word in enumerate(left) for _ in word)
            details.append(Details(tuple(chain.from_iterable(pieces)), numbers, spans))
        return details

    def _locate(self, units: list[str]) -> Located:
        words = self._pipeline.words(units)
        cased = self._cased(words)
        places: list[Sequence[int] | None] = []
        # The others take the rules again, on text that carries its alignment.
        aligned: dict[int, list[Aligned]] = {}
        each = list(cased.of_units())
        for i, (unit, own) in enumerate(zip(units, words.of_units(), strict=True)):
            places.append(find_places(unit, own, each[i], self._subwords.falls_apart))
            if places[i] is None:
                aligned[i] = self._align(unit)
                each[i] = [word.text for word in aligned[i]]
        return Located(Words.of(each) if aligned else cased, places, aligned)

    def _place(self, units: list[str], located: Located) -> list[Places]:
        words = located.words
        pieces_of = words.share_out(self._word_pieces.values(words.flat))
        made = []
        for i, (unit, pieces) in enumerate(zip(units, pieces_of, strict=True)):
            if len(pieces) == 1:
                ids, lengths = pieces[0]
            else:
                ids = tuple(chain.from_iterable([own for own, _ in pieces]))
                lengths = tuple(chain.from_iterable([own for _, own in pieces]))
            places = located.places[i]
            if isinstance(places, range):
                spans = self._spans.spans_of(lengths)
            elif places is not None:
                spans = Spans(placed_spans(places, lengths))
            else:
                found = [
                    aligned_spans(word, own, self._subwords.falls_apart(word.text))
                    for word, (_, own) in zip(located.aligned[i], pieces, strict=True)
                ]
                spans = Spans(list(chain.from_iterable(found)))
            # Some units have the space behind them with them.
            made.append((ids, spans, len(unit) + (not unit.endswith(" "))))
        return made

    # A word for the first time ------------------------------------------------------------

    def _work_out_word_ids(self, words: list[str]) -> Iterator[Numbers]:
        for word, ids in zip(words, self._subwords.ids(words), strict=True):
            yield tuple(self._ids_of(self._subwords.split([word])[0])) if ids is None else ids

    def _work_out_word_pieces(self, words: list[str]) -> Iterator[WordPieces]:
        piece_lengths = self._subwords.piece_lengths
        for word, ids in zip(words, self._subwords.ids(words), strict=True):
            if ids is None:
                pieces = self._subwords.split([word])[0]
                ids = tuple(self._ids_of(pieces))
                if self._subwords.falls_apart(word):
                    yield ids, (0,) * len(ids)
                    continue
                lengths = [len(piece) for piece in pieces[:-1]]
            elif len(ids) == 1:
                yield ids, (len(word),)
                continue
            else:
                lengths = [piece_lengths[id_] for id_ in ids[:-1]]
            # The last piece carries the mark of the word's end, too.
            yield ids, (*lengths, len(word) - sum(lengths))

    def _align(self, unit: str) -> list[Aligned]:
        words = self._pipeline.align(Aligned.of(unit))
        if self._lowercase:
            words = lowercase_and_remove_accents_aligned(words)
        return [word for word in words if word.text]
