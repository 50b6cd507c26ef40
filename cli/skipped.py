"""The lines that a command left out because it could not use them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

import click

from .output import refuse_inputs

_MOST_LISTED = 10


class Skipped:
    """Counts the lines that are left out, and keeps where the first of them are.

    Args:
        file: where each of them is written to: its input, number and problem, with tabs between.

    """

    def __init__(self, file: TextIO | None = None) -> None:
        self._file = file
        self._count = 0
        self._reason = ""
        self._first: dict[str, list[list[int]]] = {}
        self._listed = 0

    def add(self, name: str, number: int, problem: str) -> None:
        """Leave a line of an input out."""
        self._count += 1
        problem = " ".join(problem.split())
        self._reason = self._reason or problem
        if self._file is not None:
            self._file.write(f"{name}\t{number}\t{problem}\n")
        ranges = self._first.setdefault(name, [])
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1][1] = number
        elif self._listed < _MOST_LISTED:
            self._listed += 1
            ranges.append([number, number])

    def __str__(self) -> str:
        """Return how many there were and where; nothing if there were none."""
        if not self._count:
            return ""
        places = "; ".join(
            f"{name}: line{'s' if len(ranges) > 1 or ranges[0][0] < ranges[0][1] else ''} "
            + ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in ranges)
            for name, ranges in self._first.items()
            if ranges
        )
        listed = sum(b - a + 1 for ranges in self._first.values() for a, b in ranges)
        more = "" if listed == self._count else " …"
        advice = "" if self._file or not more else "; --skipped FILE lists them all"
        plural = "" if self._count == 1 else "s"
        why = f"({'the first: ' if self._count > 1 else ''}{self._reason})"
        return f"{self._count} line{plural} left out: {places}{more} {why}{advice}"


@contextmanager
def open_skipped(path: str | None, inputs: Sequence[str]) -> Iterator[Skipped]:
    """Give what lines are left out with, and say at the end on standard error which were."""
    file = None
    if path is not None:
        refuse_inputs(path, inputs)
        file = open(path, "w", encoding="utf-8")  # noqa: SIM115
    skipped = Skipped(file)
    try:
        yield skipped
    finally:
        if file is not None:
            file.close()
        if said := str(skipped):
            click.echo(f"{click.get_current_context().find_root().info_name}: {said}", err=True)
