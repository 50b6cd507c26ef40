"""The caches of units and words: what they keep, what they forget, and that neither shows."""

import pytest

from xlm_text.cache.units import UnitCache
from xlm_text.cache.words import WordCache
from xlm_text.pipelines.base import Setup
from xlm_text.pipelines.chinese import ChinesePipeline
from xlm_text.pipelines.moses import MosesPipeline

from .support import sentences


class Upper:
    """A value of units that needs no tokenizer, and the units that were asked for."""

    def __init__(self):
        self.asked = []

    def __call__(self, units):
        self.asked += units
        return [unit.upper() for unit in units]


def values_of(cache, texts):
    """Return the values of each text: by chunks where all are known, else through the cache."""
    found = {}
    missing = []
    for i, text in enumerate(texts):
        *chunks, last = text.split(" ")
        try:
            found[i] = [*map(cache.inside.__getitem__, chunks), cache.at_text_end[last]]
        except KeyError:
            missing.append(i)
    found.update((number, values) for number, values, _ in cache.values(texts, missing))
    return [found[i] for i in range(len(texts))]


@pytest.mark.parametrize("limit", [1, 3, 20, 10_000])
def test_values_are_the_same_whatever_is_kept(limit):
    cache = UnitCache(MosesPipeline(Setup("en")), Upper(), limit)
    lines = [*sentences("en"), "Dr. No came. He left.", "Dr.", "", " ", "a  b"]
    wanted = [[chunk.upper() for chunk in line.split(" ") if chunk] for line in lines]
    for _ in range(4):
        found = values_of(cache, lines)
        assert [" ".join(filter(None, row)).split() for row in found] == [
            " ".join(row).split() for row in wanted
        ]
        assert len(cache._known) <= limit


def test_a_unit_is_computed_once():
    compute = Upper()
    cache = UnitCache(MosesPipeline(Setup("en")), compute, 100)
    for _ in range(3):
        values_of(cache, ["one two", "two one", "one"])
    assert sorted(compute.asked) == ["one", "two"]


def test_a_chunk_is_looked_up_only_where_nothing_beside_it_matters():
    cache = UnitCache(MosesPipeline(Setup("en")), Upper(), 100)
    for _ in range(3):
        values_of(cache, ["Dr. Who said no.", "a comma, (in brackets) and 5 %"])
    # A full stop inside may be an abbreviation's, by what follows it; at the end it is not.
    assert "no." not in cache.inside
    assert cache.at_text_end["no."] == "NO."
    # A bracket pulls what is behind it closer.
    assert "comma," in cache.inside
    assert "(" not in cache.inside


def test_the_oldest_units_go_first_and_their_chunks_with_them():
    cache = UnitCache(MosesPipeline(Setup("en")), Upper(), 4)
    for _ in range(3):
        values_of(cache, ["one two three four"])
    assert cache.inside.keys() == {"one", "two", "three", "four"}
    oldest, others = list(cache._known)[:2], list(cache._known)[2:]
    values_of(cache, ["five"])
    assert {*cache._known} == {*others, "five"}
    assert cache.inside.keys() == {*others, "five"}
    assert not cache.at_text_end.keys() & {*oldest}
    assert cache._characters == sum(map(len, cache._known))


def test_long_units_are_not_kept():
    cache = UnitCache(MosesPipeline(Setup("en")), Upper(), 100)
    values_of(cache, ["x" * 201, "y" * 200])
    assert {*cache._known} == {"y" * 200}


def test_a_pipeline_without_chunks_has_none():
    cache = UnitCache(ChinesePipeline(Setup("zh", list)), Upper(), 100)
    for _ in range(3):
        values_of(cache, ["你好，世界。", ""])
    assert cache.mostly_new
    assert {**cache.inside, **cache.at_sentence_end, **cache.at_text_end} == {}


def test_words_are_computed_once_and_all_go_when_the_limit_is_reached():
    compute = Upper()
    cache = WordCache(compute, limit=3)
    assert cache.values(["a", "b", "a"]) == ["A", "B", "A"]
    assert cache.values(["b", "c"]) == ["B", "C"]
    assert compute.asked == ["a", "b", "c"]
    assert cache.values(["d", "a"]) == ["D", "A"]
    assert {*cache._known} == {"d"}
    many = [f"w{i}" for i in range(10)]
    assert cache.values(many) == [word.upper() for word in many]
    assert len(cache._known) <= 3


def test_words_are_right_though_the_cache_forgets_while_they_are_computed():
    def compute(words):
        # As another thread may do at this moment.
        if "a" in words:
            cache.values(["x", "y", "z"])
        return [word.upper() for word in words]

    cache = WordCache(compute, limit=4)
    assert cache.values(["b", "c"]) == ["B", "C"]
    assert cache.values(["a", "b", "a", "c"]) == ["A", "B", "A", "C"]
    assert cache.values(["a", "x", "b"]) == ["A", "X", "B"]
