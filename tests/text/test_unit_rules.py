"""Every kind of rule does to text with its alignment what it does to a string."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlm_text.alignment.aligned import Aligned
from xlm_text.checkpoints import KNOWN_LANGUAGES
from xlm_text.rules.engine import ReplaceFound, Rules, Strip, Substitution, Translation
from xlm_text.rules.perl.rules import normalization as perl_normalization
from xlm_text.rules.perl.rules import words as perl_words
from xlm_text.rules.sacremoses.normalization import controls, normalization
from xlm_text.rules.sacremoses.words import moses_words

from .generated import texts
from .support import examples

WITH_RULES_OF_THEIR_OWN = ["en", "fr", "it", "ro", "fi", "sv", "cs", "de", "es", "zh", "ja", "ko"]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Substitution("(b) c (a)", r"\1,\2", needs="c"), ("a-b,a-b", [0, 1, 2, 4, 6, 7, 8])),
        (Substitution(r" ", ""), ("a-bca-b", [0, 1, 2, 4, 6, 7, 8])),
        (Translation({"c": "xyz"}), ("a-b xyz a-b", [0, 1, 2, 3, 4, 4, 4, 5, 6, 7, 8])),
        (Rules([Strip(), Translation({"-": "~"})]), ("a~b c a~b", [*range(9)])),
    ],
)
def test_what_a_rule_makes_and_where_it_comes_from(rule, expected):
    text, starts = expected
    made = rule.align(Aligned.of("a-b c a-b"))
    assert rule.apply("a-b c a-b") == made.text == text
    assert made.starts == starts


def test_a_rule_that_needs_what_a_text_lacks_leaves_it_alone():
    # A wrong claim, so that it shows.
    rule = Rules([Substitution("a|b", "c", needs="a"), Strip()])
    assert rule.apply("b") == rule.align(Aligned.of("b")).text == "b"


def test_controls_are_dropped_and_nothing_else():
    text = "a\x00b\u200b\u00adc\ud7ff\ue000 \u00a0d"
    wanted = re.sub("[\x00\u200b\u00ad\ud7ff\ue000]", "", text)
    drop = ReplaceFound(controls, "", "drop controls")
    assert drop.apply(text) == wanted
    made = drop.align(Aligned.of(text))
    assert made.text == wanted
    assert [text[start] for start in made.starts] == list(wanted)


@pytest.mark.parametrize("lang", WITH_RULES_OF_THEIR_OWN)
@pytest.mark.parametrize("rules", [normalization, moses_words, perl_normalization, perl_words])
def test_the_rules_of_a_language(rules, lang):
    steps = rules(lang)

    @given(texts(lang))
    @examples(60)
    def on_generated_text(text):
        text = text.replace("\n", " ")
        made = steps.align(Aligned.of(text))
        assert made.text == steps.apply(text)
        assert len(made.starts) == len(made.ends) == len(made.text)
        assert all(0 <= a <= b <= len(text) for a, b in zip(made.starts, made.ends, strict=True))

    on_generated_text()


def test_every_language_of_the_checkpoints_has_rules():
    for lang in sorted(KNOWN_LANGUAGES):
        for rules in (normalization, perl_normalization):
            assert rules(lang).apply("a  b").split() == ["a", "b"]


@given(st.text(max_size=20), st.integers(0, 20), st.integers(0, 20))
@examples(100)
def test_slices_and_joins_keep_their_places(text, first, last):
    aligned = Aligned.of(text, offset=7)
    first, last = sorted((min(first, len(text)), min(last, len(text))))
    joined = (
        aligned.slice(0, first)
        .join(aligned.slice(first, last))
        .join(aligned.slice(last, len(text)))
    )
    assert (joined.text, joined.starts, joined.ends) == (text, aligned.starts, aligned.ends)
    assert [word.text for word in aligned.split()] == text.split()
    for word in aligned.split():
        start, end = word.span()
        assert text[start - 7 : end - 7] == word.text
