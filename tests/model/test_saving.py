"""What is saved follows from the weights; files in parts, and on the hub."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors import safe_open

from xlm_model import CheckpointError, XLMConfig, XLMForSequenceClassification, XLMWithLMHeadModel

from .helpers import IDS, TINY


def language_model(**settings: Any) -> XLMWithLMHeadModel:
    return XLMWithLMHeadModel(XLMConfig(**{**TINY, **settings})).eval()


def names_in(file: Path) -> set[str]:
    with safe_open(file, framework="pt") as opened:
        return set(opened.keys())


def logits(model: Any) -> torch.Tensor:
    with torch.no_grad():
        return model(IDS).logits  # type: ignore[no-any-return]


def replace_parameter(model: XLMWithLMHeadModel) -> None:
    model.pred_layer.proj.weight = torch.nn.Parameter(torch.randn(60, 32))


def replace_layer(model: XLMWithLMHeadModel) -> None:
    model.set_output_embeddings(torch.nn.Linear(32, 60))


def replace_embeddings(model: XLMWithLMHeadModel) -> None:
    model.set_input_embeddings(torch.nn.Embedding(60, 32, padding_idx=2))


def assign_state(model: XLMWithLMHeadModel) -> None:
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state["pred_layer.proj.weight"] += 1
    model.load_state_dict(state, assign=True)


@pytest.mark.parametrize(
    "untie", [replace_parameter, replace_layer, replace_embeddings, assign_state]
)
def test_a_head_that_is_its_own_is_saved(untie: Any, tmp_path: Path) -> None:
    model = language_model()
    untie(model)
    model.save_pretrained(tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["tie_word_embeddings"] is False
    again = XLMWithLMHeadModel.from_pretrained(tmp_path)
    theirs = transformers.XLMWithLMHeadModel.from_pretrained(tmp_path).eval()
    assert torch.equal(logits(again), logits(model))
    torch.testing.assert_close(logits(theirs), logits(model), atol=1e-5, rtol=1e-5)
    # A tie by hand is found, too.
    again.pred_layer.proj.weight = again.transformer.embeddings.weight
    again.save_pretrained(tmp_path / "tied")
    assert "pred_layer.proj.weight" not in names_in(tmp_path / "tied" / "model.safetensors")
    tied = XLMWithLMHeadModel.from_pretrained(tmp_path / "tied")
    assert tied.config.tie_word_embeddings
    assert torch.equal(logits(tied), logits(again))


def test_a_tied_head_is_saved_once(tmp_path: Path) -> None:
    language_model().save_pretrained(tmp_path)
    assert "pred_layer.proj.weight" not in names_in(tmp_path / "model.safetensors")


def test_other_weights_that_are_one_are_written_twice(tmp_path: Path) -> None:
    model = language_model()
    first, second = (model.transformer.attentions[i] for i in range(2))
    second.q_lin.weight = first.q_lin.weight
    model.save_pretrained(tmp_path)
    assert torch.equal(logits(XLMWithLMHeadModel.from_pretrained(tmp_path)), logits(model))


def test_weights_that_were_gathered_are_saved(tmp_path: Path) -> None:
    model = language_model()
    state = {name: tensor.clone() + 1 for name, tensor in model.state_dict().items()}
    model.save_pretrained(tmp_path, state_dict=state)
    # The copies of tied weights are equal, so that they stay tied.
    assert "pred_layer.proj.weight" not in names_in(tmp_path / "model.safetensors")
    expected = language_model()
    expected.load_state_dict(state)
    again = XLMWithLMHeadModel.from_pretrained(tmp_path)
    assert torch.equal(logits(again), logits(expected))
    model.save_pretrained(tmp_path / "other", is_main_process=False)
    assert not (tmp_path / "other").exists()


def test_large_weights_are_saved_in_parts_that_both_read(tmp_path: Path) -> None:
    model = language_model()
    model.save_pretrained(tmp_path)  # to be replaced
    model.transformer.embeddings.weight.data += 1
    model.save_pretrained(tmp_path, max_shard_size="20KB")
    files = sorted(file.name for file in tmp_path.iterdir())
    assert "model.safetensors" not in files
    assert "model-00001-of-00007.safetensors" in files, files
    index = json.loads((tmp_path / "model.safetensors.index.json").read_text())
    assert set(index["weight_map"].values()) == {name for name in files if "-of-" in name}
    for file in tmp_path.glob("model-*"):
        assert file.stat().st_mode == (tmp_path / "config.json").stat().st_mode
    for load in (XLMWithLMHeadModel, transformers.XLMWithLMHeadModel):
        again = load.from_pretrained(tmp_path).eval()
        torch.testing.assert_close(logits(again), logits(model), atol=1e-5, rtol=1e-5)
    # Fewer parts, and then one file: no part of before is left to be read.
    model.save_pretrained(tmp_path, max_shard_size=40_000)
    model.transformer.embeddings.weight.data += 1
    model.save_pretrained(tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["config.json", "model.safetensors"]
    assert torch.equal(logits(XLMWithLMHeadModel.from_pretrained(tmp_path)), logits(model))


def test_a_checkpoint_that_is_mapped_is_saved_over_itself_in_parts(tmp_path: Path) -> None:
    model = language_model()
    model.save_pretrained(tmp_path)
    again = XLMWithLMHeadModel.from_pretrained(tmp_path)
    again.save_pretrained(tmp_path, max_shard_size="20KB")
    assert torch.equal(logits(again), logits(model))
    assert torch.equal(logits(XLMWithLMHeadModel.from_pretrained(tmp_path)), logits(model))


def test_labels_and_the_kind_of_problem_are_saved(tmp_path: Path) -> None:
    config = XLMConfig(**TINY, id2label={0: "no", 1: "yes"})
    model = XLMForSequenceClassification(config)
    model(IDS, labels=torch.tensor([0, 1]))
    model.save_pretrained(tmp_path)
    again = transformers.XLMForSequenceClassification.from_pretrained(tmp_path).config
    assert again.problem_type == "single_label_classification"
    assert again.id2label == {0: "no", 1: "yes"}
    assert again.label2id == {"no": 0, "yes": 1}


def test_what_cannot_be_saved_is_said(tmp_path: Path) -> None:
    model = language_model()
    with pytest.raises(ValueError, match="safe_serialization is False: expected True"):
        model.save_pretrained(tmp_path, safe_serialization=False)
    with pytest.raises(ValueError, match="variant is not supported"):
        model.save_pretrained(tmp_path, variant="fp16")
    with pytest.raises(ValueError, match="has no argument 'max_shart_size'"):
        model.save_pretrained(tmp_path, max_shart_size=1)
    with pytest.raises(ValueError, match="max_shard_size is '5 apples'"):
        model.save_pretrained(tmp_path, max_shard_size="5 apples")
    assert not any(tmp_path.iterdir())
    (tmp_path / "file").touch()
    with pytest.raises(CheckpointError, match="cannot be written"):
        model.save_pretrained(tmp_path / "file")
