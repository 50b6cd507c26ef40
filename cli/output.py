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
from typing import BinaryIO

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
        target = Path(path).resolve()
        partial = target.with_name(f".{target.name[:200]}.{os.getpid()}.partial")
        try:
            with _create(partial, path) as file:
                yield file
            if target.exists():
                shutil.copymode(target, partial)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)


@contextmanager
def open_folder(path: str) -> Iterator[str]:
    """Give a folder to write files into; they move to ``path`` together, if no error ends that."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists() and not target.is_dir():
        raise click.ClickException(f"{path}: Not a directory")
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name[:200]}.") as made:
        # A folder inside: the temporary one is closed to other users.
        folder = Path(made, "files")
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
    results_on_terminal = output is None and sys.stdout.isatty()
    if size is None or not sys.stderr.isatty() or results_on_terminal:
        yield lambda read: None
    else:
        with click.progressbar(length=size, file=sys.stderr) as bar:
            yield bar.update


def _is_special(path: str) -> bool:
    """Tell whether a path is a device or a pipe, which nothing may be put in the place of."""
    try:
        return not stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        return False


def _create(partial: Path, path: str) -> BinaryIO:
    try:
        return open(partial, "xb")
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror}") from None
