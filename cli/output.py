"""Where results and progress go."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO

import click

from .lines import total_size


@contextmanager
def open_output(path: str | None) -> Iterator[BinaryIO]:
    """Open a file that appears whole or not at all, or standard output for ``None``.

    What stands at ``path`` already is replaced at the end, so an input may be the output, too.
    """
    if path is None:
        if sys.stdout is None:
            raise click.ClickException("standard output is closed")
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    elif _is_special(path):
        with open(path, "wb") as device:
            yield device
    else:
        # click's own atomic files do replace the target when an error ends the writing.
        target = Path(os.path.realpath(path))
        with _folder_in(target.parent, path) as folder:
            partial = folder / target.name
            with open(partial, "wb") as file:
                yield file
            if target.exists():
                shutil.copymode(target, partial)
            partial.replace(target)


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
        if not target.exists():
            folder.rename(target)
        else:
            for file in folder.iterdir():
                file.replace(target / file.name)


@contextmanager
def progress(paths: Sequence[str], output: str | None) -> Iterator[Callable[[int], None]]:
    """Show how much of files has been read; what it gives is to be called with bytes.

    There is a bar only on a terminal, and not among results on the same terminal.
    """
    size = total_size(paths)
    among_results = output is None and is_terminal(sys.stdout)
    if size is None or among_results or not is_terminal(sys.stderr):
        yield lambda read: None
    else:
        with click.progressbar(length=size, file=sys.stderr) as bar:
            yield bar.update


def is_terminal(stream: TextIO | None) -> bool:
    """Tell whether a stream, which may be closed, is a terminal."""
    return stream is not None and stream.isatty()


def _is_special(path: str) -> bool:
    """Tell whether a path is a device or a pipe, which nothing may be put in the place of."""
    try:
        return not stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        return False


@contextmanager
def _folder_in(parent: Path, path: str) -> Iterator[Path]:
    """Make a temporary folder; an error speaks of ``path``, which it is for."""
    try:
        made = tempfile.TemporaryDirectory(dir=parent, prefix=".xlm-tok.")
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror}") from None
    with made:
        yield Path(made.name)
