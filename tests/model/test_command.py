"""The command `xlm-model`, as a user meets it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from click.testing import CliRunner, Result

from xlm_model import XLMModel, XLMWithLMHeadModel

from .helpers import IDS, LANGS, WORDS, original, reference, write_keras

try:
    from xlm_cli.model import main
except ModuleNotFoundError:  # not installed: the folder it is installed from
    from cli.model import main

CODES = "w o 10\nwo r 9\nwor d 8\nd </w> 1\n"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def pth(tmp_path: Path) -> Path:
    file = tmp_path / "mlm_enfr.pth"
    torch.save(original(reference("XLMWithLMHeadModel", n_langs=2)), file)
    return file


def logits(model: Any) -> torch.Tensor:
    with torch.no_grad():
        return model.eval()(IDS, langs=LANGS).logits


def test_an_original_checkpoint_becomes_a_published_one(pth: Path, tmp_path: Path) -> None:
    # Its last line counts, and so gets the line feed without which the reference leaves it out.
    (tmp_path / "codes").write_text(CODES.rstrip("\n"))
    result = run("convert", pth, tmp_path / "out", "--codes", tmp_path / "codes")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    written = {file.name for file in (tmp_path / "out").iterdir()}
    assert written == {"config.json", "model.safetensors", "vocab.json", "merges.txt"}
    theirs = transformers.XLMWithLMHeadModel.from_pretrained(tmp_path / "out")
    torch.testing.assert_close(logits(theirs), logits(XLMWithLMHeadModel.from_pretrained(pth)))
    tokenizer = transformers.XLMTokenizer.from_pretrained(tmp_path / "out")
    assert tokenizer.convert_tokens_to_ids(["<s>", "<special9>", "word0</w>", "word1"]) == [
        0,
        13,
        14,
        15,
    ]
    assert (tmp_path / "out" / "merges.txt").read_text() == CODES
    vocab = json.loads((tmp_path / "out" / "vocab.json").read_text())
    assert sorted(vocab.values()) == list(range(len(WORDS)))


def test_a_cased_checkpoint_is_recorded_as_such(pth: Path, tmp_path: Path) -> None:
    (tmp_path / "codes").write_text(CODES)
    run("convert", pth, tmp_path / "out", "--codes", tmp_path / "codes", "--cased")
    tokenizer = transformers.XLMTokenizer.from_pretrained(tmp_path / "out")
    assert tokenizer.do_lowercase_and_remove_accent is False


def test_without_codes_it_says_what_is_missing(pth: Path, tmp_path: Path) -> None:
    result = run("convert", pth, tmp_path / "out")
    assert result.exit_code == 0
    assert result.stderr == "Note: no merges.txt, which a tokenizer needs; pass --codes\n"


def test_a_tensorflow_checkpoint_becomes_a_published_one(tmp_path: Path) -> None:
    theirs = reference("XLMWithLMHeadModel", n_langs=2)
    write_keras(theirs, tmp_path / "tf")
    (tmp_path / "tf" / "vocab.json").write_text("{}")
    (tmp_path / "tf" / "merges.txt").write_text(CODES)
    result = run("convert", tmp_path / "tf", tmp_path / "deep" / "out")
    assert result.exit_code == 0, result.output
    out = tmp_path / "deep" / "out"
    assert (out / "merges.txt").read_text() == CODES
    again = transformers.XLMWithLMHeadModel.from_pretrained(out)
    torch.testing.assert_close(logits(again), logits(theirs))


@pytest.mark.parametrize(
    "name",
    [
        "XLMModel",
        "XLMForSequenceClassification",
        "XLMForMultipleChoice",
        "XLMForTokenClassification",
        "XLMForQuestionAnsweringSimple",
        "XLMForQuestionAnswering",
    ],
)
def test_every_head_survives(name: str, tmp_path: Path) -> None:
    theirs = reference(name)
    theirs.config.save_pretrained(tmp_path / "bin")
    torch.save(theirs.state_dict(), tmp_path / "bin" / "pytorch_model.bin")
    result = run("convert", tmp_path / "bin", tmp_path / "out")
    assert result.exit_code == 0, result.output
    again, loading = getattr(transformers, name).from_pretrained(
        tmp_path / "out", output_loading_info=True
    )
    assert not any(loading.values()), loading
    for key, tensor in theirs.state_dict().items():
        assert torch.equal(again.state_dict()[key], tensor), key
    facts = json.loads(run("info", "--json", tmp_path / "out").stdout)
    assert facts["model"] == name
    assert facts["parameters"] == sum(p.numel() for p in theirs.parameters())


def test_info_says_what_a_checkpoint_is(pth: Path, tmp_path: Path) -> None:
    facts = json.loads(run("info", "--json", pth).stdout)
    model = XLMWithLMHeadModel.from_pretrained(pth)
    expected = {
        "model": "XLMWithLMHeadModel",
        "head": "language model",
        "objective": "MLM+TLM",
        "languages": ["en", "fr"],
        "language_embeddings": True,
        "vocab_size": 60,
        "layers": 2,
        "dim": 32,
        "attention_heads": 4,
        "positions": 24,
        "parameters": sum(p.numel() for p in model.parameters()),
        "bytes": sum(p.nbytes for p in model.parameters()),
        "dtype": "float32",
    }
    assert {key: facts[key] for key in expected} == expected
    lines = dict(line.split(maxsplit=1) for line in run("info", pth).stdout.splitlines())
    assert lines["languages"] == "en fr"
    assert lines["objective"] == "MLM+TLM"


def test_info_on_a_published_causal_checkpoint(tmp_path: Path) -> None:
    # Their configurations say `causal: false`; their names are all there is to go by.
    reference("XLMWithLMHeadModel").save_pretrained(tmp_path / "xlm-clm-ende-1024")
    facts = json.loads(run("info", "--json", tmp_path / "xlm-clm-ende-1024").stdout)
    assert facts["objective"].startswith("CLM, going by its name")
    reference("XLMModel", causal=True).save_pretrained(tmp_path / "other")
    assert json.loads(run("info", "--json", tmp_path / "other").stdout)["objective"] == "CLM"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "x.pth").write_bytes(b"no"), "x.pth: expected"),
        (lambda folder: shutil.rmtree(folder), "neither a file nor a folder"),
        (lambda folder: (folder / "codes").write_bytes(b"\xff\xfe"), "codes: expected BPE codes"),
        (
            lambda folder: (folder / "codes").write_text("one\n"),
            "codes: its first line has 1 fields",
        ),
        (lambda folder: resave(folder, WORDS[:59]), "mismatched: transformer.embeddings.weight"),
        (lambda folder: resave(folder, n_layers=0), "x.pth: n_layers is 0: expected a whole"),
        (
            lambda folder: resave(folder, [*WORDS[:59], "<s>@@"]),
            "its dictionary has 59 distinct words",
        ),
    ],
)
def test_what_cannot_be_done_leaves_nothing(spoil: Any, message: str, tmp_path: Path) -> None:
    folder, codes = tmp_path / "in", tmp_path / "in" / "codes"
    folder.mkdir()
    torch.save(original(reference("XLMWithLMHeadModel", n_langs=2)), folder / "x.pth")
    codes.write_text(CODES)
    spoil(folder)
    arguments = ["--codes", codes] if codes.exists() else []
    result = run("convert", folder, tmp_path / "out", *arguments)
    assert result.exit_code == 1
    assert result.stderr.startswith("xlm-model: error: ")
    assert result.stderr.count("\n") == 1
    assert message in result.stderr
    assert isinstance(result.exception, SystemExit)
    assert [path.name for path in tmp_path.iterdir() if path != folder] == []


def resave(folder: Path, words: list[str] = WORDS, **params: Any) -> None:
    torch.save(
        original(reference("XLMWithLMHeadModel", n_langs=2), words, **params), folder / "x.pth"
    )


def test_a_folder_that_holds_something_is_left_alone(pth: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("kept")
    result = run("convert", pth, tmp_path / "out")
    assert result.exit_code == 1
    assert "exists: expected a new or an empty folder" in result.stderr
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["mine"]
    (tmp_path / "out" / "mine").unlink()
    assert run("convert", pth, tmp_path / "out").exit_code == 0


@pytest.mark.parametrize(
    "arguments", [["convert"], ["info"], ["info", "a", "b"], ["shout"], ["info", "--loud", "a"]]
)
def test_misuse(arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert "--help`)" in result.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["info", "--help"], ["convert", "--help"]])
def test_help_shows_examples(arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.exit_code == 0
    assert "Examples:\n" in result.output
    assert "xlm-model " in result.output


def test_a_missing_torch_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    result = run("info", tmp_path)
    assert result.exit_code == 1
    assert "in a clone of this project: pip install '.[model]'" in result.stderr


def test_the_encoder_of_a_converted_checkpoint(pth: Path, tmp_path: Path) -> None:
    run("convert", pth, tmp_path / "out")
    with pytest.warns(UserWarning, match=r"left over: pred_layer.proj.bias"):
        XLMModel.from_pretrained(tmp_path / "out")
