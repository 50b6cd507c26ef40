"""Columns of numbers as NumPy arrays, or tensors of PyTorch or TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from xlm_text.errors import InputError
from xlm_text.sequences import as_lists

# What `return_tensors` can be, and the package that it needs.
TENSORS = {"np": "numpy", "pt": "torch", "tf": "tensorflow"}


def to_tensors(data: Mapping[str, Any], kind: str | None, *, own: bool = False) -> dict[str, Any]:
    """Turn lists of equal lengths into NumPy arrays (``"np"``) or tensors (``"pt"``, ``"tf"``).

    Whole numbers become ``int64``, of TensorFlow ``int32``; fractions and truth values stay what
    they are, and arrays keep their type.  ``own`` says that the columns are the call's, which hold
    whole numbers only and are quicker to convert then.
    """
    if kind is None:
        return dict(data)
    if kind not in TENSORS:
        raise InputError(f"return_tensors must be one of {(*TENSORS,)} or None, not {kind!r}")
    rows = data.get("input_ids", ())
    lengths = {len(row) for row in rows if isinstance(row, list)}
    if len(lengths) > 1:
        raise InputError(
            f"return_tensors={kind!r} needs rows of one length, but these have from "
            f"{min(lengths)} to {max(lengths)} tokens: pad them with padding=True"
        )
    convert, whole = _converters(kind)
    if own:
        return {name: whole(value) for name, value in data.items()}
    return {name: _convert(name, value, kind, convert, whole) for name, value in data.items()}


def _converters(kind: str) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """Return what converts numbers of any type, and what converts whole numbers."""
    try:
        if kind == "np":
            import numpy

            return numpy.asarray, partial(numpy.array, dtype=numpy.int64)
        if kind == "tf":
            import tensorflow

            # TensorFlow's own type for whole numbers, and what its models are served with.
            whole = partial(tensorflow.constant, dtype=tensorflow.int32)
            return tensorflow.convert_to_tensor, whole
        import torch

        return torch.as_tensor, partial(torch.tensor, dtype=torch.int64)
    except ImportError:
        raise InputError(f"return_tensors={kind!r} needs the package {TENSORS[kind]!r}") from None


def _convert(
    name: str, value: Any, kind: str, convert: Callable[[Any], Any], whole: Callable[[Any], Any]
) -> Any:
    """Convert a column of the caller's, whatever it is."""
    lists = as_lists(value) if isinstance(value, list | tuple) else value
    try:
        if _is_empty(lists):
            return whole(lists)  # of no numbers nobody can say of which type they are
        made = convert(lists)
        if not _is_numeric(made.dtype, kind):
            raise TypeError(f"found {made.dtype}")
    except (TypeError, ValueError, RuntimeError) as error:
        reason = str(error).split("\n")[0]
        raise InputError(
            f"return_tensors={kind!r} cannot hold the column {name!r}: it must have numbers, as "
            f"many of them in each row ({reason:.80})"
        ) from None
    return made


def _is_empty(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_empty, value))


def _is_numeric(dtype: Any, kind: str) -> bool:
    """Whether values are numbers: of all kinds only PyTorch's tensors cannot hold anything else."""
    if kind == "np":
        return dtype.kind in "biuf"
    return kind != "tf" or dtype.is_bool or dtype.is_integer or dtype.is_floating
