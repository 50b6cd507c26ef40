"""Vocabularies, tokenizers and references, each made once."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import transformers

import xlm_text
from xlm_text import XLMRobertaTokenizer, XLMTokenizer

from .support import FIXTURES, KYTEA_MODEL, Reference, load_reference, write_published
from .unigram import train_sentencepiece, train_tokenizers

# name, files of the shared data, size of the checkpoints' vocabulary
REAL_VOCABULARIES = {"xnli15": ("_xnli_15", 95000), "enfr": ("_enfr", 64139)}


@pytest.fixture(scope="session")
def vocabulary_folder(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """Give the folder of ``fixtures``, ``default``, ``xnli15`` or ``enfr``."""

    @lru_cache
    def folder_of(name: str) -> Path:
        if name == "fixtures":
            return FIXTURES / "vocabulary"
        if name == "default":
            return Path(xlm_text.__file__).with_name("default")
        ending, size = REAL_VOCABULARIES[name]
        source = request.getfixturevalue("shared_data") / "vocab" / name
        return write_published(
            source / f"codes{ending}",
            source / f"vocab{ending}",
            size,
            tmp_path_factory.mktemp("published") / name,
        )

    return folder_of


@pytest.fixture(scope="session")
def load_ours(vocabulary_folder: Callable[[str], Path]) -> Callable[..., XLMTokenizer]:
    """Load one of the vocabularies; the same arguments give the same tokenizer."""

    @lru_cache
    def load(name: str = "fixtures", **settings: Any) -> XLMTokenizer:
        settings = {"kytea_model": str(KYTEA_MODEL), "any_language": True, **settings}
        return XLMTokenizer.from_pretrained(vocabulary_folder(name), **settings)

    return load


@pytest.fixture(scope="session")
def load_theirs(vocabulary_folder: Callable[[str], Path]) -> Callable[..., Reference]:
    """Load one of the vocabularies into the reference, in the same way."""

    @lru_cache
    def load(
        name: str = "fixtures",
        zh_segmenter: str = "jieba",
        kytea_model: str = str(KYTEA_MODEL),
        **settings: Any,
    ) -> Reference:
        reference = load_reference(vocabulary_folder(name), Path(kytea_model), **settings)
        reference.zh_segmenter = zh_segmenter
        return reference

    return load


@pytest.fixture(scope="session")
def ours(load_ours: Callable[..., XLMTokenizer]) -> XLMTokenizer:
    """The tokenizer of the fixtures' vocabulary; tests must not change it."""
    return load_ours()


@pytest.fixture(scope="session")
def theirs(load_theirs: Callable[..., Reference]) -> Reference:
    """The reference with the fixtures' vocabulary; tests must not change it."""
    return load_theirs()


@pytest.fixture(scope="session")
def unigram_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Give the folder of a small XLM-RoBERTa vocabulary.

    ``sentencepiece`` has SentencePiece's model alone, ``saved`` what transformers saves of it, and
    ``plain`` what it saves of a vocabulary of the Rust library, without a table of characters.
    """
    home = tmp_path_factory.mktemp("unigram")

    @lru_cache
    def folder_of(name: str) -> Path:
        if name == "plain":
            return train_tokenizers(home / name)
        learnt = home / "sentencepiece"
        if not learnt.is_dir():
            train_sentencepiece(learnt)
        if name == "saved":
            transformers.XLMRobertaTokenizer.from_pretrained(learnt).save_pretrained(home / name)
        return home / name

    return folder_of


@pytest.fixture(scope="session")
def load_roberta(
    unigram_folder: Callable[[str], Path],
) -> Callable[..., tuple[XLMRobertaTokenizer, Any]]:
    """Load one of those folders here and in transformers; tests must not change either."""

    @lru_cache
    def load(name: str = "saved", **settings: Any) -> tuple[XLMRobertaTokenizer, Any]:
        folder = unigram_folder(name)
        theirs = transformers.XLMRobertaTokenizer.from_pretrained(folder, **settings)
        return XLMRobertaTokenizer.from_pretrained(folder, **settings), theirs

    return load
