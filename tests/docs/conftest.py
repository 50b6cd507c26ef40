"""What the pages find on their reader's machine: the commands, and checkpoints from the hub."""

from __future__ import annotations

import os
import shutil
import sysconfig
from pathlib import Path

import pytest
import torch

from xlm_model import XLMConfig, XLMWithLMHeadModel
from xlm_text import CHECKPOINTS, XLMTokenizer
from xlm_text.storage import DEFAULT_FOLDER

COMMIT = "0" * 40


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a cache of the hub's client with every published checkpoint in it.

    They have their names, languages and settings, but the small embedded vocabulary and random
    weights, few of them.
    """
    home = tmp_path_factory.mktemp("huggingface")
    size = len(XLMTokenizer.from_pretrained())
    torch.manual_seed(0)
    for name, published in CHECKPOINTS.items():
        repository = home / "hub" / f"models--FacebookAI--{name}"
        (repository / "refs").mkdir(parents=True)
        (repository / "refs" / "main").write_text(COMMIT)
        snapshot = repository / "snapshots" / COMMIT
        languages = published.languages
        config = XLMConfig(
            vocab_size=size,
            emb_dim=16,
            n_layers=1,
            n_heads=2,
            n_langs=len(languages),
            lang2id={lang: i for i, lang in enumerate(languages)},
            id2lang=dict(enumerate(languages)),
            use_lang_emb=published.language_embeddings,
        )
        XLMWithLMHeadModel(config).save_pretrained(snapshot)
        for file in ("vocab.json", "merges.txt"):
            shutil.copy(DEFAULT_FOLDER / file, snapshot)
    return home


@pytest.fixture
def environment(hub: Path, tmp_path: Path) -> dict[str, str]:
    """Return the environment of a reader with this project's commands, and no network."""
    commands = sysconfig.get_path("scripts")
    home = tmp_path / "home"
    home.mkdir()
    kept = {name: x for name, x in os.environ.items() if not name.startswith(("XLM_", "HF_"))}
    return {
        **kept,
        "PATH": f"{commands}:{kept['PATH']}",
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "HF_HOME": str(hub),
        "HF_HUB_OFFLINE": "1",
    }
