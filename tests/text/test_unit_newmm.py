"""The quicker search gives newmm's own words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pythainlp.corpus.common import thai_words
from pythainlp.tokenize import tcc_p, word_tokenize
from pythainlp.tokenize._utils import rejoin_formatted_num
from pythainlp.util import Trie

from xlm_text.segmenters.newmm_search import find_clusters, join_numbers, load_search
from xlm_text.segmenters.newmm_source import load_rules, standard_trie

from .support import examples, sentences

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


@examples(2000)
@given(st.lists(st.text("12๓,.:aก ", min_size=1, max_size=4), max_size=9))
# A number that begins or ends inside a word, and two with a word between them.
@example(["a1", ",", "2b", "3:4"])
@example(["1,2,3", "4", ".5", ".", "6,7"])
def test_numbers_are_joined_as_by_pythainlp(words: list[str]) -> None:
    spans = [match.span() for match in load_rules().numbers.finditer("".join(words))]
    assert join_numbers(words, spans) == rejoin_formatted_num(words)


def test_the_trie_has_the_words_of_the_dictionary() -> None:
    def words(node: dict[str, Any] | str) -> set[str]:
        if isinstance(node, str):
            return {node}
        return {char + rest for char, following in node.items() for rest in words(following)}

    assert words(standard_trie()) == set(map(str.strip, WORDS))


def test_real_sentences(real_lines: Callable[[str], list[str]]) -> None:
    for line in real_lines("th"):
        assert SEARCH(line) == word_tokenize(line)


@pytest.mark.parametrize("word", ["ก" * 1100, "การงาน " * 160])
def test_long_words_of_a_user_that_begin_alike(word: str) -> None:
    words = (f"{word}ขา", f"{word}มา", word)
    search = load_search(words)
    for text in (f"{word}ขา{word}มา", f"{word}ข{word}"):
        assert search(text) == word_tokenize(text, custom_dict=Trie([*WORDS, *words]))


def test_clusters_are_those_of_pythainlp() -> None:
    # Every pair, and every beginning of what two consonants may be part of.
    signs = [chr(code) for code in range(0xE00, 0xE7F)]
    texts = [first + second for first in signs for second in signs]
    texts += [
        f"เ{sign}{mark}ย{end}" for sign in "กร" for mark in signs for end in ("", *signs, "a")
    ]
    clusters = find_clusters()
    for text in (*texts, *sentences("th")[:100]):
        assert clusters(text) == list(tcc_p.tcc(text))
