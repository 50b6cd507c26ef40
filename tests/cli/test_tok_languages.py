"""`xlm-tok languages` says what is so on this machine."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from xlm_text import CHECKPOINTS, XLMTokenizer

Tok = Callable[..., Result]


def rows(result: Result) -> dict[str, dict[str, Any]]:
    assert (result.exit_code, result.stderr) == (0, "")
    found = [json.loads(line) for line in result.stdout.splitlines()]
    return {row["language"]: row for row in found}


@pytest.fixture
def no_kytea_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    if any(Path(p, "share/kytea/model.bin").exists() for p in ("/usr", "/usr/local")):
        pytest.skip("a KyTea model is installed for all users of this machine")


def test_every_published_language_is_there(tok: Tok) -> None:
    known = {lang for checkpoint in CHECKPOINTS.values() for lang in checkpoint.languages}
    found = rows(tok("languages", "--format", "jsonl"))
    assert list(found) == sorted(known)
    assert len(found) == 100
    assert {row["id"] for row in found.values()} == {None}


def test_segmenters_and_their_packages(tok: Tok) -> None:
    found = rows(tok("languages", "--format", "jsonl"))
    special = {"zh": ("jieba", "jieba"), "th": ("newmm", "pythainlp"), "ja": ("kytea", "kytea")}
    for lang, row in found.items():
        segmenter, package = special.get(lang, ("moses", "sacremoses"))
        assert (row["segmenter"], row["package"]) == (segmenter, package)
        assert row["version"] == metadata.version(package)
    assert all(found[lang]["ready"] for lang in found if lang != "ja")


def test_prefixes_are_those_that_the_rules_take(tok: Tok) -> None:
    found = rows(tok("languages", "--format", "jsonl"))
    for lang in ("en", "de", "fr", "es", "ru", "ro", "el", "hi"):
        assert found[lang]["prefixes"] == lang
    for lang in ("ar", "bg", "sw", "tr", "ur", "vi", "ko"):
        assert found[lang]["prefixes"] == "en"
    for lang in ("zh", "th", "ja"):
        assert found[lang]["prefixes"] is None


def test_the_languages_of_a_model_with_their_ids(
    tok: Tok, tokenizer: XLMTokenizer, tmp_path: Path
) -> None:
    tokenizer.save_pretrained(tmp_path)
    found = rows(tok("languages", "--model", tmp_path, "--format", "jsonl"))
    assert {lang: row["id"] for lang, row in found.items()} == tokenizer.lang2id


def test_another_version_is_ready_but_not_verified(
    tok: Tok, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "9.9" if name == "jieba" else real(name))
    row = rows(tok("languages", "--format", "jsonl"))["zh"]
    assert (row["version"], row["verified"], row["ready"]) == ("9.9", False, True)
    assert "0.42.1" in row["problem"]
    assert "verified with jieba 0.42.1 only" in tok("languages").stdout


def test_a_missing_package_says_how_to_install_it(
    tok: Tok, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = metadata.version

    def version(name: str) -> str:
        if name == "rjieba":
            raise metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(metadata, "version", version)
    row = rows(tok("languages", "--zh-segmenter", "rjieba", "--format", "jsonl"))["zh"]
    assert (row["segmenter"], row["version"], row["ready"]) == ("rjieba", None, False)
    assert "pip install" in row["problem"]


@pytest.mark.usefixtures("no_kytea_model")
def test_japanese_without_a_model_is_not_ready(tok: Tok) -> None:
    row = rows(tok("languages", "--format", "jsonl"))["ja"]
    assert not row["ready"]
    assert "XLM_KYTEA_MODEL" in row["problem"]
    assert "--kytea-model" in row["problem"]


def test_japanese_with_a_file_that_is_no_model_is_not_ready(tok: Tok, tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(b"not a model")
    row = rows(tok("languages", "--kytea-model", path, "--format", "jsonl"))["ja"]
    assert not row["ready"]
    assert str(path) in row["problem"]


def test_japanese_with_a_model_is_ready(
    tok: Tok, kytea_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for arguments in (("--kytea-model", kytea_model), ()):
        monkeypatch.setenv("XLM_KYTEA_MODEL", str(kytea_model))
        row = rows(tok("languages", *arguments, "--format", "jsonl"))["ja"]
        assert (row["ready"], row["problem"]) == (True, None)


def test_the_table_says_the_same(tok: Tok) -> None:
    lines = tok("languages").stdout.splitlines()
    assert lines[0].split() == ["language", "id", "words", "by", "version", "prefixes", "ready"]
    by_language = {line.split()[0]: line.split() for line in lines[1:]}
    assert by_language["en"][2:] == ["moses", "(sacremoses)", "0.2.0", "own", "yes"]
    assert by_language["ar"][2:] == ["moses", "(sacremoses)", "0.2.0", "English", "yes"]
    assert by_language["zh"][2:] == ["jieba", "0.42.1", "-", "yes"]
