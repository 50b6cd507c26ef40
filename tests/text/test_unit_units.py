"""Cutting a text into units loses nothing, changes no word, and says where each unit begins."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlm_text.analysis.analyzers import load_pipeline
from xlm_text.languages.table import choose_segmenter
from xlm_text.pipelines.moses_units import moses_sentences
from xlm_text.pipelines.units import Cut
from xlm_text.pipelines.white_space import WhiteSpacePipeline

from .generated import texts
from .support import KYTEA_MODEL, examples, sentences

LANGUAGES = ["en", "fr", "fi", "ru", "ro", "zh", "th", "ja"]


def pipeline_of(lang, rules):
    return load_pipeline(lang, choose_segmenter(lang, None), rules, kytea_model=KYTEA_MODEL)


PIPELINES = {
    (lang, rules): pipeline_of(lang, rules)
    for lang in LANGUAGES
    for rules in ("sacremoses", "moses")
}


def check(pipeline, text):
    cut = pipeline.cut(text)
    parts = cut.units if cut.parts is None else cut.parts
    assert "".join(parts) == text
    if cut.parts is not None:
        assert cut.parts[::2] == cut.units
        assert not "".join(cut.parts[1::2]).strip(), "only white space is between units"
    for unit, start in zip(cut.units, cut.starts(), strict=True):
        assert text[start : start + len(unit)] == unit


@pytest.mark.parametrize(("lang", "rules"), PIPELINES)
def test_units_and_what_is_between_them_are_the_text(lang, rules):
    for line in sentences(lang):
        check(PIPELINES[lang, rules], line)
        check(PIPELINES[lang, rules], f"  {line} \n {line}  ")

    @given(texts(lang))
    @examples(100)
    def on_generated_text(text):
        check(PIPELINES[lang, rules], text)

    on_generated_text()


@pytest.mark.parametrize(("lang", "rules"), PIPELINES)
def test_the_words_of_units_are_those_of_the_whole_text(lang, rules):
    pipeline = PIPELINES[lang, rules]
    # The end of a line is the end of a text for these rules; a unit of one line is asked for.
    for line in map(str.strip, sentences(lang)):
        whole = pipeline.words([line]).flat
        assert pipeline.words(pipeline.cut(line).units).flat == whole


def test_a_text_that_was_cut_already_is_cut_at_each_space():
    check(WhiteSpacePipeline(), " a  b ")
    assert WhiteSpacePipeline().cut("a b").units == ["a", "b"]


@given(st.lists(st.sampled_from("Dr.|No|5.|U.S.|a|B|…|“C|. ".split("|")), max_size=8))
@examples(200)
def test_sentences_joined_by_spaces_are_the_text(words):
    text = " ".join(words)
    assert " ".join(moses_sentences(text)) == text


def test_where_units_begin_is_the_sum_of_the_lengths_before_them():
    assert list(Cut(["ab", "c", "def"], None).starts()) == [0, 2, 3]
    assert list(Cut.of(["ab", " ", "c", "\n  ", "def", " "]).starts()) == [0, 3, 7]
