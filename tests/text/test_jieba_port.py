"""Jieba's words, found with its Rust port: the same ones."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlm_text.segmenters.jieba_port import JiebaPort, is_same
from xlm_text.segmenters.jieba_search import BLOCK

jieba = pytest.importorskip("jieba")
if not is_same():
    pytest.skip("needs the versions of Jieba and rjieba that agree", allow_module_level=True)


@lru_cache
def reference() -> Any:
    jieba.setLogLevel("WARNING")
    tokenizer = jieba.Tokenizer()
    tokenizer.initialize()
    return tokenizer


@lru_cache
def dictionary() -> tuple[list[str], list[str]]:
    """The words of Jieba's dictionary: of Chinese characters alone, and with others."""
    words = [word for word, count in reference().FREQ.items() if count]
    words = [word for word in words if re.fullmatch(BLOCK, word)]
    others = [word for word in words if re.search("[!-~]", word)]
    return words, others


@lru_cache
def port() -> JiebaPort:
    return JiebaPort()


def test_no_word_of_the_dictionary_is_of_ascii_letters_and_digits_alone() -> None:
    """So that what the port puts together of them can be told from its words."""
    words, others = dictionary()
    assert not [word for word in others if word.isascii() and word.isalnum() and len(word) > 1]
    assert max(map(len, words)) <= 16


def test_every_word_with_other_characters() -> None:
    _, others = dictionary()
    assert len(others) > 60
    for word in others:
        for block in (word, f"的{word}", f"{word}的", f"a{word}1"):
            assert port()(block) == reference().lcut(block), block


PARTS = st.one_of(
    st.integers(0, 1 << 20),  # the number of a word
    st.characters(min_codepoint=0x4E00, max_codepoint=0x9FD5),
    st.text("abcABC0123+#&._%-", min_size=1, max_size=4),
)


@given(st.lists(PARTS, min_size=1, max_size=8))
def test_any_block(parts: list[int | str]) -> None:
    words, others = dictionary()

    def word(number: int) -> str:
        kind = others if number % 4 == 0 else words
        return kind[number % len(kind)]

    block = "".join(word(part) if isinstance(part, int) else part for part in parts)
    assert port()(block) == reference().lcut(block)


def test_real_blocks(real_lines: Callable[[str], list[str]]) -> None:
    text = "\n".join(real_lines("zh"))
    found = sorted(set(re.findall(BLOCK, text)))
    assert len(found) > 1000
    assert [port()(block) for block in found] == [reference().lcut(block) for block in found]


def test_every_character_in_many_texts_at_once() -> None:
    """What is a block by itself, and what is between blocks, is the same in both programs."""
    # All of the first plane, and what stands for the others: the port knows some of the second's
    # characters, and some dictionaries have words with those of the third.
    codes = [*range(0xD800), *range(0xE000, 0x10100), *range(0x1F300, 0x1F700), 0x20000, 0x30000]
    texts = [f"的{char}中{char}{char}a{char}中" for char in map(chr, codes)]
    spaced = port().spaced(texts)
    for text, found in zip(texts, spaced, strict=True):
        assert found == " ".join(reference().lcut(text)), (hex(ord(text[1])), found)


TEXTS = st.lists(
    st.lists(
        st.sampled_from(
            ["的", "中文", "C++", "T恤", "3", ".", "5%", " ", "\n", "\r\n", "，", "␞", "㐀"]
        )
        | st.characters(min_codepoint=0x4E00, max_codepoint=0x9FD5)
        | st.characters(exclude_categories=["Cs"]),
        max_size=8,
    ).map("".join),
    max_size=5,
)


@given(TEXTS)
def test_many_texts_at_once(texts: list[str]) -> None:
    assert port().spaced(texts) == [" ".join(reference().lcut(text)) for text in texts]


def test_a_run_that_was_met_before() -> None:
    texts = ["鿕鿔中的a.b+-1.5%", "鿕鿔中的a.b+-1.5%", "中的中的" * 50, "中的中的" * 50]
    expected = [" ".join(reference().lcut(text)) for text in texts]
    assert port().spaced(texts) == port().spaced(texts) == expected
