"""Loading and saving: every published layout, what does not fit, and files not to be trusted."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import warnings
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

import xlm_model
from xlm_model import CheckpointError, XLMConfig, XLMModel, XLMWithLMHeadModel
from xlm_model.checkpoints.reading import read_checkpoint

from .helpers import IDS, TINY, reference, save_as_bin, save_as_shards


@pytest.fixture
def theirs() -> Any:
    return reference("XLMWithLMHeadModel").eval()


FORMATS: dict[str, Callable[[Any, Path], None]] = {
    "safetensors": lambda model, folder: model.save_pretrained(folder),
    "sharded safetensors by transformers": lambda model, folder: model.save_pretrained(
        folder, max_shard_size="20KB"
    ),
    "sharded safetensors": save_as_shards,
    "bin": save_as_bin,
    "bin of old PyTorch": lambda model, folder: save_as_bin(model, folder, legacy=True),
    "sharded bin": lambda model, folder: save_as_shards(model, folder, pickled=True),
}


@pytest.mark.parametrize("layout", FORMATS)
def test_every_published_layout(layout: str, theirs: Any, tmp_path: Path) -> None:
    FORMATS[layout](theirs, tmp_path)
    assert ("sharded" in layout) == any(tmp_path.glob("*.index.json"))
    ours = XLMWithLMHeadModel.from_pretrained(tmp_path)
    torch.testing.assert_close(ours(IDS).logits, theirs(IDS).logits)
    for name, tensor in theirs.state_dict().items():
        assert torch.equal(ours.state_dict()[name], tensor), name
    assert not ours.training
    assert ours.pred_layer.proj.weight is ours.transformer.embeddings.weight


def test_a_file_can_be_named_itself(theirs: Any, tmp_path: Path) -> None:
    save_as_bin(theirs, tmp_path)
    ours = XLMWithLMHeadModel.from_pretrained(tmp_path / "pytorch_model.bin")
    torch.testing.assert_close(ours(IDS).logits, theirs(IDS).logits)


def test_a_name_is_found_in_the_hubs_cache(theirs: Any, tmp_path: Path) -> None:
    repository = tmp_path / "models--FacebookAI--xlm-tiny"
    commit = "0" * 40
    save_as_shards(theirs, repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    for name in ("FacebookAI/xlm-tiny", "xlm-tiny"):
        ours = XLMWithLMHeadModel.from_pretrained(name, cache_dir=tmp_path, local_files_only=True)
        torch.testing.assert_close(ours(IDS).logits, theirs(IDS).logits)
    with pytest.raises(CheckpointError, match="'xlm-tinny': neither a file nor a folder"):
        XLMWithLMHeadModel.from_pretrained("xlm-tinny", cache_dir=tmp_path, local_files_only=True)


def test_loaded_weights_can_be_trained_and_saved_over_their_own_file(tmp_path: Path) -> None:
    reference("XLMWithLMHeadModel").save_pretrained(tmp_path)
    model = XLMWithLMHeadModel.from_pretrained(tmp_path).train()
    before = load_file(tmp_path / "model.safetensors")
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    model(IDS, labels=IDS).loss.backward()
    optimizer.step()
    for name, tensor in load_file(tmp_path / "model.safetensors").items():
        assert torch.equal(tensor, before[name]), f"{name}: training changed the file"
    model.save_pretrained(tmp_path)
    again = XLMWithLMHeadModel.from_pretrained(tmp_path)
    for name, tensor in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor), name
        assert not torch.equal(tensor, before.get(name, IDS)), name


def test_weights_keep_their_type_unless_another_is_asked_for(theirs: Any, tmp_path: Path) -> None:
    theirs.half().save_pretrained(tmp_path)
    stored = XLMWithLMHeadModel.from_pretrained(tmp_path)
    assert {p.dtype for p in stored.parameters()} == {torch.float16}
    model = XLMWithLMHeadModel.from_pretrained(tmp_path, dtype=torch.bfloat16)
    assert {p.dtype for p in model.parameters()} == {torch.bfloat16}
    assert model.pred_layer.proj.weight is model.transformer.embeddings.weight
    model.save_pretrained(tmp_path / "again")
    assert json.loads((tmp_path / "again" / "config.json").read_text())["dtype"] == "bfloat16"
    read = transformers.XLMWithLMHeadModel.from_pretrained(tmp_path / "again")
    assert read.dtype == torch.bfloat16


def test_a_head_read_into_the_bare_encoder_is_listed(theirs: Any, tmp_path: Path) -> None:
    theirs.save_pretrained(tmp_path)
    with pytest.warns(UserWarning, match="head not used:\n  left over: pred_layer.proj.bias"):
        ours = XLMModel.from_pretrained(tmp_path)
    expected = theirs.transformer(IDS).last_hidden_state
    torch.testing.assert_close(ours(IDS).last_hidden_state, expected)


def test_an_encoder_read_into_a_head_needs_leave(tmp_path: Path) -> None:
    theirs = reference("XLMModel").eval()
    theirs.save_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match="new_head=True initialises") as raised:
        xlm_model.XLMForTokenClassification.from_pretrained(tmp_path)
    assert "missing: classifier.weight" in str(raised.value)
    assert "missing: classifier.bias" in str(raised.value)
    with pytest.warns(UserWarning, match="new at random:\n  missing: classifier.weight"):
        ours = xlm_model.XLMForTokenClassification.from_pretrained(
            tmp_path, new_head=True, num_labels=5
        )
    assert ours.classifier.weight.shape == (5, 32)
    assert 0.1 < ours.classifier.weight.std().item() < 0.3  # init_std is 0.2
    assert (ours.classifier.bias == 0).all()
    expected = theirs(IDS).last_hidden_state
    torch.testing.assert_close(ours.transformer(IDS).last_hidden_state, expected)
    # A language model's head is tied to the embeddings: only its bias is new.
    with pytest.warns(UserWarning, match="new at random:\n  missing: pred_layer.proj.bias$"):
        lm = XLMWithLMHeadModel.from_pretrained(tmp_path, new_head=True)
    assert lm.pred_layer.proj.weight is lm.transformer.embeddings.weight
    with pytest.warns(UserWarning, match="new at random"):
        answering = xlm_model.XLMForQuestionAnswering.from_pretrained(tmp_path, new_head=True)
    assert (answering.qa_outputs.end_logits.LayerNorm.weight == 1).all()


def test_another_number_of_labels_needs_leave(tmp_path: Path) -> None:
    reference("XLMForSequenceClassification", num_labels=3).save_pretrained(tmp_path)
    cls = xlm_model.XLMForSequenceClassification
    assert cls.from_pretrained(tmp_path).config.num_labels == 3
    with pytest.raises(CheckpointError, match=r"mismatched: sequence_summary.summary.weight") as e:
        cls.from_pretrained(tmp_path, num_labels=5)
    assert "the checkpoint holds (3, 32), the configuration expects (5, 32)" in str(e.value)
    with pytest.warns(UserWarning, match="new at random"):
        model = cls.from_pretrained(tmp_path, num_labels=5, new_head=True)
    assert model(IDS).logits.shape == (2, 5)


def test_a_whole_checkpoint_is_read_without_a_warning(theirs: Any, tmp_path: Path) -> None:
    theirs.save_pretrained(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        XLMWithLMHeadModel.from_pretrained(tmp_path)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"n_layers": 3}, "missing: transformer.attentions.2.q_lin.weight"),
        ({"n_layers": 1}, "left over: transformer.attentions.1.q_lin.weight"),
        (
            {"vocab_size": 70},
            r"mismatched: transformer.embeddings.weight: the checkpoint holds \(60, 32\), the "
            r"configuration expects \(70, 32\)",
        ),
        ({"n_langs": 2}, "missing: transformer.lang_embeddings.weight"),
        ({"emb_dim": 64}, "mismatched: transformer.ffns.1.lin1.weight"),
    ],
)
def test_a_configuration_that_contradicts_the_weights(
    changes: dict[str, Any], line: str, theirs: Any, tmp_path: Path
) -> None:
    theirs.save_pretrained(tmp_path)
    for new_head in (False, True):
        with pytest.raises(CheckpointError, match=line):
            XLMWithLMHeadModel.from_pretrained(tmp_path, new_head=new_head, **changes)


def test_tied_weights_that_differ_are_refused(tmp_path: Path) -> None:
    theirs = reference("XLMWithLMHeadModel", tie_word_embeddings=False).eval()
    save_as_bin(theirs, tmp_path)
    with pytest.raises(CheckpointError, match="differ, and the configuration ties them"):
        XLMWithLMHeadModel.from_pretrained(tmp_path, tie_word_embeddings=True)
    ours = XLMWithLMHeadModel.from_pretrained(tmp_path)
    torch.testing.assert_close(ours(IDS).logits, theirs(IDS).logits)


def test_either_end_of_a_tie_is_enough(theirs: Any, tmp_path: Path) -> None:
    theirs.config.save_pretrained(tmp_path)
    state = theirs.state_dict()
    del state["transformer.embeddings.weight"]
    torch.save(state, tmp_path / "pytorch_model.bin")
    ours = XLMWithLMHeadModel.from_pretrained(tmp_path)
    torch.testing.assert_close(ours(IDS).logits, theirs(IDS).logits)


def test_a_buffer_of_old_versions_is_no_weight(theirs: Any, tmp_path: Path) -> None:
    theirs.config.save_pretrained(tmp_path)
    state = {**theirs.state_dict(), "transformer.position_ids": torch.arange(24)[None]}
    torch.save(state, tmp_path / "pytorch_model.bin")
    ours = XLMWithLMHeadModel.from_pretrained(tmp_path)
    torch.testing.assert_close(ours(IDS).logits, theirs(IDS).logits)


class Attack:
    """Pickles into a call that leaves a trace."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.trace),)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("form", ["zip", "legacy", "plain pickle", "beside tensors", "shard"])
@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pth"])
def test_nothing_in_a_pickle_runs(form: str, name: str, theirs: Any, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    folder = tmp_path / "checkpoint"
    theirs.config.save_pretrained(folder)
    attack: Any = Attack(trace)
    if form == "beside tensors":
        attack = {**theirs.state_dict(), "transformer.extra": Attack(trace)}
    if form == "shard":
        name = "pytorch_model-1.bin"
        index = {"weight_map": {"transformer.embeddings.weight": name}}
        (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    if form == "plain pickle":
        (folder / name).write_bytes(pickle.dumps(attack))
    else:
        torch.save(attack, folder / name, _use_new_zipfile_serialization=form != "legacy")
    with pytest.raises(CheckpointError, match=f"{name}: expected tensors and plain data only"):
        XLMWithLMHeadModel.from_pretrained(folder)
    assert not trace.exists()


@pytest.mark.parametrize("damage", ["cut", "emptied", "noise"])
@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin", "tf_model.h5", "x.pth"])
def test_a_damaged_file_is_named(damage: str, name: str, theirs: Any, tmp_path: Path) -> None:
    theirs.save_pretrained(tmp_path)
    whole = (tmp_path / "model.safetensors").read_bytes()
    if name != "model.safetensors":
        torch.save(theirs.state_dict(), tmp_path / name)
        whole = (tmp_path / name).read_bytes()
        (tmp_path / "model.safetensors").unlink()
    content = {"cut": whole[: len(whole) * 2 // 3], "emptied": b"", "noise": b"\x93\x07" * 999}
    (tmp_path / name).write_bytes(content[damage])
    with pytest.raises(CheckpointError, match=f"{name}: expected"):
        XLMWithLMHeadModel.from_pretrained(tmp_path)


def test_what_is_missing_is_said(theirs: Any, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no weights in this folder: expected model.safe"):
        XLMModel.from_pretrained(tmp_path)
    theirs.save_pretrained(tmp_path)
    (tmp_path / "config.json").unlink()
    with pytest.raises(CheckpointError, match=r"model.safetensors: expected config.json beside it"):
        XLMModel.from_pretrained(tmp_path)
    (tmp_path / "weights.onnx").touch()
    theirs.config.save_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match=r"weights.onnx: expected a file ending in .safe"):
        XLMModel.from_pretrained(tmp_path / "weights.onnx")


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ({"weight_map": {"a": "../../etc/passwd.bin"}}, "expected one beside the index"),
        ({"weight_map": {"a": "b.safetensors"}}, "names the file 'b.safetensors': expected it"),
        ({"weights": {}}, "expected an index of shards"),
        ([], "expected an index of shards"),
    ],
)
def test_a_bad_index_is_refused(index: Any, message: str, theirs: Any, tmp_path: Path) -> None:
    theirs.config.save_pretrained(tmp_path)
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(CheckpointError, match=message):
        XLMModel.from_pretrained(tmp_path)


def test_another_frameworks_layout_is_refused(theirs: Any, tmp_path: Path) -> None:
    theirs.config.save_pretrained(tmp_path)
    save_file({"a": torch.zeros(1)}, tmp_path / "model.safetensors", metadata={"format": "tf"})
    with pytest.raises(CheckpointError, match="in the layout of 'tf': expected 'pt'"):
        XLMModel.from_pretrained(tmp_path)


def test_a_file_appears_only_once_it_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = XLMModel(XLMConfig(**TINY))
    model.save_pretrained(tmp_path)
    before = (tmp_path / "model.safetensors").read_bytes()

    def run_out_of_space(tensors: Any, file: Path, metadata: Any) -> None:
        file.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("safetensors.torch.save_file", run_out_of_space)
    with pytest.raises(CheckpointError, match=r"cannot be written: .*No space left"):
        XLMModel(XLMConfig(**TINY)).save_pretrained(tmp_path)
    assert (tmp_path / "model.safetensors").read_bytes() == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["config.json", "model.safetensors"]


def test_a_saved_file_has_ordinary_permissions(tmp_path: Path) -> None:
    XLMModel(XLMConfig(**TINY)).save_pretrained(tmp_path)
    (tmp_path / "plain").touch()
    modes = {file.name: file.stat().st_mode for file in tmp_path.iterdir()}
    assert modes["model.safetensors"] == modes["config.json"] == modes["plain"]


def test_only_the_preferred_weights_are_fetched(
    theirs: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, local = tmp_path / "hub", tmp_path / "cache" / ("0" * 40)
    save_as_shards(theirs, hub)
    save_as_bin(theirs, hub)
    (hub / "vocab.json").write_text("{}")

    def fetch(repository: str, allow_patterns: list[str], revision: str | None = None) -> str:
        assert (repository, revision) in (("me/tiny", "v1"), ("me/tiny", "0" * 40))
        local.mkdir(parents=True, exist_ok=True)
        for file in hub.iterdir():
            if any(fnmatch(file.name, pattern) for pattern in allow_patterns):
                shutil.copyfile(file, local / file.name)
        return str(local)

    monkeypatch.setattr("huggingface_hub.snapshot_download", fetch)
    found = read_checkpoint("me/tiny", revision="v1")
    assert found.path == local / "model.safetensors.index.json"
    assert {f.name for f in hub.iterdir()} - {f.name for f in local.iterdir()} == {
        "pytorch_model.bin"
    }
