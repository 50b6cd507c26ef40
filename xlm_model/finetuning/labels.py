"""The labels of examples, and whether a model knows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from xlm_model.finetuning.examples import Example
from xlm_model.finetuning.task import FinetuningTask
from xlm_text.errors import Argument, InputError

_MOST_SHOWN = 20


def find_labels(
    task: FinetuningTask, examples: Iterable[Example], given: Sequence[str] | None
) -> list[str] | None:
    """Return all labels in order: those that are given, else those of the examples, sorted.

    Args:
        task: What is learnt.
        examples: What is learnt from.
        given: By the caller.

    Returns:
        The labels; None if the task has none.

    Raises:
        InputError: fewer than two.
    """
    each = [task.labels_of(example) for example in examples]
    if each and each[0] is None:
        if given is not None:
            raise InputError("cannot be given for a task without labels", argument="labels")
        return None
    if given is not None:
        return list(given)
    found = {label for labels in each for label in labels or ()}
    if len(found) < 2 and task.has_one_label:
        raise InputError(
            f"all examples have the label {', '.join(map(repr, found))}: expected two or more",
            advice=(Argument("labels"), " names those that are to come"),
        )
    return sorted(found, key=_order)


def check_labels(
    task: FinetuningTask,
    examples: Mapping[str, Sequence[Example]],
    labels: Sequence[str] | None,
) -> None:
    """Raise an `InputError` for a label that is not one of those known; names its place."""
    known = set(labels or ())
    for found in examples.values():
        for example in found:
            for label in task.labels_of(example) or ():
                if label not in known:
                    raise InputError(
                        f"{example.place}: has the label {label!r}: expected one that was trained "
                        f"on, {_listed(labels or ())}",
                        advice=(Argument("labels"), " names all that there are"),
                    )


def _order(label: str) -> tuple[bool, int, str]:
    """Sort numbers by their values, before words."""
    return (False, int(label), "") if label.isdecimal() else (True, 0, label)


def _listed(labels: Sequence[str]) -> str:
    shown = ", ".join(map(repr, labels[:_MOST_SHOWN]))
    return shown if len(labels) <= _MOST_SHOWN else f"{shown} …"
