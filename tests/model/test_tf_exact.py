"""The Keras models against the PyTorch models: outputs, losses and gradients to 1e-5.

They run on the backend that KERAS_BACKEND names; `test_tf_on_jax` runs them on JAX.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from .keras_side import (
    NAMES,
    arrays,
    assert_close,
    both,
    fields,
    loss_and_gradients,
    pytorch_gradients,
    tf_models,
)
from .test_exact import SUMMARIES, VARIANTS

pytestmark = [
    pytest.mark.slow,
    # Of Keras with a new NumPy.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

LM = "XLMWithLMHeadModel"
EVERYTHING = {"output_hidden_states": True, "output_attentions": True}


@pytest.fixture
def batch() -> dict[str, Tensor]:
    """Six sequences of 9, 6, 2, 8, 9 and 1 tokens, padded.

    Multiple choice takes them as the choices of three examples: JAX compiles for each shape anew.
    """
    ids = torch.randint(14, 60, (6, 9))
    for row, length in enumerate((9, 6, 2, 8, 9, 1)):
        ids[row, length:] = 2
    return {"input_ids": ids}


def for_head(name: str, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return inputs as a head takes them."""
    if name != "XLMForMultipleChoice":
        return inputs
    return {n: x.unflatten(0, (3, 2)) for n, x in inputs.items()}


def labels_for(name: str, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    ids = batch["input_ids"]
    return {
        "XLMModel": {},
        LM: {"labels": ids.masked_fill(torch.rand(6, 9) < 0.5, -100)},
        "XLMForSequenceClassification": {"labels": torch.tensor([1, 0, 1, 1, 0, 0])},
        "XLMForMultipleChoice": {"labels": torch.tensor([1, 0, 1])},
        "XLMForTokenClassification": {"labels": (ids % 2).masked_fill(ids == 2, -100)},
        "XLMForQuestionAnsweringSimple": {
            "start_positions": torch.tensor([1, 0, 1, 4, 8, 0]),
            "end_positions": torch.tensor([3, 2, 1, 4, 8, 0]),
        },
    }[name]


def assert_same(theirs: Any, ours: Any, inputs: dict[str, Any]) -> None:
    with torch.no_grad():
        expected = fields(theirs(**inputs))
    assert_close(expected, fields(ours(**arrays(inputs))))


def assert_same_gradients(theirs: Any, ours: Any, inputs: dict[str, Any]) -> None:
    expected_loss, expected = pytorch_gradients(theirs, inputs)
    loss, got = loss_and_gradients(ours, arrays(inputs))
    np.testing.assert_allclose(loss, expected_loss, rtol=1e-5, atol=1e-5)
    assert_close(expected, got)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", NAMES)
def test_outputs_losses_and_gradients_are_pytorchs(
    name: str, variant: str, batch: dict[str, Tensor], tmp_path: Path
) -> None:
    # What a second layer adds is the same in every variant.
    settings = {"n_layers": 2 if variant == "plain" else 1, **VARIANTS[variant]}
    theirs, ours = both(name, tmp_path, **settings)
    inputs = dict(batch)
    if settings.get("n_langs", 1) > 1:
        inputs["langs"] = torch.arange(6)[:, None].expand(6, 9) % 3
    inputs = for_head(name, inputs)
    assert_same(theirs, ours, {**inputs, **EVERYTHING})
    if labels := labels_for(name, batch):
        assert_same_gradients(theirs, ours, {**inputs, **labels})


@pytest.mark.parametrize("variant", SUMMARIES)
def test_every_summary(variant: str, batch: dict[str, Tensor], tmp_path: Path) -> None:
    settings = {**SUMMARIES[variant], "num_labels": 3, "n_layers": 1}
    theirs, ours = both("XLMForSequenceClassification", tmp_path, **settings)
    assert_same(theirs, ours, batch)


MASK = torch.tensor([[1] * 9, [1] * 5 + [0] * 4, [0, 1, 1, 0, 1, 0, 0, 0, 1]] * 2)
OPTIONAL: dict[str, dict[str, Tensor]] = {
    "mask": {"attention_mask": MASK},
    "mask of truths": {"attention_mask": MASK > 0},
    "mask of floats": {"attention_mask": MASK.float()},
    "left padding": {"attention_mask": MASK.flip(1)},
    "an empty row": {"attention_mask": torch.tensor([[1] * 9, [0] * 9, [1] * 9] * 2)},
    "lengths": {"lengths": torch.tensor([9, 3, 0, 1, 2, 4])},
    "positions": {"position_ids": torch.arange(9).flip(0).expand(6, 9)},
    "types": {"token_type_ids": torch.tensor([[0] * 4 + [2] * 5] * 6)},
    "languages": {"langs": torch.tensor([[0] * 4 + [2] * 5] * 6)},
    "several": {
        "attention_mask": MASK,
        "lengths": torch.tensor([9, 2, 1, 9, 9, 9]),
        "token_type_ids": torch.ones(6, 9, dtype=torch.long),
    },
}


@pytest.mark.parametrize("causal", [False, True])
def test_each_optional_input(causal: bool, batch: dict[str, Tensor], tmp_path: Path) -> None:
    theirs, ours = both(LM, tmp_path, n_langs=3, causal=causal)
    for extra in OPTIONAL.values():
        inputs = {**batch, **extra, "labels": batch["input_ids"]}
        assert_same(theirs, ours, {**inputs, **EVERYTHING})
        assert_same_gradients(theirs, ours, inputs)


@pytest.mark.parametrize("name", NAMES)
def test_word_embeddings_in_place_of_ids(name: str, tmp_path: Path) -> None:
    theirs, ours = both(name, tmp_path, n_layers=1)
    inputs = {"inputs_embeds": torch.randn(6, 9, 32)}
    assert_same(theirs, ours, for_head(name, inputs))
    if name == LM:
        assert_same(theirs, ours, {**inputs, "lengths": torch.tensor([9, 4, 1, 2, 2, 9])})


@pytest.mark.parametrize(
    ("settings", "labels"),
    [
        ({"num_labels": 1}, torch.tensor([0.5, -1.0, 2.0, 0.0, 1.0, 3.0])),
        ({"num_labels": 3, "problem_type": "regression"}, torch.randn(6, 3)),
        ({"num_labels": 3}, torch.tensor([2, 0, -100, 1, 1, 0])),
        ({"num_labels": 3}, torch.tensor([[0.0, 1, 1], [1, 0, 0], [0, 0, 0]] * 2)),
        (
            {"num_labels": 3, "problem_type": "multi_label_classification"},
            torch.tensor([[0, 1, 1], [1, 0, 0], [0, 0, 0]] * 2),
        ),
    ],
    ids=["regression", "regression-3", "classes", "several-labels", "several-labels-named"],
)
def test_each_kind_of_sequence_label(
    settings: dict[str, Any], labels: Tensor, batch: dict[str, Tensor], tmp_path: Path
) -> None:
    theirs, ours = both("XLMForSequenceClassification", tmp_path, n_layers=1, **settings)
    assert_same_gradients(theirs, ours, {**batch, "labels": labels})


def test_spans_beyond_the_sequence_take_no_part(batch: dict[str, Tensor], tmp_path: Path) -> None:
    theirs, ours = both("XLMForQuestionAnsweringSimple", tmp_path)
    span = {
        "start_positions": torch.tensor([1, 40, 2, 9, 0, 1]),
        "end_positions": torch.tensor([3, 9, -4, 2, 0, 1])[:, None],
    }
    assert_same_gradients(theirs, ours, {**batch, **span})


def test_a_loss_without_labels_that_count_is_no_number(
    batch: dict[str, Tensor], tmp_path: Path
) -> None:
    theirs, ours = both(LM, tmp_path)
    inputs = {**batch, "labels": torch.full((6, 9), -100)}
    assert torch.isnan(theirs(**inputs).loss)
    assert np.isnan(float(ours(**arrays(inputs)).loss))


def test_pruned_heads_are_gone(batch: dict[str, Tensor], tmp_path: Path) -> None:
    theirs, _ = both("XLMModel", tmp_path)
    theirs.prune_heads({0: [1], 1: [3]})
    theirs.save_pretrained(tmp_path / "pruned")
    ours = tf_models.TFXLMModel.from_pretrained(tmp_path / "pruned")
    assert_same(theirs, ours, {**batch, **EVERYTHING})
