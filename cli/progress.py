"""How far a command has come, on standard error: a bar on a terminal, else a line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import click

from .lines import total_size
from .output import is_terminal, same_file

_SECONDS_BETWEEN_LINES = 30.0
_SECONDS_BETWEEN_UPDATES = 0.1

# Takes how many lines have been worked on since the last call, and their size in bytes.
Advance = Callable[[int, int], None]


@contextmanager
def progress(
    paths: Sequence[str],
    output: str | None,
    quiet: bool = False,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Advance]:
    """Give what says how much has been done.

    Nothing is shown among results that go to the same place, or while someone types the input.
    """
    among_results = output is None and (
        is_terminal(sys.stdout) or same_file(sys.stdout, sys.stderr)
    )
    typed = not paths and is_terminal(sys.stdin)
    size = total_size(paths)
    if quiet or among_results or typed or sys.stderr is None:
        yield lambda lines, read: None
    elif not is_terminal(sys.stderr):
        yield _Lines(size, clock).advance
    elif size is None:
        counter = _Counter(clock)
        yield counter.advance
        counter.close()
    else:
        with click.progressbar(
            length=size, file=sys.stderr, item_show_func=lambda count: count
        ) as bar:
            shown = _Bar(bar.update, clock)
            yield shown.advance
            shown.show()


class _Count:
    """Lines, and how many of them in a second."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._start = clock()
        self.lines = 0

    def add(self, lines: int) -> None:
        self.lines += lines

    @property
    def seconds(self) -> float:
        return self._clock() - self._start

    def __str__(self) -> str:
        speed = self.lines / max(self.seconds, 1e-9)
        digits = 0 if speed >= 10 else 1
        return f"{self.lines:,} lines, {speed:,.{digits}f} lines/s"


class _Lines:
    """A line now and then, as a log wants it."""

    def __init__(self, size: int | None, clock: Callable[[], float]) -> None:
        self._count = _Count(clock)
        self._size = size
        self._read = 0
        self._next = _SECONDS_BETWEEN_LINES

    def advance(self, lines: int, read: int) -> None:
        self._count.add(lines)
        self._read += read
        if self._count.seconds >= self._next:
            self._next = self._count.seconds + _SECONDS_BETWEEN_LINES
            part = f", {self._read / self._size:.0%}" if self._size else ""
            name = click.get_current_context().find_root().info_name
            click.echo(f"{name}: {self._count}{part}", err=True)


class _Bar:
    """A bar on a terminal; ``update`` takes the bytes since the last time, and what to say."""

    def __init__(self, update: Callable[[int, str], None], clock: Callable[[], float]) -> None:
        self._count = _Count(clock)
        self._update = update
        self._read = 0
        self._next = 0.0

    def advance(self, lines: int, read: int) -> None:
        self._count.add(lines)
        self._read += read
        if self._count.seconds >= self._next:
            self._next = self._count.seconds + _SECONDS_BETWEEN_UPDATES
            self.show()

    def show(self) -> None:
        self._update(self._read, str(self._count))
        self._read = 0


class _Counter:
    """A line on a terminal that is written anew, where nobody knows how much there is to come."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._count = _Count(clock)
        self._next = 0.0

    def advance(self, lines: int, read: int) -> None:
        self._count.add(lines)
        if self._count.seconds >= self._next:
            self._next = self._count.seconds + _SECONDS_BETWEEN_UPDATES
            self._write(end="")

    def close(self) -> None:
        self._write(end="\n")

    def _write(self, end: str) -> None:
        click.echo(f"\r{self._count}\x1b[K{end}", err=True, nl=False)
