"""Reading, checking and writing configurations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st

from xlm_model import ConfigError, XLMConfig

# The keys, in both generations of names, and the kinds of values of a published 15-language file.
PUBLISHED: dict[str, Any] = {
    "architectures": ["XLMWithLMHeadModel"],
    "asm": False,
    "attention_dropout": 0.1,
    "bos_index": 0,
    "causal": False,
    "dropout": 0.1,
    "emb_dim": 1024,
    "embed_init_std": 0.02209708691207961,
    "end_n_top": 5,
    "eos_index": 1,
    "finetuning_task": None,
    "gelu_activation": True,
    "id2lang": {"0": "ar", "1": "bg", "2": "de"},
    "init_std": 0.02,
    "is_encoder": True,
    "lang2id": {"ar": 0, "bg": 1, "de": 2},
    "layer_norm_eps": 1e-12,
    "mask_index": 5,
    "max_position_embeddings": 512,
    "max_vocab": 95000,
    "min_count": 0,
    "n_heads": 8,
    "n_langs": 3,
    "n_layers": 12,
    "n_words": 95000,
    "num_labels": 2,
    "output_attentions": False,
    "output_hidden_states": False,
    "pad_index": 2,
    "pruned_heads": {},
    "same_enc_dec": True,
    "share_inout_emb": True,
    "sinusoidal_embeddings": False,
    "start_n_top": 5,
    "summary_activation": None,
    "summary_first_dropout": 0.1,
    "summary_proj_to_labels": True,
    "summary_type": "first",
    "summary_use_proj": True,
    "torchscript": False,
    "unk_index": 3,
    "use_bfloat16": False,
    "use_lang_emb": True,
}


def test_a_published_file_is_written_back_as_it_came(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text(json.dumps(PUBLISHED))
    written = json.loads(json.dumps(XLMConfig.from_json_file(file).to_dict()))
    assert {key: written[key] for key in PUBLISHED} == PUBLISHED
    assert XLMConfig(**written) == XLMConfig(**PUBLISHED)


ALIASED = {"hidden_size": 32, "num_attention_heads": 8, "num_hidden_layers": 3, "n_words": 70}


@pytest.mark.parametrize(("alias", "name"), transformers.XLMConfig.attribute_map.items())
def test_every_alias_names_the_references_setting(alias: str, name: str) -> None:
    value = ALIASED.get(alias, 4)
    theirs, ours = transformers.XLMConfig(**{alias: value}), XLMConfig(**{alias: value})
    assert getattr(ours, name) == getattr(ours, alias) == getattr(theirs, name) == value


def test_defaults_are_the_references() -> None:
    theirs, ours = transformers.XLMConfig(), XLMConfig()
    for key, value in ours.to_dict().items():
        if hasattr(theirs, key):
            assert value == getattr(theirs, key), key


def test_the_reference_reads_the_label_count_that_is_written() -> None:
    for ours in (
        XLMConfig(num_labels=7),
        XLMConfig(num_labels=3).replace(num_labels=7),
        XLMConfig(id2label={i: str(i) for i in range(3)}).replace(num_labels=7),
        XLMConfig(id2label={i: str(i) for i in range(7)}),
        XLMConfig(num_labels=3).replace(id2label={i: str(i) for i in range(7)}),
    ):
        written = json.loads(json.dumps(ours.to_dict()))
        assert transformers.XLMConfig.from_dict(written).num_labels == ours.num_labels == 7


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"n_words": 0}, "n_words is 0: expected a whole number above 0"),
        ({"vocab_size": 10.0}, "vocab_size is 10.0: expected a whole number"),
        ({"n_layers": True}, "n_layers is True"),
        ({"causal": 1}, "causal is 1: expected true or false"),
        ({"causal": None}, "causal is None: expected true or false"),
        ({"dropout": 1.5}, "dropout is 1.5: expected a number from 0 to 1"),
        ({"layer_norm_eps": 0}, "layer_norm_eps is 0: expected a number above 0"),
        ({"summary_type": "attn"}, "summary_type is 'attn': expected one of cls_index, first"),
        ({"summary_activation": "tahn"}, "summary_activation is 'tahn': expected one of gelu"),
        ({"problem_type": "ranking"}, "problem_type is 'ranking': expected one of regression"),
        ({"emb_dim": 30, "n_heads": 4}, "n_heads is 4: expected a divisor of emb_dim, 30"),
        ({"vocab_size": 3, "pad_index": 3}, "pad_index is 3: expected an id below 3"),
        ({"is_encoder": False}, "is_encoder is False: expected true"),
        ({"asm": True}, "asm_cutoffs is None: expected rising ids"),
        ({"asm": True, "asm_cutoffs": [9, 5]}, "asm_cutoffs is \\[9, 5\\]: expected rising ids"),
        (
            {"n_langs": 2, "lang2id": {"en": 2}},
            "lang2id is {'en': 2}: expected ids below n_langs, 2",
        ),
        ({"n_words": 5, "vocab_size": 6}, "vocab_size is 6 and n_words is 5: expected one value"),
        ({"num_labels": 2, "id2label": {"0": "a"}}, "num_labels is 2: expected 1"),
        ({"id2label": ["a", "b"]}, "id2label is .*: expected a map from whole numbers"),
        ({"pruned_heads": {-1: [0]}}, "pruned_heads is .*: expected a map from layers"),
        (
            {"pruned_heads": {"0": [0, 1]}, "n_heads": 2},
            "pruned_heads is .*: expected layers from 0 to 11",
        ),
    ],
)
def test_a_wrong_value_is_refused_with_its_key(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        XLMConfig(**values)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "expected a configuration in JSON"),
        ("[1]", "expected a JSON object, not a list"),
        ('{"model_type": "bert"}', "model_type is 'bert': expected 'xlm'"),
        ('{"n_layers": -1}', "config.json: n_layers is -1"),
        ("\udcff".encode("utf-8", "surrogateescape"), "expected a configuration in JSON"),
    ],
)
def test_a_bad_file_is_named(content: str | bytes, message: str, tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigError, match=message) as raised:
        XLMConfig.from_json_file(file)
    assert str(file) in str(raised.value)


def test_a_change_of_an_unknown_key_is_refused() -> None:
    with pytest.raises(
        ConfigError, match="no configuration key is called num_label: did you mean num_labels"
    ):
        XLMConfig().replace(num_label=3)
    assert XLMConfig(max_vocab=5).replace(max_vocab=6).extra == {"max_vocab": 6}
    assert XLMConfig(n_words=50).replace(vocab_size=60).n_words == 60


@pytest.mark.parametrize(
    ("values", "objective"),
    [
        ({}, "MLM"),
        ({"causal": True}, "CLM"),
        ({"mlm_steps": [["en", None], ["fr", None]]}, "MLM"),
        ({"mlm_steps": [["en", None], ["en", "fr"]]}, "MLM+TLM"),
    ],
)
def test_the_objective_comes_from_the_training_steps(
    values: dict[str, Any], objective: str
) -> None:
    assert XLMConfig(**values).objective == objective


KEYS = st.sampled_from([*PUBLISHED, "vocab_size", "hidden_size", "other"])
TEXTS = st.sampled_from(["", "first", "tanh", "é"])
VALUES = st.one_of(st.none(), st.booleans(), st.integers(-2, 64), st.floats(0, 1), TEXTS)


@settings(derandomize=True, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_any_configuration_is_either_refused_or_kept(values: dict[str, Any]) -> None:
    try:
        config = XLMConfig(**values)
    except ConfigError:
        return
    written = config.to_dict()
    assert {key: written[key] for key in values} == values
    assert XLMConfig(**written) == config
