"""The kind of a checkpoint's tokenizer is found in its files, as transformers finds it."""

from __future__ import annotations

import json
import shutil

import pytest
import transformers

import xlm_text
from xlm_text import AutoTokenizer, InputError, XLMRobertaTokenizer, XLMTokenizer
from xlm_text.files.storage import DEFAULT_FOLDER

pytestmark = pytest.mark.xdist_group("unigram")


def copy_of(source, folder, without=("config.json", "tokenizer_config.json"), **files):
    """Copy a folder, and write other configurations into the copy."""
    shutil.copytree(source, folder)
    for name in without:
        (folder / name).unlink(missing_ok=True)
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    "files",
    [
        {"config": {"model_type": "xlm-roberta"}},
        {"config": {"model_type": "bert", "tokenizer_class": "XLMRobertaTokenizer"}},
        {"tokenizer_config": {"tokenizer_class": "XLMRobertaTokenizer"}},
        {"tokenizer_config": {"tokenizer_class": "XLMRobertaTokenizerFast"}},
        {
            "tokenizer_config": {"tokenizer_class": "XLMRobertaTokenizerFast"},
            "config": {"model_type": "bert"},
        },
        {
            "tokenizer_config": {"tokenizer_class": "PreTrainedTokenizerFast"},
            "config": {"model_type": "xlm-roberta"},
        },
    ],
)
def test_xlm_roberta(files, unigram_folder, tmp_path):
    folder = copy_of(unigram_folder("saved"), tmp_path / "folder", **files)
    ours = AutoTokenizer.from_pretrained(folder)
    theirs = transformers.AutoTokenizer.from_pretrained(folder)
    assert type(ours) is XLMRobertaTokenizer
    text = "Les plantes <mask> l’été ."
    assert ours(text).data == theirs(text).data


@pytest.mark.parametrize(
    "files",
    [
        {"config": {"model_type": "xlm"}},
        {"tokenizer_config": {"tokenizer_class": "XLMTokenizer"}},
        {"config": {"architectures": ["XLMModel"]}},
        {},
    ],
)
def test_xlm(files, tmp_path):
    folder = copy_of(DEFAULT_FOLDER, tmp_path / "folder", **files)
    tokenizer = AutoTokenizer.from_pretrained(folder, lang="fr", padding_side="left")
    assert type(tokenizer) is XLMTokenizer
    assert (tokenizer.lang, tokenizer.padding_side) == ("fr", "left")


def test_old_configurations_name_the_class_of_the_model(unigram_folder, tmp_path):
    files = {"config": {"architectures": ["XLMRobertaForMaskedLM"]}}
    folder = copy_of(unigram_folder("saved"), tmp_path / "folder", **files)
    # That of another type is in the way.
    shutil.copy(DEFAULT_FOLDER / "vocab.json", folder)
    assert type(AutoTokenizer.from_pretrained(folder)) is XLMRobertaTokenizer
    (folder / "config.json").write_text('{"architectures": ["XLMModel"]}')
    shutil.copy(DEFAULT_FOLDER / "merges.txt", folder)
    assert type(AutoTokenizer.from_pretrained(folder)) is XLMTokenizer


@pytest.mark.parametrize("name", ["saved", "sentencepiece"])
def test_a_folder_with_nothing_but_a_vocabulary(name, unigram_folder, tmp_path):
    folder = copy_of(unigram_folder(name), tmp_path / "folder")
    assert type(AutoTokenizer.from_pretrained(str(folder))) is XLMRobertaTokenizer


def test_what_people_pass(unigram_folder, tmp_path, recwarn):
    folder = copy_of(unigram_folder("saved"), tmp_path / "above" / "folder")
    tokenizer = AutoTokenizer.from_pretrained(
        tmp_path / "above",
        subfolder="folder",
        config=transformers.XLMRobertaConfig(),
        use_fast=True,
        trust_remote_code=False,
        revision="main",
        local_files_only=True,
        token=None,
        cache_dir=tmp_path,
        model_max_length=32,
        truncation_side="left",
    )
    assert (tokenizer.model_max_length, tokenizer.truncation_side) == (32, "left")
    assert not recwarn.list
    as_named = AutoTokenizer.from_pretrained(folder, tokenizer_type="xlm-roberta")
    assert as_named("a").input_ids == tokenizer("a").input_ids


def test_a_name_on_the_hub(hub, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(hub / "hub"))
    tokenizer = AutoTokenizer.from_pretrained("xlm-mlm-enfr-1024", cache_dir=hub / "hub")
    assert type(tokenizer) is XLMTokenizer
    assert tokenizer.lang2id == {"en": 0, "fr": 1}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"tokenizer_config": {"tokenizer_class": "BertTokenizerFast"}},
            "is of the class BertTokenizerFast",
        ),
        ({"config": {"model_type": "bert"}}, "belongs to a model of the type 'bert'"),
    ],
)
def test_other_types(files, message, tmp_path):
    folder = copy_of(DEFAULT_FOLDER, tmp_path / "folder", **files)
    with pytest.raises(InputError, match=f"{message}; there are tokenizers of the types .*xlm-rob"):
        AutoTokenizer.from_pretrained(folder)


def test_what_cannot_be_loaded(tmp_path):
    with pytest.raises(InputError, match="says of which type its tokenizer is, and none of"):
        AutoTokenizer.from_pretrained(tmp_path)
    with pytest.raises(InputError, match="tokenizer_type must be one of flaubert, xlm, "):
        AutoTokenizer.from_pretrained(tmp_path, tokenizer_type="bert")
    with pytest.raises(InputError, match="neither a folder nor to be had from the hub"):
        AutoTokenizer.from_pretrained("somebody/no-such-model")
    with pytest.raises(InputError, match=r"AutoTokenizer\.from_pretrained"):
        AutoTokenizer()
    with pytest.raises(InputError, match="no setting is called 'colour'"):
        AutoTokenizer.from_pretrained(DEFAULT_FOLDER, colour="red")


def test_every_kind_is_public():
    kinds = {kind.__name__ for kind in xlm_text.auto._KINDS.values()}
    assert kinds <= set(xlm_text.__all__)
