"""On generated text, the tokens and ids are those of transformers' XLMTokenizer.

A million texts (twenty-one languages, fifty thousand each):

    XLM_EXAMPLES=50000 pytest -n auto tests/text/test_parity_generated.py
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .generated import texts
from .support import LANGUAGES, examples


@pytest.mark.parametrize("lang", LANGUAGES)
def test_tokens_and_ids_of_generated_text(lang, load_ours, load_theirs):
    settings = [{"do_lowercase_and_remove_accent": lower} for lower in (True, False)]
    if lang == "zh":
        settings = [{**s, "zh_segmenter": name} for s in settings for name in ("jieba", "rjieba")]
    pairs = [(load_ours("fixtures", **s), load_theirs("fixtures", **s)) for s in settings]

    @examples(800)
    @given(texts(lang), st.sampled_from(pairs), st.integers(0, 19))
    def same(text, pair, number):
        ours, theirs = pair
        bypass = number == 0  # one in twenty
        expected = theirs.tokenize(text, lang=lang, bypass_tokenizer=bypass)
        assert ours.tokenize(text, lang=lang, bypass_tokenizer=bypass) == expected
        ids = theirs.convert_tokens_to_ids(expected)
        row = ours([text], lang=lang, bypass_tokenizer=bypass)["input_ids"][0]
        assert row == theirs.build_inputs_with_special_tokens(ids)

    same()
