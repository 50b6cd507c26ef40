"""Remembering what units of text became: why the tokenizer is fast.

A pipeline cuts a text into units that cannot influence each other; why a cut is safe stands
beside the cutting, in :mod:`xlm_text.pipelines.units`.  Words repeat, so nearly every unit was
seen before, and what it became then is what it becomes now: a known unit costs a look-up in a
dictionary.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, islice
from typing import Generic, TypeVar

from xlm_text.pipelines.sacremoses import Pipeline

V = TypeVar("V")

# Longer units are worked out each time: they hardly repeat.  And no more characters than this for
# each unit of the limit are remembered, so that the limit is one on the bytes, too.
_LONGEST_UNIT = 200
_CHARACTERS_PER_UNIT = 16
_LONGEST_WORD = 32


class Memory(Generic[V]):
    """What each unit became, for a pipeline, within a limit.

    Args:
        pipeline: cuts texts into units.
        work_out: works out the values of units that are not known, all together.
        limit: how many units are remembered at most; the oldest half goes when it is reached.

    Attributes:
        inner: known chunks between two spaces that nothing beside them can change; many that end
            in a full stop are that with the mark of the end of a sentence behind it.
        final: known chunks behind a space, or alone, that nothing before them can change, as
            they are at the end of a text.

    """

    def __init__(
        self, pipeline: Pipeline, work_out: Callable[[list[str]], list[V]], limit: int
    ) -> None:
        self._pipeline = pipeline
        self._work_out = work_out
        self._limit = limit
        self._lock = threading.Lock()
        self._known: dict[str, V] = {}
        # Those of them that were met again; most never are.
        self._met_again: set[str] = set()
        self._characters = 0
        inner, final = pipeline.chunks("")
        nothing = work_out([""])[0]
        self.inner: dict[str, V] = dict.fromkeys(inner, nothing)
        self.final: dict[str, V] = dict.fromkeys(final, nothing)

    def units(self, texts: Sequence[str]) -> list[tuple[list[str], list[V]]]:
        """Return the units of each text, and their values."""
        cut = list(map(self._pipeline.units, texts))
        flat = list(chain.from_iterable(cut))
        # A copy for this call: another thread, or this very call, may make the memory forget.
        values = dict(zip(flat, map(self._known.get, flat), strict=True))
        new = [unit for unit, value in values.items() if value is None]
        found = dict(zip(new, self._work_out(new), strict=True))
        with self._lock:
            if len(new) < len(values):
                self._open_up(values)
            self._remember(found)
        values.update(found)
        value_of = values.__getitem__
        return [(units, list(map(value_of, units))) for units in cut]  # type: ignore[arg-type]

    def _open_up(self, values: dict[str, V | None]) -> None:
        """Let the hot path use what is met again, if what is beside it cannot change it."""
        again = [unit for unit in values if unit in self._known and unit not in self._met_again]
        self._met_again.update(again)
        for unit in again:
            inner, final = self._pipeline.chunks(unit)
            self.inner.update(dict.fromkeys(inner, self._known[unit]))
            self.final.update(dict.fromkeys(final, self._known[unit]))

    def _remember(self, found: dict[str, V]) -> None:
        known, most = self._known, self._limit * _CHARACTERS_PER_UNIT
        kept = {
            unit: value
            for unit, value in found.items()
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
                inner, final = self._pipeline.chunks(unit)
                for chunk in inner:
                    self.inner.pop(chunk, None)
                for chunk in final:
                    self.final.pop(chunk, None)


class WordMemory(Generic[V]):
    """What each word became, within a limit: new units are mostly made of known words.

    Args:
        work_out: works out the values of words that are not known, all together.
        limit: how many words are remembered at most; all go when it is reached.

    """

    def __init__(self, work_out: Callable[[list[str]], Iterable[V]], limit: int) -> None:
        self._work_out = work_out
        self._limit = limit
        self._known: dict[str, V] = {}

    def values(self, words: Sequence[str]) -> list[V]:
        """Return the value of each word."""
        known = self._known
        values = list(map(known.get, words))
        new = [word for word, value in zip(words, values, strict=True) if value is None]
        distinct = list(dict.fromkeys(new))
        found = dict(zip(distinct, self._work_out(distinct), strict=True))
        kept = {word: value for word, value in found.items() if len(word) <= _LONGEST_WORD}
        if len(known) + len(kept) > self._limit:
            known = self._known = {}
        if len(kept) <= self._limit:
            known.update(kept)
        worked_out = map(found.__getitem__, new)
        return [next(worked_out) if value is None else value for value in values]
