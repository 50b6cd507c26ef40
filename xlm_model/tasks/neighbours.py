"""The nearest of many vectors, by comparing all of them or through an index of faiss."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from xlm_text import InputError
from xlm_text.errors import Argument, MissingComponentError

# Vectors that are compared with each other at once: 64 MiB of scores.
_QUERIES_AT_ONCE = 512
_VECTORS_AT_ONCE = 32768
# Part of an inverted index' lists that are looked at.
_LISTS_SEARCHED = 16


class Neighbours(NamedTuple):
    """The nearest vectors of each query.

    Attributes:
        cosines: The nearest first; -inf where an index found none. Shape `(queries, k)`.
        indices: Their numbers. Shape `(queries, k)`.
    """

    cosines: Tensor
    indices: Tensor


def nearest(queries: Tensor, vectors: Tensor, k: int, index: str | None = None) -> Neighbours:
    """Find the nearest vectors by their cosines.

    Args:
        queries: Of length 1. Shape `(queries, dim)`.
        vectors: Likewise. Shape `(vectors, dim)`.
        k: How many of each query, not more than there are.
        index: How faiss is to find them; None: compare all.

    Raises:
        InputError: faiss knows no such index.
        MissingComponentError: faiss is not installed.

    Example:
        >>> vectors = torch.eye(3)
        >>> nearest(vectors[:2], vectors, k=1).indices.tolist()
        [[0], [1]]
    """
    if index is not None:
        return _through_index(queries, vectors, k, index)
    starts = range(0, len(queries), _QUERIES_AT_ONCE)
    parts = [_among_all(queries[i : i + _QUERIES_AT_ONCE], vectors, k) for i in starts]
    return Neighbours(
        torch.cat([part.cosines for part in parts]), torch.cat([part.indices for part in parts])
    )


def _among_all(queries: Tensor, vectors: Tensor, k: int) -> Neighbours:
    """Compare all, and keep the best of those that were compared so far."""
    cosines = queries.new_empty(len(queries), 0)
    indices = torch.empty(len(queries), 0, dtype=torch.int64, device=queries.device)
    for start in range(0, len(vectors), _VECTORS_AT_ONCE):
        block = vectors[start : start + _VECTORS_AT_ONCE]
        best = (queries @ block.T).topk(min(k, len(block)))
        cosines = torch.cat([cosines, best.values], 1)
        indices = torch.cat([indices, best.indices + start], 1)
        kept = cosines.topk(min(k, cosines.shape[1]))
        cosines, indices = kept.values, indices.gather(1, kept.indices)
    return Neighbours(cosines, indices)


def make_index(name: str, dim: int) -> Any:
    """Return an empty index of faiss, which compares by products.

    Args:
        name: Its description, as `faiss.index_factory` takes it.
        dim: Numbers of a vector.

    Raises:
        InputError: faiss knows no such index.
        MissingComponentError: faiss is not installed.
    """
    try:
        import faiss
    except ImportError:
        raise MissingComponentError(
            Argument("index"),
            " needs faiss, which is not installed; in a clone of this project: "
            "pip install '.[mine]'",
        ) from None
    try:
        index = faiss.index_factory(dim, name, faiss.METRIC_INNER_PRODUCT)
    except RuntimeError as error:
        raise _refused(name, f"vectors of {dim} numbers", error) from None
    inverted = faiss.try_extract_index_ivf(index)
    if inverted is not None:
        inverted.nprobe = max(1, inverted.nlist // _LISTS_SEARCHED)
    return index


def _through_index(queries: Tensor, vectors: Tensor, k: int, name: str) -> Neighbours:
    index = make_index(name, vectors.shape[1])
    stored = vectors.cpu().numpy()
    try:
        index.train(stored)
        index.add(stored)
    except RuntimeError as error:
        raise _refused(name, f"{len(stored)} vectors", error) from None
    cosines, indices = index.search(queries.cpu().numpy(), k)
    found = Neighbours(torch.from_numpy(cosines), torch.from_numpy(indices))
    return found._replace(cosines=found.cosines.masked_fill(found.indices < 0, -torch.inf))


def _refused(name: str, what: str, error: RuntimeError) -> InputError:
    reason = str(error).rpartition("Error: ")[2].strip() or str(error)
    return InputError(
        f"is {name!r}: expected one that faiss can make of {what}, such as 'HNSW32' ({reason})",
        argument="index",
    )
