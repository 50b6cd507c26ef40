"""Outputs are mappings and dataclasses, as the reference's are."""

from __future__ import annotations

import copy
import dataclasses
import io
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import torch
import transformers.modeling_outputs
from torch.utils import _pytree as pytree

from xlm_model import XLMConfig, XLMForQuestionAnswering, XLMWithLMHeadModel
from xlm_model import outputs as ours
from xlm_model.outputs import MaskedLMOutput, XLMForQuestionAnsweringOutput

LOSS, LOGITS = torch.tensor(0.5), torch.arange(6.0).view(1, 2, 3)
STATES = (torch.ones(2), torch.zeros(2))
TINY = {"vocab_size": 60, "emb_dim": 32, "n_layers": 2, "n_heads": 4}
IDS = torch.tensor([[1, 14, 15, 16, 17, 1]])


def both(name: str = "MaskedLMOutput", **values: Any) -> list[Any]:
    return [getattr(module, name)(**values) for module in (ours, transformers.modeling_outputs)]


@pytest.mark.parametrize(
    "question",
    [
        lambda output: ("loss" in output, "logits" in output, "hidden_states" in output),
        lambda output: list(output.keys()),
        list,
        len,
        lambda output: [id(value) for value in output.values()],
        lambda output: [(name, id(value)) for name, value in output.items()],
        lambda output: {name: id(value) for name, value in dict(**output).items()},
        lambda output: (id(output.get("logits")), output.get("loss", 7), output.get("other")),
        lambda output: [id(value) for value in output.to_tuple()],
        lambda output: (id(output[0]), id(output["logits"]), len(output[1:])),
        lambda output: (output.loss, output.attentions, id(output.hidden_states)),
        lambda output: [field.name for field in dataclasses.fields(output)],
        lambda output: isinstance(output, dict),
        bool,
    ],
)
def test_every_question_has_the_references_answer(question: Callable[[Any], Any]) -> None:
    mine, theirs = both(logits=LOGITS, hidden_states=STATES)
    assert question(mine) == question(theirs)


def test_values_are_set_by_name_as_in_the_reference() -> None:
    for output in both(logits=LOGITS):
        output["attentions"] = STATES
        output.loss = LOSS
        output["input_ids"] = IDS  # as pipelines do
        assert output["loss"] is LOSS
        assert output["input_ids"] is IDS
        assert output.attentions is STATES
    mine, _ = both(logits=LOGITS, attentions=STATES)
    mine.update(input_ids=IDS)
    mine["loss"] = LOSS
    # The fields' order, whenever each came: a tuple has its loss first.
    assert list(mine) == ["loss", "logits", "attentions", "input_ids"]
    assert mine.to_tuple()[0] is LOSS
    mine.loss = None
    assert "loss" not in mine
    assert mine[0] is LOGITS


def test_what_is_not_there_is_an_error() -> None:
    for output in both(logits=LOGITS):
        with pytest.raises(KeyError):
            output["loss"]
        with pytest.raises(IndexError):
            output[1]
        with pytest.raises(AttributeError):
            output.lodgits  # noqa: B018


def test_each_class_has_the_references_fields() -> None:
    for output in ours.OUTPUTS:
        name = output.__name__
        module: Any = transformers.modeling_outputs
        if name == "XLMForQuestionAnsweringOutput":
            module = transformers.models.xlm.modeling_xlm
        expected = [field.name for field in dataclasses.fields(getattr(module, name))]
        assert [field.name for field in dataclasses.fields(output)] == expected


def test_tools_build_one_from_a_mapping_and_from_pairs() -> None:
    # As accelerate builds it where it changes types, and DataParallel where it gathers.
    first = MaskedLMOutput(loss=LOSS, logits=LOGITS)
    for second in (
        MaskedLMOutput({name: value + 1 for name, value in first.items()}),
        MaskedLMOutput((name, first[name] + 1) for name in first),
        dataclasses.replace(first, loss=LOSS + 1, logits=LOGITS + 1),
    ):
        assert list(second) == ["loss", "logits"]
        assert torch.equal(second.logits, LOGITS + 1)


def test_copies_and_pickles_hold_the_same() -> None:
    output = MaskedLMOutput(loss=LOSS, hidden_states=STATES)
    output["more"] = 5
    for again in (
        copy.copy(output),
        copy.deepcopy(output),
        pickle.loads(pickle.dumps(output)),
    ):
        assert type(again) is MaskedLMOutput
        assert list(again) == ["loss", "hidden_states", "more"]
        assert torch.equal(again.loss, LOSS)
        assert again["more"] == 5


def test_pytorch_sees_the_tensors_inside() -> None:
    output = MaskedLMOutput(loss=LOSS, hidden_states=STATES)
    leaves, spec = pytree.tree_flatten(output)
    assert [id(leaf) for leaf in leaves] == [id(LOSS), *map(id, STATES)]
    again = pytree.tree_unflatten([leaf + 1 for leaf in leaves], spec)
    assert type(again) is MaskedLMOutput
    assert again.logits is None
    assert torch.equal(again.hidden_states[1], torch.ones(2))


def test_an_exported_model_is_saved_loaded_and_returns_the_output() -> None:
    config = XLMConfig(**TINY, output_hidden_states=True)
    model = XLMWithLMHeadModel(config).eval()
    program = torch.export.export(model, (IDS,))
    file = io.BytesIO()
    torch.export.save(program, file)
    file.seek(0)
    output = torch.export.load(file).module()(IDS)
    assert type(output) is MaskedLMOutput
    assert list(output) == ["logits", "hidden_states"]
    torch.testing.assert_close(output.logits, model(IDS).logits)


def test_the_search_for_spans_is_an_output_too() -> None:
    model = XLMForQuestionAnswering(XLMConfig(**TINY, start_n_top=2, end_n_top=2)).eval()
    output = model(IDS)
    assert type(output) is XLMForQuestionAnsweringOutput
    assert next(iter(output)) == "start_top_log_probs"
    assert "loss" not in output
