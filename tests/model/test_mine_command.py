"""`xlm-model mine` against the Python function, and what it does with lines that cannot be used."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result
from xlm_cli.model import main

from xlm_model import XLMModel, tasks
from xlm_text import XLMTokenizer

from .helpers import small

ENGLISH = [
    "The river flows.",
    "Where is it?",
    "She said: no!",
    "The river flows.",
    "Bread and milk.",
]
GERMAN = ["Wo ist es?", "Brot und Milch.", "Der Fluss fließt."]


@pytest.fixture
def model(tokenizer: XLMTokenizer, tmp_path: Path) -> Path:
    small(XLMModel, tokenizer, n_langs=9, lang2id=tokenizer.lang2id).save_pretrained(tmp_path / "m")
    tokenizer.save_pretrained(tmp_path / "m")
    (tmp_path / "en").write_text("\n".join(ENGLISH) + "\n")
    (tmp_path / "de").write_text("\n".join(GERMAN) + "\n")
    return tmp_path / "m"


def run(*arguments: object, text: str = "") -> Result:
    return CliRunner().invoke(main, ["mine", *map(str, arguments)], input=text)


def rows(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def right(model: Path, **options: Any) -> list[tuple[int, int]]:
    """Return the lines of the pairs; the English line that comes twice counts once."""
    embed = tasks.SentenceEmbedding.from_pretrained(model, **options.pop("embed", {}))
    once = [*ENGLISH[:3], ENGLISH[4]]
    pairs = tasks.mine(torch.stack(embed(once, "en")), torch.stack(embed(GERMAN, "de")), **options)
    numbers = [1, 2, 3, 5]
    return [(numbers[pair.source], pair.target + 1) for pair in pairs]


def test_it_gives_what_the_function_gives(model: Path, tmp_path: Path) -> None:
    files = [model, tmp_path / "en", tmp_path / "de", "--lang", "en", "--pair-lang", "de"]
    result = run(*files)
    assert (result.exit_code, result.stderr) == (0, "")
    found = rows(result.stdout)
    assert [(row["line"], row["pair_line"]) for row in found] == right(model)
    assert [row["score"] for row in found] == sorted((row["score"] for row in found), reverse=True)
    for row in found:
        assert row["text"] == ENGLISH[row["line"] - 1]
        assert row["pair_text"] == GERMAN[row["pair_line"] - 1]
    arguments = [
        "--margin", "distance", "--retrieval", "forward", "--neighbours", 2, "--layer", 1,
        "--pooling", "max", "--threshold", 0.001,
    ]  # fmt: skip
    out = tmp_path / "pairs.jsonl"
    result = run(*files, *arguments, "-o", out)
    assert (result.exit_code, result.output) == (0, "")
    wanted = right(
        model, margin="distance", retrieval="forward", neighbours=2, threshold=0.001,
        embed={"layer": 1, "pooling": "max"},
    )  # fmt: skip
    assert [(row["line"], row["pair_line"]) for row in rows(out.read_text())] == wanted
    assert 0 < len(wanted) < 4


def test_an_index_of_faiss(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("faiss", reason="faiss is not installed")
    files = [model, tmp_path / "en", tmp_path / "de", "--lang", "en", "--pair-lang", "de"]
    found = [(row["line"], row["pair_line"]) for row in rows(run(*files, "--index", "Flat").stdout)]
    assert found == right(model)
    # An index that there is not is noticed before the work begins.
    monkeypatch.setattr(tasks.SentenceEmbedding, "compute", lambda *_: 1 / 0)
    result = run(*files, "--index", "Nonsense")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("xlm-model: error: --index is 'Nonsense': expected one that")
    assert result.stderr.count("\n") == 1


def test_an_index_without_faiss(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    result = run(model, tmp_path / "en", tmp_path / "de", "--lang", "en", "--index", "Flat")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "--index needs faiss, which is not installed" in result.stderr
    assert "pip install '.[mine]'" in result.stderr


def test_standard_input_is_one_of_the_two(model: Path, tmp_path: Path) -> None:
    options = ["--lang", "en", "--pair-lang", "de"]
    found = run(model, "-", tmp_path / "de", *options, text="\n".join(ENGLISH))
    assert found.stdout == run(model, tmp_path / "en", tmp_path / "de", *options).stdout
    result = run(model, "-", "-", *options)
    assert result.exit_code == 2
    assert "SOURCE and TARGET are both standard input" in result.stderr


def test_a_line_that_cannot_be_used(model: Path, tmp_path: Path) -> None:
    (tmp_path / "bad").write_bytes(b"Wo ist es?\n\n\xff\n" + b"a " * 70 + b"\nBrot und Milch.\n")
    files = [model, tmp_path / "en", tmp_path / "bad", "--lang", "en", "--pair-lang", "de"]
    result = run(*files, "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert f"{tmp_path / 'bad'}: line 2: the text is empty" in result.stderr
    assert not (tmp_path / "out").exists()
    result = run(*files, "--on-error", "skip", "--skipped", tmp_path / "skipped")
    assert result.exit_code == 0
    assert {row["pair_line"] for row in rows(result.stdout)} == {1, 5}
    assert f"3 lines left out: {tmp_path / 'bad'}: lines 2-4 (the first: " in result.stderr
    assert len((tmp_path / "skipped").read_text().splitlines()) == 3


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["en", "none"], 1, "none: No such file or directory"),
        (["en"], 2, "Missing argument 'TARGET'"),
        (["en", "de", "--neighbours", "0"], 2, "'--neighbours'"),
        (["en", "de", "--margin", "sum"], 2, "'--margin'"),
        (["en", "de", "-o", "de"], 1, "de is the input: write the results to another file"),
        (["en", "de", "--pair-lang", "xx"], 1, "no language 'xx'"),
    ],
)
def test_bad_arguments(
    arguments: list[str],
    code: int,
    message: str,
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(model, *arguments, "--lang", "en")
    assert (result.exit_code, result.stdout) == (code, "")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_an_empty_file_gives_no_pairs(model: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    result = run(model, tmp_path / "en", tmp_path / "empty", "--lang", "en")
    assert (result.exit_code, result.output) == (0, "")
