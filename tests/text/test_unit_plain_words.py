"""The short cut for common units gives the words that the rules give."""

import itertools
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlm_text.checkpoints import KNOWN_LANGUAGES
from xlm_text.rules.engine import Rules
from xlm_text.rules.sacremoses.data import moses_data
from xlm_text.rules.sacremoses.normalization import normalization
from xlm_text.rules.sacremoses.plain_words import PlainWords
from xlm_text.rules.sacremoses.words import moses_words

from .support import examples

WORDS = [
    *(
        "a",
        "Mr",
        "No",
        "etc",
        "art",
        "5",
        "word",
        "Word",
        "x-y",
        "-",
        "2nd",
        "3-",
        "naïve",
        "Straße",
    ),
    *("Россия", "слово", "г", "ελλάδα", "كلمة", "शब्द", "한국", "漢字", "ﬁ", "ŞŢ", "１", "x１"),
    *("l'eau", "isn’t", "d'Or", "5's", "o'5", "rock'n'roll", "'t", "s'", "ha’", "DOTMULTI", "º"),
    *("1,5", "12.000", "5.7.1", "1,000,000", "3.x", "１,５", ".5", "5,"),
]
OPENING = ["", *'"“„«([$€£¿¡', '("', "“(", "[«", '""', "((", "$("]
CLOSING = [
    "",
    *"\".,?!:;)]”»%…'",
    *("%.", "%,", "%)", ")%", "؟", "؟.", "…,"),
    *(
        " ;",
        "\xa0:",
        " ?",
        "\xa0!",
        " %",
        ") ?",
        ". ;",
        '." ;',
        '",\xa0;',
        " ;.",
        "; ;",
        " »",
        " .",
    ),
    *map("".join, itertools.product('".,?!:;)]”»', repeat=2)),
    "?!.",
    '.").',
]
# Those with rules of their own, those without prefixes of their own, and further scripts.
LANGUAGES = ["en", "fr", "de", "es", "it", "ro", "ru", "ar", "hi", "ko", "el", "cs", "sw", "zh_yue"]


@cache
def short_cut_and_rules(lang: str) -> tuple[PlainWords, Rules, Rules]:
    return PlainWords(lang), normalization(lang), moses_words(lang)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_short_cut_gives_the_words_of_the_rules(lang: str) -> None:
    plain, normalize, rules = short_cut_and_rules(lang)
    # Each language takes a third of what three parts can make, in which each two of them meet.
    own = LANGUAGES.index(lang)
    units = [
        opening + word + closing
        for first, opening in enumerate(OPENING)
        for second, word in enumerate(WORDS)
        for third, closing in enumerate(CLOSING)
        if (first + second + third + own) % 3 == 0
    ]
    found = 0
    for unit in units:
        words = plain.find(unit)
        if words is not None:
            found += 1
            assert words == rules.apply(normalize.apply(unit)).split(), unit
    # Most of them are common enough for the short cut: a test of nothing would pass as well.
    assert found > 0.5 * len(units)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_full_stop_inside_a_unit(lang: str) -> None:
    plain, normalize, rules = short_cut_and_rules(lang)
    found = 0
    firsts = [*WORDS, "e.g", "J. R", "Nr", "p", "(Dr", "St", "art. No", "ca"]
    rests = [
        *WORDS,
        "5.",
        "Smith,",
        "(he",
        "“No”",
        "l'eau",
        "y. Z.",
        "p. 5",
        "No. 5",
        "?",
        " x",
        "",
    ]
    for first, rest in itertools.product(firsts, rests):
        unit = f"{first}. {rest}"
        words = plain.find(unit)
        if words is not None:
            found += 1
            assert words == rules.apply(normalize.apply(unit)).split(), unit
    assert found > 0.3 * len(firsts) * len(rests)


MARKED = st.lists(
    st.sampled_from(["a", "Ab", "No", "Mr", "7", "23", "٣", "é", "я", "x.y", "U.S", "1,5", "DOT"])
    | st.sampled_from([*"!\"#$%&()*+/:;<=>?@[\\]^_{|}~  ..,,--''`“\xa0", "'s", '",', '."', "..."]),
    min_size=1,
    max_size=9,
).map("".join)


@pytest.mark.parametrize("lang", LANGUAGES)
@examples(40)
@given(units=st.lists(MARKED, min_size=20, max_size=20))
def test_code_and_paths(lang: str, units: list[str]) -> None:
    plain, normalize, rules = short_cut_and_rules(lang)
    for unit in filter(None, units):
        words = plain.find(unit)
        assert words in (None, rules.apply(normalize.apply(unit)).split()), unit


def test_most_code_and_paths_take_the_short_cut() -> None:
    plain, normalize, rules = short_cut_and_rules("en")
    for unit, words in {
        "/text/a/0000.xhp": "/ text / a / 0000.xhp",
        "a_b(c:": "a _ b ( c :",
        "b(2,": "b ( 2 ,",
        "A1:B2.": "A1 : B2 .",
        "(it's": "( it 's",
        "x(a) ' Returns": "x ( a ) ' Returns",
        "'Sheet1'(A1": "'Sheet1 ' ( A1",
        'f("a",': 'f ( " a , "',
        "(x...": "( x ...",
        "(x…": "( x ...",
        "Ctrl+D.": "Ctrl + D.",
        "a/b.c.": "a / b.c.",
        "1:100.000.": "1 : 100.000 .",
    }.items():
        assert plain.find(unit) == words.split(), unit
        assert rules.apply(normalize.apply(unit)).split() == words.split(), unit
    # Two apostrophes so close together are left to the rules.
    assert plain.find("x[1]=='y'") is None


def test_characters_that_go_through_untouched_do() -> None:
    for lang in LANGUAGES:
        normalize, rules = normalization(lang), moses_words(lang)
        for char in PlainWords(lang).characters:
            assert rules.apply(normalize.apply(char)) == char, lang


@pytest.mark.slow
def test_the_data_of_sacremoses_alone_are_those_of_its_tokenizer() -> None:
    from sacremoses import MosesTokenizer

    set_of = cache(frozenset)  # nearly all languages share their large strings
    for lang in sorted(KNOWN_LANGUAGES):
        moses, data = MosesTokenizer(lang=lang), moses_data(lang)
        numeric = set(moses.NUMERIC_ONLY_PREFIXES)
        assert data.alphanumeric == moses.IsAlnum
        assert data.letters == set_of(moses.IsAlpha)
        assert data.numbers == set_of(moses.IsN)
        assert data.lowercase == set_of(moses.IsLower)
        assert data.abbreviations == set(moses.NONBREAKING_PREFIXES) - numeric
        assert data.numeric == numeric
