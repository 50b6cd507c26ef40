"""Running a task over lines of text: in order, whole lines, and able to say where it stopped."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from .journal import open_journal
from .lines import STANDARD_INPUT, check_readable, read_blocks
from .output import open_output
from .program import Command, option_names
from .progress import Advance, progress
from .signals import held
from .skipped import Skipped, open_skipped

if TYPE_CHECKING:
    from xlm_model.tasks.base import Task


class ModelCommand(Command):
    """A command whose failures include those of checkpoints, and of a missing PyTorch."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: D102
        # Imported here: `--help` needs no PyTorch, and it takes seconds to import.
        try:
            import safetensors  # noqa: F401
            import torch  # noqa: F401
        except ImportError as error:
            raise click.ClickException(
                f"{error}; in a clone of this project: pip install '.[model]'"
            ) from None
        return super().invoke(ctx)

    def explain(self, error: BaseException) -> str | None:  # noqa: D102
        from xlm_model.errors import CheckpointError, ConfigError, TrainingError

        # The advice of a checkpoint's error is for Python: no command changes a model's head.
        if isinstance(error, CheckpointError):
            return error.problem
        return (
            str(error) if isinstance(error, ConfigError | TrainingError) else super().explain(error)
        )


class Place(NamedTuple):
    """A line that has been read; with a problem it gets no result.

    Attributes:
        name: What errors call its file.
        number: From 1.
        size: In bytes.
        example: What was read.
        problem: Why it cannot be used.
    """

    name: str
    number: int
    size: int
    example: Any
    problem: str | None = None


class Places:
    """The lines that have been read and not been dealt with yet, in order.

    Args:
        skipped: Takes those that cannot be used; None to stop at the first.
    """

    def __init__(self, skipped: Skipped | None) -> None:
        self.skipped = skipped
        self._waiting: deque[Place] = deque()

    def examples(
        self, files: Sequence[str], errors: str, parse: Callable[[str], Any]
    ) -> Iterator[Any]:
        """Read files line by line; one that `parse` makes None of is as if it was not there.

        Raises:
            click.ClickException: a line that `parse` cannot use, after those before it.
        """
        for block in read_blocks(files, errors):
            size = block.size // (len(block.lines) + len(block.skipped))
            for number, line, problem in block.in_order():
                try:
                    example = parse(line) if problem is None else None
                except ValueError as error:
                    example, problem = None, str(error)
                if example is None and problem is None:
                    continue
                self._waiting.append(Place(block.name, number, size, example, problem))
                if problem is None:
                    yield example
                elif self.skipped is None:
                    raise click.ClickException(f"{block.name}: line {number}: {problem}")

    def done(self) -> Place:
        """Take out the next line that is no problem; those before it are left out."""
        self.leave_out()
        return self._waiting.popleft()

    def leave_out(self) -> None:
        """Leave out what comes before the next line that is no problem."""
        while self._waiting and self._waiting[0].problem is not None:
            place = self._waiting.popleft()
            if self.skipped is not None:
                self.skipped.add(place.name, place.number, str(place.problem))


def run(
    task: Task[Any, Any],
    files: Sequence[str],
    *,
    lang: str | None,
    lang_pair: str | None,
    errors: str,
    on_error: str,
    skipped: str | None,
    output: str | None,
    quiet: bool,
    parse: Callable[[str], Any],
    render: Callable[[Any], dict[str, Any]],
) -> None:
    """Write a JSON object for each line of the files.

    Where lines may be left out, each object has the number of its line, and the name of its file
    if there are several.

    Raises:
        click.ClickException: a line that cannot be used; names its place.
    """
    skip, errors = read_errors(errors, on_error)
    several = len(files) > 1
    check_readable(files or [STANDARD_INPUT])
    with (
        open_output(output, files) as out,
        open_skipped(skipped, files) as left_out,
        progress(files, output, quiet) as advance,
    ):
        journal = open_journal(files)
        places = Places(left_out if skip else None)
        examples = places.examples(files, errors, parse)
        for place, result in results(task, examples, places, lang, lang_pair, advance):
            row: dict[str, Any] = {"file": place.name} if skip and several else {}
            row |= {"line": place.number} if skip else {}
            line = json.dumps(row | render(result), ensure_ascii=False) + "\n"
            with held():
                out.write(line.encode())
                journal.add(1, place.name, place.number)
            advance(1, place.size)


def read_errors(errors: str, on_error: str) -> tuple[bool, str]:
    """Return whether lines may be left out, and how lines are read, from two options.

    Whoever leaves out lines that cannot be used leaves out those that are not UTF-8, too.
    """
    skip = "skip" in (errors, on_error)
    return skip, "skip" if skip and errors == "strict" else errors


def results(
    task: Task[Any, Any],
    examples: Iterable[Any],
    places: Places,
    lang: str | None,
    lang_pair: str | None,
    advance: Advance,
) -> Iterator[tuple[Place, Any]]:
    """Give the result of each line, with its place; lines that cannot be used are left out.

    Args:
        task: What gives the results.
        examples: What `places.examples` gives.
        places: The lines that were read.
        lang: The texts' language.
        lang_pair: That of the second texts.
        advance: Takes the size of a line that is left out.

    Raises:
        click.ClickException: A line that cannot be used, where none is left out; names its place.
    """
    from xlm_model.tasks import TextError

    name_of = option_names(click.get_current_context().command)
    skipped = places.skipped

    def leave_out(error: TextError) -> None:
        assert skipped is not None
        place = places.done()
        skipped.add(place.name, place.number, error.describe(name_of))
        advance(0, place.size)

    found = task.stream(examples, lang, lang_pair, skipped=None if skipped is None else leave_out)
    try:
        for result in found:
            yield places.done(), result
        places.leave_out()
    except TextError as error:
        place = places.done()
        message = f"{place.name}: line {place.number}: {error.describe(name_of)}"
        raise click.ClickException(message) from None
