"""The losses that several heads share."""

from __future__ import annotations

from torch import Tensor, nn

from xlm_model.inputs import IGNORED, check_ids, check_shape


def class_loss(
    name: str, logits: Tensor, labels: Tensor, items: Tensor | int | None = None
) -> Tensor:
    """Return the cross-entropy over the labels that are not -100; shape `()`.

    Args:
        name: The labels' argument name, for the messages.
        logits: Shape `(…, classes)`.
        labels: Shape `(…)`.
        items: The loss is the sum divided by this; None: the mean.

    Raises:
        ValueError: labels of another shape, or outside the classes.
    """
    check_shape(name, labels, logits.shape[:-1])
    check_ids(name, labels, logits.shape[-1], IGNORED)
    return cross_entropy(logits, labels, items)


def cross_entropy(logits: Tensor, labels: Tensor, items: Tensor | int | None = None) -> Tensor:
    """Return the cross-entropy as `class_loss` does, of labels that are known to be right."""
    logits, labels = logits.flatten(0, -2), labels.flatten().long()
    if items is None:
        return nn.functional.cross_entropy(logits, labels)
    return per_item(nn.functional.cross_entropy(logits, labels, reduction="sum"), items)


def per_item(total: Tensor, items: Tensor | int) -> Tensor:
    """Return a sum of losses divided by the number of labels in several batches together."""
    return total / (items.to(total.device) if isinstance(items, Tensor) else items)
