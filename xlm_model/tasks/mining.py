"""Bitext mining: which sentences of two collections are translations of each other."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

from xlm_model.tasks.base import check_at_least
from xlm_model.tasks.neighbours import Neighbours, nearest
from xlm_text import InputError

Margin = Literal["ratio", "distance", "absolute"]
Retrieval = Literal["max", "intersect", "forward", "backward"]


class MinedPair(NamedTuple):
    """Two sentences that may be translations of each other.

    Attributes:
        score: By which pairs compare; see `mine`.
        source: Number of the first sentence, from 0.
        target: Number of the second one.
    """

    score: float
    source: int
    target: int


@torch.inference_mode()
def mine(
    source: Tensor,
    target: Tensor,
    *,
    neighbours: int = 4,
    margin: Margin = "ratio",
    retrieval: Retrieval = "max",
    threshold: float | None = None,
    index: str | None = None,
) -> list[MinedPair]:
    """Find the sentences of two collections that are translations of each other.

    Candidates are each sentence's nearest ones of the other collection. A candidate's score sets
    the cosine of its two vectors against the average cosine of both with their own nearest
    sentences (Artetxe & Schwenk 2019), since some sentences are near to many others.

    Args:
        source: Vectors of the first collection, of any length. Shape `(sentences, dim)`.
        target: Vectors of the second collection. Shape `(sentences, dim)`.
        neighbours: How many of the nearest sentences count.
        margin: The cosine divided by that average (`ratio`), minus it (`distance`), or as it is
            (`absolute`).
        retrieval: Take the best candidate of each sentence of the first collection (`forward`), of
            the second (`backward`), the pairs that are both (`intersect`); or all of them, of which
            those with a higher score take their sentences away from the others (`max`).
        threshold: Leave out pairs with a lower score.
        index: Description of a faiss index in place of comparing all sentences, as
            `faiss.index_factory` takes it, such as `HNSW32` or `IVF1024,Flat`; of an inverted index
            a sixteenth of the lists is searched. It needs the extra `mine`.

    Returns:
        The pairs, the highest score first.

    Raises:
        InputError: an option or vectors that cannot be used.
        MissingComponentError: an `index`, and faiss is not installed.

    Example:
        >>> english = torch.eye(3)
        >>> german = english[[2, 0, 1]] + 0.1
        >>> sorted((pair.source, pair.target) for pair in mine(english, german, neighbours=2))
        [(0, 1), (1, 2), (2, 0)]
    """
    _check_options(neighbours, margin, retrieval)
    first, second = _unit("source", source), _unit("target", target)
    if source.shape[1] != target.shape[1]:
        raise InputError(
            f"has vectors of {target.shape[1]} numbers: expected {source.shape[1]}, as source",
            argument="target",
        )
    if not min(len(source), len(target)):
        return []
    ours = nearest(first, second, min(neighbours, len(target)), index)
    theirs = nearest(second, first, min(neighbours, len(source)), index)
    averages = [_average(found) for found in (ours, theirs)]
    forward = _best(ours, averages, margin)
    backward = [
        MinedPair(score, source, target)
        for score, target, source in _best(theirs, averages[::-1], margin)
    ]
    pairs = _retrieve(forward, backward, retrieval)
    return [pair for pair in pairs if threshold is None or pair.score >= threshold]


def _best(found: Neighbours, averages: list[Tensor], margin: Margin) -> list[MinedPair]:
    """Return each query's best candidate, without those that have none.

    Args:
        found: Candidates of the queries.
        averages: Of the queries, and of the vectors that they were compared with.
        margin: How a score is made.
    """
    own, others = averages
    cosines = found.cosines
    average = (own[:, None] + others[found.indices.clamp(min=0)]) / 2
    scores = {
        # Where nothing is near, a quotient would change its sign.
        "ratio": cosines / average.clamp(min=1e-6),
        "distance": cosines - average,
        "absolute": cosines,
    }[margin].masked_fill(cosines.isinf(), -torch.inf)
    best, at = scores.max(1)
    indices = found.indices.gather(1, at[:, None]).squeeze(1)
    pairs = zip(best.tolist(), range(len(best)), indices.tolist(), strict=True)
    return [MinedPair(*pair) for pair in pairs if pair[2] >= 0]


def _retrieve(
    forward: list[MinedPair], backward: list[MinedPair], retrieval: Retrieval
) -> list[MinedPair]:
    """Choose among the best candidates of both directions; the highest score first."""
    if retrieval == "forward":
        return _ranked(forward)
    if retrieval == "backward":
        return _ranked(backward)
    if retrieval == "intersect":
        both = {pair[1:] for pair in backward}
        return _ranked([pair for pair in forward if pair[1:] in both])
    sources: set[int] = set()
    targets: set[int] = set()
    chosen = []
    for pair in _ranked([*forward, *backward]):
        if pair.source not in sources and pair.target not in targets:
            sources.add(pair.source)
            targets.add(pair.target)
            chosen.append(pair)
    return chosen


def _ranked(pairs: list[MinedPair]) -> list[MinedPair]:
    return sorted(pairs, key=lambda pair: (-pair.score, pair.source, pair.target))


def _average(found: Neighbours) -> Tensor:
    """Return the mean cosine of each query with its nearest; shape `(queries,)`."""
    there = ~found.cosines.isinf()
    return found.cosines.masked_fill(~there, 0).sum(1) / there.sum(1).clamp(min=1)


def _unit(name: str, vectors: Tensor) -> Tensor:
    """Return the vectors with length 1 in fp32."""
    if vectors.ndim != 2:
        raise InputError(
            f"has shape {tuple(vectors.shape)}: expected (sentences, dim)", argument=name
        )
    if not vectors.isfinite().all():
        raise InputError("has numbers that are not finite: expected none", argument=name)
    return torch.nn.functional.normalize(vectors.float())


def _check_options(neighbours: int, margin: str, retrieval: str) -> None:
    check_at_least("neighbours", neighbours, 1)
    for name, value, known in (
        ("margin", margin, get_args(Margin)),
        ("retrieval", retrieval, get_args(Retrieval)),
    ):
        if value not in known:
            raise InputError(f"is {value!r}: expected one of {', '.join(known)}", argument=name)
