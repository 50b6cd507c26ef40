"""Mining against the formulas of Artetxe & Schwenk (2019), computed pair by pair with NumPy."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from xlm_model import XLMConfig, XLMModel, tasks
from xlm_model.tasks import mine, neighbours
from xlm_text import InputError, XLMTokenizer
from xlm_text.errors import MissingComponentError

Pairs = list[tuple[float, int, int]]


def brute_force(
    source: torch.Tensor, target: torch.Tensor, k: int, margin: str, retrieval: str
) -> Pairs:
    """Return the pairs, the best first, from every score of every pair."""
    x, y = (a.numpy().astype(np.float64) for a in (source, target))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    y /= np.linalg.norm(y, axis=1, keepdims=True)
    cosines = np.array([[float(a @ b) for b in y] for a in x])
    of_source = [sorted(row)[-k:] for row in cosines]
    of_target = [sorted(row)[-k:] for row in cosines.T]
    scores = np.empty_like(cosines)
    for i in range(len(x)):
        for j in range(len(y)):
            average = sum(of_source[i]) / (2 * k) + sum(of_target[j]) / (2 * k)
            scores[i, j] = {
                "ratio": cosines[i, j] / average,
                "distance": cosines[i, j] - average,
                "absolute": cosines[i, j],
            }[margin]
    near_source = [np.argsort(-row)[:k] for row in cosines]
    near_target = [np.argsort(-row)[:k] for row in cosines.T]
    forward = [(max(near_source[i], key=lambda j: scores[i, j]), i) for i in range(len(x))]
    backward = [(max(near_target[j], key=lambda i: scores[i, j]), j) for j in range(len(y))]
    ahead = {(i, int(j)) for j, i in forward}
    back = {(int(i), j) for i, j in backward}
    chosen = {
        "forward": ahead, "backward": back, "intersect": ahead & back, "max": ahead | back
    }[retrieval]  # fmt: skip
    ranked = sorted(((float(scores[i, j]), i, j) for i, j in chosen), reverse=True)
    if retrieval != "max":
        return ranked
    kept: Pairs = []
    for score, i, j in ranked:
        if all(i != other_i and j != other_j for _, other_i, other_j in kept):
            kept.append((score, i, j))
    return kept


def collections(sizes: tuple[int, int] = (60, 45)) -> tuple[torch.Tensor, torch.Tensor]:
    """Return vectors of two languages, some of them translations, and some near to everything."""
    torch.manual_seed(3)
    meanings = torch.randn(max(sizes), 16)
    source = meanings[: sizes[0]] + torch.randn(sizes[0], 16) * 0.6 + 0.5
    target = meanings[: sizes[1]] + torch.randn(sizes[1], 16) * 0.6 + 0.5
    source[:3] = 0.5 + torch.randn(3, 16) * 0.1
    return source * 7, target[torch.randperm(sizes[1])] * 0.1


def assert_pairs(found: list[tasks.MinedPair], right: Pairs) -> None:
    assert [(pair.source, pair.target) for pair in found] == [pair[1:] for pair in right]
    assert [pair.score for pair in found] == pytest.approx([pair[0] for pair in right], rel=1e-4)


@pytest.mark.parametrize("retrieval", ["forward", "backward", "intersect", "max"])
@pytest.mark.parametrize("margin", ["ratio", "distance", "absolute"])
# With one neighbour the scores of all pairs that are each other's are the same.
@pytest.mark.parametrize("k", [2, 4])
def test_every_margin_and_retrieval(k: int, margin: Any, retrieval: Any) -> None:
    source, target = collections()
    found = mine(source, target, neighbours=k, margin=margin, retrieval=retrieval)
    assert len(found) > 10
    assert_pairs(found, brute_force(source, target, k, margin, retrieval))


def test_collections_that_are_compared_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "_QUERIES_AT_ONCE", 7)
    monkeypatch.setattr(neighbours, "_VECTORS_AT_ONCE", 3)
    source, target = collections()
    assert_pairs(mine(source, target), brute_force(source, target, 4, "ratio", "max"))


def test_the_margin_finds_what_the_cosine_alone_does_not() -> None:
    """One sentence is nearer to each of the others than its translation is, as it is to all."""
    source = torch.cat([torch.eye(6) + 0.5, torch.zeros(6, 1)], 1)
    hub = source.mean(0, keepdim=True)
    target = torch.cat([hub, source + torch.tensor([0.0] * 6 + [1.16])])
    by_cosine = mine(source, target, retrieval="forward", neighbours=3, margin="absolute")
    assert {pair.target for pair in by_cosine} == {0}
    for margin in ("ratio", "distance"):
        found = mine(source, target, retrieval="forward", neighbours=3, margin=margin)
        assert {pair[1:] for pair in found} == {(i, i + 1) for i in range(6)}


@pytest.mark.parametrize("index", ["Flat", "HNSW16", "IVF4,Flat"])
def test_an_index_of_faiss_finds_the_same(index: str) -> None:
    pytest.importorskip("faiss", reason="faiss is not installed")
    source, target = collections((200, 170))
    exact, found = mine(source, target), mine(source, target, index=index)
    if index == "Flat":
        assert_pairs(found, [tuple(pair) for pair in exact])
    # The others look at a part of the vectors only.
    common = {pair[1:] for pair in exact} & {pair[1:] for pair in found}
    assert len(common) > len(exact) / 3
    assert all(pair.source < 200 and 0 <= pair.target < 170 for pair in found)


def test_an_index_that_finds_too_few() -> None:
    pytest.importorskip("faiss", reason="faiss is not installed")
    # A list for each vector, of which one is looked at: one neighbour where four are asked for.
    source, target = torch.eye(12), torch.eye(12)[torch.randperm(12)]
    found = mine(source, target, index="IVF12,Flat", margin="absolute")
    assert all(torch.equal(source[pair.source], target[pair.target]) for pair in found)
    assert {pair.score for pair in found} == {1.0}


def test_a_threshold_and_collections_smaller_than_the_neighbourhood() -> None:
    source, target = collections((3, 2))
    found = mine(source, target)
    assert_pairs(
        mine(source, target, threshold=found[0].score),
        [tuple(found[0])],
    )
    assert len(found) == 2
    assert mine(source, target[:0]) == mine(source[:0], target) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"neighbours": 0}, "neighbours is 0: expected at least 1"),
        ({"margin": "sum"}, "margin is 'sum': expected one of ratio, distance, absolute"),
        ({"retrieval": "all"}, "retrieval is 'all': expected one of max, intersect, forward"),
        ({"target": torch.ones(2, 3)}, "target has vectors of 3 numbers: expected 16, as source"),
        ({"target": torch.ones(16)}, r"target has shape \(16,\): expected \(sentences, dim\)"),
        ({"target": torch.full((2, 16), torch.nan)}, "target has numbers that are not finite"),
        ({"index": "Nonsense"}, "index is 'Nonsense': expected one that faiss can make of"),
        ({"index": "IVF4096,Flat"}, "index is 'IVF4096,Flat': expected one that faiss can make"),
    ],
)
def test_what_cannot_be_mined(options: dict[str, Any], message: str) -> None:
    if "index" in options:
        pytest.importorskip("faiss", reason="faiss is not installed")
    source, target = collections((6, 5))
    with pytest.raises(InputError, match=message):
        mine(source, **{"target": target, **options})


def test_an_index_without_faiss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    source, target = collections((6, 5))
    with pytest.raises(MissingComponentError, match=r"pip install '\.\[mine\]'"):
        mine(source, target, index="Flat")
    assert mine(source, target)


def sentences(shared_data: Path, lang: str) -> list[str]:
    return (shared_data / "text" / f"{lang}.txt").read_text(encoding="utf-8").splitlines()[:200]


@torch.no_grad()
def test_an_untrained_encoder_finds_what_shares_names_and_numbers(shared_data: Path) -> None:
    """From real text to pairs: chance alone would find one of a hundred."""
    tokenizer = XLMTokenizer.from_pretrained()
    config = XLMConfig(
        vocab_size=len(tokenizer), emb_dim=128, n_layers=1, n_heads=4, embed_init_std=1.0
    )
    model = XLMModel(config)
    model.position_embeddings.weight.zero_()  # words, and not where they stand
    embed = tasks.SentenceEmbedding(model, tokenizer, layer=0)
    vectors = [
        torch.stack(embed(sentences(shared_data, lang)[:100], lang)) for lang in ("en", "fr")
    ]
    found = mine(*vectors)
    assert sum(pair.source == pair.target for pair in found) > 10


def test_real_parallel_sentences_are_found(shared_data: Path) -> None:
    """By vectors of the characters of numbers, names and loanwords, which two languages share."""
    texts = [sentences(shared_data, lang) for lang in ("en", "de")]
    grams = [
        [{text[i : i + 4].lower() for i in range(len(text) - 3)} for text in each] for each in texts
    ]
    known = {gram: i for i, gram in enumerate(sorted(set.union(*grams[0], *grams[1])))}
    # Rare ones say more.
    counts = torch.zeros(len(known))
    for gram in (gram for each in grams for one in each for gram in one):
        counts[known[gram]] += 1
    vectors = torch.zeros(2, 200, len(known))
    for side, each in enumerate(grams):
        for row, one in enumerate(each):
            at = [known[gram] for gram in one]
            vectors[side, row, at] = 1 / counts[at]
    order = torch.randperm(200)
    right = {(i, int((order == i).nonzero())) for i in range(200)}
    hits = {
        margin: len(
            {pair[1:] for pair in mine(vectors[0], vectors[1][order], margin=margin)} & right
        )
        for margin in ("ratio", "absolute")
    }
    assert hits["ratio"] > 120
    assert hits["ratio"] >= hits["absolute"]
