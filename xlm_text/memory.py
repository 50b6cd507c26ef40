"""Remembering what units of text became: why the tokenizer is fast.

A pipeline cuts a text into units that cannot influence each other; why a cut is safe stands
beside the cutting, in :mod:`xlm_text.units`.  Words repeat, so nearly every unit was seen before,
and what it became then is what it becomes now: a known unit costs a look-up in a dictionary.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, islice
from typing import Generic, TypeVar

from xlm_text.pipelines import Pipeline

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
        inner: known chunks between two spaces that nothing beside them can change.
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
        # Those of them that were met once only: nobody has asked yet whether they are closed.
        self._met_once: set[str] = set()
        self._characters = 0
        nothing = work_out([""])[0]
        self.inner: dict[str, V] = {"": nothing}
        self.final: dict[str, V] = {"": nothing}

    def units(self, texts: Sequence[str]) -> list[tuple[list[str], list[V]]]:
        """Return the units of each text, and their values."""
        cut = [self._pipeline.units(text) for text in texts]
        # A copy for this call: another thread, or this very call, may make the memory forget.
        values = {unit: self._known.get(unit) for unit in chain.from_iterable(cut)}
        new = [unit for unit, value in values.items() if value is None]
        found = dict(zip(new, self._work_out(new), strict=True))
        with self._lock:
            self._open_up(values)
            self._remember(found)
        values.update(found)
        return [(units, [values[unit] for unit in units]) for units in cut]  # type: ignore[misc]

    def _open_up(self, values: dict[str, V | None]) -> None:
        """Let the hot path use what is met again; most units are met once only."""
        met_again = self._met_once.intersection(values)
        self._met_once -= met_again
        for unit in met_again:
            before, behind = self._pipeline.closed(unit)
            if before:
                self.final[unit] = self._known[unit]
                if behind:
                    self.inner[unit] = self._known[unit]

    def _remember(self, found: dict[str, V]) -> None:
        known, most = self._known, self._limit * _CHARACTERS_PER_UNIT
        for unit, value in found.items():
            size = len(unit)
            if 0 < size <= _LONGEST_UNIT and unit not in known:
                if len(known) >= self._limit or self._characters + size > most:
                    self._forget_half()
                known[unit] = value
                self._met_once.add(unit)
                self._characters += size

    def _forget_half(self) -> None:
        for unit in list(islice(self._known, (len(self._known) + 1) // 2)):
            del self._known[unit]
            self._characters -= len(unit)
            self._met_once.discard(unit)
            self.final.pop(unit, None)
            self.inner.pop(unit, None)


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

    def values(self, units: Iterable[Iterable[str]]) -> dict[str, V]:
        """Return the values of the words of units."""
        known = self._known
        values = {word: known.get(word) for word in chain.from_iterable(units)}
        new = [word for word, value in values.items() if value is None]
        found = dict(zip(new, self._work_out(new), strict=True))
        values.update(found)
        kept = {word: value for word, value in found.items() if len(word) <= _LONGEST_WORD}
        if len(known) + len(kept) > self._limit:
            known = self._known = {}
        if len(kept) <= self._limit:
            known.update(kept)
        return values  # type: ignore[return-value]
