"""What is remembered of a text gives the same ids in every other context.

Lines are put together at random from real words and units, so that each unit stands beside others
than it was first met with.  The long run, 200,000 lines in each language:

    XLM_LINES=200000 pytest -n auto -m '' tests/text/test_parity_recombined.py
"""

from __future__ import annotations

import os
import random
import re
from itertools import pairwise

import pytest

from xlm_text import XLMTokenizer

from .support import KYTEA_MODEL, LANGUAGES, REAL_LANGUAGES, SHARED_TEXT, sentences

LINES = os.environ.get("XLM_LINES")
BLOCK = 500
# What the rules look at, between and beside words.
SIGNS = (
    ". , ; : ! ? ' \" ( ) [ ] % $ - – — … ... '' `` „ “ ” « » ‘ ’ , . 。 ， 、 （ ） ！ ？ : ; "
    "'s n't l' d' 5 10 3,5 1.000 No. Mr. p. a. x\u00a0y \u00a0 \u200b \t <special1> </s> & / @ * = "
    "+"
).split(" ")


def units_of(lang):
    """Return real words with what stands beside them, and with it cut off."""
    lines = sentences(lang)
    path = SHARED_TEXT / f"{lang}.txt"
    if lang in REAL_LANGUAGES and path.is_file():
        lines = lines + path.read_text(encoding="utf-8").splitlines()
    rows = [line.split() for line in lines]
    chunks = sorted({chunk for row in rows for chunk in row})
    if lang in ("zh", "ja", "th"):
        # A sentence hardly has a space: what stands beside each other are runs of characters.
        runs = [line[i : i + n] for n in (1, 2, 4, 9) for line in lines for i in range(0, 40, 5)]
        chunks += sorted({run for run in runs if run})
        rows = [[line[i : i + 5] for i in range(0, 40, 5)] for line in lines]
    bare = sorted({re.sub(r"^\W+|\W+$", "", chunk) for chunk in chunks} - {""})
    pairs = sorted({" ".join(pair) for row in rows for pair in pairwise(row)})
    return chunks, bare, pairs


def recombined(lang, seed, count):
    """Give lines of known units in contexts of their own."""
    chunks, bare, pairs = units_of(lang)
    choose = random.Random(f"{lang} {seed}")
    lines = []
    for _ in range(count):
        line = []
        for _ in range(choose.choice([1, 2, 4, 7, 12])):
            kind = choose.random()
            if kind < 0.35:
                line.append(choose.choice(bare))
            elif kind < 0.6:
                line.append(choose.choice(chunks))
            elif kind < 0.7:
                line.append(choose.choice(pairs))
            elif kind < 0.85:
                line.append(choose.choice(SIGNS))
            elif kind < 0.95:
                line.append(choose.choice(bare) + choose.choice(SIGNS))
            else:
                line.append(choose.choice(SIGNS) + choose.choice(bare))
            line.append(choose.choice([" ", " ", " ", " ", " ", " ", "  ", ""]))
        lines.append("".join(line) if choose.random() < 0.5 else "".join(line).strip())
    return lines


def assert_same_ids(ours, theirs, lang, lines):
    expected = [theirs.encode(line, lang=lang) for line in lines]
    for _ in range(2):  # the second time all of it is known
        rows = ours(lines, lang=lang)["input_ids"]
        wrong = [line for line, a, b in zip(lines, rows, expected, strict=True) if a != b]
        assert wrong == []
    batch = ours(lines, lang=lang, return_offsets_mapping=True)
    assert batch["input_ids"] == expected
    # One by one, and in another order, the same.
    for i in range(0, len(lines), 50):
        assert ours(lines[i], lang=lang)["input_ids"] == expected[i]
    assert ours(lines[::-1], lang=lang)["input_ids"] == expected[::-1]


# Where there are real sentences their words are among the units.
@pytest.mark.parametrize(
    "lang",
    [pytest.param(x, marks=pytest.mark.real_data) if x in REAL_LANGUAGES else x for x in LANGUAGES],
)
def test_lines_of_known_units(lang, vocabulary_folder, load_ours, load_theirs):
    theirs = load_theirs()
    tokenizers = {
        "empty": {"memory_limit": 100_000},
        "filled before": {"memory_limit": 100_001},
        "tiny": {"memory_limit": 10},
    }
    loaded = {name: load_ours("fixtures", **settings) for name, settings in tokenizers.items()}
    # Another text, in which the units have other neighbours, comes first.
    filling = recombined(lang, "filling", 300)
    loaded["filled before"](filling, lang=lang, return_offsets_mapping=True)
    loaded["filled before"](filling, lang=lang)
    # Segmenting takes its time.
    count = int(LINES or (150 if lang in ("zh", "th", "ja") else 600))
    for start in range(0, count, BLOCK):
        lines = recombined(lang, start, min(BLOCK, count - start))
        for ours in loaded.values():
            assert_same_ids(ours, theirs, lang, lines)


BEFORE = (
    "word No Dr. etc U.S e.g Ü.B 5 (x) x) “x” 3.x a..b ... … l'x x' -- x- 5% No.5 º x\u0301 д "
    "слово كلمة 안녕 शब्द я.д 我 x.y.z z. ـ"
).split(" ")
BETWEEN = [
    *(". ", ".  ", ".\u00a0", '." ', ".” ", ".) ", ".' ", "... ", ".\u200b ", "..  "),
    *(f" {mark} " for mark in ":;?!%.,»)'"),
    *("\u00a0; ", " ?! ", " ;. ", " : ; ", " % % "),
]
BEHIND = (
    "word Word Übel über ªx 5 ５ ² (He “He ¿Que «Il -x – $5 'x 's . , ; ) x. Dr. Xx. Слово слово "
    "كلمة 안녕 शब्द 我 ǅx ʰx \u0301x ﬁ Ⅳ ⅳ"
).split(" ")


# Those with rules of their own for the full stop, and those without.
FULL_STOP_LANGUAGES = ["en", "fr", "de", "ro", "ar", "ko"]


@pytest.mark.slow
@pytest.mark.parametrize("lang", FULL_STOP_LANGUAGES)
def test_full_stops_and_lone_marks_in_every_context(lang, load_ours, load_theirs):
    """Each two parts meet in each language; each three in one language, with XLM_LINES in all."""
    ours, theirs = load_ours("fixtures"), load_theirs("fixtures")
    own, all_of_them = FULL_STOP_LANGUAGES.index(lang), len(FULL_STOP_LANGUAGES)
    for first, before in enumerate(BEFORE):
        lines = [
            before + between + behind
            for second, between in enumerate(BETWEEN)
            for third, behind in enumerate(BEHIND)
            if LINES or (first + second + third) % all_of_them == own
        ]
        assert_same_ids(ours, theirs, lang, [*lines, *(f"x {line} x." for line in lines)])


@pytest.mark.real_data
@pytest.mark.parametrize("lang", ["en", "fr", "de", "zh"])
def test_cased_and_other_segmenter(lang, load_ours, load_theirs):
    settings = {"do_lowercase_and_remove_accent": False, "zh_segmenter": "rjieba"}
    ours, theirs = load_ours("fixtures", **settings), load_theirs("fixtures", **settings)
    assert_same_ids(ours, theirs, lang, recombined(lang, "cased", 200))


@pytest.mark.parametrize("lang", REAL_LANGUAGES)
def test_real_vocabulary_after_real_text(lang, load_ours, load_theirs, real_lines):
    ours, theirs = load_ours("xnli15"), load_theirs("xnli15")
    ours(real_lines(lang), lang=lang)
    assert_same_ids(ours, theirs, lang, recombined(lang, "real", 300))


def test_languages_do_not_share_what_they_remember(load_ours, load_theirs):
    ours, theirs = load_ours(memory_limit=1000), load_theirs()
    lines = ["l'eau d'ici", "aujourd'hui Nr. 5 No. 5", "ș ț â î Ş", 'x." y', "5\u00a05", "我来"]
    for lang in [*LANGUAGES, *reversed(LANGUAGES)]:
        assert ours(lines, lang=lang)["input_ids"] == [theirs.encode(x, lang=lang) for x in lines]
        assert ours(lines, lang=lang, bypass_tokenizer=True)["input_ids"] == [
            theirs.encode(x, lang=lang, bypass_tokenizer=True) for x in lines
        ]


def test_memory_forgets_nothing_that_added_tokens_change(vocabulary_folder):
    ours = XLMTokenizer.from_pretrained(vocabulary_folder("fixtures"), kytea_model=str(KYTEA_MODEL))
    before = ours("the keys under the table")["input_ids"]
    ours.add_tokens(["keys"])
    after = ours("the keys under the table")["input_ids"]
    assert after != before
    assert ours.convert_tokens_to_ids("keys") == len(ours) - 1
    assert len(ours) - 1 in after


def test_an_endless_stream_of_new_words_stays_within_the_limit(vocabulary_folder):
    ours = XLMTokenizer.from_pretrained(vocabulary_folder("fixtures"), memory_limit=50)
    plain = XLMTokenizer.from_pretrained(vocabulary_folder("fixtures"))
    lines = [f"word{i} number{i}, x{i}." for i in range(400)]
    assert ours(lines)["input_ids"] == plain(lines)["input_ids"]
    assert ours(lines, return_offsets_mapping=True).data == (
        plain(lines, return_offsets_mapping=True).data
    )
