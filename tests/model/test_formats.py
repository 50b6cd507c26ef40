"""The original implementation's `.pth`, and TensorFlow's `tf_model.h5`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

import xlm_model
from xlm_model import CheckpointError, XLMForSequenceClassification, XLMWithLMHeadModel

from .helpers import IDS, LANGS, TINY, original, reference, write_keras


@pytest.mark.parametrize("form", ["zip", "legacy", "several GPUs"])
@pytest.mark.parametrize("gelu", [True, False])
def test_an_original_checkpoint(form: str, gelu: bool, tmp_path: Path) -> None:
    theirs = reference("XLMWithLMHeadModel", n_langs=2, gelu_activation=gelu).eval()
    saved = original(theirs)
    if form == "several GPUs":
        saved["model"] = {"module." + name: t for name, t in saved["model"].items()}
    file = tmp_path / "mlm_enfr.pth"
    torch.save(saved, file, _use_new_zipfile_serialization=form != "legacy")
    for where in (file, tmp_path):
        ours = XLMWithLMHeadModel.from_pretrained(where)
        got = ours(IDS, langs=LANGS, labels=IDS, output_hidden_states=True)
        expected = theirs(IDS, langs=LANGS, labels=IDS, output_hidden_states=True)
        torch.testing.assert_close(got.logits, expected.logits)
        torch.testing.assert_close(got.loss, expected.loss)
    config = ours.config
    assert config.lang2id == {"en": 0, "fr": 1}
    assert config.max_position_embeddings == 24
    assert (config.dropout, config.n_words, config.objective) == (0.1, 60, "MLM+TLM")
    # How it was trained, and on whose machine, is none of a published checkpoint's business.
    assert not {"dump_path", "mask_scores", "word_pred"} & config.to_dict().keys()


def test_an_original_checkpoint_that_learnt_to_go_on_is_causal(tmp_path: Path) -> None:
    theirs = reference("XLMWithLMHeadModel", n_langs=2, causal=True).eval()
    steps = {"clm_steps": [("en", None), ("fr", None)], "mlm_steps": []}
    torch.save(original(theirs, **steps), tmp_path / "clm.pth")
    ours = XLMWithLMHeadModel.from_pretrained(tmp_path / "clm.pth")
    assert ours.config.objective == "CLM"
    torch.testing.assert_close(ours(IDS, langs=LANGS).logits, theirs(IDS, langs=LANGS).logits)


def test_an_original_checkpoint_with_two_embeddings(tmp_path: Path) -> None:
    theirs = reference("XLMWithLMHeadModel", n_langs=2, tie_word_embeddings=False).eval()
    torch.save(original(theirs, share_inout_emb=False), tmp_path / "x.pth")
    ours = XLMWithLMHeadModel.from_pretrained(tmp_path / "x.pth")
    torch.testing.assert_close(ours(IDS, langs=LANGS).logits, theirs(IDS, langs=LANGS).logits)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda saved: saved.pop("params"), "expected a dictionary with 'model', 'params'"),
        (
            lambda saved: saved.update(encoder=saved.pop("model")),
            "holds .*'encoder'.*: expected 'model'",
        ),
        (lambda saved: saved.update(model=3), "expected 'model' to hold tensors"),
        (lambda saved: saved["params"].update(use_memory=True), "product-key memory"),
        (lambda saved: saved["params"].update(n_layers=5), "missing: transformer.attentions.2"),
        (lambda saved: saved["model"].pop("position_embeddings.weight"), "expected position_emb"),
    ],
)
def test_what_no_published_checkpoint_can_hold(change: Any, message: str, tmp_path: Path) -> None:
    saved = original(reference("XLMWithLMHeadModel", n_langs=2))
    change(saved)
    torch.save(saved, tmp_path / "x.pth")
    with pytest.raises(CheckpointError, match=message):
        XLMWithLMHeadModel.from_pretrained(tmp_path / "x.pth")


@pytest.mark.parametrize(
    "name",
    [
        "XLMWithLMHeadModel",
        "XLMForSequenceClassification",
        "XLMForMultipleChoice",
        "XLMForTokenClassification",
        "XLMForQuestionAnsweringSimple",
    ],
)
def test_a_tensorflow_checkpoint(name: str, tmp_path: Path) -> None:
    theirs = reference(name, n_langs=2).eval()
    write_keras(theirs, tmp_path)
    ours = getattr(xlm_model, name).from_pretrained(tmp_path)
    ids, langs = (IDS, LANGS) if "Choice" not in name else (IDS[:, None], LANGS[:, None])
    torch.testing.assert_close(ours(ids, langs=langs)[0], theirs(ids, langs=langs)[0])
    assert all(parameter.is_contiguous() for parameter in ours.parameters())


def test_a_tensorflow_checkpoint_of_another_kind(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py", reason="h5py is not installed: no tf_model.h5 to be had")
    transformers.XLMConfig(**TINY).save_pretrained(tmp_path)
    with h5py.File(tmp_path / "tf_model.h5", "w") as file:
        file.create_group("other")
    with pytest.raises(CheckpointError, match=r"expected a tf_model.h5 as the TFXLM classes wrote"):
        XLMForSequenceClassification.from_pretrained(tmp_path)


def test_h5py_is_named_where_it_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_keras(reference("XLMWithLMHeadModel"), tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(CheckpointError, match="pip install h5py"):
        XLMWithLMHeadModel.from_pretrained(tmp_path)


def test_a_safetensors_file_goes_before_the_other_formats(tmp_path: Path) -> None:
    theirs = reference("XLMWithLMHeadModel").eval()
    theirs.save_pretrained(tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(b"never read")
    (tmp_path / "x.pth").write_bytes(b"never read")
    ours = XLMWithLMHeadModel.from_pretrained(tmp_path)
    torch.testing.assert_close(ours(IDS).logits, theirs(IDS).logits)
    assert json.loads((tmp_path / "config.json").read_text())["vocab_size"] == ours.config.n_words
