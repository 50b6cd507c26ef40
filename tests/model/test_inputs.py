"""Bad inputs: one error that names the argument, what was given and what was expected."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import xlm_model
from xlm_model import ConfigError, XLMConfig, XLMForQuestionAnswering, XLMModel

from .helpers import TINY

IDS = torch.full((2, 5), 14)


def build(name: str, **settings: Any) -> Any:
    return getattr(xlm_model, name)(XLMConfig(**{**TINY, **settings})).eval()


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "expected either input_ids or inputs_embeds, got neither"),
        ({"input_ids": IDS, "inputs_embeds": torch.zeros(2, 5, 32)}, "got both"),
        ({"input_ids": IDS[0]}, r"input_ids has shape \(5,\): expected \(batch, length\)"),
        ({"input_ids": IDS.float()}, "input_ids has dtype torch.float32: expected int64"),
        ({"input_ids": IDS + 46}, "input_ids holds 60: expected ids from 0 to 59"),
        ({"input_ids": IDS - 15}, "input_ids holds -1: expected ids from 0 to 59"),
        (
            {"input_ids": torch.full((1, 25), 14)},
            "the sequence has 25 tokens: expected at most 24, the model's max_position_embeddings",
        ),
        (
            {"inputs_embeds": torch.zeros(2, 5, 16)},
            r"inputs_embeds has shape \(2, 5, 16\): expected \(2, 5, 32\)",
        ),
        (
            {"input_ids": IDS, "attention_mask": torch.ones(2, 4)},
            r"attention_mask has shape \(2, 4\): expected \(2, 5\)",
        ),
        (
            {"input_ids": IDS, "attention_mask": torch.ones(2, 5, 5)},
            r"attention_mask has shape \(2, 5, 5\): expected \(2, 5\)",
        ),
        ({"input_ids": IDS, "langs": IDS[:1]}, r"langs has shape \(1, 5\): expected \(2, 5\)"),
        ({"input_ids": IDS, "langs": IDS * 0 + 3}, "langs holds 3: expected ids from 0 to 2"),
        ({"input_ids": IDS, "token_type_ids": IDS + 60}, "token_type_ids holds 74"),
        ({"input_ids": IDS, "token_type_ids": IDS[0]}, "token_type_ids has shape"),
        (
            {"input_ids": IDS, "position_ids": IDS + 10},
            "position_ids holds 24: expected ids from 0 to 23",
        ),
        ({"input_ids": IDS, "position_ids": torch.arange(5)[None]}, "position_ids has shape"),
        (
            {"input_ids": IDS, "lengths": torch.tensor([6, 1])},
            "lengths holds 6: expected ids from 0 to 5",
        ),
        (
            {"input_ids": IDS, "lengths": torch.tensor([5])},
            r"lengths has shape \(1,\): expected \(2,\)",
        ),
    ],
)
def test_encoder_inputs(inputs: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build("XLMModel", n_langs=3)(**inputs)


@pytest.mark.parametrize(
    ("name", "settings", "labels", "message"),
    [
        (
            "XLMWithLMHeadModel",
            {},
            {"labels": IDS + 46},
            "labels holds 60: expected ids from 0 to 59, or -100",
        ),
        (
            "XLMWithLMHeadModel",
            {},
            {"labels": IDS[:, :3]},
            r"labels has shape \(2, 3\): expected \(2, 5\)",
        ),
        ("XLMWithLMHeadModel", {}, {"labels": IDS, "logits_to_keep": 1}, r"expected \(2, 1\)"),
        (
            "XLMForTokenClassification",
            {},
            {"labels": IDS},
            "labels holds 14: expected ids from 0 to 1, or -100",
        ),
        ("XLMForSequenceClassification", {}, {"labels": torch.tensor([0, 2])}, "labels holds 2"),
        ("XLMForSequenceClassification", {}, {"labels": torch.tensor([0])}, "labels has shape"),
        (
            "XLMForSequenceClassification",
            {},
            {"labels": torch.zeros(2, 3)},
            r"labels has shape \(2, 3\): expected \(2, 2\)",
        ),
        (
            "XLMForSequenceClassification",
            {"num_labels": 1},
            {"labels": torch.zeros(3)},
            "labels has shape",
        ),
        (
            "XLMForQuestionAnsweringSimple",
            {},
            {"start_positions": torch.tensor([1]), "end_positions": torch.tensor([1, 1])},
            r"start_positions has shape \(1,\): expected \(2,\)",
        ),
        (
            "XLMForQuestionAnswering",
            {},
            {"start_positions": torch.tensor([1, 5]), "end_positions": torch.tensor([1, 1])},
            "start_positions holds 5: expected ids from 0 to 4",
        ),
        (
            "XLMForQuestionAnswering",
            {},
            {"start_positions": torch.tensor([1, 1]), "end_positions": torch.tensor([1, 7])},
            "end_positions holds 7",
        ),
        ("XLMForQuestionAnswering", {}, {"cls_index": torch.tensor([0, 5])}, "cls_index holds 5"),
        (
            "XLMForQuestionAnswering",
            {},
            {"p_mask": torch.zeros(2, 4)},
            r"p_mask has shape \(2, 4\)",
        ),
        (
            "XLMForQuestionAnswering",
            {"start_n_top": 6},
            {},
            "start_n_top is 6 and the sequence has 5 tokens",
        ),
    ],
)
def test_head_inputs(name: str, settings: Any, labels: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build(name, **settings)(IDS, **labels)


def test_choices_must_be_there() -> None:
    model = build("XLMForMultipleChoice")
    with pytest.raises(
        ValueError, match=r"input_ids has shape \(2, 5\): expected \(batch, choices"
    ):
        model(IDS)
    with pytest.raises(ValueError, match="input_ids is missing"):
        model()
    with pytest.raises(ValueError, match=r"labels holds 3: expected ids from 0 to 2"):
        model(IDS[:, None].expand(2, 3, 5), labels=torch.tensor([0, 3]))


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("XLMForQuestionAnsweringSimple", {"num_labels": 3}, "num_labels is 3: expected 2"),
        (
            "XLMForMultipleChoice",
            {"summary_use_proj": False},
            "the sequence summary gives 32 values",
        ),
    ],
)
def test_a_configuration_that_a_head_cannot_have(name: str, settings: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(name, **settings)


def test_an_unknown_argument_is_refused() -> None:
    with pytest.raises(TypeError, match="attention_masks"):
        build("XLMWithLMHeadModel")(IDS, attention_masks=IDS)


def test_the_callers_tensors_are_left_alone() -> None:
    model: XLMForQuestionAnswering = build("XLMForQuestionAnswering")
    start, end = torch.tensor([[1], [2]]), torch.tensor([[2], [2]])
    model(IDS, start_positions=start, end_positions=end)
    assert start.shape == end.shape == (2, 1)
    embeddings = torch.randn(2, 5, 32)
    before = embeddings.clone()
    build("XLMModel")(inputs_embeds=embeddings, lengths=torch.tensor([5, 1]))
    assert torch.equal(embeddings, before)


def test_outputs_are_dataclasses_and_tuples() -> None:
    model: XLMModel = build("XLMModel")
    output = model(IDS, output_hidden_states=True)
    last, states = output.to_tuple()
    assert last is output.last_hidden_state is output[0] is output["last_hidden_state"]
    assert states is output.hidden_states
    assert len(output) == 2
    assert len(states) == 3
