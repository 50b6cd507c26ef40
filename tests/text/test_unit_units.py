"""Cutting a text into units loses nothing, changes no word, and says where each unit begins."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlm_text.analysis.analyzers import load_pipeline
from xlm_text.cache.units import UnitCache
from xlm_text.languages.table import choose_segmenter
from xlm_text.pipelines.flaubert import FlaubertPipeline
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


WITH_CHUNKS = {name: own for name, own in PIPELINES.items() if own.has_chunks} | {
    ("fr", "flaubert"): FlaubertPipeline(lowercase=False),
    ("fr", "flaubert, lower-cased"): FlaubertPipeline(lowercase=True),
}
ABBREVIATED = st.lists(
    st.sampled_from("Dr.|No|5.|U.S.|a|B|…|“C|.|)|end.|(Ab|x..|".split("|")), max_size=8
)


@pytest.mark.parametrize("name", WITH_CHUNKS)
def test_texts_that_are_looked_up_by_their_chunks_have_the_units_that_they_are_cut_into(name):
    pipeline = WITH_CHUNKS[name]
    by_chunks = 0
    # A space around a unit means nothing, but that behind one that is not the last to these rules.
    strip = str.lstrip if name[1] == "moses" else str.strip

    def solid(units):
        return list(filter(None, (strip(unit, " ") for unit in units)))

    @given(ABBREVIATED.map(" ".join) | texts(name[0]))
    @examples(300)
    def on_generated_text(text):
        nonlocal by_chunks
        # The value of a unit is the unit.
        ((_, units, cut),) = UnitCache(pipeline, list, 1000).values([text], [0])
        by_chunks += cut is None
        assert solid(units) == solid(pipeline.cut(text).units)

    on_generated_text()
    assert by_chunks > 50


def test_where_units_begin_is_the_sum_of_the_lengths_before_them():
    assert list(Cut(["ab", "c", "def"], None).starts()) == [0, 2, 3]
    assert list(Cut.of(["ab", " ", "c", "\n  ", "def", " "]).starts()) == [0, 3, 7]
