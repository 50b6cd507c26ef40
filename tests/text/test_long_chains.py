"""Text that repeats what a rule looks for many times: as the reference, in linear time."""

from __future__ import annotations

import random

import pytest

from .test_offsets import check, check_order, check_slices

# More links than Python nests calls.
LINKS = 1200

# Each is repeated; `{i}` is the number of the link.
CHAINS = {
    "numbers": "{i}. ",
    "letters": "a. ",
    "capitals": "A. ",
    "words": "end. ",
    "sentences": "End. The ",
    "prefixes before numbers": "No. {i} ",
    "abbreviations": "U.S. e.g. Dr. ",
    "inner dots": "a.b.",
    "dot runs": "a.. ",
    "dots": ".",
    "spaced dots": ". ",
    "ellipses": "…",
    "dots of the rules": "DOTMULTI ",
    "opening brackets": "(",
    "brackets": "(a) ",
    "spaced brackets": "( [ ",
    "quotes": '"',
    "spaced quotes": '" ',
    "quotes and stops": '."',
    "two quotes": "''",
    "single quotes": "' ",
    "apostrophes": "a'",
    "elisions": "l'a ",
    "curly apostrophes": "d’a",
    "contractions": "a's n't ",
    "Romanian": "ş'Ţ ",
    "commas": ",",
    "commas and digits": "1,a,",
    "thousands": "1.000,5 ",
    "spaces that do not break": "a\u00a0: ",
    "digits and such spaces": "5\u00a0",
    "per cent": "5 % ",
    "dashes": "-–—",
    "marks": "a\u0301\u0323",
    "Chinese stops": "。 ",
    "full width": "（１，Ａ）",
    "Chinese": "我来到。",
    "Thai": "กา ๆ",
    "Japanese": "これは、",
    "addresses": "http://a.b/@c ",
    "entities": "&amp;",
}


@pytest.mark.slow
@pytest.mark.parametrize("lang", ["en", "fr", "it", "de", "ro", "ar", "ko", "zh", "th", "ja"])
def test_a_long_chain_is_cut_as_in_the_reference(lang, load_ours, load_theirs):
    ours, theirs = load_ours(), load_theirs()
    for name, link in CHAINS.items():
        links = LINKS if len(link) < 5 else LINKS // 4
        text = "".join(link.replace("{i}", str(i)) for i in range(links))
        expected = theirs.tokenize(text, lang=lang)
        assert ours.tokenize(text, lang=lang) == expected, name
        found = check(ours, text, lang, lowercase=True)
        if links < LINKS:
            check_slices(text, found, lang, lowercase=True)
            check_order(text, found, lang, lowercase=True)


@pytest.mark.parametrize("lang", ["en", "fr", "de", "ro"])
def test_chains_of_sentence_ends_with_anything_between(lang, load_ours, load_theirs):
    ours, theirs = load_ours(), load_theirs()
    choose = random.Random(lang)
    parts = "1. 2. a. b. Mr. No. Nr. word. ab, x) (x x: x\u00a0: l'x 1.5 Dr.\u00a0; U.S. x.. “x” i"
    for _ in range(300):
        text = " ".join(choose.choices(parts.split(" "), k=choose.choice([2, 4, 8, 40])))
        assert ours.tokenize(text, lang=lang) == theirs.tokenize(text, lang=lang)


@pytest.mark.parametrize("lang", ["en", "fr", "ro"])
def test_nothing_is_lost_in_a_very_long_chain(lang, load_ours):
    text = " ".join(f"{i}." for i in range(20_000))
    batch = load_ours()(text, lang=lang, add_special_tokens=False, return_offsets_mapping=True)
    assert "".join(batch.tokens()).replace("</w>", "") == text.replace(" ", "")
    assert "".join(text[start:end] for start, end in batch["offset_mapping"]) == (
        text.replace(" ", "")
    )
