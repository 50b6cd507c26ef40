"""The reference, the vocabularies and the sentences that the tests compare with."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import jieba
import Mykytea
import pytest
import rjieba
from hypothesis import settings
from transformers import XLMTokenizer as PublishedReference
from transformers import logging as transformers_logging

jieba.setLogLevel("WARNING")
transformers_logging.set_verbosity_error()

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
KYTEA_MODEL = FIXTURES / "kytea.bin"
FIXTURE_LANGUAGES = sorted(path.stem for path in (FIXTURES / "sentences").glob("*.txt"))
XNLI_LANGUAGES = "ar bg de el en es fr hi ru sw th tr ur vi zh".split()
# Those of the checkpoints that have rules of their own somewhere, and those with a script of
# their own.
LANGUAGES = [*XNLI_LANGUAGES, "ro", "ja", "ko", "it", "cs", "fi"]
# The languages that the shared data has sentences in.
REAL_LANGUAGES = "en fr de es ru ar zh th ja".split()
XNLI15, ENFR = (pytest.param(name, marks=pytest.mark.real_data) for name in ("xnli15", "enfr"))
# The sentences of the shared data; the folder may be missing.
SHARED_TEXT = (
    Path(os.environ.get("XLM_SHARED_DATA") or FIXTURES.parents[1] / "shared" / "data") / "text"
)
SEGMENTERS = {"jieba": jieba, "rjieba": rjieba}
SPECIAL_WORDS = ["<s>", "</s>", "<pad>", "<unk>", *(f"<special{i}>" for i in range(10))]


def examples(count: int) -> settings:
    """Run ``count`` examples of a property, or as many as XLM_EXAMPLES asks for."""
    return settings(max_examples=int(os.environ.get("XLM_EXAMPLES") or count))


def sentences(lang: str) -> list[str]:
    """Our own sentences in a language; English ones where there are none."""
    name = lang if lang in FIXTURE_LANGUAGES else "en"
    return (FIXTURES / "sentences" / f"{name}.txt").read_text(encoding="utf-8").splitlines()


class Reference(PublishedReference):
    """transformers' tokenizer, mended in one place: its public calls keep ``lang``.

    As published, ``tokenize`` takes the argument and does not pass it on.  ``zh_segmenter`` says
    which package stands where the reference looks for ``rjieba``.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.zh_segmenter = "jieba"
        self._wanted: dict[str, Any] = {}
        super().__init__(*args, **kwargs)

    def tokenize(
        self, text: str, lang: str = "en", bypass_tokenizer: bool = False, **kwargs: Any
    ) -> list[str]:
        self._wanted = {"lang": lang, "bypass_tokenizer": bypass_tokenizer}
        return super().tokenize(text, **kwargs)

    def _tokenize(self, text: str, **kwargs: Any) -> list[str]:
        sys.modules["rjieba"] = SEGMENTERS[self.zh_segmenter]
        try:
            return super()._tokenize(text, **(kwargs or self._wanted))
        finally:
            sys.modules["rjieba"] = rjieba


def load_reference(folder: Path, kytea_model: Path = KYTEA_MODEL, **settings: Any) -> Reference:
    """Load the reference from a folder in the published layout, with a KyTea model."""
    reference = Reference(folder / "vocab.json", folder / "merges.txt", **settings)
    reference.ja_word_tokenizer = Mykytea.Mykytea(f"-model {kytea_model} -notags")
    return reference


def write_published(codes: Path, vocabulary: Path, size: int, folder: Path) -> Path:
    """Turn an original vocabulary into the published layout, by the rule in words.

    Ids 0-13 are the special words; then come the lines in order, without those that hold U+2028,
    do not have two fields, or repeat a word; cut at ``size``.  ``@@`` marks a word that goes on,
    ``</w>`` one that ends.
    """
    words = list(SPECIAL_WORDS)
    seen = set(words)
    for raw in vocabulary.read_bytes().split(b"\n"):
        line = raw.decode()
        word = line.split()[0] if len(line.split()) == 2 else None
        if word is not None and "\u2028" not in line and word not in seen:
            seen.add(word)
            words.append(word)
    ids = {}
    for id_, word in enumerate(words[:size]):
        if id_ >= len(SPECIAL_WORDS):
            word = word[:-2] if word.endswith("@@") else word + "</w>"
        ids[word] = id_
    folder.mkdir(exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps(ids), encoding="utf-8")
    (folder / "merges.txt").write_bytes(codes.read_bytes())
    return folder
