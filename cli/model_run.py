"""Running a task over lines of text: in order, whole lines, and able to say where it stopped."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from .lines import STANDARD_INPUT, Block, check_readable, read_blocks
from .output import open_output, progress
from .program import Command, Interrupted, option_names

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from xlm_model.tasks.base import Task


class ModelCommand(Command):
    """A command whose failures include those of checkpoints, and of a missing PyTorch."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: D102
        # Imported here: `--help` needs no PyTorch, and it takes seconds to import.
        try:
            from xlm_model.errors import CheckpointError, ConfigError
        except ImportError as error:
            raise click.ClickException(
                f"{error}; in a clone of this project: pip install '.[model]'"
            ) from None
        try:
            return super().invoke(ctx)
        except (CheckpointError, ConfigError) as error:
            raise click.ClickException(str(error)) from None


class Places:
    """The lines that have been read and whose results have not been written yet."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Block, int]] = deque()

    def examples(
        self, files: Sequence[str], errors: str, parse: Callable[[str], Any]
    ) -> Iterator[Any]:
        """Read files line by line.

        Raises:
            click.ClickException: a line that `parse` cannot use, after those before it.
        """
        for block in read_blocks(files, errors):
            for i, line in enumerate(block.lines):
                try:
                    example = parse(line)
                except ValueError as error:
                    raise click.ClickException(f"{block.place(i)}: {error}") from None
                self._waiting.append((block, i))
                yield example

    def done(self) -> int:
        """Count the next line as done; return the bytes of its block with the block's last."""
        block, i = self._waiting.popleft()
        return block.size if i == len(block.lines) - 1 else 0

    def next(self) -> str | None:
        """Say where the first line is that has no result yet, if one has been read."""
        return self._waiting[0][0].place(self._waiting[0][1]) if self._waiting else None


def run(
    task: Task[Any, Any],
    files: Sequence[str],
    *,
    lang: str,
    lang_pair: str | None,
    errors: str,
    output: str | None,
    parse: Callable[[str], Any],
    render: Callable[[Any], dict[str, Any]],
) -> None:
    """Write a JSON object for each line of the files.

    Unlike what `xlm-tok` writes, an output file is not held back until it is whole: hours of work
    may be in it when something goes wrong.

    Raises:
        click.ClickException: a line that cannot be used; names its place.
        Interrupted: Ctrl-C; says how far the work had come.
    """
    from xlm_model.tasks import TextError

    places, written = Places(), 0
    check_readable(files or [STANDARD_INPUT])
    with _open(output, files) as out, progress(files, output) as advance:
        try:
            found = task.stream(places.examples(files, errors, parse), lang, lang_pair)
            for result in found:
                line = json.dumps(render(result), ensure_ascii=False) + "\n"
                with _uninterrupted():
                    out.write(line.encode())
                    out.flush()
                    advance(places.done())
                    written += 1
        except TextError as error:
            reason = error.describe(option_names(click.get_current_context().command))
            raise click.ClickException(f"{places.next()}: {reason}") from None
        except KeyboardInterrupt:
            following = places.next()
            where = f", the next is {following}" if following else ""
            lines = f"{written} line{'' if written == 1 else 's'}"
            raise Interrupted(f"interrupted: {lines} written{where}") from None


def _open(output: str | None, files: Sequence[str]) -> AbstractContextManager[BinaryIO]:
    if output is None:
        return open_output(None)
    if any(file != STANDARD_INPUT and _is_same(file, output) for file in files):
        raise click.ClickException(f"{output}: is read: expected another file for the results")
    return open(output, "wb")


def _is_same(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False  # one is not there yet


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let Ctrl-C wait until the block has ended."""
    if threading.current_thread() is not threading.main_thread():
        yield  # no other thread gets it
        return
    pressed: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        raise KeyboardInterrupt
