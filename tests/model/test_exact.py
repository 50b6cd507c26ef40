"""Outputs, losses and gradients against transformers, on checkpoints that it wrote itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor

import xlm_model

from .helpers import TINY, assert_best, reference

LM = "XLMWithLMHeadModel"
ALL = (
    "XLMModel",
    LM,
    "XLMForSequenceClassification",
    "XLMForMultipleChoice",
    "XLMForTokenClassification",
    "XLMForQuestionAnsweringSimple",
    "XLMForQuestionAnswering",
)
VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "languages": {"n_langs": 3},
    "languages without embeddings": {"n_langs": 3, "use_lang_emb": False},
    "causal": {"causal": True},
    "causal languages": {"causal": True, "n_langs": 3},
    "sinusoidal": {"sinusoidal_embeddings": True},
    "relu": {"gelu_activation": False},
    "untied": {"tie_word_embeddings": False},
    "another padding id": {"pad_token_id": 20},
    "coarse layer norm": {"layer_norm_eps": 1e-2},
}
SUMMARIES: dict[str, dict[str, Any]] = {
    "last": {"summary_type": "last"},
    "first": {"summary_type": "first"},
    "mean": {"summary_type": "mean"},
    "cls_index": {"summary_type": "cls_index"},
    "tanh": {"summary_activation": "tanh"},
    "to the hidden size": {"summary_proj_to_labels": False, "summary_activation": "gelu"},
    "without projection": {"summary_use_proj": False},
}
TOLERANCE = {"rtol": 1e-5, "atol": 1e-5}


def load_both(name: str, folder: Path, **settings: object) -> tuple[Any, Any]:
    theirs = reference(name, **settings)
    theirs.save_pretrained(folder)
    return theirs.eval(), getattr(xlm_model, name).from_pretrained(folder)


def values(output: Any) -> dict[str, Any]:
    """Return an output's tensors by name, whichever library made it."""
    found = {}
    for key in output:
        value = getattr(output, key)
        if isinstance(value, tuple):
            found.update({f"{key}.{i}": tensor for i, tensor in enumerate(value)})
        elif value is not None:
            found[key] = value
    return found


def assert_same(theirs: Any, ours: Any, inputs: dict[str, Any]) -> None:
    expected, got = values(theirs(**inputs)), values(ours(**inputs))
    assert got.keys() == expected.keys()
    if "start_top_index" in expected:
        assert_same_beams(theirs, expected, got, inputs)
    for key in expected.keys() - BEAMS:
        torch.testing.assert_close(
            got[key], expected[key], **TOLERANCE, msg=lambda m, key=key: f"{key}: {m}"
        )


BEAMS = {"start_top_log_probs", "start_top_index", "end_top_log_probs", "end_top_index"}


@torch.no_grad()
def assert_same_beams(
    theirs: Any, expected: dict[str, Tensor], got: dict[str, Tensor], inputs: dict[str, Any]
) -> None:
    """Compare what the beam search found with all scores of the reference's head.

    All padding has one score, so that the indices of a short sequence's best are in any order.
    """
    head, p_mask = theirs.qa_outputs, inputs.get("p_mask")
    encoder = {name: x for name, x in inputs.items() if name not in ("p_mask", "cls_index")}
    hidden = theirs.transformer(**encoder).last_hidden_state
    starts = head.start_logits(hidden, p_mask=p_mask).softmax(-1)
    assert_best(got["start_top_log_probs"], got["start_top_index"], starts)
    shape = (len(hidden), head.end_n_top, head.start_n_top)
    ends, places = (got[f"end_top_{name}"].view(shape) for name in ("log_probs", "index"))
    for beam, start in enumerate(got["start_top_index"].unbind(1)):
        state = hidden[torch.arange(len(hidden)), start][:, None].expand_as(hidden)
        right = head.end_logits(hidden, start_states=state, p_mask=p_mask).softmax(-1)
        assert_best(ends[:, :, beam], places[:, :, beam], right)
    # The reference's own search, where it follows the same starts in the same order.
    same = (got["start_top_index"] == expected["start_top_index"]).all(1)
    assert same.any()
    for key in ("start_top_log_probs", "end_top_log_probs"):
        torch.testing.assert_close(got[key][same], expected[key][same], **TOLERANCE)


def assert_same_gradients(theirs: Any, ours: Any, inputs: dict[str, Any]) -> None:
    theirs.train()
    ours.train()
    losses = [model(**inputs).loss for model in (theirs, ours)]
    torch.testing.assert_close(losses[1], losses[0], **TOLERANCE)
    for loss in losses:
        loss.backward()
    expected = {name: p.grad for name, p in theirs.named_parameters()}
    got = {name: p.grad for name, p in ours.named_parameters()}
    if ours.config.sinusoidal_embeddings:
        # The reference trains positions that the original only computes.
        expected = {n: g for n, g in expected.items() if "position_embeddings" not in n}
    assert got.keys() == expected.keys()
    for name, gradient in expected.items():
        if gradient is None:
            assert got[name] is None, name
        else:
            torch.testing.assert_close(
                got[name], gradient, **TOLERANCE, msg=lambda m, name=name: f"{name}: {m}"
            )


def with_choices(batch: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: torch.stack([x, x.flip(0)], 1) for name, x in batch.items()}


def inputs_for(name: str, batch: dict[str, Tensor], n_langs: int = 1) -> dict[str, Tensor]:
    inputs = dict(batch)
    if n_langs > 1:
        inputs["langs"] = torch.arange(3)[:, None].expand(3, 9)
    return with_choices(inputs) if name == "XLMForMultipleChoice" else inputs


def labels_for(name: str, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    ids = batch["input_ids"]
    span = {"start_positions": torch.tensor([1, 0, 1]), "end_positions": torch.tensor([3, 2, 1])}
    return {
        LM: {"labels": ids.masked_fill(torch.rand(3, 9) < 0.5, -100)},
        "XLMForSequenceClassification": {"labels": torch.tensor([1, 0, 1])},
        "XLMForMultipleChoice": {"labels": torch.tensor([1, 0, 1])},
        "XLMForTokenClassification": {"labels": (ids % 2).masked_fill(ids == 2, -100)},
        "XLMForQuestionAnsweringSimple": span,
        "XLMForQuestionAnswering": span,
    }[name]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", ALL)
def test_outputs_are_the_references(
    name: str, variant: str, batch: dict[str, Tensor], tmp_path: Path
) -> None:
    settings = VARIANTS[variant]
    theirs, ours = load_both(name, tmp_path, **settings)
    inputs = inputs_for(name, batch, settings.get("n_langs", 1))
    assert_same(theirs, ours, inputs)
    assert_same(theirs, ours, {**inputs, "output_hidden_states": True, "output_attentions": True})


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", ALL[1:])
def test_losses_and_gradients_are_the_references(
    name: str, variant: str, batch: dict[str, Tensor], tmp_path: Path
) -> None:
    settings = VARIANTS[variant]
    theirs, ours = load_both(name, tmp_path, **settings)
    inputs = inputs_for(name, batch, settings.get("n_langs", 1))
    assert_same_gradients(theirs, ours, {**inputs, **labels_for(name, batch)})


@pytest.mark.parametrize("name", ALL)
def test_the_reference_loads_what_is_saved_here(
    name: str, batch: dict[str, Tensor], tmp_path: Path
) -> None:
    settings = {"n_langs": 3, "num_labels": 2 if "Simple" in name else 3}
    config = xlm_model.XLMConfig(**{**TINY, **settings})
    ours = getattr(xlm_model, name)(config).eval()
    ours.save_pretrained(tmp_path)
    theirs, loading = getattr(transformers, name).from_pretrained(
        tmp_path, output_loading_info=True
    )
    assert not any(loading.values()), loading
    assert_same(theirs.eval(), ours, inputs_for(name, batch, 3))


@pytest.mark.parametrize("variant", SUMMARIES)
def test_every_summary(variant: str, batch: dict[str, Tensor], tmp_path: Path) -> None:
    settings = {**SUMMARIES[variant], "num_labels": 3}
    theirs, ours = load_both("XLMForSequenceClassification", tmp_path, **settings)
    assert_same(theirs, ours, batch)


@pytest.mark.parametrize(
    "extra",
    [
        {"attention_mask": torch.tensor([[1] * 9, [1] * 5 + [0] * 4, [0, 1, 1, 0, 1, 0, 0, 0, 1]])},
        {"attention_mask": torch.tensor([[True] * 9, [False] * 4 + [True] * 5, [True] * 9])},
        {"attention_mask": torch.tensor([[1.0] * 9, [1.0] * 5 + [0.0] * 4, [1.0] * 9])},
        {"attention_mask": torch.tensor([[1] * 9, [0] * 9, [1] * 9])},
        {"lengths": torch.tensor([9, 3, 0])},
        {"position_ids": torch.arange(9).flip(0).expand(3, 9)},
        {"token_type_ids": torch.tensor([[0] * 4 + [1] * 5] * 3)},
        {"langs": torch.tensor([[0] * 4 + [2] * 5] * 3)},
        {
            "attention_mask": torch.tensor([[1] * 9, [1] * 5 + [0] * 4, [1] * 9]),
            "lengths": torch.tensor([9, 2, 1]),
            "token_type_ids": torch.ones(3, 9, dtype=torch.long),
        },
    ],
    ids=[
        "mask",
        "mask-bool",
        "mask-float",
        "mask-empty-row",
        "lengths",
        "positions",
        "types",
        "langs",
        "several",
    ],
)
@pytest.mark.parametrize("causal", [False, True])
def test_each_optional_input(
    extra: dict[str, Tensor], causal: bool, batch: dict[str, Tensor], tmp_path: Path
) -> None:
    theirs, ours = load_both(LM, tmp_path, n_langs=3, causal=causal)
    assert_same(theirs, ours, {**batch, **extra})
    assert_same(theirs, ours, {**batch, **extra, "output_attentions": True})
    assert_same_gradients(theirs, ours, {**batch, **extra, "labels": batch["input_ids"]})


@pytest.mark.parametrize("name", ALL)
def test_word_embeddings_in_place_of_ids(name: str, tmp_path: Path) -> None:
    theirs, ours = load_both(name, tmp_path)
    embeddings = torch.randn(3, 9, 32)
    if name == "XLMForMultipleChoice":
        embeddings = embeddings[:, None]
    else:
        lengths = {"inputs_embeds": embeddings, "lengths": torch.tensor([9, 4, 1])}
        assert_same(theirs, ours, lengths)
    assert_same(theirs, ours, {"inputs_embeds": embeddings})


@pytest.mark.parametrize(
    ("settings", "labels"),
    [
        ({"num_labels": 1}, torch.tensor([0.5, -1.0, 2.0])),
        ({"num_labels": 3, "problem_type": "regression"}, torch.randn(3, 3)),
        ({"num_labels": 3}, torch.tensor([2, 0, -100])),
        ({"num_labels": 3}, torch.tensor([[0.0, 1, 1], [1, 0, 0], [0, 0, 0]])),
        (
            {"num_labels": 3, "problem_type": "multi_label_classification"},
            torch.tensor([[0.0, 1, 1], [1, 0, 0], [0, 0, 0]]),
        ),
    ],
    ids=["regression", "regression-3", "classes", "several-labels", "several-labels-named"],
)
def test_each_kind_of_sequence_label(
    settings: dict[str, Any], labels: Tensor, batch: dict[str, Tensor], tmp_path: Path
) -> None:
    theirs, ours = load_both("XLMForSequenceClassification", tmp_path, **settings)
    assert_same_gradients(theirs, ours, {**batch, "labels": labels})


@pytest.mark.parametrize("with_mask", [False, True])
@pytest.mark.parametrize("with_class", [False, True])
def test_question_answering_with_masks_and_classes(
    with_mask: bool, with_class: bool, batch: dict[str, Tensor], tmp_path: Path
) -> None:
    theirs, ours = load_both("XLMForQuestionAnswering", tmp_path)
    extra: dict[str, Tensor] = {}
    if with_mask:
        extra["p_mask"] = torch.zeros(3, 9)
        extra["p_mask"][:, 5:] = 1
    if with_class:
        extra["cls_index"] = torch.tensor([0, 1, 0])
    assert_same(theirs, ours, {**batch, **extra})
    labels = labels_for("XLMForQuestionAnswering", batch)
    if with_class:
        labels["is_impossible"] = torch.tensor([1.0, 0.0, 1.0])
    assert_same_gradients(theirs, ours, {**batch, **extra, **labels})


def test_spans_beyond_the_sequence_take_no_part(batch: dict[str, Tensor], tmp_path: Path) -> None:
    theirs, ours = load_both("XLMForQuestionAnsweringSimple", tmp_path)
    span = {"start_positions": torch.tensor([1, 40, 2]), "end_positions": torch.tensor([3, 9, -4])}
    assert_same_gradients(theirs, ours, {**batch, **span})


@pytest.mark.parametrize("kept", [2, torch.tensor([0, 4])])
def test_logits_only_where_asked(kept: Any, batch: dict[str, Tensor], tmp_path: Path) -> None:
    theirs, ours = load_both(LM, tmp_path)
    assert_same(theirs, ours, {**batch, "logits_to_keep": kept})


def test_adaptive_softmax(batch: dict[str, Tensor], tmp_path: Path) -> None:
    # The reference's own forward pass fails on a batch here, as its layer takes one row of states
    # per call: its encoder and its layer are called one after the other instead.  And it cannot
    # load its own file unless the embeddings are untied.
    settings = {"asm": True, "asm_cutoffs": [20, 40], "asm_div_value": 2.0}
    theirs, ours = load_both(LM, tmp_path, **settings, tie_word_embeddings=False)
    labels = batch["input_ids"].masked_fill(batch["input_ids"] == 2, -100)
    counted = labels != -100
    states = theirs.transformer(**batch).last_hidden_state
    logits = theirs.pred_layer(states.flatten(0, 1))[0].view(3, 9, -1)
    loss = theirs.pred_layer(states[counted], labels[counted])[0]
    output = ours(**batch, labels=labels)
    torch.testing.assert_close(output.logits, logits, **TOLERANCE)
    torch.testing.assert_close(output.loss, loss, **TOLERANCE)
    loss.backward()
    output.loss.backward()
    expected = {name: p.grad for name, p in theirs.named_parameters()}
    got = {name: p.grad for name, p in ours.named_parameters()}
    if ours.config.sinusoidal_embeddings:
        # The reference trains positions that the original only computes.
        expected = {n: g for n, g in expected.items() if "position_embeddings" not in n}
    assert got.keys() == expected.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(got[name], gradient, **TOLERANCE)
    ours.save_pretrained(tmp_path / "ours")
    again = transformers.XLMWithLMHeadModel.from_pretrained(tmp_path / "ours").eval()
    torch.testing.assert_close(again.transformer(**batch).last_hidden_state, states)


def test_lengths_of_multiple_choice_are_ignored_as_in_the_reference(
    batch: dict[str, Tensor], tmp_path: Path
) -> None:
    theirs, ours = load_both("XLMForMultipleChoice", tmp_path)
    inputs = {**with_choices(batch), "lengths": torch.tensor([1, 1, 1])}
    with pytest.warns(UserWarning, match="use attention_mask"):
        assert_same(theirs, ours, inputs)


def test_a_model_built_here_starts_with_the_references_distributions() -> None:
    settings = {**TINY, "vocab_size": 4000, "emb_dim": 64, "n_langs": 3}
    theirs = transformers.XLMWithLMHeadModel(transformers.XLMConfig(**settings)).state_dict()
    ours = xlm_model.XLMWithLMHeadModel(xlm_model.XLMConfig(**settings)).state_dict()
    assert ours.keys() == theirs.keys()
    for name, expected in theirs.items():
        # Of a few hundred random numbers, the spread is within a tenth or so of its expectation.
        assert float(ours[name].std()) == pytest.approx(float(expected.std()), rel=0.2), name
        assert float(ours[name].mean()) == pytest.approx(float(expected.mean()), abs=0.05), name
    assert (ours["transformer.embeddings.weight"][2] == 0).all()


def test_sinusoidal_positions_are_the_references() -> None:
    settings = {**TINY, "sinusoidal_embeddings": True}
    theirs = transformers.XLMModel(transformers.XLMConfig(**settings)).position_embeddings.weight
    ours = xlm_model.XLMModel(xlm_model.XLMConfig(**settings)).position_embeddings.weight
    torch.testing.assert_close(ours, theirs)
