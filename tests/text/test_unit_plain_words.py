"""The short cut for common units gives the words that the rules give."""

import itertools

import pytest

from xlm_text.checkpoints import KNOWN_LANGUAGES
from xlm_text.rules.sacremoses.data import moses_data
from xlm_text.rules.sacremoses.normalization import normalization
from xlm_text.rules.sacremoses.words import PlainWords, moses_words

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


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_short_cut_gives_the_words_of_the_rules(lang: str) -> None:
    plain, normalize, rules = PlainWords(lang), normalization(lang), moses_words(lang)
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
    plain, normalize, rules = PlainWords(lang), normalization(lang), moses_words(lang)
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


def test_characters_that_go_through_untouched_do() -> None:
    for lang in LANGUAGES:
        normalize, rules = normalization(lang), moses_words(lang)
        for char in PlainWords(lang).characters:
            assert rules.apply(normalize.apply(char)) == char, lang


def test_the_data_of_sacremoses_alone_are_those_of_its_tokenizer() -> None:
    from sacremoses import MosesTokenizer

    for lang in sorted(KNOWN_LANGUAGES):
        moses, data = MosesTokenizer(lang=lang), moses_data(lang)
        numeric = set(moses.NUMERIC_ONLY_PREFIXES)
        assert data.alphanumeric == moses.IsAlnum
        assert data.letters == set(moses.IsAlpha)
        assert data.lowercase == set(moses.IsLower)
        assert data.abbreviations == set(moses.NONBREAKING_PREFIXES) - numeric
        assert data.numeric == numeric
