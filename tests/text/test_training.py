"""Learning a vocabulary: the same from the same text, and one that transformers loads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import xlm_text
from xlm_text import InputError, XLMTokenizer, train

from .support import (
    FIXTURE_LANGUAGES,
    FIXTURES,
    KYTEA_MODEL,
    REAL_LANGUAGES,
    SPECIAL_WORDS,
    load_reference,
    sentences,
)

REPOSITORY = FIXTURES.parent
DEFAULT = Path(xlm_text.__file__).with_name("default")
LEARN = """
import sys
from pathlib import Path
import xlm_text
texts = {}
for lang in ("en", "fr", "ja", "hi"):
    text = Path(sys.argv[1], f"{lang}.txt").read_text(encoding="utf-8")
    texts[lang] = text.splitlines()
if sys.argv[4] == "backwards":
    texts = {lang: lines[::-1] for lang, lines in texts.items()}
xlm_text.train(texts, 1200, kytea_model=sys.argv[2]).save_pretrained(sys.argv[3])
"""


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize(("seed", "order"), [("1", "forwards"), ("77", "backwards")])
def test_the_same_text_gives_the_same_files(seed, order, tmp_path):
    learnt = []
    for number, (hash_seed, direction) in enumerate([("0", "forwards"), (seed, order)]):
        folder = tmp_path / str(number)
        arguments = [FIXTURES / "sentences", KYTEA_MODEL, folder, direction]
        subprocess.run(
            [sys.executable, "-c", LEARN, *map(str, arguments)],
            check=True,
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(REPOSITORY)},
        )
        learnt.append(contents(folder))
    assert learnt[0] == learnt[1]
    assert len(learnt[0]) == 4


@pytest.fixture(scope="module")
def learnt():
    texts = {lang: sentences(lang) for lang in FIXTURE_LANGUAGES}
    return train(texts, 5000, kytea_model=str(KYTEA_MODEL))


def test_the_fixtures_are_what_their_command_makes(learnt, tmp_path):
    learnt.save_pretrained(tmp_path)
    assert contents(tmp_path) == contents(FIXTURES / "vocabulary")


def test_transformers_loads_what_was_learnt(learnt, tmp_path):
    learnt.save_pretrained(tmp_path)
    reference = load_reference(tmp_path)
    loaded = XLMTokenizer.from_pretrained(tmp_path, kytea_model=str(KYTEA_MODEL))
    assert loaded.lang2id == {lang: i for i, lang in enumerate(FIXTURE_LANGUAGES)}
    for lang in FIXTURE_LANGUAGES:
        rows = [reference.encode(line, lang=lang) for line in sentences(lang)]
        assert learnt(sentences(lang), lang=lang)["input_ids"] == rows
        assert loaded(sentences(lang), lang=lang)["input_ids"] == rows
        # It was learnt from these lines, so nothing in them is unknown.
        assert all(learnt.unk_token_id not in row for row in rows)


def test_what_is_in_a_vocabulary(learnt):
    ids = learnt.get_vocab()
    assert [ids[word] for word in SPECIAL_WORDS] == list(range(14))
    assert sorted(ids.values()) == list(range(len(ids)))
    # Every merge's pieces are there, in a place before what it makes.
    for first, second in learnt._vocabulary.merges:
        assert ids[first] < ids[first + second]
        assert ids[second] < ids[first + second]


@pytest.mark.parametrize("size", [120, 150, 400])
def test_the_size_is_a_limit(size):
    tokenizer = train({"en": sentences("en")}, size)
    assert len(tokenizer) <= size
    assert len(tokenizer) == tokenizer.vocab_size
    if size < 400:
        assert len(tokenizer) == size  # there was more to learn


def test_min_frequency():
    text = {"en": ["abab abab xyxy"]}
    often = train(text, 1000, min_frequency=2)
    assert often.tokenize("abab") == ["abab</w>"]
    assert len(often.tokenize("xyxy")) > 1 or often.tokenize("xyxy") == ["xy", "xy</w>"]
    assert train(text, 1000, min_frequency=1).tokenize("xyxy") == ["xyxy</w>"]


def test_settings_of_what_was_learnt():
    cased = train({"fr": ["L'ÉTÉ l'été"] * 3}, 100, do_lowercase_and_remove_accent=False)
    assert cased.tokenize("L'ÉTÉ") == ["L'</w>", "ÉTÉ</w>"]
    assert cased.lang == "fr"
    assert cased.lang2id == {"fr": 0}
    lower = train({"fr": ["L'ÉTÉ"] * 3, "en": []}, 100)
    assert lower.tokenize("L'ÉTÉ", lang="fr") == ["l'</w>", "ete</w>"]
    assert lower.lang2id == {"fr": 0, "en": 1}
    assert train({"en": iter(["a b"] * 3)}, 50).tokenize("b") == ["b</w>"]


@pytest.mark.parametrize("settings", [{}, {"mask_token": "<special4>", "bos_token": "</s>"}])
def test_special_tokens_in_the_texts_teach_nothing(settings):
    plain = ["low lower lowest", "a pen"] * 3
    marked = [f"{line} <special1>x</s> <special4>" for line in plain]
    between = [f"{line} x" for line in plain]
    one, other = (train({"en": lines}, 100, **settings) for lines in (marked, between))
    assert one.get_vocab() == other.get_vocab()
    assert one._vocabulary == other._vocabulary


@pytest.mark.parametrize(
    ("texts", "size", "options", "problem"),
    [
        ({"en": ["a"]}, 14, {}, "vocab_size.*14"),
        ({"en": ["a"]}, 0, {}, "vocab_size.*0"),
        ({"en": ["abcdefgh"]}, 17, {}, "vocab_size is 17.*take"),
        ({}, 100, {}, "at least one language"),
        ({"en": []}, 100, {}, "no words"),
        ({"en": ["", " ", "\u200b"]}, 100, {}, "no words"),
        ({"xx": ["a"]}, 100, {}, None),
        ({"en": [b"a"]}, 100, {}, "string"),
        # The letters of a file's name are no text.
        ({"fr": ["a"], "en": "en.txt"}, 100, {}, r"texts\['en'\].*not one string: 'en\.txt'"),
        ({"en": b"en.txt"}, 100, {}, r"texts\['en'\].*not one string"),
        ({"en": ["<special1> </s>", "<s>"]}, 100, {}, "no words"),
        ({"en": ["a"]}, 100, {"lowercase": True}, "lowercase"),
    ],
)
def test_what_cannot_be_learnt(texts, size, options, problem):
    if problem is None:
        # A language of its own is what a vocabulary may be learnt for.
        assert train(texts, size, **options).lang2id == {"xx": 0}
        return
    with pytest.raises(InputError, match=problem):
        train(texts, size, **options)


def test_the_embedded_default_is_what_its_recipe_makes(real_lines, wikipedia_kytea, tmp_path):
    texts = {lang: real_lines(lang) for lang in sorted(REAL_LANGUAGES)}
    learnt = train(texts, 16000, kytea_model=str(wikipedia_kytea))
    learnt.save_pretrained(tmp_path)
    for path in DEFAULT.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name
    assert sum(path.stat().st_size for path in DEFAULT.iterdir()) < 1_000_000
