"""How far the work is."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

_EVERY_SECONDS = 0.2


@dataclass(frozen=True)
class Progress:
    """How far the work is.

    Attributes:
        done: bytes of text that are done, those of former runs included; while the input is
            looked through, files.
        total: bytes of text in all, or files.
        lines: lines of this run.
        tokens: tokens of this run.
        seconds: how long this run has worked on them.
        left: how many seconds it will about take, once that can be said.
        looking: whether the input is still looked through.

    """

    done: int
    total: int
    lines: int = 0
    tokens: int = 0
    seconds: float = 0.0
    left: float | None = None
    looking: bool = False


class Watch:
    """Adds up what workers did, and tells of it a few times a second.

    Args:
        progress: whom to tell.

    """

    def __init__(self, progress: Callable[[Progress], object] | None) -> None:
        self._progress = progress
        self._total = self._before = 0
        self._done = self._lines = self._tokens = 0
        self._start = self._told = time.monotonic()

    def looked_through(self, done: int, files: int) -> None:
        """Say that files are looked through."""
        if self._progress is not None:
            self._progress(Progress(done, files, looking=True))

    def begin(self, total: int, left: int) -> None:
        """Begin with so many bytes in all, of which so many are left."""
        self._total, self._before = total, total - left
        self._tell()

    def add(self, size: int, lines: int, tokens: int) -> None:
        """Add work that was done."""
        self.set(self._done + size, self._lines + lines, self._tokens + tokens)

    def set(self, done: int, lines: int, tokens: int) -> None:
        """Say how much work this run has done in all."""
        self._done, self._lines, self._tokens = done, lines, tokens
        if time.monotonic() - self._told > _EVERY_SECONDS:
            self._tell()

    def end(self) -> None:
        """Say that all is done."""
        self._done = self._total - self._before
        self._tell()

    def _tell(self) -> None:
        self._told = time.monotonic()
        if self._progress is None:
            return
        seconds = self._told - self._start
        todo = self._total - self._before - self._done
        self._progress(
            Progress(
                self._before + self._done,
                self._total,
                self._lines,
                self._tokens,
                seconds,
                seconds * todo / self._done if self._done else None,
            )
        )
