"""Does a checkpoint fit a model: told from the names and shapes of their parameters alone."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy

from xlm_model.checkpoints.formats import Tensors
from xlm_model.errors import CheckpointError
from xlm_model.names import XLM, Names

Shape = tuple[int, ...]

# What to do about another number of positions.
NEW_POSITIONS = (
    'new_positions="copy" or new_positions="interpolate" begins those that the checkpoint lacks'
)
# What to do about a head that a checkpoint lacks.
NEW_HEAD = "new_head=True initialises what it lacks at random"


@dataclass(frozen=True)
class MatchReport:
    """How the parameters of a checkpoint and of a model differ.

    Attributes:
        missing: What the checkpoint lacks.
        mismatched: Shapes in the checkpoint and in the model, where they differ.
        left_over: What the model does not have.
        names: How the checkpoint names its parameters.
    """

    missing: list[str]
    mismatched: dict[str, tuple[Shape, Shape]]
    left_over: list[str]
    names: Names = XLM

    @property
    def new(self) -> list[str]:
        """Parameters of the model that the checkpoint cannot fill."""
        return [*self.missing, *self.mismatched]

    @property
    def is_encoder_affected(self) -> bool:
        """Whether a difference lies in the encoder: then it contradicts its configuration."""
        return any(map(self.names.is_encoders, [*self.new, *self.left_over]))

    @property
    def is_positions_alone(self) -> bool:
        """Whether nothing but the number of positions is another."""
        return [*self.mismatched] == [self.names.positions]

    def as_loading_info(self) -> dict[str, Any]:
        """Return the differences as transformers' `output_loading_info` has them."""
        return {
            "missing_keys": set(self.missing),
            "unexpected_keys": set(self.left_over),
            "mismatched_keys": {(name, *shapes) for name, shapes in self.mismatched.items()},
            "error_msgs": [],
        }

    def __str__(self) -> str:
        lines = [
            *(f"missing: {name}" for name in self.missing),
            *(
                f"mismatched: {name}: the checkpoint holds {given}, the configuration expects "
                f"{expected}"
                for name, (given, expected) in self.mismatched.items()
            ),
            *(f"left over: {name}" for name in self.left_over),
        ]
        return "".join(f"\n  {line}" for line in lines)


def shapes_of(tensors: Tensors) -> dict[str, Shape]:
    """Return the shape of each tensor."""
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def match(
    expected: Mapping[str, Shape], given: Mapping[str, Shape], names: Names = XLM
) -> MatchReport:
    """Compare the parameters of a model with those of a checkpoint.

    Args:
        expected: The model's, by name.
        given: The checkpoint's.
        names: How both name their parameters.

    Example:
        >>> print(match({"classifier.bias": (3,)}, {"classifier.bias": (2,)}))
        <BLANKLINE>
          mismatched: classifier.bias: the checkpoint holds (2,), the configuration expects (3,)
    """
    return MatchReport(
        missing=[name for name in expected if name not in given],
        mismatched={
            name: (given[name], shape)
            for name, shape in expected.items()
            if name in given and given[name] != shape
        },
        left_over=[name for name in given if name not in expected],
        names=names,
    )


def check_fit(
    report: MatchReport, path: Path, model: str, *, new_head: bool = False, advice: str = ""
) -> None:
    """Decide whether a checkpoint fits well enough: a head may be new, or not wanted.

    Args:
        report: What differs.
        path: The checkpoint, for the message.
        model: The model's name, for the message.
        new_head: Allow parameters of the head to be missing or of another shape.
        advice: What to do about a head that does not fit, for the message.

    Raises:
        CheckpointError: lists what is missing, left over, or of another shape.

    Warns:
        UserWarning: lists what of a head is left over, or new.
    """
    if report.is_encoder_affected:
        advice = NEW_POSITIONS if report.is_positions_alone else ""
        raise CheckpointError(f"{path} does not fit {model}:{report}", advice)
    if report.new and not new_head:
        raise CheckpointError(f"{path} does not fit {model}:{report}", advice)
    if report.new or not all(map(report.names.is_optional, report.left_over)):
        what = "new at random" if report.new else "its head not used"
        warnings.warn(f"{path} read into {model}, {what}:{report}", stacklevel=3)


def join_tied(tensors: Tensors, tied: Mapping[str, str], path: Path) -> None:
    """Leave one tensor of each two that are tied; a checkpoint may hold either or both.

    Args:
        tensors: The checkpoint's; changed in place.
        tied: From the name of a tensor to that of the one that it is tied to, which is kept.
        path: The checkpoint, for the message.

    Raises:
        CheckpointError: it holds both, and they differ.
    """
    for name, source in tied.items():
        tensor = tensors.pop(name, None)
        if tensor is None:
            continue
        kept = tensors.setdefault(source, tensor)
        if not _is_equal(tensor, kept):
            raise CheckpointError(
                f"{path}: {source} and {name} differ, and the configuration ties them",
                "if they are meant to differ, pass tie_word_embeddings=False",
            )


def _is_equal(tensor: Any, other: Any) -> bool:
    """Whether two NumPy arrays, or two of PyTorch's tensors, hold the same."""
    if isinstance(tensor, numpy.ndarray):
        return numpy.array_equal(tensor, other)
    return bool(tensor.data_ptr() == other.data_ptr() or tensor.equal(other))
