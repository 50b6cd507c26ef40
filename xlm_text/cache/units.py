"""What each unit of text became.

A pipeline cuts a text into units that cannot influence each other; why a cut is safe stands
beside the cutting, in :mod:`xlm_text.pipelines`.  Words repeat, so nearly every unit was seen
before, and what it became then is what it becomes now: a known unit costs a look-up in a
dictionary.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Generic, TypeVar

from xlm_text.pipelines.base import Pipeline
from xlm_text.pipelines.units import Cut

V = TypeVar("V")

# Longer units are computed each time: they hardly repeat.  And no more characters than this for
# each unit of the limit are cached, so that the limit is one on the bytes, too.
_LONGEST_UNIT = 200
_CHARACTERS_PER_UNIT = 16


class UnitCache(Generic[V]):
    """The values of the units of a pipeline, within a limit.

    Args:
        pipeline: cuts texts into units.
        compute: computes the values of units that are not known, all together.
        limit: how many units are cached at most; the oldest half goes when it is reached.

    Attributes:
        has_chunks: whether the following can have anything.
        inside: the values of known chunks between two spaces that nothing beside them can change.
        at_sentence_end: the same of chunks at the end of a sentence that others follow.
        at_text_end: the same of chunks at the end of a text.

    """

    def __init__(
        self, pipeline: Pipeline, compute: Callable[[list[str]], list[V]], limit: int
    ) -> None:
        self._pipeline = pipeline
        self._compute = compute
        self._limit = limit
        self._lock = threading.Lock()
        self._known: dict[str, V] = {}
        # Those of them that were met again; most never are.
        self._met_again: set[str] = set()
        self._characters = 0
        self.inside: dict[str, V] = {}
        self.at_sentence_end: dict[str, V] = {}
        self.at_text_end: dict[str, V] = {}
        self.has_chunks = pipeline.has_chunks
        if self.has_chunks:
            self._open_up("", compute([""])[0])

    def values(
        self, texts: Sequence[str], missing: Mapping[int, str]
    ) -> Iterator[tuple[int, list[V], Cut | None]]:
        """Give what the units of texts became; each text once, in no certain order.

        Args:
            texts: the texts.
            missing: the first chunk that is not known, by the number of its text; texts of which
                all chunks are known are left out.  Without chunks all texts are meant.

        Yields:
            The number of a text, the values of its units, and how it was cut into them; ``None``
            for the cut says that the units are the chunks between single spaces.

        """
        if not self.has_chunks:
            yield from self._by_units(texts, range(len(texts)))
            return
        others = []
        for number, chunk in missing.items():
            # Any other chunk would not be known at the end of a sentence, either.
            values = self._by_sentences(texts[number]) if chunk.endswith(".") else None
            if values is None:
                others.append(number)
            else:
                yield number, values, None
        yield from self._by_units(texts, others)

    def _by_sentences(self, text: str) -> list[V] | None:
        """Return the values of a text of several sentences in which every chunk is known."""
        *sentences, final = self._pipeline.sentences(text)
        if not sentences:
            return None
        inside, at_end = self.inside.__getitem__, self.at_sentence_end
        values: list[V] = []
        try:
            for sentence in sentences:
                chunks = sentence.split(" ")
                last = chunks.pop()
                values += map(inside, chunks)
                values.append(at_end[last])
            chunks = final.split(" ")
            last = chunks.pop()
            values += map(inside, chunks)
            values.append(self.at_text_end[last])
        except KeyError:
            return None
        return values

    def _by_units(
        self, texts: Sequence[str], numbers: Sequence[int]
    ) -> Iterator[tuple[int, list[V], Cut]]:
        cuts = [self._pipeline.cut(texts[number]) for number in numbers]
        flat = list(chain.from_iterable([cut.units for cut in cuts]))
        # A copy for this call: another thread, or this very call, may make the cache forget.
        found = dict(zip(flat, map(self._known.get, flat), strict=True))
        new = [unit for unit, value in found.items() if value is None]
        computed = dict(zip(new, self._compute(new), strict=True))
        with self._lock:
            if len(new) < len(found):
                self._meet(found)
            self._keep(computed)
        found.update(computed)
        value_of = found.__getitem__
        for number, cut in zip(numbers, cuts, strict=True):
            yield number, list(map(value_of, cut.units)), cut  # type: ignore[arg-type]

    def _meet(self, found: dict[str, V | None]) -> None:
        """Open what is met again up to texts that are looked up by their chunks."""
        again = [unit for unit in found if unit in self._known and unit not in self._met_again]
        self._met_again.update(again)
        for unit in again:
            self._open_up(unit, self._known[unit])

    def _open_up(self, unit: str, value: V) -> None:
        chunk = self._pipeline.chunk(unit)
        if chunk is None:
            return
        if chunk.inside:
            self.inside[chunk.text] = value
        if chunk.at_sentence_end:
            self.at_sentence_end[chunk.text] = value
        if chunk.at_text_end:
            self.at_text_end[chunk.text] = value

    def _close(self, unit: str) -> None:
        chunk = self._pipeline.chunk(unit)
        if chunk is None:
            return
        if chunk.inside:
            self.inside.pop(chunk.text, None)
        if chunk.at_sentence_end:
            self.at_sentence_end.pop(chunk.text, None)
        if chunk.at_text_end:
            self.at_text_end.pop(chunk.text, None)

    def _keep(self, computed: dict[str, V]) -> None:
        known, most = self._known, self._limit * _CHARACTERS_PER_UNIT
        kept = {
            unit: value
            for unit, value in computed.items()
            if 0 < len(unit) <= _LONGEST_UNIT and unit not in known
        }
        size = sum(map(len, kept))
        if len(known) + len(kept) <= self._limit and self._characters + size <= most:
            known.update(kept)
            self._characters += size
            return
        for unit, value in kept.items():
            if len(known) >= self._limit or self._characters + len(unit) > most:
                self._forget_half()
            known[unit] = value
            self._characters += len(unit)

    def _forget_half(self) -> None:
        for unit in list(islice(self._known, (len(self._known) + 1) // 2)):
            del self._known[unit]
            self._characters -= len(unit)
            if unit in self._met_again:
                self._met_again.discard(unit)
                self._close(unit)
