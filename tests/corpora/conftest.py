"""Text to make corpora of, in every format, and the ids that it must become."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from xlm_text import XLMTokenizer

pytest.importorskip("pyarrow", reason="needs the extra corpora")

from xlm_text.corpora import lines, scanning

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"


def sentences(lang: str) -> list[str]:
    return (FIXTURES / "sentences" / f"{lang}.txt").read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="session")
def golden() -> dict[str, list[list[int]]]:
    """The ids that transformers gives the sentences of each language, lower-cased."""
    found = json.loads((FIXTURES / "golden.json").read_text(encoding="utf-8"))
    return {key.removesuffix("-lower"): rows for key, rows in found.items() if "-lower" in key}


@pytest.fixture(scope="session")
def tokenizer() -> XLMTokenizer:
    """The tokenizer that the golden ids belong to."""
    return XLMTokenizer.from_pretrained(FIXTURES / "vocabulary", any_language=True)


@pytest.fixture(scope="session")
def model() -> str:
    return str(FIXTURES / "vocabulary")


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read files in chunks of a few lines, so that small ones are cut in many places."""
    monkeypatch.setattr(scanning, "CHUNK_BYTES", 100)
    monkeypatch.setattr(lines, "BLOCK_BYTES", 100)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    """Write lines into a file of the test's folder; return its path."""

    def write_lines(name: str, lines: list[str]) -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes("".join(f"{line}\n" for line in lines).encode())
        return str(path)

    return write_lines


def rows_of(corpus: Any, split: str = "train", lang: str | None = None) -> list[dict[str, Any]]:
    """Return all rows of a split in the order of its shards."""
    dataset = corpus.dataset(split, lang)
    rows: list[dict[str, Any]] = dataset.to_table().to_pylist()
    return rows


def contents(folder: Path | str) -> dict[str, bytes]:
    """Return every file of a folder by its path in it."""
    root = Path(folder)
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }
