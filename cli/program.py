"""Commands whose every failure is one line on standard error and an exit code."""

from __future__ import annotations

import os
import re
import sys
from typing import Any, NoReturn

import click

from .output import is_terminal

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
            raise click.ClickException(in_options(self, str(error))) from None


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


def in_options(command: click.Command, message: str) -> str:
    """Name the arguments that a message of the library speaks of as the command does."""
    options = {p.name: p.opts[0] for p in command.params if isinstance(p, click.Option)}
    for name, option in options.items():
        if name and "_" in name:  # others are words that mean something else, too
            alone = rf"(?<![\w/.'\"-]){name}(=True)?(?![\w/.'\"-])"
            message = re.sub(alone, option, message)
    return message


def _forget_output() -> None:
    """Let what is still buffered go nowhere, or Python complains about it while it exits."""
    try:
        target = sys.stdout.fileno()
    except (OSError, ValueError):
        return  # closed, or not a file of the system
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, target)
    os.close(nowhere)
