"""The loss that several heads share."""

from __future__ import annotations

from torch import Tensor, nn

from xlm_model.inputs import IGNORED, check_ids, check_shape


def class_loss(name: str, logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross-entropy over the labels that are not -100; shape `()`.

    Args:
        name: The labels' argument name, for the messages.
        logits: Shape `(…, classes)`.
        labels: Shape `(…)`.

    Raises:
        ValueError: labels of another shape, or outside the classes.
    """
    check_shape(name, labels, logits.shape[:-1])
    check_ids(name, labels, logits.shape[-1], IGNORED)
    return nn.functional.cross_entropy(logits.flatten(0, -2), labels.flatten().long())
