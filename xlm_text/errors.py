"""The errors that bad input gets: what was given, what was expected and what to do.

An error carries data, and its message is composed at the edge: in Python with the names of
arguments, on a command line with the names of options, a file and a line.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

Self = TypeVar("Self", bound="InputError")

# The arguments that texts come in: what is wrong with an item is said with its index.
_TEXTS = ("text", "text_pair")


class Argument(NamedTuple):
    """The name of an argument inside a message, with a value where that is meant.

    >>> python_name(Argument("max_length")), python_name(Argument("any_language", True))
    ('max_length', 'any_language=True')
    """

    name: str
    value: object = None


def python_name(argument: Argument) -> str:
    """Write an argument as a Python program does."""
    return argument.name if argument.value is None else f"{argument.name}={argument.value!r}"


class _ExplainedError(Exception):
    """An error whose message speaks of arguments, whatever the caller knows them as."""

    def __init__(
        self,
        *reason: str | Argument,
        argument: str | None = None,
        advice: Sequence[str | Argument] = (),
    ) -> None:
        super().__init__(*reason)  # `args` are what pickle makes the error of again
        self.argument = argument
        self.advice = tuple(advice)

    @property
    def reason(self) -> str:
        """What is wrong and what to do, without the place."""
        return self.describe()

    def describe(self, name_of: Callable[[Argument], str | None] = python_name) -> str:
        """Return the reason with arguments as ``name_of`` writes them.

        Where that is ``None`` the caller has no such argument: advice that needs it is left out,
        and elsewhere it keeps its name in Python.
        """

        def write(part: str | Argument) -> str:
            if isinstance(part, Argument):
                return name_of(part) or python_name(part)
            return str(part)

        message = "".join(map(write, self.args))
        if self.argument is not None:
            message = f"{write(Argument(self.argument))} {message}"
        named = [part for part in self.advice if isinstance(part, Argument)]
        if self.advice and None not in map(name_of, named):
            message += "; " + "".join(map(write, self.advice))
        return message

    def __str__(self) -> str:
        return self.reason


class InputError(_ExplainedError, ValueError):
    """A value from the caller cannot be used: an argument, a text, or the contents of a file.

    Args:
        *reason: what is wrong, in words.  Names of arguments in it are :class:`Argument`, so that
            they are never looked for in what a user wrote.
        argument: the name of the argument whose value is wrong; the message begins with it.
        number: the position of the text that is wrong, from 0, counted from the first that the
            caller gave.
        advice: what to do instead, where that is to give another argument.

    Example:
        >>> error = InputError("must be at least 1, not 0", argument="workers")
        >>> str(error), error.describe(lambda argument: f"--{argument.name}")
        ('workers must be at least 1, not 0', '--workers must be at least 1, not 0')
        >>> str(InputError("it has no words", number=2))
        'text 2: it has no words'
        >>> str(InputError("must be a string, not None", argument="text", number=2))
        'text[2] must be a string, not None'

    """

    def __init__(
        self,
        *reason: str | Argument,
        argument: str | None = None,
        number: int | None = None,
        advice: Sequence[str | Argument] = (),
    ) -> None:
        super().__init__(*reason, argument=argument, advice=advice)
        self.number = number

    def at(self: Self, number: int | None) -> Self:
        """Return the same error for another position, as in a stream that is worked on in parts."""
        moved = copy.copy(self)
        moved.number = number
        return moved

    def __str__(self) -> str:
        if self.number is None:
            return self.reason
        if self.argument not in _TEXTS:
            return f"text {self.number}: {self.reason}"
        item = f"{self.argument}[{self.number}]"
        return self.describe(lambda known: item if known.name in _TEXTS else python_name(known))


class WorkerLostError(_ExplainedError, RuntimeError):
    """A process that worked on a stream was ended from outside, most likely for its memory."""


class MissingComponentError(_ExplainedError, ImportError):
    """A package or model that a language needs is not on this machine."""
