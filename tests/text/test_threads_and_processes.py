"""One tokenizer in several threads and processes, and what importing it costs."""

from __future__ import annotations

import copy
import multiprocessing
import os
import pickle
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest

from xlm_text import XLMTokenizer

from .support import FIXTURE_LANGUAGES, FIXTURES, KYTEA_MODEL, sentences

FOLDER = FIXTURES / "vocabulary"


def new_tokenizer(**settings):
    return XLMTokenizer.from_pretrained(FOLDER, kytea_model=str(KYTEA_MODEL), **settings)


def everything(tokenizer, lang):
    batch = tokenizer(sentences(lang), lang=lang, return_offsets_mapping=True, padding=True)
    return (
        batch.data,
        [batch.word_ids(i) for i in range(3)],
        tokenizer(sentences(lang), lang=lang)["input_ids"],
        tokenizer.tokenize(sentences(lang)[0], lang=lang),
        tokenizer.decode(batch["input_ids"][1], detokenize=lang),
    )


@pytest.mark.parametrize("memory_limit", [100_000, 10])
def test_eight_threads_on_one_tokenizer(memory_limit):
    alone = new_tokenizer()
    expected = {lang: everything(alone, lang) for lang in FIXTURE_LANGUAGES}
    shared = new_tokenizer(memory_limit=memory_limit)
    # Each thread begins elsewhere, so that they load and learn different languages at a time.
    orders = [FIXTURE_LANGUAGES[i * 2 :] + FIXTURE_LANGUAGES[: i * 2] for i in range(8)]

    def work(order):
        return [(lang, everything(shared, lang)) for lang in order * 2]

    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(work, orders):
            for lang, result in found:
                assert result == expected[lang], lang


@pytest.mark.parametrize("used", [False, True], ids=["new", "used"])
def test_pickling_a_tokenizer(used):
    tokenizer = new_tokenizer(lang2id={"fr": 0, "zh": 1, "ja": 2, "th": 3})
    tokenizer.add_tokens(["[new]"])
    tokenizer.add_special_tokens({"mask_token": "<mask>"})
    tokenizer.lang = "fr"
    if used:
        for lang in ("fr", "zh", "ja", "th"):
            tokenizer(sentences(lang), lang=lang, return_offsets_mapping=True)
    for other in (pickle.loads(pickle.dumps(tokenizer)), copy.deepcopy(tokenizer)):
        assert other.settings == tokenizer.settings
        assert other.get_vocab() == tokenizer.get_vocab()
        assert other.lang == "fr"
        for lang in ("fr", "zh", "ja", "th"):
            assert everything(other, lang) == everything(tokenizer, lang)
        text = "l'eau [new] <mask>"
        assert other(text)["input_ids"] == tokenizer(text)["input_ids"]
        # They share nothing.
        other.add_tokens(["[newer]"])
        assert "[newer]" not in tokenizer.get_vocab()


def use(tokenizer):
    """Fill everything that use fills."""
    for lang in FIXTURE_LANGUAGES:
        everything(tokenizer, lang)
    tokenizer([f"number{i} Þ{i}ð" for i in range(5000)], return_offsets_mapping=True)
    tokenizer.tokenize("x <mask> [new]")
    tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    pickle.loads(pickle.dumps(tokenizer))


def test_a_pickle_is_the_same_before_and_after_use():
    # Programs that keep results (`datasets`) name them by a hash of it.
    tokenizer = new_tokenizer()
    tokenizer.add_tokens(["[new]", "[newer]"])
    tokenizer.add_special_tokens({"mask_token": "<mask>"})
    before = pickle.dumps(tokenizer)
    use(tokenizer)
    assert pickle.dumps(tokenizer) == before
    for other in (pickle.loads(before), copy.deepcopy(tokenizer)):
        assert pickle.dumps(other) == before
    tokenizer.add_tokens(["[newest]"])
    assert pickle.dumps(tokenizer) != before


def test_a_hash_by_dill_is_the_same_before_and_after_use():
    dill = pytest.importorskip("dill")
    tokenizer = new_tokenizer()

    def encode(row):
        return tokenizer(row, lang="en")

    before = dill.dumps(encode, recurse=True)
    use(tokenizer)
    assert dill.dumps(encode, recurse=True) == before


def test_two_processes_make_the_same_pickle():
    code = (
        "import hashlib, pickle, sys, xlm_text\n"
        "tokenizer = xlm_text.XLMTokenizer.from_pretrained(sys.argv[1])\n"
        "tokenizer.add_tokens(['[a]', '[b]', '[c]'], special_tokens=True)\n"
        "print(hashlib.sha256(pickle.dumps(tokenizer)).hexdigest())"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code, str(FOLDER)],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(FIXTURES.parent), "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("0", "1", "17")
    }
    assert len(found) == 1


_inherited = None


def work_inherited(lang):
    return everything(_inherited, lang)


def work_given(tokenizer, lang):
    return everything(tokenizer, lang)


# Moses, Jieba, newmm and KyTea, each with what it loaded before the fork.
FORKED = ["en", "ro", "zh", "th", "ja"]


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_after_a_fork():
    global _inherited
    _inherited = new_tokenizer()
    expected = {lang: everything(_inherited, lang) for lang in FORKED}
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        for lang, found in zip(FORKED * 2, pool.map(work_inherited, FORKED * 2), strict=True):
            assert found == expected[lang]
    assert everything(_inherited, "ja") == expected["ja"]
    _inherited = None


def test_in_spawned_processes():
    tokenizer = new_tokenizer()
    expected = {lang: everything(tokenizer, lang) for lang in FORKED}
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        found = pool.map(work_given, [tokenizer] * len(FORKED), FORKED)
        assert dict(zip(FORKED, found, strict=True)) == expected


HEAVY = "torch jieba rjieba pythainlp Mykytea vaporetto nlpo3 sacremoses transformers numpy".split()


@pytest.mark.parametrize(
    ("code", "allowed"),
    [
        ("import xlm_text", set()),
        ("import xlm_text; xlm_text.XLMTokenizer.from_pretrained()", set()),
        (
            "import xlm_text; xlm_text.XLMTokenizer.from_pretrained()(['a, b'], padding=True)",
            {"sacremoses"},
        ),
    ],
    ids=["import", "load", "English"],
)
def test_nothing_heavy_is_imported_before_it_is_needed(code, allowed):
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(FIXTURES.parent)},
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "xlm_text" in loaded
    assert loaded & set(HEAVY) <= allowed


def test_words_added_to_the_global_jieba_change_nothing(load_ours):
    # A program that uses jieba for itself must not change the ids that others get.
    code = (
        "import jieba; jieba.setLogLevel('ERROR'); jieba.add_word('清华大学我', freq=10**9)\n"
        "import sys, xlm_text\n"
        "tokenizer = xlm_text.XLMTokenizer.from_pretrained(sys.argv[1])\n"
        "print(tokenizer('北京清华大学我来到', lang='zh')['input_ids'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(FOLDER)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(FIXTURES.parent)},
    )
    expected = load_ours()("北京清华大学我来到", lang="zh")["input_ids"]
    assert done.stdout.strip() == str(expected)
