"""The classes that dispatch on a checkpoint's type, against transformers' own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import transformers

import xlm_model
from xlm_model import AutoConfig, AutoModel, AutoModelForQuestionAnswering, ConfigError
from xlm_model.convert import convert, describe

from ..helpers import TINY as XLM
from .support import ALL, TINY, perturbed, reference

AUTO = {
    "XLMRobertaModel": "AutoModel",
    "XLMRobertaForMaskedLM": "AutoModelForMaskedLM",
    "XLMRobertaForCausalLM": "AutoModelForCausalLM",
    "XLMRobertaForSequenceClassification": "AutoModelForSequenceClassification",
    "XLMRobertaForTokenClassification": "AutoModelForTokenClassification",
    "XLMRobertaForQuestionAnswering": "AutoModelForQuestionAnswering",
    "XLMRobertaForMultipleChoice": "AutoModelForMultipleChoice",
    "XLMModel": "AutoModel",
    "XLMWithLMHeadModel": "AutoModelForMaskedLM",
    "XLMForSequenceClassification": "AutoModelForSequenceClassification",
    "XLMForTokenClassification": "AutoModelForTokenClassification",
    "XLMForQuestionAnsweringSimple": "AutoModelForQuestionAnswering",
    "XLMForMultipleChoice": "AutoModelForMultipleChoice",
    "FlaubertWithLMHeadModel": "AutoModelForMaskedLM",
    "FlaubertForTokenClassification": "AutoModelForTokenClassification",
}

pytestmark = pytest.mark.filterwarnings("ignore:is_decoder is false")


def write(name: str, folder: Path) -> None:
    if name.startswith("XLMRoberta"):
        model = reference(name, is_decoder="Causal" in name)
    else:
        kind = "FlaubertConfig" if name.startswith("Flaubert") else "XLMConfig"
        model = perturbed(getattr(transformers, name)(getattr(transformers, kind)(**XLM)))
    model.save_pretrained(folder)


@pytest.mark.parametrize("name", AUTO)
def test_a_checkpoint_gets_the_class_that_it_gets_in_the_reference(
    name: str, tmp_path: Path
) -> None:
    write(name, tmp_path)
    options = {"dtype": "auto", "local_files_only": True, "revision": "main"}
    theirs = getattr(transformers, AUTO[name]).from_pretrained(tmp_path, **options)
    ours = getattr(xlm_model, AUTO[name]).from_pretrained(tmp_path, device_map="cpu", **options)
    assert type(ours).__name__ == type(theirs).__name__ == name


def test_architectures_say_which_head_answers_questions(tmp_path: Path) -> None:
    write("XLMForQuestionAnsweringSimple", tmp_path / "simple")
    model = transformers.XLMForQuestionAnswering(transformers.XLMConfig(**XLM))
    model.save_pretrained(tmp_path / "beams")
    for folder, name in (("simple", "AnsweringSimple"), ("beams", "Answering")):
        found = AutoModelForQuestionAnswering.from_pretrained(tmp_path / folder)
        assert type(found).__name__ == f"XLMForQuestion{name}"


def test_an_unknown_type_is_one_error_that_lists_the_types(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert", "hidden_size": 8}))
    for load in (AutoConfig.from_pretrained, AutoModel.from_pretrained):
        with pytest.raises(ConfigError, match="'bert': expected one of xlm, xlm-roberta, flaubert"):
            load(tmp_path)


def test_the_wrong_class_says_what_the_checkpoint_is(tmp_path: Path) -> None:
    write("XLMRobertaForMaskedLM", tmp_path)
    with pytest.raises(ConfigError, match="'xlm-roberta': expected 'xlm'; AutoModel"):
        xlm_model.XLMWithLMHeadModel.from_pretrained(tmp_path)
    with pytest.raises(ConfigError, match="expected 'xlm'"):
        xlm_model.XLMConfig.from_pretrained(tmp_path)


def test_a_configuration_and_changes_are_taken(tmp_path: Path) -> None:
    write("XLMRobertaModel", tmp_path)
    config = AutoConfig.from_pretrained(tmp_path, num_labels=3)
    assert (config.num_labels, config.hidden_size, config.num_hidden_layers) == (3, 32, 2)
    with pytest.warns(UserWarning, match="new at random"):
        model = xlm_model.AutoModelForSequenceClassification.from_pretrained(
            tmp_path, config=config, new_head=True
        )
    assert model(torch.tensor([[0, 20, 2]])).logits.shape == (1, 3)
    assert type(AutoModel.from_config(config)) is xlm_model.XLMRobertaModel


def test_a_configuration_is_written_as_it_was_read(tmp_path: Path) -> None:
    write("XLMRobertaModel", tmp_path)
    before = json.loads((tmp_path / "config.json").read_text())
    AutoConfig.from_pretrained(tmp_path).save_pretrained(tmp_path / "again")
    assert json.loads((tmp_path / "again/config.json").read_text()) == before


def test_settings_that_only_other_models_have_are_no_settings() -> None:
    config = xlm_model.XLMRobertaConfig(**{k: v for k, v in TINY.items() if "attn" not in k})
    assert not {"asm", "n_langs", "emb_dim"} & config.to_dict().keys()
    with pytest.raises(ConfigError, match="did you mean hidden_act"):
        config.replace(hiden_act="relu")
    with pytest.raises(ConfigError, match="position_embedding_type is 'relative_key'"):
        xlm_model.XLMRobertaConfig(position_embedding_type="relative_key")


@pytest.mark.parametrize("name", ALL)
def test_a_checkpoint_is_described_and_converted(name: str, tmp_path: Path) -> None:
    write(name, tmp_path / "from")
    assert describe(tmp_path / "from")["model"] == name
    assert convert(tmp_path / "from", tmp_path / "to") == ["config.json", "model.safetensors"]
    again, report = getattr(transformers, name).from_pretrained(
        tmp_path / "to", output_loading_info=True
    )
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    expected = getattr(transformers, name).from_pretrained(tmp_path / "from")
    for left, right in zip(again.parameters(), expected.parameters(), strict=True):
        assert left.equal(right)
