"""Folders that are replaced as a whole: a crash or a full disk leaves the former one."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


class AtomicFolder:
    """A folder that is written beside its place, and takes it once it is whole and on the disk.

    Args:
        path: Its place.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # Being written; whole, and about to take its place; what it replaces.
        self.partial, self._whole, self._former = (
            path.with_name(f".{path.name}.{state}") for state in ("partial", "whole", "former")
        )

    def recover(self) -> None:
        """Finish, or undo, what a process that was killed had begun."""
        for found in (self._whole, self._former):
            if not self.path.exists() and found.exists():
                found.rename(self.path)
        for left in (self.partial, self._whole, self._former):
            shutil.rmtree(left, ignore_errors=True)

    def begin(self) -> Path:
        """Return an empty folder to write to."""
        self.recover()
        self.partial.mkdir(parents=True)
        return self.partial

    def finish(self) -> None:
        """Put what was written in its place."""
        _sync(self.partial)
        self.partial.rename(self._whole)
        if self.path.exists():
            self.path.rename(self._former)
        self._whole.rename(self.path)
        _sync_one(self.path.parent)
        shutil.rmtree(self._former, ignore_errors=True)

    def abandon(self) -> None:
        """Remove what was written so far."""
        shutil.rmtree(self.partial, ignore_errors=True)


def _sync(folder: Path) -> None:
    """Wait until a folder and all that is in it is on the disk."""
    for parent, _, names in os.walk(folder):
        for name in names:
            _sync_one(Path(parent, name))
        _sync_one(Path(parent))


def _sync_one(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
