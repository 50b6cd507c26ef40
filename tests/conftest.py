"""What all tests share: the real data where it is present, and how long property tests run."""

from __future__ import annotations

import atexit
import gzip
import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

# Before any import that reads them.  One thread for each process: several test processes run side
# by side, and the models are so small that threads would only wait for each other.
os.environ.update(
    {"OMP_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
)
# What is kept on disk between processes, kept for this run alone; its processes share it.
if "HF_ASSETS_CACHE" not in os.environ:
    os.environ["HF_ASSETS_CACHE"] = tempfile.mkdtemp(prefix="xlm-assets-")
    atexit.register(shutil.rmtree, os.environ["HF_ASSETS_CACHE"], ignore_errors=True)
# Or each command that a test starts would compile all that it imports again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# Tests never go to the network.
os.environ["HF_HUB_OFFLINE"] = "1"

with suppress(ImportError):
    # Before KyTea's binding: an iterator of either is of the class of whichever was imported last,
    # and the reference iterates over what KyTea finds.
    import faiss  # noqa: F401

import pytest
from hypothesis import HealthCheck, settings

REPOSITORY = Path(__file__).resolve().parents[1]
FIXTURES = REPOSITORY / "fixtures"
SHARED_DATA = Path(os.environ.get("XLM_SHARED_DATA") or REPOSITORY.parent / "shared" / "data")

# XLM_EXAMPLES=50000 runs that many examples of each property, other ones each time; without it a
# property runs as many as it asks for, the same ones each time.
_EXAMPLES = os.environ.get("XLM_EXAMPLES")
settings.register_profile(
    "xlm",
    deadline=None,
    database=None,
    derandomize=_EXAMPLES is None,
    print_blob=True,
    max_examples=int(_EXAMPLES or 100),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("xlm")


# A test that has one of these cannot run without the real data.
_REAL_DATA = {"shared_data", "real_lines", "wikipedia_kytea"}


@pytest.hookimpl(tryfirst=True)  # before those are chosen that have the mark
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _REAL_DATA.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("real_data")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with the real vocabularies, texts and KyTea model."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no real data in {SHARED_DATA}: XLM_SHARED_DATA names its folder")
    return SHARED_DATA


@pytest.fixture(scope="session")
def real_lines(shared_data: Path) -> Callable[[str], list[str]]:
    """Give the sentences of the shared data in a language."""

    def of(lang: str) -> list[str]:
        lines = (shared_data / "text" / f"{lang}.txt").read_text(encoding="utf-8").splitlines()
        assert len(lines) >= 500
        return lines

    return of


@pytest.fixture(scope="session")
def wikipedia_kytea(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The KyTea model of the shared data, unpacked."""
    path = tmp_path_factory.mktemp("kytea") / "wiki-words.bin"
    with gzip.open(shared_data / "kytea" / "wiki-words.bin.gz") as packed, path.open("wb") as file:
        shutil.copyfileobj(packed, file)
    return path


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a cache of the hub's client with every published checkpoint in it, and XLM-R base.

    They have their names, languages and settings, but the small embedded vocabulary and random
    weights, few of them.
    """
    # Imported here: the tests of the tokenizer and its command are quicker without.
    import torch

    from xlm_model import (
        XLMConfig,
        XLMRobertaConfig,
        XLMRobertaForMaskedLM,
        XLMWithLMHeadModel,
    )
    from xlm_text import CHECKPOINTS, UnigramVocabulary, XLMRobertaTokenizer, XLMTokenizer
    from xlm_text.files.storage import DEFAULT_FOLDER

    home = tmp_path_factory.mktemp("huggingface")

    def snapshot_of(name: str) -> Path:
        commit = "0" * 40
        repository = home / "hub" / f"models--FacebookAI--{name}"
        (repository / "refs").mkdir(parents=True)
        (repository / "refs" / "main").write_text(commit)
        return repository / "snapshots" / commit

    size = len(XLMTokenizer.from_pretrained())
    torch.manual_seed(0)
    for name, published in CHECKPOINTS.items():
        snapshot = snapshot_of(name)
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
    snapshot = snapshot_of("xlm-roberta-base")
    words = ["▁plantes", "▁créent", "▁grâce", "▁processus", "▁Bonjour", "▁monde"]
    pieces = ["<s>", "<pad>", "</s>", "<unk>", *words, "▁", *"abcdefghijklmnopqrstuvwxyz.,!é"]
    scores = [(piece, -float(i)) for i, piece in enumerate([*pieces, "<mask>"])]
    XLMRobertaTokenizer(UnigramVocabulary(scores)).save_pretrained(snapshot)
    roberta = XLMRobertaConfig(
        vocab_size=len(scores),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=130,
        type_vocab_size=1,
    )
    XLMRobertaForMaskedLM(roberta).save_pretrained(snapshot)
    return home
