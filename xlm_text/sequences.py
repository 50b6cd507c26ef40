"""What callers may give instead of a list: arrays, columns of tables, series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

# How Arrow, NumPy, pandas, PyTorch, and Polars call it.
TO_LISTS = ("to_pylist", "tolist", "to_list")


def as_list(value: Any) -> Any:
    """Return a list for a sequence of any kind, and every other value as it is.

    A string is no sequence here, nor is a dictionary or a set.

    >>> as_list(("a", "b")), as_list("ab")
    (['a', 'b'], 'ab')
    """
    if value is None or isinstance(value, (list, str, bytes)):
        return value
    for name in TO_LISTS:
        if callable(convert := getattr(value, name, None)):
            return convert()
    if callable(convert := getattr(value, "numpy", None)):  # a tensor of TensorFlow
        return convert().tolist()
    return list(value) if isinstance(value, Sequence) else value


def as_lists(value: Any) -> Any:
    """Turn a tensor, array or sequence into nested lists."""
    value = as_list(value)
    return [as_lists(item) for item in value] if isinstance(value, list) else value
