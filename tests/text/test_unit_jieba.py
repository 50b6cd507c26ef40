"""The quicker search gives Jieba's own words."""

from __future__ import annotations

import re
from collections.abc import Callable

import jieba
from hypothesis import example, given
from hypothesis import strategies as st

from xlm_text.segmenters.chinese import load_jieba
from xlm_text.segmenters.jieba_search import BLOCK, load_search

from .support import examples, sentences

OWN = jieba.Tokenizer()
OWN.initialize()
SEARCH = load_search(OWN)
WORDS = sorted(word for word, count in OWN.FREQ.items() if count)
# Beginnings of words are in the dictionary, too, with a count of 0.
BEGINNINGS = sorted(word for word, count in OWN.FREQ.items() if not count)
HAN = st.characters(min_codepoint=0x4E00, max_codepoint=0x9FD5)
COMMON = sorted(set(re.findall("[\u4e00-\u9fd5]", "".join(sentences("zh")))))
CHINESE = st.lists(
    st.sampled_from(WORDS[::7]) | st.sampled_from(BEGINNINGS) | st.sampled_from(COMMON) | HAN,
    min_size=1,
    max_size=12,
).map("".join)


@examples(600)
@given(CHINESE)
# Characters that the model has never seen, and so nothing but ties.
@example("鿕鿔鿓鿒")
@example("一")
@example("在2016年12月用C++寫的a.b程式100.5%")
def test_runs_of_chinese(text: str) -> None:
    for block in re.findall(BLOCK, text):
        assert SEARCH(block) == list(OWN.cut(block))


@examples(300)
@given(st.lists(CHINESE | st.text(max_size=3) | st.sampled_from("a1+#._% \n，。㐀𠮷"), max_size=6))
@example(["2016年", " ", "\r\n", "C++", "語言", "。"])
def test_any_text(parts: list[str]) -> None:
    text = "".join(parts)
    assert load_jieba()(text) == list(OWN.cut(text))


def test_real_sentences(real_lines: Callable[[str], list[str]]) -> None:
    for line in real_lines("zh"):
        assert load_jieba()(line) == list(OWN.cut(line))
