"""A configuration as tools use it: set, copied, written, read, and found by `AutoConfig`."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from xlm_model import CheckpointError, ConfigError, XLMConfig

SMALL: dict[str, Any] = {"vocab_size": 60, "emb_dim": 32, "n_layers": 2, "n_heads": 4}


def test_a_setting_is_an_attribute_by_any_of_its_names() -> None:
    config = XLMConfig(**SMALL)
    config.output_hidden_states = True
    config.num_hidden_layers = 5
    config.n_words = 70
    assert (config.output_hidden_states, config.n_layers, config.vocab_size) == (True, 5, 70)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("n_heads", 5, "n_heads is 5: expected a divisor of emb_dim, 32"),
        ("dropout", 2, "dropout is 2: expected a number from 0 to 1"),
        ("hidden_size", 30, "n_heads is 4: expected a divisor of emb_dim, 30"),
        ("vocab_size", 2, "pad_token_id is 2: expected an id below 2"),
        ("id2label", {}, "id2label is {}: expected a map from whole numbers to names"),
        ("model_type", "bert", "model_type is 'bert': expected 'xlm'"),
    ],
)
def test_a_wrong_value_is_refused_when_it_is_set(key: str, value: Any, message: str) -> None:
    config = XLMConfig(**SMALL)
    before = copy.deepcopy(config)
    with pytest.raises(ConfigError, match=message):
        setattr(config, key, value)
    assert config == before
    assert config.to_dict() == before.to_dict()


def test_an_update_sets_all_keys_or_none() -> None:
    config = XLMConfig(**SMALL)
    config.update({"asm": True, "asm_cutoffs": [20, 40]})  # neither could be set first alone
    assert config.asm
    assert config.asm_cutoffs == [20, 40]
    before = config.to_dict()
    with pytest.raises(ConfigError, match="n_layers is 0"):
        config.update({"dropout": 0.3, "other": 1, "n_layers": 0})
    assert config.to_dict() == before
    with pytest.raises(ConfigError, match="vocab_size is 8 and n_words is 7"):
        config.update({"n_words": 7, "vocab_size": 8})


def test_labels_and_their_number_agree_as_in_the_reference() -> None:
    for values in ({}, {"num_labels": 3}, {"id2label": {0: "no", 1: "yes", 2: "maybe"}}):
        theirs, ours = transformers.XLMConfig(**values), XLMConfig(**values)
        assert (ours.num_labels, ours.id2label) == (theirs.num_labels, theirs.id2label)
    theirs, ours = transformers.XLMConfig(num_labels=3), XLMConfig(num_labels=3)
    for config in (theirs, ours):
        config.num_labels = 4
    assert ours.id2label == theirs.id2label == {i: f"LABEL_{i}" for i in range(4)}
    assert ours.label2id == theirs.label2id
    for config in (theirs, ours):
        config.id2label = {0: "no", 1: "yes"}
        config.label2id = {"no": 0, "yes": 1}
    assert ours.num_labels == theirs.num_labels == 2
    assert ours.label2id == {"no": 0, "yes": 1}
    for null in ({"label2id": None}, {"id2label": None}, {"label2id": None, "id2label": None}):
        assert XLMConfig(**null).label2id == {"LABEL_0": 0, "LABEL_1": 1}
    assert XLMConfig(id2label={"0": "no", "1": "yes"}).label2id == {"no": 0, "yes": 1}


def test_what_a_tool_adds_is_kept_and_written_back() -> None:
    config = XLMConfig(**SMALL, max_vocab=95000)
    config.finetuned_from = "somewhere"
    config.dtype = torch.bfloat16
    assert (config.max_vocab, config.finetuned_from) == (95000, "somewhere")
    written = json.loads(config.to_json_string())
    assert written["finetuned_from"] == "somewhere"
    assert written["dtype"] == "bfloat16"
    assert transformers.XLMConfig.from_dict(written).finetuned_from == "somewhere"


def test_what_tools_ask_for_is_there_even_if_no_file_said_it() -> None:
    ours, theirs = XLMConfig(), transformers.XLMConfig()
    for key in (
        *("model_type", "return_dict", "is_encoder_decoder", "architectures", "dtype"),
        *("chunk_size_feed_forward", "problem_type", "name_or_path", "attribute_map"),
    ):
        assert getattr(ours, key) == getattr(theirs, key), key
    assert ours.get_text_config() is ours
    with pytest.raises(AttributeError, match="called num_label: did you mean num_labels"):
        _ = ours.num_label


def test_what_json_cannot_hold_is_named_when_it_is_written(tmp_path: Path) -> None:
    config = XLMConfig(**SMALL)
    config.callback = print
    with pytest.raises(ConfigError, match=r"callback is .*: expected what JSON can hold"):
        config.save_pretrained(tmp_path)
    assert not any(tmp_path.iterdir())


def test_copies_do_not_share() -> None:
    config = XLMConfig(**SMALL, max_vocab=5)
    for other in (copy.deepcopy(config), pickle.loads(pickle.dumps(config)), config.replace()):
        assert other == config
        other.max_vocab = 6
        other.num_labels = 7
        assert (config.max_vocab, config.num_labels) == (5, 2)


def test_a_written_file_is_read_by_both_and_holds_only_what_differs(tmp_path: Path) -> None:
    config = XLMConfig(**SMALL, problem_type="regression", num_labels=1)
    config.save_pretrained(tmp_path / "new" / "folder")
    file = tmp_path / "new" / "folder" / "config.json"
    theirs = transformers.XLMConfig.from_pretrained(file.parent)
    for read in (XLMConfig.from_pretrained(file.parent), XLMConfig.from_pretrained(file)):
        assert read == config
        assert read.name_or_path in (str(file), str(file.parent))
    assert (theirs.num_labels, theirs.problem_type) == (1, "regression")
    plain = json.loads(XLMConfig(**SMALL).to_json_string())
    assert not {"id2label", "return_dict", "output_attentions"} & plain.keys()
    assert plain.keys() >= {"n_layers", "causal", "model_type", "tie_word_embeddings"}
    # A default that the file itself spelled out stays.
    assert "output_attentions" in XLMConfig(output_attentions=False).to_diff_dict()
    config.to_json_file(tmp_path / "all.json", use_diff=False)
    assert json.loads((tmp_path / "all.json").read_text())["return_dict"] is True


def test_keys_are_changed_while_reading(tmp_path: Path) -> None:
    XLMConfig(**SMALL).save_pretrained(tmp_path / "deep")
    config, unused = XLMConfig.from_pretrained(
        tmp_path, subfolder="deep", num_labels=3, other=1, return_unused_kwargs=True
    )
    assert (config.num_labels, config.vocab_size, unused) == (3, 60, {"other": 1})
    with pytest.raises(ConfigError, match="no configuration key is called other"):
        XLMConfig.from_pretrained(tmp_path / "deep", other=1)
    with pytest.raises(ConfigError, match=r"deep.config\.json: expected a configuration in JSON"):
        XLMConfig.from_pretrained(tmp_path / "deep", subfolder="deep")
    with pytest.raises(ConfigError, match="neither a file nor a folder"):
        XLMConfig.from_pretrained(tmp_path / "nothing" / "there")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CheckpointError, match="file: cannot be written"):
        XLMConfig(**SMALL).save_pretrained(tmp_path / "file")


# In a process of its own: what is registered stays so.
REGISTERED = """
import sys
import torch
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification
from xlm_model import XLMConfig, XLMForSequenceClassification, XLMModel

AutoConfig.register("xlm", XLMConfig, exist_ok=True)
AutoModel.register(XLMConfig, XLMModel, exist_ok=True)
AutoModelForSequenceClassification.register(
    XLMConfig, XLMForSequenceClassification, exist_ok=True
)
config, unused = AutoConfig.from_pretrained(
    sys.argv[1], num_labels=3, other=1, return_unused_kwargs=True
)
assert type(config) is XLMConfig and config.num_labels == 3 and unused["other"] == 1
assert AutoConfig.for_model("xlm", vocab_size=50).vocab_size == 50
"""


def test_the_auto_configuration_finds_ours_once_it_is_registered(tmp_path: Path) -> None:
    XLMConfig(**SMALL).save_pretrained(tmp_path)
    subprocess.run([sys.executable, "-c", REGISTERED, str(tmp_path)], check=True)
