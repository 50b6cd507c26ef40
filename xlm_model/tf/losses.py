"""The loss that most heads share, on Keras."""

from __future__ import annotations

from typing import Any

from keras import ops

from xlm_model.inputs import IGNORED, check_ids, check_shape
from xlm_model.tf.encoder import readable


def class_loss(scores: Any, labels: Any, ignored: int = IGNORED) -> Any:
    """Return the mean cross-entropy over the labels that count; shape `()`.

    Args:
        scores: Shape `(…, classes)`.
        labels: Shape `(…)`.
        ignored: The label that does not count.
    """
    counted = ops.not_equal(labels, ignored)
    classes = ops.where(counted, labels, 0)
    scores = ops.cast(scores, "float32")
    losses = ops.sparse_categorical_crossentropy(classes, scores, from_logits=True)
    return ops.sum(ops.where(counted, losses, 0.0)) / ops.sum(ops.cast(counted, "float32"))


def checked_class_loss(scores: Any, labels: Any) -> Any:
    """Return `class_loss`, of labels that are checked first."""
    given = readable(labels)
    check_shape("labels", given, tuple(scores.shape)[:-1])
    check_ids("labels", given, scores.shape[-1], IGNORED)
    return class_loss(scores, labels)
