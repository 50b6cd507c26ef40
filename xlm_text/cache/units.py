"""What each unit of text became.

A pipeline cuts a text into units that cannot influence each other; why a cut is safe stands
beside the cutting, in :mod:`xlm_text.pipelines`.  Words repeat, so nearly every unit was seen
before, and what it became then is what it becomes now: a known unit costs a look-up in a
dictionary.

Most units are what stands between two spaces, whatever is beside it.  So most texts need no
cutting: they are split at spaces, and each chunk is looked up.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
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
        mostly_new: whether most texts have something that is not known, so that it is no use to
            look them up before :meth:`values` has learnt it.
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
        self._characters = 0
        self.inside: dict[str, V] = {}
        self.at_sentence_end: dict[str, V] = {}
        self.at_text_end: dict[str, V] = {}
        self.mostly_new = True

    def values(
        self, texts: Sequence[str], numbers: Sequence[int]
    ) -> Iterator[tuple[int, list[V], Cut | None]]:
        """Give what the units of texts became; each text once, in no certain order.

        Args:
            texts: the texts.
            numbers: which of them are meant.

        Yields:
            The number of a text, the values of its units, and how it was cut into them; ``None``
            for the cut says that the units are the chunks between single spaces.

        """
        others = numbers
        if self._pipeline.has_chunks:
            rows = [texts[number].split(" ") for number in numbers]
            new = self._learn(rows)
            self.mostly_new = 2 * (new if self.mostly_new else len(numbers)) > len(texts)
            others = []
            for number, chunks in zip(numbers, rows, strict=True):
                values = self._of_chunks(chunks)
                if values is None:
                    others.append(number)
                else:
                    yield number, values, None
        yield from self._by_units(texts, others)

    def of_sentences(self, chunks: Sequence[str], last: str, unknown: str) -> list[V] | None:
        """Return the values of a text of several sentences, if all of its chunks are known.

        Args:
            chunks: what is between its spaces, without the last.
            last: the last one.
            unknown: one of them that is not known inside a sentence, or at the end of a text.

        """
        end = self.at_text_end.get(last)
        if end is None or unknown not in self.at_sentence_end:
            return None
        values = list(map(self.inside.get, chunks))
        for i, value in enumerate(values):
            if value is None:
                values[i] = value = self.at_sentence_end.get(chunks[i])
                following = chunks[i + 1] if i + 1 < len(chunks) else last
                if value is None or not self._pipeline.begins_sentence(following):
                    return None
        return [*values, end]  # type: ignore[list-item]

    def _of_chunks(self, chunks: list[str]) -> list[V] | None:
        """Return the values of the chunks of a text, if all of them are known."""
        last = chunks.pop()
        try:
            return [*map(self.inside.__getitem__, chunks), self.at_text_end[last]]
        except KeyError as error:
            return self.of_sentences(chunks, last, error.args[0])

    def _learn(self, rows: Iterable[Iterable[str]]) -> int:
        """Compute the values of chunks that nothing beside them can change.

        Returns how many chunks were new.
        """
        new = sorted(set(chain.from_iterable(rows)).difference(self.at_text_end))
        found = self._pipeline.chunks(new[: self._limit // 2])
        if not any(found):
            return len(new)
        self._look_up(dict.fromkeys(chain.from_iterable(map(dict.values, found))))
        with self._lock:
            known = self._known
            for opened, closed in zip(
                (self.inside, self.at_sentence_end, self.at_text_end), found, strict=True
            ):
                opened.update(
                    {chunk: known[unit] for chunk, unit in closed.items() if unit in known}
                )
        return len(new)

    def _by_units(
        self, texts: Sequence[str], numbers: Sequence[int]
    ) -> Iterator[tuple[int, list[V], Cut]]:
        cuts = [self._pipeline.cut(texts[number]) for number in numbers]
        value_of = self._look_up(chain.from_iterable([cut.units for cut in cuts])).__getitem__
        for number, cut in zip(numbers, cuts, strict=True):
            yield number, list(map(value_of, cut.units)), cut

    def _look_up(self, units: Iterable[str]) -> dict[str, V]:
        """Return the values of units, those of new ones computed and kept."""
        flat = list(units)
        # A copy for this call: another thread, or this very call, may make the cache forget.
        found = dict(zip(flat, map(self._known.get, flat), strict=True))
        new = [unit for unit, value in found.items() if value is None]
        if new:
            computed = dict(zip(new, self._compute(new), strict=True))
            with self._lock:
                self._keep(computed)
            found.update(computed)
        return found  # type: ignore[return-value]

    def _keep(self, computed: dict[str, V]) -> None:
        known, most = self._known, self._limit * _CHARACTERS_PER_UNIT
        kept = {
            unit: value
            for unit, value in computed.items()
            if len(unit) <= _LONGEST_UNIT and unit not in known
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
            # A unit that ends in a space has that space with it.
            chunk = unit.removesuffix(" ")
            for opened in (self.inside, self.at_sentence_end, self.at_text_end):
                opened.pop(chunk, None)
