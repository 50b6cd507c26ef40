"""How far a command has come, on standard error: a bar on a terminal, else a line a minute."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from .lines import total_size
from .output import is_terminal, same_file

if TYPE_CHECKING:
    from xlm_model.training import StepDone
    from xlm_text.corpora import Progress

_SECONDS_BETWEEN_LINES = 60.0
_SECONDS_BETWEEN_UPDATES = 0.1

Clock = Callable[[], float]
# Takes how many lines have been worked on since the last call, and their size in bytes.
Advance = Callable[[int, int], None]


class _Shown(NamedTuple):
    """What there is to show.

    Attributes:
        done: bytes, or files, that are done.
        total: how many there are; ``None`` if nobody knows.
        said: what is said beside it.
        label: what is said before the bar.

    """

    done: int
    total: int | None
    said: str
    label: str = ""


@contextmanager
def progress(
    paths: Sequence[str], output: str | None, quiet: bool = False, clock: Clock = time.monotonic
) -> Iterator[Advance]:
    """Give what says how much of some inputs has been done.

    Nothing is shown among results that go to the same place, or while someone types the input.
    """
    among_results = output is None and (
        is_terminal(sys.stdout) or same_file(sys.stdout, sys.stderr)
    )
    typed = not paths and is_terminal(sys.stdin)
    total = total_size(paths)
    begun = clock()
    lines = done = 0

    def state() -> _Shown:
        seconds = max(clock() - begun, 1e-9)
        said = f"{lines:,} lines, {_rate(lines, seconds)} lines/s"
        return _Shown(done, total, said + _left(done, total, seconds))

    def advance(more_lines: int, more_bytes: int) -> None:
        nonlocal lines, done
        lines += more_lines
        done += more_bytes
        display.show(state)

    with _display(quiet or among_results or typed, clock) as display:
        yield advance
        display.end(state)


@contextmanager
def corpus_progress(
    what: str = "tokens", quiet: bool = False, clock: Clock = time.monotonic
) -> Iterator[Callable[[Progress], None]]:
    """Give what shows the progress of work on a corpus.

    Args:
        what: what the work counts beside lines.
        quiet: show nothing.
        clock: gives the time in seconds.

    """

    last: list[Progress] = []

    def show(told: Progress) -> None:
        last[:] = [told]
        display.show(lambda: _of_corpus(told, what))

    with _display(quiet, clock) as display:
        yield show
        if last:
            display.end(lambda: _of_corpus(last[0], what))


def _of_corpus(told: Progress, what: str) -> _Shown:
    if told.looking:
        return _Shown(
            told.done, told.total, f"{told.done} of {told.total} files", "looking through"
        )
    seconds = told.seconds or 1e-9
    said = (
        f"{told.done / 1e6:,.0f} of {told.total / 1e6:,.0f} MB, "
        f"{_rate(told.lines, seconds)} lines/s, {_rate(told.tokens, seconds)} {what}/s"
    )
    left = "" if told.left is None else f", {_duration(told.left)} left"
    return _Shown(told.done, told.total, said + left)


class TrainingDisplay:
    """Shows how far a training is.

    Args:
        display: What shows it.
        clock: gives the time in seconds.

    """

    def __init__(self, display: _Display, clock: Clock) -> None:
        self._display = display
        self._clock = clock
        self._begun: tuple[float, int] | None = None

    def step(self, done: StepDone) -> None:
        """Take how far it is."""
        now = self._clock()
        if self._begun is None:  # the first step takes longer, and may be one of many
            self._begun = (now, done.step)
        begun, first = self._begun

        def state() -> _Shown:
            said = f"step {done.step:,} of {done.steps:,}"
            if done.tokens_per_second:
                said += f", loss {done.loss:.3f}, {_rate(done.tokens_per_second, 1)} tokens/s"
            made, left = done.step - first, done.steps - done.step
            if made:
                said += f", {_duration((now - begun) / made * left)} left"
            return _Shown(done.step, done.steps, said)

        self._display.show(state)

    def close(self) -> None:
        """Leave the terminal for something else to be written; the next step shows it again."""
        self._display.close()


@contextmanager
def training_progress(
    quiet: bool = False, clock: Clock = time.monotonic
) -> Iterator[TrainingDisplay]:
    """Give what shows the progress of a training; arguments as for `corpus_progress`."""
    with _display(quiet, clock) as display:
        yield TrainingDisplay(display, clock)


class _Display:
    """Shows nothing."""

    def show(self, state: Callable[[], _Shown]) -> None:
        """Show how far the work is, if that was not shown a moment ago."""

    def end(self, state: Callable[[], _Shown]) -> None:
        """Show how far it has come in the end."""

    def close(self) -> None:
        """Leave the terminal as others expect it."""


class _Lines(_Display):
    """A line a minute, as a log wants it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._next = clock() + _SECONDS_BETWEEN_LINES

    def show(self, state: Callable[[], _Shown]) -> None:
        if self._clock() < self._next:
            return
        self._next = self._clock() + _SECONDS_BETWEEN_LINES
        shown = state()
        part = f"{shown.done / shown.total:.0%}, " if shown.total else ""
        label = f"{shown.label} " if shown.label else ""
        name = click.get_current_context().find_root().info_name
        click.echo(f"{name}: {label}{part}{shown.said}", err=True)


class _Terminal(_Display):
    """A bar, or a line that is written anew where nobody knows how much there is to come."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._next = 0.0
        self._bar: Any = None
        self._label: str | None = None

    def show(self, state: Callable[[], _Shown]) -> None:
        if self._clock() >= self._next:
            self._next = self._clock() + _SECONDS_BETWEEN_UPDATES
            self.end(state)

    def end(self, state: Callable[[], _Shown]) -> None:
        shown = state()
        if shown.total is None:
            self._label = shown.label
            click.echo(f"\r{shown.said}\x1b[K", err=True, nl=False)
            return
        if self._label != shown.label:
            self.close()
            self._label = shown.label
            self._bar = click.progressbar(
                length=max(1, shown.total), label=shown.label, file=sys.stderr, show_eta=False,
                item_show_func=lambda said: said, update_min_steps=0,
            )  # fmt: skip
            self._bar.__enter__()
        self._bar.update(shown.done - self._bar.pos, shown.said)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.__exit__(None, None, None)
        elif self._label is not None:
            click.echo(err=True)
        self._bar = self._label = None


@contextmanager
def _display(hidden: bool, clock: Clock) -> Iterator[_Display]:
    shown: _Display
    if hidden or sys.stderr is None:
        shown = _Display()
    elif is_terminal(sys.stderr):
        shown = _Terminal(clock)
    else:
        shown = _Lines(clock)
    try:
        yield shown
    finally:
        shown.close()


def _rate(count: float, seconds: float) -> str:
    speed = count / seconds
    return f"{speed:,.{0 if speed >= 10 else 1}f}"


def _left(done: int, total: int | None, seconds: float) -> str:
    return f", {_duration(seconds * (total - done) / done)} left" if total and done else ""


def _duration(seconds: float) -> str:
    """Write a time for people.

    >>> _duration(40.2), _duration(3000), _duration(3700)
    ('40 s', '50 min', '1 h 2 min')
    """
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
