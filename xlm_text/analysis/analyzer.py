"""From texts of one language to their columns: units, words, case and accents, pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, chain, islice
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from xlm_text.alignment.aligned import Aligned
from xlm_text.alignment.spans import Span, Spans, SpanTable
from xlm_text.analysis.columns import Columns, Detail
from xlm_text.analysis.places import aligned_spans, find_places, placed_spans
from xlm_text.bpe.subwords import Subwords
from xlm_text.cache.units import UnitCache
from xlm_text.cache.words import WordCache
from xlm_text.pipelines.base import Pipeline, tell
from xlm_text.pipelines.casing import (
    lowercase_and_remove_accents,
    lowercase_and_remove_accents_aligned,
)
from xlm_text.pipelines.words import Words
from xlm_text.rules.engine import Watch

if TYPE_CHECKING:
    from xlm_text.analysis.explanation import Step, Unit, Word

Numbers = tuple[int, ...]

# What is made for each word and each unit is a bare tuple: one with names takes several times as
# long to make.
# Of a word the ids of its pieces, and how many of its characters the pieces have.
WordPieces = tuple[Numbers, Numbers]
# Of a unit the ids of its pieces, where they are, and how far it is to the next unit with one space
# between them.
LocatedUnit = tuple[Numbers, dict[int, tuple[Span, ...]], int]

V = TypeVar("V")


class Located(NamedTuple):
    """The words of units, and where they are."""

    words: Words
    # Of each unit: where in it the characters of its words come from.
    places: list[Sequence[int] | None]
    # The words with their alignment, by the number of the unit, of those without places.
    aligned: dict[int, list[Aligned]]


class Analyzer:
    """Runs the stages for the texts of one language, and caches what units and words became.

    Args:
        pipeline: finds the words.
        lowercase: whether words lose their case and accents.
        subwords: cuts words into pieces.
        ids_of: gives the ids of pieces.
        memory_limit: how many units are cached; those with their spans have a cache of their own.

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
        self._spans = SpanTable(memory_limit)
        self._word_ids = WordCache(self._compute_word_ids, memory_limit)
        self._word_pieces = WordCache(self._compute_word_pieces, memory_limit)
        self._word_tokens = WordCache(self._compute_word_tokens, memory_limit)
        self._unit_ids = UnitCache(pipeline, self._compute_unit_ids, memory_limit)
        self._located_units = UnitCache(pipeline, self._compute_located_units, memory_limit)
        self._unit_words = UnitCache(pipeline, self._compute_unit_words, memory_limit)

    def columns(self, texts: Sequence[str], detail: Detail) -> Columns:
        """Return the pieces of texts."""
        columns = Columns.empty(len(texts))
        if detail is Detail.IDS:
            columns.ids = self._values(self._unit_ids, texts)
        else:
            columns.ids, columns.spans = self._ids_and_spans(texts)
        if detail is Detail.TOKENS:
            columns.tokens, columns.words = self._tokens(self._values(self._unit_words, texts))
        return columns

    def words(self, text: str) -> list[str]:
        """Return the words of a text, in the case and with the accents that the pieces have."""
        return self._values(self._unit_words, [text])[0]

    def explain(
        self, text: str, place: Callable[[int, int], Span], unknown: int | None
    ) -> tuple[Unit, ...]:
        """Return the units of a text with every step from them to pieces.

        Args:
            text: the text.
            place: gives the span of the caller's text for one of this.
            unknown: the id of unknown pieces.

        """
        from xlm_text.analysis.explanation import Unit  # hardly ever needed

        cut = self._pipeline.cut(text)
        units = []
        for unit, at in zip(cut.units, cut.starts(), strict=True):
            if unit:
                steps, words = self._explain_unit(unit, at, place, unknown)
                units.append(Unit(unit, *place(at, at + len(unit)), steps, words))
        return tuple(units)

    def _explain_unit(
        self, unit: str, at: int, place: Callable[[int, int], Span], unknown: int | None
    ) -> tuple[tuple[Step, ...], tuple[Word, ...]]:
        from xlm_text.analysis.explanation import Piece, Step, Word

        steps: list[Step] = []
        found = []
        for word in self._align(
            unit, lambda name, *texts: steps.append(Step(name, *map(tuple, texts)))
        ):
            ((ids, lengths),) = self._compute_word_pieces([word.text])
            (tokens,) = self._subwords.split([word.text])
            spans = aligned_spans(word, lengths, self._subwords.falls_apart(word.text))
            pieces = [
                Piece(token, id_, *place(at + start, at + end), id_ == unknown)
                for token, id_, (start, end) in zip(tokens, ids, spans, strict=True)
            ]
            found.append(Word(word.text, tuple(pieces)))
        return tuple(steps), tuple(found)

    # The hot paths ------------------------------------------------------------------------
    #
    # Most texts are nothing but chunks between spaces that are known, and that what is beside them
    # cannot change: they are looked up.  The others go the long way, sentence by sentence or unit
    # by unit.

    @staticmethod
    def _values(cache: UnitCache[Sequence[V]], texts: Sequence[str]) -> list[list[V]]:
        """Return, for each text, what is cached of its units in one list."""
        inside, at_end = cache.inside.__getitem__, cache.at_text_end.__getitem__
        flat = chain.from_iterable
        rows: list[list[V]] = [[]] * len(texts)
        missing = list(range(len(texts))) if cache.mostly_new else []
        for i, text in enumerate(() if missing else texts):
            chunks = text.split(" ")
            last = chunks.pop()
            try:
                rows[i] = [*flat(map(inside, chunks)), *at_end(last)]
            except KeyError as error:
                values = cache.of_sentences(chunks, last, error.args[0])
                if values is None:
                    missing.append(i)
                else:
                    rows[i] = [*flat(values)]
        for i, found, _ in cache.values(texts, missing):
            rows[i] = [*flat(found)]
        return rows

    def _ids_and_spans(self, texts: Sequence[str]) -> tuple[list[list[int]], list[list[Span]]]:
        cache = self._located_units
        inside, at_end = cache.inside.__getitem__, cache.at_text_end.__getitem__
        rows: list[list[int]] = [[] for _ in texts]
        offsets: list[list[Span]] = [[] for _ in texts]
        missing = list(range(len(texts))) if cache.mostly_new else []
        for i, text in enumerate(() if missing else texts):
            chunks = text.split(" ")
            last = chunks.pop()
            values: list[LocatedUnit] | None
            try:
                values = [*map(inside, chunks), at_end(last)]
            except KeyError as error:
                values = cache.of_sentences(chunks, last, error.args[0])
                if values is None:
                    missing.append(i)
                    continue
            row, spans, position = rows[i], offsets[i], 0
            for ids, spans_at, length in values:
                row += ids
                spans += spans_at[position]
                position += length
        for i, found, cut in cache.values(texts, missing):
            row, spans = rows[i], offsets[i]
            starts = cut.starts() if cut else accumulate([value[2] for value in found], initial=0)
            for (ids, spans_at, _), start in zip(found, starts, strict=False):
                row += ids
                spans += spans_at[start]
        return rows, offsets

    def _tokens(self, words: list[list[str]]) -> tuple[list[list[str]], list[list[int]]]:
        """Return the tokens of texts, and the numbers of their words."""
        tokens, numbers = [], []
        of_texts = Words.of(words)
        for pieces in of_texts.share_out(self._word_tokens.values(of_texts.flat)):
            tokens.append(list(chain.from_iterable(pieces)))
            # A word may be left without pieces; it does not count.
            left = filter(None, pieces)
            numbers.append([number for number, word in enumerate(left) for _ in word])
        return tokens, numbers

    # A unit for the first time ------------------------------------------------------------

    def _words(self, units: Sequence[str]) -> Words:
        return self._cased(self._pipeline.words(units))

    def _cased(self, words: Words) -> Words:
        if self._lowercase:
            return lowercase_and_remove_accents(words)
        return words.without_empty()

    def _compute_unit_words(self, units: list[str]) -> list[Sequence[str]]:
        return [tuple(words) for words in self._words(units).of_units()]

    def _compute_unit_ids(self, units: list[str]) -> list[Sequence[int]]:
        words = self._pipeline.words(units)
        ids = iter(self._word_ids.values(words.flat))
        return [
            next(ids) if count == 1 else tuple(chain.from_iterable(islice(ids, count)))
            for count in words.counts
        ]

    def _compute_located_units(self, units: list[str]) -> list[LocatedUnit]:
        located = self._locate(units)
        pieces_of = located.words.share_out(self._word_pieces.values(located.words.flat))
        made: list[LocatedUnit] = []
        for i, (unit, pieces) in enumerate(zip(units, pieces_of, strict=True)):
            if len(pieces) == 1:
                ids, lengths = pieces[0]
            else:
                columns = zip(*pieces, strict=True) if pieces else ((), ())
                ids, lengths = (tuple(chain.from_iterable(column)) for column in columns)
            places = located.places[i]
            spans: dict[int, tuple[Span, ...]]
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
            made.append((ids, spans, _distance(unit)))
        return made

    def _locate(self, units: list[str]) -> Located:
        words = self._pipeline.words(units)
        cased = self._cased(words)
        places = find_places(units, words, cased, self._subwords.falls_apart)
        if None not in places:
            return Located(cased, places, {})
        # The others take the rules again, on text that carries its alignment.
        aligned = {i: self._align(units[i]) for i, found in enumerate(places) if found is None}
        each = list(cased.of_units())
        for i, own in aligned.items():
            each[i] = [word.text for word in own]
        return Located(Words.of(each), places, aligned)

    def _align(self, unit: str, watch: Watch | None = None) -> list[Aligned]:
        words = self._pipeline.align(Aligned.of(unit), watch)
        cased = lowercase_and_remove_accents_aligned(words) if self._lowercase else words
        cased = [word for word in cased if word.text]
        step = "lower case, no accents" if self._lowercase else "drop empty words"
        return tell(watch, step, words, cased)

    # A word for the first time ------------------------------------------------------------

    def _compute_word_ids(self, words: list[str]) -> Iterator[Numbers]:
        """Give the ids of words that still have their case and accents."""
        cased = self._cased(Words(words, [1] * len(words)))
        ids = iter(self._cased_ids(cased.flat))
        # A word may fall apart, or have nothing but accents.
        return (
            next(ids) if count == 1 else tuple(chain.from_iterable(islice(ids, count)))
            for count in cased.counts
        )

    def _cased_ids(self, words: list[str]) -> Iterator[Numbers]:
        for word, ids in zip(words, self._subwords.ids(words), strict=True):
            yield tuple(self._ids_of(self._subwords.split([word])[0])) if ids is None else ids

    def _compute_word_pieces(self, words: list[str]) -> Iterator[WordPieces]:
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

    def _compute_word_tokens(self, words: list[str]) -> Iterator[tuple[str, ...]]:
        return map(tuple, self._subwords.split(words))


def _distance(unit: str) -> int:
    """Return how far the next unit's beginning is from this one's, with one space between them.

    A unit that ends in a space has that space with it.
    """
    return len(unit) + (not unit.endswith(" "))
