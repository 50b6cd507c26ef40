"""How far a command has come in its input, for whoever has to go on behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import click

from .lines import STANDARD_INPUT, name_of

_KEY = "xlm_cli.journal"


@dataclass
class Journal:
    """What has been written.

    Attributes:
        written: how many lines of results.
        following: the first line of input that none was written for.

    """

    following: str
    written: int = 0

    def add(self, lines: int, name: str, last: int) -> None:
        """Say that results were written, up to those of the line numbered ``last`` of an input."""
        self.written += lines
        self.following = f"{name}: line {last + 1}"


def open_journal(inputs: Sequence[str]) -> Journal:
    """Begin the journal of the command that is running."""
    journal = Journal(f"{name_of([*inputs, STANDARD_INPUT][0])}: line 1")
    click.get_current_context().meta[_KEY] = journal
    return journal


def how_far(context: click.Context, from_nothing: bool = False) -> str:
    """Say what a command has written, and where to go on.

    Nothing if it keeps no journal, or, unless ``from_nothing``, has written nothing yet.
    """
    journal: Journal | None = context.meta.get(_KEY)
    if journal is None or not (journal.written or from_nothing):
        return ""
    lines = f"{journal.written} line{'' if journal.written == 1 else 's'}"
    return f"{lines} written, the next is {journal.following}"
