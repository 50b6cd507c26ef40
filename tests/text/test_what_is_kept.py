"""What tokenizers keep is theirs: it goes when they go, and no two of them share it."""

from __future__ import annotations

import gc
from collections import Counter

import pytest

from xlm_text import XLMTokenizer
from xlm_text.alignment.spans import ContiguousSpans, Spans, SpanTable
from xlm_text.analysis.analyzer import Analyzer
from xlm_text.cache.units import UnitCache
from xlm_text.cache.words import WordCache
from xlm_text.pipelines.moses import MosesPipeline
from xlm_text.pipelines.perl import PerlPipeline
from xlm_text.rules.engine import Rules
from xlm_text.rules.perl.plain_words import PerlPlainWords
from xlm_text.rules.sacremoses.data import MosesData
from xlm_text.rules.sacremoses.plain_words import PlainWords

from .support import FIXTURES, sentences

KEPT = (
    Analyzer, MosesData, MosesPipeline, PerlPipeline, PerlPlainWords, PlainWords, Rules,
    ContiguousSpans, Spans, SpanTable, UnitCache, WordCache,
)  # fmt: skip


@pytest.fixture
def count():
    """What counts objects made since the test began; of all that are there it would take long."""

    def counted():
        gc.collect()
        kinds = Counter(map(type, gc.get_objects()))
        return {kind.__name__: kinds[kind] for kind in KEPT}

    gc.collect()
    gc.freeze()
    yield counted
    gc.unfreeze()


@pytest.mark.parametrize("rules", ["sacremoses", "moses"])
def test_nothing_is_left_of_a_tokenizer_that_is_gone(count, rules):
    before = count()
    # Codes that nobody has used: whatever is kept by language is kept anew.
    for number in range(3):
        ours = XLMTokenizer.from_pretrained(FIXTURES / "vocabulary", rules=rules, any_language=True)
        for lang in (f"new-{number}", f"newer-{number}"):
            batch = ours([*sentences("en"), "(...)"], lang=lang, return_offsets_mapping=True)
            batch.tokens()
    assert count() != before
    del ours, batch
    assert count() == before


def test_what_is_kept_of_spans_has_a_limit(monkeypatch):
    monkeypatch.setattr("xlm_text.alignment.spans._MOST_SPANS", 50)
    monkeypatch.setattr("xlm_text.alignment.spans._MOST_PATTERNS", 5)
    table = SpanTable()
    for length in range(1, 20):
        spans = table.spans_of((length, 2))
        for position in range(10):
            expected = ((position, position + length), (position + length, position + length + 2))
            assert spans[position] == expected
    assert table.room == 0
    assert len(table._by_lengths) == 5
    assert sum(map(len, table._by_lengths.values())) == 50


def test_two_tokenizers_share_no_spans():
    kept = []
    for _ in range(2):
        ours = XLMTokenizer.from_pretrained(FIXTURES / "vocabulary")
        ours(sentences("en"), return_offsets_mapping=True)
        kept.append(ours._cutter("en")._analyzer._spans)
    assert kept[0] is not kept[1]
    assert kept[0].room == kept[1].room
