"""What a setting may be, in code and in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import Field, fields
from typing import Any, ClassVar, NamedTuple, Protocol

from xlm_text.errors import InputError


class Rule(NamedTuple):
    """What a setting may be.

    Attributes:
        allows: Says whether a value is right.
        expected: The same in words.
    """

    allows: Callable[[Any], bool]
    expected: str


class _Settings(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


def check(settings: _Settings, rules: Mapping[str, Rule]) -> None:
    """Raise an `InputError` unless each setting is right, or None where that is its default.

    Args:
        settings: A dataclass.
        rules: Of each of its fields.
    """
    for f in fields(settings):
        value = getattr(settings, f.name)
        if value is None and f.default is None:
            continue
        if not rules[f.name].allows(value):
            raise InputError(f"is {value!r}: expected {rules[f.name].expected}", argument=f.name)


def count(least: int) -> Rule:
    """Allow whole numbers from one on."""
    return Rule(
        lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= least,
        f"a whole number from {least}",
    )


def number(allows: Callable[[float], bool], expected: str) -> Rule:
    """Allow some numbers."""
    return Rule(
        lambda value: (
            isinstance(value, int | float) and not isinstance(value, bool) and allows(value)
        ),
        expected,
    )


def one_of(*names: str) -> Rule:
    """Allow some names."""
    return Rule(lambda value: value in names, "one of " + ", ".join(names))


ABOVE_0 = number(lambda value: value > 0, "a number above 0")
FROM_0 = number(lambda value: value >= 0, "a number from 0")
NAME = Rule(lambda value: isinstance(value, str), "a name")
