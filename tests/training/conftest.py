"""A small corpus, and a small model to train on it."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import torch

from xlm_text import XLMTokenizer, corpora
from xlm_text.corpora import Corpus

ROOT = Path(__file__).parents[2]
SMALL: dict[str, Any] = {"emb_dim": 16, "n_layers": 2, "n_heads": 2}
WORDS = {
    "en": "the a cat dog house river sees has old new town bread".split(),
    "fr": "le un chat chien maison fleuve voit a vieux neuf ville pain".split(),
}

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tokenizer() -> XLMTokenizer:
    return XLMTokenizer.from_pretrained(ROOT / "fixtures" / "vocabulary")


@pytest.fixture(scope="session")
def corpus(tokenizer: XLMTokenizer, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """English, a quarter as much French, and their pairs; 32 tokens in a row."""
    folder = tmp_path_factory.mktemp("corpus")
    rng = random.Random(0)
    texts: dict[str, list[str]] = {"en": [], "fr": []}
    for _ in range(160):
        drawn = [rng.randrange(12) for _ in range(rng.randrange(3, 12))]
        for lang, lines in texts.items():
            lines.append(" ".join(WORDS[lang][i] for i in drawn) + ".")
    for lang, lines in texts.items():
        (folder / f"{lang}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "few.txt").write_text("\n".join(texts["fr"][:40]) + "\n", encoding="utf-8")
    sources = [
        f"en={folder}/en.txt",
        f"fr={folder}/few.txt",
        f"en-fr={folder}/en.txt,{folder}/fr.txt",
    ]
    return corpora.prepare(
        sources,
        str(folder / "data"),
        model=tokenizer,
        blocks=32,
        split={"train": 0.8, "valid": 0.2},
    )
