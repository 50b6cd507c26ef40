"""Offsets that are found without running the rules again are those of the rules."""

from __future__ import annotations

from functools import lru_cache

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from xlm_text import XLMTokenizer

from .support import KYTEA_MODEL, examples

TEXTS = {
    "zh": [
        "中文",
        "的",
        "（当時）",
        "說：“",
        "C++",
        "3.5%",
        "…",
        "。 ",
        "''",
        "Ａ１",
        "Ñandú",
        "\u3000",
    ],
    "ja": [
        "日本語で",
        "ガラス",
        "ぱ",
        "（",
        "）",
        "…",
        "。",
        "ABC def",
        "//",
        "\\",
        "\u3000",
        "é",
        "''",
    ],
    "th": ["สวัสดี", "ชาวโลก", "ไม่", "ดี ๆ", "ๆ", "12:30", "“ผม”", "…", "abc", "É", "\u3000", "İ"],
}


@lru_cache
def tokenizer(lowercase: bool, _with_alignment: bool) -> XLMTokenizer:
    """Return one for each way: neither knows what the other cached."""
    return XLMTokenizer.from_pretrained(
        any_language=True, do_lowercase_and_remove_accent=lowercase, kytea_model=KYTEA_MODEL
    )


@pytest.mark.parametrize("lowercase", [True, False])
@pytest.mark.parametrize("lang", TEXTS)
def test_the_same_as_with_alignment(lang: str, lowercase: bool) -> None:
    parts = st.sampled_from([*TEXTS[lang], " ", " ", "  ", "\t", "\n", "\u200b"])
    parts |= st.characters(exclude_categories=["Cs"])

    @examples(200)
    @given(st.lists(st.lists(parts, max_size=8).map("".join), min_size=1, max_size=4))
    @example(["…", " a…b  c… ", "x \u3000 y", "\u3000…\u3000", "é\u0301 ガ\u3099", "ΑΣ Σ ß ﬁ 한글"])
    @example(["a  \t b", "« … »", "\u0301", "", " ", "ดี ๆ"])
    def on(texts: list[str]) -> None:
        def found(with_alignment: bool) -> object:
            with pytest.MonkeyPatch.context() as patch:
                if with_alignment:
                    none = "xlm_text.analysis.analyzer.find_places"
                    patch.setattr(none, lambda units, *_: [None] * len(units))
                ours = tokenizer(lowercase, with_alignment)
                batch = ours(texts, lang=lang, return_offsets_mapping=True)
            return batch["input_ids"], batch["offset_mapping"]

        assert found(False) == found(True)

    on()
