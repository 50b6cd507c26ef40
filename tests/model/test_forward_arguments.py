"""Arguments of `forward` that tools pass, beside the inputs."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import pytest
import torch
import transformers

import xlm_model
from xlm_model import XLMConfig

from .helpers import IDS, TINY, reference

NAMES = (
    "XLMModel",
    "XLMWithLMHeadModel",
    "XLMForSequenceClassification",
    "XLMForTokenClassification",
    "XLMForQuestionAnsweringSimple",
    "XLMForQuestionAnswering",
    "XLMForMultipleChoice",
)
CLASSES = torch.tensor([1, 0])
POSITIONS = {"start_positions": torch.tensor([1, 0]), "end_positions": torch.tensor([2, 1])}
LABELS: dict[str, dict[str, torch.Tensor]] = {
    "XLMModel": {},
    "XLMWithLMHeadModel": {"labels": torch.tensor([[-100, 14, 15, -100, 1], [1, 2, 3, 4, 5]])},
    "XLMForSequenceClassification": {"labels": CLASSES},
    "XLMForTokenClassification": {"labels": torch.tensor([[0, 1, -100, 1, 0], [1, 1, 0, 0, -100]])},
    "XLMForQuestionAnsweringSimple": POSITIONS,
    "XLMForQuestionAnswering": POSITIONS,
    "XLMForMultipleChoice": {"labels": CLASSES},
}


def pair_of(name: str, **settings: Any) -> tuple[Any, Any]:
    """Return the reference's model of this name, and ours with its weights."""
    theirs = reference(name, **settings).eval()
    ours = getattr(xlm_model, name)(XLMConfig(**{**TINY, **settings})).eval()
    ours.load_state_dict(theirs.state_dict(), strict=False)
    ours.tie_weights()
    return theirs, ours


def ids_for(name: str) -> torch.Tensor:
    return torch.stack([IDS, IDS.flip(0)], 1) if name == "XLMForMultipleChoice" else IDS


def flat(values: Any) -> list[torch.Tensor]:
    return [v for value in values for v in (flat(value) if isinstance(value, tuple) else [value])]


@pytest.mark.parametrize("labelled", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_a_tuple_holds_what_the_references_holds(name: str, labelled: bool) -> None:
    theirs, ours = pair_of(name)
    inputs = {**(LABELS[name] if labelled else {}), "output_hidden_states": True}
    inputs |= {"output_attentions": True, "return_dict": False}
    with torch.no_grad():
        expected, got = (model(ids_for(name), **inputs) for model in (theirs, ours))
    assert type(got) is tuple
    assert len(got) == len(expected)
    for mine, other in zip(flat(got), flat(expected), strict=True):
        assert mine.shape == other.shape
        if name != "XLMForQuestionAnswering":  # whose padding's scores are equal, in any order
            torch.testing.assert_close(mine, other, atol=1e-5, rtol=1e-5)
    ours.config.return_dict = False
    assert type(ours(ids_for(name))) is tuple
    assert type(ours(ids_for(name), return_dict=True)) is not tuple


@pytest.mark.parametrize("name", NAMES)
def test_a_signature_names_every_input(name: str) -> None:
    ours, theirs = (
        inspect.signature(getattr(module, name).forward).parameters
        for module in (xlm_model, transformers)
    )
    expected = {n for n, p in theirs.items() if p.kind is not inspect.Parameter.VAR_KEYWORD}
    assert expected <= ours.keys()
    assert all(p.kind is not inspect.Parameter.VAR_KEYWORD for p in ours.values())
    first = list(ours)[1:4]
    assert first == ["input_ids", "attention_mask", "langs"]


@pytest.mark.parametrize("name", [n for n in NAMES if "labels" in LABELS[n]])
def test_a_loss_is_divided_by_the_number_of_labels_of_all_batches(name: str) -> None:
    _, model = pair_of(name)
    assert model.accepts_loss_kwargs
    ids, labels = ids_for(name), LABELS[name]["labels"]
    count = (labels != -100).sum()
    alone = model(ids, labels=labels).loss
    for items in (count, int(count)):
        loss = model(ids, labels=labels, num_items_in_batch=items).loss
        torch.testing.assert_close(loss, alone)
    # Two batches of different sizes give together what they give as one.
    parts = [
        model(ids[rows], labels=labels[rows], num_items_in_batch=count).loss
        for rows in (slice(0, 1), slice(1, 2))
    ]
    torch.testing.assert_close(parts[0] + parts[1], alone)


@pytest.mark.parametrize(
    ("settings", "labels"),
    [
        ({"num_labels": 1}, torch.tensor([0.5, 2.0])),
        ({"num_labels": 3, "problem_type": "regression"}, torch.randn(2, 3)),
        ({"num_labels": 3}, torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0]])),
        ({"num_labels": 3}, torch.tensor([2, 0])),
    ],
)
def test_what_labels_are_for_is_remembered_as_in_the_reference(
    settings: dict[str, Any], labels: torch.Tensor
) -> None:
    theirs, ours = pair_of("XLMForSequenceClassification", **settings)
    losses = [model(IDS, labels=labels).loss for model in (theirs, ours)]
    torch.testing.assert_close(losses[1], losses[0])
    assert ours.config.problem_type == theirs.config.problem_type
    items = labels.numel()
    torch.testing.assert_close(ours(IDS, labels=labels, num_items_in_batch=items).loss, losses[0])


def test_an_adaptive_softmax_counts_its_labels_too() -> None:
    config = XLMConfig(**TINY, asm=True, asm_cutoffs=[20, 40])
    model = xlm_model.XLMWithLMHeadModel(config).eval()
    labels = LABELS["XLMWithLMHeadModel"]["labels"]
    count = int((labels != -100).sum())
    torch.testing.assert_close(
        model(IDS, labels=labels, num_items_in_batch=count).loss, model(IDS, labels=labels).loss
    )


def test_a_head_that_is_masked_is_as_if_its_output_were_cut() -> None:
    _, model = pair_of("XLMModel")
    mask = torch.ones(2, 4)
    mask[0, 1] = mask[1, 0] = 0
    got = model(IDS, head_mask=mask, output_attentions=True)
    assert (got.attentions[0][:, 1] == 0).all()
    assert (got.attentions[0][:, 0] != 0).any()
    torch.testing.assert_close(model(IDS, head_mask=mask).last_hidden_state, got[0])
    model.prune_heads({0: [1]})
    # A mask has a factor for the heads that are gone, too.
    torch.testing.assert_close(model(IDS, head_mask=mask)[0], got[0])
    model.prune_heads({1: [0]})
    torch.testing.assert_close(model(IDS)[0], got[0])
    same = torch.tensor([1.0, 1.0, 1.0, 0.0])
    torch.testing.assert_close(
        model(IDS, head_mask=same)[0], model(IDS, head_mask=same.expand(2, 4))[0]
    )
    with pytest.raises(ValueError, match=r"head_mask has shape \(3,\): expected \(2, 4\), or"):
        model(IDS, head_mask=torch.ones(3))


def test_a_cache_is_refused_with_what_to_use_instead() -> None:
    theirs, ours = pair_of("XLMWithLMHeadModel")
    assert torch.equal(ours(IDS, use_cache=True, cache=None).logits, ours(IDS).logits)
    with pytest.raises(ValueError, match=r"cache is a DynamicCache: expected None.*generate"):
        ours(IDS, cache=transformers.DynamicCache(config=theirs.config))


def test_a_traced_model_returns_a_tuple() -> None:
    _, model = pair_of("XLMWithLMHeadModel")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(model, (IDS,), check_trace=False)
        [logits] = traced(IDS)
    torch.testing.assert_close(logits, model(IDS).logits)
