"""The quicker search gives newmm's own words."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pythainlp.corpus.common import thai_words
from pythainlp.tokenize import word_tokenize

from xlm_text.segmenters.newmm_search import load_search

from .support import SHARED_TEXT, examples, sentences

SEARCH = load_search()
WORDS = sorted(thai_words())
REAL = "".join(sentences("th"))
THAI = st.characters(min_codepoint=0xE01, max_codepoint=0xE5B)
PARTS = (
    st.sampled_from(WORDS)
    | st.sampled_from(WORDS).map(lambda word: word[: len(word) // 2])
    | st.integers(0, len(REAL) - 9).map(lambda at: REAL[at : at + 9])
    | st.text(THAI, max_size=4)
    | st.text("กรคนาเแี่้", max_size=9)
    | st.sampled_from([" ", "  ", "\n", "\r\n", "12:30", "1,234", "a-b", "é", "。", "\u200b"])
    | st.text(max_size=3)
)


@examples(600)
@given(st.lists(PARTS, max_size=12).map("".join))
# Many ways at once: the search gives up on the longest after fifty edges.
@example("การ" * 40)
@example("ตากลม" * 30)
@example("กกกก")
@example("เวลา 12:30 น.")
@example("")
def test_any_text(text: str) -> None:
    assert SEARCH(text) == word_tokenize(text)


@pytest.mark.skipif(not (SHARED_TEXT / "th.txt").is_file(), reason="the shared data is not there")
def test_real_sentences() -> None:
    for line in (SHARED_TEXT / "th.txt").read_text(encoding="utf-8").splitlines():
        assert SEARCH(line) == word_tokenize(line)
