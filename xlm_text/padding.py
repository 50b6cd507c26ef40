"""Padding rows to one length, and turning them into tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from xlm_text.errors import InputError

PADDING = ("do_not_pad", "longest", "max_length")
TENSORS = ("np", "pt")


def padding_strategy(padding: bool | str | None) -> str:
    """Return the name of a padding strategy, for which ``True`` and ``False`` stand too."""
    if padding is True:
        return "longest"
    if padding is False or padding is None:
        return "do_not_pad"
    if padding not in PADDING:
        raise InputError(f"padding must be True, False or one of {PADDING}, not {padding!r}")
    return padding


def padded_length(
    lengths: Sequence[int], strategy: str, max_length: int | None, multiple: int | None
) -> int | None:
    """Return the length to pad rows of ``lengths`` to; ``None`` where there is nothing to do."""
    if strategy == "do_not_pad" or not lengths:
        return None
    target = max(lengths) if strategy == "longest" else max_length
    if target is not None and multiple:
        target = -(-target // multiple) * multiple
    return target


def pad_columns(
    columns: Mapping[str, list[list[Any]]], length: int, side: str, pad_token_id: int
) -> dict[str, list[Any]]:
    """Pad the columns that have an item for each token; longer rows stay as they are.

    Padding counts as a special token, is not attended to, and has the language of its neighbour,
    as in the original implementation.
    """
    fill = {
        "input_ids": pad_token_id,
        "attention_mask": 0,
        "token_type_ids": 0,
        "special_tokens_mask": 1,
        "offset_mapping": (0, 0),
    }
    missing = [max(0, length - len(row)) for row in columns["input_ids"]]
    padded = dict(columns)
    for name, rows in columns.items():
        if name not in fill and name != "langs":
            continue
        padded[name] = []
        for row, count in zip(rows, missing, strict=True):
            neighbour = row[-1 if side == "right" else 0] if row else 0
            extra = [fill.get(name, neighbour)] * count
            padded[name].append([*row, *extra] if side == "right" else [*extra, *row])
    return padded


def to_tensors(data: Mapping[str, Any], kind: str | None) -> dict[str, Any]:
    """Turn lists of equal lengths into NumPy arrays (``"np"``) or PyTorch tensors (``"pt"``)."""
    if kind is None:
        return dict(data)
    if kind not in TENSORS:
        raise InputError(f"return_tensors must be one of {TENSORS} or None, not {kind!r}")
    rows = data.get("input_ids", ())
    lengths = {len(row) for row in rows if isinstance(row, list)}
    if len(lengths) > 1:
        raise InputError(
            f"return_tensors={kind!r} needs rows of one length, but these have from "
            f"{min(lengths)} to {max(lengths)} tokens: pad them with padding=True"
        )
    make = _maker(kind)
    return {name: make(value) for name, value in data.items()}


def _maker(kind: str) -> Callable[[Any], Any]:
    try:
        if kind == "np":
            import numpy

            return partial(numpy.array, dtype=numpy.int64)
        import torch

        return partial(torch.tensor, dtype=torch.int64)
    except ImportError:
        package = {"np": "numpy", "pt": "torch"}[kind]
        raise InputError(f"return_tensors={kind!r} needs the package {package!r}") from None


def as_lists(value: Any) -> Any:
    """Turn a tensor, array or sequence into nested lists."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [as_lists(item) for item in value]
    return value


def read_rows(inputs: Any) -> tuple[dict[str, Any], bool]:
    """Turn one row, a batch or a list of rows into columns; tell whether it was more than one."""
    if isinstance(inputs, list | tuple):
        if not inputs or not all(isinstance(row, Mapping) for row in inputs):
            raise InputError("encoded_inputs must be a dictionary or a list of dictionaries")
        inputs = {name: [row[name] for row in inputs] for name in inputs[0]}
    if not isinstance(inputs, Mapping) or "input_ids" not in inputs:
        raise InputError("encoded_inputs must have input_ids")
    columns = {name: as_lists(column) for name, column in inputs.items()}
    batched = not columns["input_ids"] or isinstance(columns["input_ids"][0], list)
    if not batched:
        columns = {name: [column] for name, column in columns.items()}
    return columns, batched
