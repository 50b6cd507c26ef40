"""How far work on a corpus is: a bar on a terminal, elsewhere a line a minute."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from .output import is_terminal

if TYPE_CHECKING:
    from xlm_text.corpora import Progress

_MINUTE = 60.0


@contextmanager
def shown_progress(
    what: str = "tokens", quiet: bool = False
) -> Iterator[Callable[[Progress], None]]:
    """Show progress: as a bar on a terminal, elsewhere as a line a minute; not if ``quiet``."""
    if quiet or sys.stderr is None:
        yield lambda progress: None
        return
    if not is_terminal(sys.stderr):
        yield line_a_minute(what)
        return
    from tqdm import tqdm

    with tqdm(unit="B", unit_scale=True, file=sys.stderr, dynamic_ncols=True, leave=False) as bar:

        def show(progress: Progress) -> None:
            bar.unit = " files" if progress.looking else "B"
            bar.total, bar.n = progress.total, progress.done
            bar.set_description_str("looking through" if progress.looking else "", refresh=False)
            bar.set_postfix_str("" if progress.looking else _rates(progress, what), refresh=False)
            bar.refresh()

        yield show


def line_a_minute(what: str = "tokens") -> Callable[[Progress], None]:
    """Return what prints a line if a minute has passed since the last one."""
    last = time.monotonic()

    def show(progress: Progress) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < _MINUTE or progress.looking:
            return
        last = now
        left = "" if progress.left is None else f", {_duration(progress.left)} left"
        click.echo(
            f"{progress.done / max(1, progress.total):.1%} of {progress.total / 1e6:,.0f} MB, "
            f"{_rates(progress, what)}{left}",
            err=True,
        )

    return show


def _rates(progress: Progress, what: str) -> str:
    seconds = progress.seconds or 1e-9
    return f"{progress.lines / seconds:,.0f} lines/s, {progress.tokens / seconds:,.0f} {what}/s"


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
