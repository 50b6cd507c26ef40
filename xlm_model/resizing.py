"""Tables of a model that get more or fewer rows, in place: an optimiser goes on with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from xlm_model.errors import ConfigError

# Variance of new rows around the mean of the old ones, as a share of the old rows' own.
MEAN_NOISE = 1e-9
# How positions beyond those that were trained begin.
NEW_POSITIONS = ("copy", "interpolate")


def rows_wanted(rows: int | None, multiple: int | None, present: int) -> int:
    """Return how many rows a table shall have.

    Args:
        rows: The number; None: as many as there are.
        multiple: Round it up to a multiple of this.
        present: How many there are.

    Raises:
        ValueError: one of them is not a whole number above 0.
    """
    for name, value in (("new_num_tokens", rows), ("pad_to_multiple_of", multiple)):
        if value is not None and not (isinstance(value, int) and value > 0):
            raise ValueError(f"{name} is {value!r}: expected a whole number above 0")
    wanted = present if rows is None else rows
    return wanted if multiple is None else -(-wanted // multiple) * multiple


@torch.no_grad()
def set_values(tensor: Tensor, values: Tensor) -> None:
    """Give a parameter or buffer other values, of any shape; it stays the same object.

    What it has is kept: whether it is trained, and its place in an optimiser. Its gradient goes, as
    it has the old shape.
    """
    tensor.data = values.to(tensor.dtype)
    tensor.grad = None


@torch.no_grad()
def resized(table: Tensor, rows: int, std: float | None) -> Tensor:
    """Return a table with its last rows cut off, or more behind them; shape `(rows, …)`.

    Args:
        table: Shape `(rows before, …)`.
        rows: How many it shall have.
        std: New rows are normal around 0 with this deviation; None: close to the mean of the old
            ones, with their covariance (Hewitt 2021, "Initializing New Word Embeddings").
    """
    kept = table[:rows]
    shape = (rows - len(kept), *table.shape[1:])
    if std is not None:
        new = torch.randn(shape, device=table.device) * std
    else:
        # Mixing the old rows' differences from their mean gives their covariance.
        old = table.float().reshape(len(table), -1)
        mean = old.mean(0)
        mix = torch.randn(shape[0], len(old), device=table.device) * (MEAN_NOISE / len(old)) ** 0.5
        new = (mean + mix @ (old - mean)).view(shape)
    return torch.cat([kept, new.to(table.dtype)])


@torch.no_grad()
def with_positions(table: Tensor, count: int, how: str, first: int = 0) -> Tensor:
    """Return a table of so many positions; shape `(count, dim)`.

    Args:
        table: Shape `(positions before, dim)`.
        count: How many there shall be; fewer are the first ones.
        how: Those beyond are the first ones again ("copy"), or all are drawn out over the new range
            ("interpolate").
        first: The first position that tokens have; the rows before it stay.

    Raises:
        ValueError: neither of these.
    """
    if how not in NEW_POSITIONS:
        raise ValueError(f"new_positions is {how!r}: expected one of {', '.join(NEW_POSITIONS)}")
    if first:
        tokens = with_positions(table[first:], max(count - first, 0), how)
        return torch.cat([table[:first], tokens])
    before = len(table)
    if count <= before:
        return table[:count].clone()
    if how == "copy":
        return table[torch.arange(count, device=table.device) % before]
    at = torch.linspace(0, before - 1, count, device=table.device)
    low = at.floor().long().clamp(max=max(before - 2, 0))
    share = (at - low).unsqueeze(1)
    high = (low + 1).clamp(max=before - 1)
    return torch.lerp(table[low].float(), table[high].float(), share).to(table.dtype)


def check_languages(lang2id: Mapping[str, int], known: Sequence[str], rows: int) -> None:
    """Raise a `ConfigError` unless each language has a row, and no known one is lost.

    Args:
        lang2id: The new languages with their ids.
        known: Names of the old ones.
        rows: How many rows there are so far.
    """
    if sorted(lang2id.values()) != list(range(len(lang2id))):
        raise ConfigError(
            f"lang2id is {dict(lang2id)}: expected the ids 0 to {len(lang2id) - 1}, each once"
        )
    lost = [name for name in known if name not in lang2id]
    if lost:
        raise ConfigError(f"lang2id lacks {', '.join(lost)}: expected the model's languages, too")
    if not known and len(lang2id) < rows:
        raise ConfigError(f"lang2id has {len(lang2id)} languages: expected at least {rows}")


@torch.no_grad()
def languages(
    table: Tensor | None, old: Mapping[str, int], new: Mapping[str, int], dim: int
) -> Tensor:
    """Return the rows of some languages: a known one's own, a new one's the mean of all.

    Args:
        table: Shape `(languages before, dim)`; None: there was one language, without a row. Then
            all are zeros, which change nothing until they are trained.
        old: Ids of the known languages.
        new: Ids from now on.
        dim: Width of a row.
    """
    if table is None:
        return torch.zeros(len(new), dim)
    rows = table.mean(0, dtype=torch.float32).to(table.dtype).repeat(len(new), 1)
    old = old or {name: i for name, i in new.items() if i < len(table)}
    for name, i in old.items():
        rows[new[name]] = table[i]
    return rows


def resize_linear(layer: nn.Linear, rows: int, std: float | None, *, is_tied: bool) -> None:
    """Give a projection more or fewer outputs, as `resized` does.

    Args:
        layer: Changed in place.
        rows: How many outputs it shall have.
        std: As for `resized`.
        is_tied: Its weight is another module's, which has been resized already. A new output's bias
            is then 0, and where `std` is given; else close to the mean of the old ones.
    """
    if not is_tied:
        set_values(layer.weight, resized(layer.weight, rows, std))
    bias_std = None if std is None else 0.0
    if layer.bias is not None:
        set_values(layer.bias, resized(layer.bias, rows, 0.0 if is_tied else bias_std))
    layer.out_features = rows
