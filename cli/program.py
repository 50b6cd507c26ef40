"""Commands whose every failure is one line on standard error and an exit code."""

from __future__ import annotations

import errno
import os
import re
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from .journal import how_far
from .output import is_terminal
from .signals import Stopped, stopping

if TYPE_CHECKING:
    from xlm_text.errors import Argument

READER_GONE = 141  # what shells give for a program that a closed pipe ended (128 + SIGPIPE)
_OF_SIGNAL = 128  # what shells add to the number of the signal that ended a program

# Options that are called otherwise than the argument of the library that they stand for.
OTHER_NAMES = {
    "lang_pair": ("pair_lang", None),
    "bypass_tokenizer": ("bypass", None),
    "int8": ("dtype", "int8"),
}
_DEBUG = "--debug"
_CANNOT_WRITE = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG)


class SharedOption(click.Option):
    """An option that several commands have; their help shows it behind their own."""


class Failed(click.ClickException):
    """A command could not do its work; the cause is the error that it came from."""


class Interrupted(Failed):
    """A signal stopped the command."""

    def __init__(self, message: str, stop: Stopped) -> None:
        super().__init__(message)
        self.signal = stop.number


class Command(click.Command):
    """A command that turns whatever goes wrong into a :class:`click.ClickException`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.append(_debug_option())

    def invoke(self, ctx: click.Context) -> Any:  # noqa: D102
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, SystemExit):
            raise
        except BrokenPipeError:
            _forget_output()
            return READER_GONE
        except KeyboardInterrupt as error:
            stop, progress = as_stopped(error), how_far(ctx)
            raise Interrupted(f"{stop}: {progress}" if progress else str(stop), stop) from error
        # Not only an `Exception`: a panic in a Rust extension is none.
        except BaseException as error:
            foreseen = self.explain(error)
            progress = how_far(ctx, from_nothing=foreseen is None)
            message = foreseen or _unforeseen(error)
            raise Failed(f"{message}; {progress}" if progress else message) from error

    def explain(self, error: BaseException) -> str | None:
        """Say in a line what went wrong; ``None`` for what this program does not know of."""
        if isinstance(error, ValueError | ImportError | RuntimeError):
            from xlm_text.errors import InputError, MissingComponentError, WorkerLostError

            if isinstance(error, InputError | MissingComponentError | WorkerLostError):
                return error.describe(option_names(self))
        return explain(error)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the command's own options, and behind them those that others have, too."""
        own: list[tuple[str, str]] = []
        shared: list[tuple[str, str]] = []
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and not isinstance(parameter, click.Argument):
                (shared if isinstance(parameter, SharedOption) else own).append(record)
        for title, records in (("Options", own), ("Common options", shared)):
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


class Program(click.Group):
    """A group of commands that reports errors as ``NAME: error: …``.

    Exit codes: 0 done, 1 could not, 2 misuse, 128 and the signal's number when one stopped it (130
    for Ctrl-C), and 141, without a message, when the reader of the output has gone.
    """

    command_class = Command
    group_class = type

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.append(_debug_option())

    def main(self, *args: Any, **kwargs: Any) -> NoReturn:  # noqa: D102
        given = args[0] if args else kwargs.get("args")
        debug = _DEBUG in (sys.argv if given is None else given)
        with stopping():
            sys.exit(self._run(debug, *args, **kwargs))

    def _run(self, debug: bool, *args: Any, **kwargs: Any) -> int:
        kwargs["standalone_mode"] = False
        try:
            return super().main(*args, **kwargs) or 0
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            return error.exit_code
        except click.UsageError as error:
            command = error.ctx.command_path if error.ctx else self.name
            self._report(f"{error.format_message().rstrip('.')} (see `{command} --help`)")
            return error.exit_code
        except click.ClickException as error:
            _forget_output_that_failed(error.__cause__)
            if isinstance(error, Interrupted) and is_terminal(sys.stderr):
                click.echo(err=True)  # behind the ^C that the terminal shows
            self._report(error.format_message(), error.__cause__ if debug else None)
            return _OF_SIGNAL + error.signal if isinstance(error, Interrupted) else error.exit_code
        # What is left comes from outside of the commands: while they are parsed, or print help.
        except (click.Abort, KeyboardInterrupt) as error:
            stop = as_stopped(error.__cause__ or error)
            self._report(str(stop), error if debug else None)
            return _OF_SIGNAL + stop.number
        except BrokenPipeError:
            _forget_output()
            return READER_GONE
        except Exception as error:
            _forget_output_that_failed(error)
            self._report(explain(error) or _unforeseen(error), error if debug else None)
            return 1

    def _report(self, message: str, traced: BaseException | None = None) -> None:
        if traced is not None:
            traceback.print_exception(type(traced), traced, traced.__traceback__)
        # Nothing but ends of lines is changed: a path may have several spaces.
        line = re.sub(r"\s*[\r\n]\s*", " ", message.strip())
        click.echo(f"{self.name}: error: {line}", err=True)


def option_names(command: click.Command) -> Callable[[Argument], str | None]:
    """Return what writes an argument of the library as the command's option, if it has one."""
    options = {p.name: p for p in command.params if isinstance(p, click.Option)}

    def name_of(argument: Argument) -> str | None:
        name, value = OTHER_NAMES.get(argument.name, argument)
        option = options.get(name)
        if option is None:
            return None
        return option.opts[0] if option.is_flag or value is None else f"{option.opts[0]} {value}"

    return name_of


def explain(error: BaseException) -> str | None:
    """Say in a line what an error of the system is; ``None`` if it is none."""
    if isinstance(error, OSError) and error.strerror:
        if error.filename:
            return f"{os.fsdecode(error.filename)}: {error.strerror}"
        if error.errno in _CANNOT_WRITE:
            return f"cannot write: {error.strerror}"
    if isinstance(error, MemoryError):
        return "out of memory"
    return None


def _unforeseen(error: BaseException) -> str:
    said = str(error).strip().partition("\n")[0]
    what = type(error).__name__ + (f": {said}" if said else "")
    return f"unexpected {what} ({_where(error)}; {_DEBUG} shows more)"


def _where(error: BaseException) -> str:
    """Return the file and line that an error was raised at, in this project if it was there."""
    frames = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    # A worker process sends its traceback as text.
    frames += re.findall(r'File "(.+)", line (\d+)', getattr(error.__cause__, "tb", ""))
    ours = [frame for frame in frames if Path(frame[0]).parent.name.startswith(("xlm_", "cli"))]
    file, line = (ours or frames or [(__file__, 0)])[-1]
    return f"{Path(file).parent.name}/{Path(file).name}, line {line}"


def as_stopped(error: BaseException) -> Stopped:
    """Return which signal it was: Python's own error for Ctrl-C does not say."""
    return error if isinstance(error, Stopped) else Stopped()


def _debug_option() -> click.Option:
    return SharedOption(
        [_DEBUG], is_flag=True, expose_value=False, help="Show the traceback of an error, too."
    )


def _forget_output_that_failed(error: BaseException | None) -> None:
    if isinstance(error, OSError):
        _forget_output()


def _forget_output() -> None:
    """Let what is still buffered go nowhere, or Python complains about it while it exits."""
    try:
        target = sys.stdout.fileno()
    except (AttributeError, OSError, ValueError):
        return  # closed, or not a file of the system
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, target)
    os.close(nowhere)
