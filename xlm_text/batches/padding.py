"""Padding rows to one length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from xlm_text.batches.options import Options
from xlm_text.errors import InputError
from xlm_text.sequences import as_lists

# What padding is in the columns that have an item for each token; a language is its neighbour's.
_FILL: dict[str, Any] = {
    "attention_mask": 0,
    "token_type_ids": 0,
    "special_tokens_mask": 1,
    "offset_mapping": (0, 0),
}
_BY_TOKEN = ("input_ids", "langs", *_FILL)


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
    fill = {**_FILL, "input_ids": pad_token_id}
    missing = [max(0, length - len(row)) for row in columns["input_ids"]]
    padded = dict(columns)
    for name, rows in columns.items():
        if name not in _BY_TOKEN:
            continue
        padded[name] = []
        for row, count in zip(rows, missing, strict=True):
            neighbour = row[-1 if side == "right" else 0] if row else 0
            extra = [fill.get(name, neighbour)] * count
            padded[name].append([*row, *extra] if side == "right" else [*extra, *row])
    return padded


def read_rows(inputs: Any) -> tuple[dict[str, Any], bool]:
    """Turn one row, a batch or a list of rows into columns; tell whether it was more than one.

    Of a batch only the columns that are padded become lists.
    """
    if isinstance(inputs, list | tuple):
        if not inputs or not all(isinstance(row, Mapping) for row in inputs):
            raise InputError("encoded_inputs must be a dictionary or a list of dictionaries")
        missing = [name for name in inputs[0] if any(name not in row for row in inputs)]
        if missing:
            raise InputError(f"encoded_inputs must have {missing[0]!r} in every row, or in none")
        inputs = {name: [row[name] for row in inputs] for name in inputs[0]}
    if not isinstance(inputs, Mapping) or "input_ids" not in inputs:
        raise InputError("encoded_inputs must have input_ids")
    columns = {
        name: as_lists(column) if name in _BY_TOKEN or isinstance(column, list) else column
        for name, column in inputs.items()
    }
    batched = not columns["input_ids"] or isinstance(columns["input_ids"][0], list)
    if not batched:
        columns = {name: [column] for name, column in columns.items()}
    return columns, batched


def pad_rows(
    inputs: Any, options: Options, pad_token_id: int | None, with_mask: bool
) -> dict[str, Any]:
    """Pad one row, a batch or a list of rows; ``with_mask`` makes an ``attention_mask``."""
    columns, batched = read_rows(inputs)
    lengths = [len(row) for row in columns["input_ids"]]
    if with_mask and "attention_mask" not in columns:
        columns["attention_mask"] = [[1] * length for length in lengths]
    length = padded_length(lengths, options.padding, options.max_length, options.pad_to_multiple_of)
    if length is not None and pad_token_id is not None:
        columns = pad_columns(columns, length, options.padding_side, pad_token_id)
    return columns if batched else {name: column[0] for name, column in columns.items()}
