"""The hub, the published checkpoints, and the embedded default."""

from __future__ import annotations

import shutil

import pytest

from xlm_text import CHECKPOINTS, InputError, MissingComponentError, XLMTokenizer

from .support import (
    FIXTURES,
    KYTEA_MODEL,
    XNLI_LANGUAGES,
)

FOLDER = FIXTURES / "vocabulary"


def test_a_name_that_the_hub_cannot_give(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    for name in ("xlm-mlm-en-2048", "someone/some-model"):
        with pytest.raises(InputError, match=f"'{name}'.*hub.*xlm-mlm-100-1280") as caught:
            XLMTokenizer.from_pretrained(name, cache_dir=tmp_path, local_files_only=True)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("prefix", ["", "FacebookAI/"])
@pytest.mark.parametrize("name", CHECKPOINTS)
def test_a_name_on_the_hub(name, prefix, monkeypatch, tmp_path):
    for source in ("vocab.json", "merges.txt"):
        shutil.copy(FOLDER / source, tmp_path)
    asked = {}

    def snapshot_download(repository, **options):
        asked.update(options, repository=repository)
        return str(tmp_path)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    hub = {"revision": "abc", "cache_dir": tmp_path, "local_files_only": True, "token": "t"}
    tokenizer = XLMTokenizer.from_pretrained(prefix + name, **hub, kytea_model=str(KYTEA_MODEL))
    assert asked.items() >= hub.items()
    assert asked["repository"] == f"FacebookAI/{name}"
    assert {"vocab.json", "merges.txt", "config.json"} <= set(asked["allow_patterns"])
    checkpoint = CHECKPOINTS[name]
    assert tokenizer.lang2id == {lang: i for i, lang in enumerate(checkpoint.languages)}
    lower = checkpoint.do_lowercase_and_remove_accent
    assert tokenizer.do_lowercase_and_remove_accent is lower
    assert tokenizer.model_max_length == 512
    lang = checkpoint.languages[-1]
    batch = tokenizer("a", lang=lang) if lang != "th" else tokenizer("a", lang="en")
    assert ("langs" in batch) is checkpoint.language_embeddings


def test_a_name_that_is_no_published_checkpoint(monkeypatch, tmp_path):
    for source in ("vocab.json", "merges.txt"):
        shutil.copy(FOLDER / source, tmp_path)
    asked = []
    monkeypatch.setattr(
        "huggingface_hub.snapshot_download",
        lambda repository, **_: asked.append(repository) or str(tmp_path),
    )
    assert XLMTokenizer.from_pretrained("someone/xlm").lang2id is None
    assert asked == ["someone/xlm"]


def test_the_published_checkpoints():
    # Sizes, languages and casing as in the published configurations.
    facts = {
        "xlm-mlm-en-2048": (30145, 1, True, False),
        "xlm-mlm-ende-1024": (64699, 2, True, True),
        "xlm-mlm-enfr-1024": (64139, 2, True, True),
        "xlm-mlm-enro-1024": (64592, 2, True, True),
        "xlm-mlm-xnli15-1024": (95000, 15, True, True),
        "xlm-mlm-tlm-xnli15-1024": (95000, 15, True, True),
        "xlm-clm-enfr-1024": (64139, 2, True, True),
        "xlm-clm-ende-1024": (64699, 2, True, True),
        "xlm-mlm-17-1280": (200000, 17, False, False),
        "xlm-mlm-100-1280": (200000, 100, False, False),
    }
    found = {
        name: (
            checkpoint.vocab_size,
            len(set(checkpoint.languages)),
            checkpoint.do_lowercase_and_remove_accent,
            checkpoint.language_embeddings,
        )
        for name, checkpoint in CHECKPOINTS.items()
    }
    assert found == facts
    for checkpoint in CHECKPOINTS.values():
        assert len(set(checkpoint.languages)) == len(checkpoint.languages)
        assert list(checkpoint.languages) == sorted(checkpoint.languages)
    assert set(CHECKPOINTS["xlm-mlm-xnli15-1024"].languages) == set(XNLI_LANGUAGES)
    assert CHECKPOINTS["xlm-mlm-enro-1024"].lang2id == {"en": 0, "ro": 1}


def test_the_embedded_default_names_its_languages():
    tokenizer = XLMTokenizer.from_pretrained()
    assert sorted(tokenizer.lang2id) == sorted("ar de en es fr ja ru th zh".split())


def test_japanese_without_a_model(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XLM_KYTEA_MODEL", raising=False)
    tokenizer = XLMTokenizer.from_pretrained()
    with pytest.raises(MissingComponentError, match=r"KyTea model.*XLM_KYTEA_MODEL.*kytea_model"):
        tokenizer("これは", lang="ja")
    # It is found where the reference looks for it.
    place = tmp_path / "local" / "share" / "kytea"
    place.mkdir(parents=True)
    shutil.copy(KYTEA_MODEL, place / "model.bin")
    rows = tokenizer("これは", lang="ja")["input_ids"]
    monkeypatch.setenv("XLM_KYTEA_MODEL", str(KYTEA_MODEL))
    assert XLMTokenizer.from_pretrained()("これは", lang="ja")["input_ids"] == rows
