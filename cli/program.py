"""Commands whose every failure is one line on standard error and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

import click

from .output import is_terminal

if TYPE_CHECKING:
    from xlm_text.errors import Argument

# Options that are called otherwise than the argument of the library that they stand for.
OTHER_NAMES = {
    "lang_pair": ("pair_lang", None),
    "bypass_tokenizer": ("bypass", None),
    "int8": ("dtype", "int8"),
}

READER_GONE = 141  # what shells give for a program that a closed pipe ended (128 + SIGPIPE)


class Interrupted(click.ClickException):
    """The user pressed Ctrl-C."""

    exit_code = 130  # what shells give for it (128 + SIGINT)


class Command(click.Command):
    """A command that turns what can go wrong in the world into a :class:`click.ClickException`.

    Everything else is a mistake of the program itself, and keeps its traceback.
    """

    def invoke(self, ctx: click.Context) -> Any:  # noqa: D102
        # The first two are caught here because click's own `main` does something else with them.
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Interrupted("interrupted") from None
        except BrokenPipeError:
            _forget_output()
            return READER_GONE
        except (ValueError, ImportError) as error:
            from xlm_text import InputError, MissingComponentError

            if not isinstance(error, InputError | MissingComponentError):
                raise
            raise click.ClickException(error.describe(option_names(self))) from None


class Program(click.Group):
    """A group of commands that reports errors as ``NAME: error: …``.

    Exit codes: 0 done, 1 could not, 2 misuse, 130 interrupted, and 141, without a message, when
    the reader of the output has gone.
    """

    command_class = Command
    group_class = type

    def main(self, *args: Any, **kwargs: Any) -> NoReturn:  # noqa: D102
        kwargs["standalone_mode"] = False
        try:
            code = super().main(*args, **kwargs)
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            code = error.exit_code
        except click.UsageError as error:
            command = error.ctx.command_path if error.ctx else self.name
            self._report(f"{error.format_message().rstrip('.')} (see `{command} --help`)")
            code = error.exit_code
        except click.ClickException as error:
            if isinstance(error, Interrupted) and is_terminal(sys.stderr):
                click.echo(err=True)  # behind the ^C that the terminal shows
            self._report(error.format_message())
            code = error.exit_code
        except OSError as error:
            _forget_output()
            what = f"{os.fsdecode(error.filename)}: " if error.filename else "cannot write: "
            self._report(what + (error.strerror or str(error)))
            code = 1
        sys.exit(code or 0)

    def _report(self, message: str) -> None:
        click.echo(f"{self.name}: error: {' '.join(message.split())}", err=True)


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


def _forget_output() -> None:
    """Let what is still buffered go nowhere, or Python complains about it while it exits."""
    try:
        target = sys.stdout.fileno()
    except (OSError, ValueError):
        return  # closed, or not a file of the system
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, target)
    os.close(nowhere)
