"""Weights of the classes in the loss, for data in which some are rare."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from xlm_model.inputs import IGNORED
from xlm_text.errors import InputError

BALANCED = "balanced"
_NAME = "class_weights"


def class_weights(
    given: str | Path | Mapping[str, float], labels: Sequence[str], found: Iterable[str]
) -> Tensor:
    """Return the weight of each class; shape `(labels,)`.

    Args:
        given: "balanced": in inverse proportion to how often each occurs, one on average over the
            examples; or a weight for each label, or a JSON file of that.
        labels: All that there are.
        found: Those of the examples that are trained on.

    Raises:
        InputError: a weight is missing, or none.

    Example:
        >>> class_weights("balanced", ["a", "b"], ["a", "a", "a", "b"])
        tensor([0.6667, 2.0000])
    """
    if given == BALANCED:
        counts = Counter(found)
        total, kinds = sum(counts.values()), len(counts)
        return torch.tensor(
            [total / (kinds * counts[label]) if counts[label] else 1.0 for label in labels]
        )
    weights = given if isinstance(given, Mapping) else _read(given)
    missing = [label for label in labels if label not in weights]
    unknown = [label for label in weights if label not in labels]
    if missing or unknown:
        what = f"no weight for {missing[0]!r}" if missing else f"one for {unknown[0]!r}"
        raise InputError(
            f"has {what}: expected one for each of {', '.join(labels)}", argument=_NAME
        )
    for label, weight in weights.items():
        if not isinstance(weight, int | float) or weight < 0:
            raise InputError(f"has {weight!r} for {label!r}: expected a number", argument=_NAME)
    return torch.tensor([float(weights[label]) for label in labels])


def weighted_loss(weights: Tensor) -> Callable[[nn.Module, Any], Tensor]:
    """Return what computes the mean loss over the examples of a batch, weighted by their classes.

    Args:
        weights: Shape `(labels,)`.
    """

    def loss(model: nn.Module, batch: Any) -> Tensor:
        logits, labels = model(**batch.packed.inputs).logits, batch.targets["labels"]
        on_device = weights.to(logits.device)
        return nn.functional.cross_entropy(logits, labels, on_device, ignore_index=IGNORED)

    return loss


def _read(path: str | Path) -> Mapping[str, Any]:
    try:
        read = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"is {str(path)!r}: expected {BALANCED!r}, or a JSON file ({error.strerror})",
            argument=_NAME,
        ) from None
    except ValueError as error:
        raise InputError(f"{path}: is not JSON ({error})") from None
    if not isinstance(read, dict):
        raise InputError(f'{path}: expected an object such as {{"a": 1, "b": 2.5}}')
    return read
