"""Where results go."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import click

from .lines import STANDARD_INPUT, name_of
from .signals import held


class Output:
    """Whole lines of results, in a file or on standard output.

    The file is made when the first of them are there, so that a command that cannot even begin
    leaves an old one alone; after that, whatever happens, what was written stays.
    """

    def __init__(self, path: str | None) -> None:
        from xlm_text.files.compression import format_of

        self._path = path
        self._format = format_of(path)
        self._stored: BinaryIO | None = None
        self._file: Any = None

    def write(self, lines: bytes) -> None:
        """Write lines that are whole; signals wait until they are."""
        try:
            with held():
                if self._file is None:
                    self._open()
                self._file.write(lines)
                if self._format is None:  # flushing often makes what is compressed larger
                    self._file.flush()
        except OSError as error:
            raise self._named(error) from None

    def close(self, done: bool) -> None:
        """Finish the file; if the work is ``done`` it is there even without any lines."""
        try:
            with held():
                if self._file is None and done:
                    self._open()
                if self._file is not None:
                    self._file.flush()
                    if self._format is not None:
                        self._file.close()
                    if self._stored is not None:
                        self._stored.close()
        except OSError as error:
            raise self._named(error) from None

    def _open(self) -> None:
        if self._path is None:
            self._file = sys.stdout.buffer
        else:
            self._stored = self._file = open(self._path, "wb")  # noqa: SIM115
            if self._format is not None:
                self._file = self._format.open(self._stored, "wb")

    def _named(self, error: OSError) -> OSError:
        if self._path is not None:
            error.filename = self._path
        return error


@contextmanager
def open_output(path: str | None, inputs: Sequence[str] = ()) -> Iterator[Output]:
    """Open a file for results, or standard output for ``None``.

    Raises:
        click.ClickException: it cannot be written, or is one of the inputs, which would be
            overwritten, or grow while it is read.

    """
    if path is None and sys.stdout is None:
        raise click.ClickException("standard output is closed")
    refuse_inputs(path, inputs)
    if path is not None:
        check_writable(path)
    output = Output(path)
    try:
        yield output
    except BaseException:
        output.close(done=False)
        raise
    output.close(done=True)


def refuse_inputs(path: str | None, inputs: Sequence[str]) -> None:
    """Raise :class:`click.ClickException` if an output, standard output for ``None``, is read."""
    written = _identity(sys.stdout if path is None else path)
    if written is None:
        return
    for given in inputs or [STANDARD_INPUT]:
        read = _identity(sys.stdin if given == STANDARD_INPUT else given)
        if read == written:
            where, name = "standard output" if path is None else path, name_of(given)
            which = "the input" if where == name else f"the input {name}"
            raise click.ClickException(f"{where} is {which}: write the results to another file")


@contextmanager
def open_folder(path: str) -> Iterator[str]:
    """Give a folder to write files into; they move to ``path`` together, if no error ends that."""
    target = Path(path)
    if target.exists() and not target.is_dir():
        raise click.ClickException(f"{path}: Not a directory")
    target.parent.mkdir(parents=True, exist_ok=True)
    with _folder_in(target if target.exists() else target.parent, path) as made:
        # A folder inside: the temporary one is closed to other users.
        folder = made / "files"
        folder.mkdir()
        yield str(folder)
        with held():
            if not target.exists():
                folder.rename(target)
            else:
                for file in folder.iterdir():
                    file.replace(target / file.name)


def write_whole(path: str, content: bytes) -> None:
    """Write a file that is there whole or not at all; one that links elsewhere stays a link."""
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        target.write_bytes(content)  # a device or a pipe
        return
    with _folder_in(target.parent, path) as folder:
        partial = folder / target.name
        partial.write_bytes(content)
        if target.exists():
            shutil.copymode(target, partial)
        partial.replace(target)


def is_terminal(stream: TextIO | None) -> bool:
    """Tell whether a stream, which may be closed, is a terminal."""
    return stream is not None and stream.isatty()


def same_file(one: TextIO | None, other: TextIO | None) -> bool:
    """Tell whether two streams, which may be closed, end in the same place."""
    try:
        assert one is not None
        assert other is not None
        return os.path.samestat(os.fstat(one.fileno()), os.fstat(other.fileno()))
    except (AssertionError, OSError, ValueError):
        return False


def _identity(file: str | TextIO | None) -> tuple[int, int] | None:
    """Return what tells a file on disk from all others; ``None`` for what is none."""
    try:
        found = os.stat(file) if isinstance(file, str) else os.fstat(file.fileno())  # type: ignore[union-attr]
    except (AttributeError, OSError, ValueError):  # not there, closed, or no file of the system
        return None
    return (found.st_dev, found.st_ino) if stat.S_ISREG(found.st_mode) else None


def check_writable(path: str) -> None:
    """Notice what can be noticed before any work is done."""
    there = os.path.exists(path)
    folder = os.path.dirname(os.path.realpath(path))
    if not there and not os.path.isdir(folder):
        raise click.ClickException(f"{path}: No such file or directory")
    if not os.access(path if there else folder, os.W_OK):
        raise click.ClickException(f"{path}: Permission denied")


@contextmanager
def _folder_in(parent: Path, path: str) -> Iterator[Path]:
    """Make a temporary folder; an error speaks of ``path``, which it is for."""
    try:
        made = tempfile.TemporaryDirectory(dir=parent, prefix=".xlm-tok.")
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror}") from None
    with made:
        yield Path(made.name)
