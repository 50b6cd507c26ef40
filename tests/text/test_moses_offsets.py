"""With ``rules="moses"`` tokens have their places, as with the other rules.

Half a million texts:

    XLM_EXAMPLES=25000 pytest -n auto tests/text/test_moses_offsets.py
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .generated import texts
from .perl_lines import lines_of
from .support import LANGUAGES, examples
from .test_offsets import check, check_order, check_slices


@pytest.fixture(scope="module")
def tokenizers(load_ours):
    """One that lower-cases and one that does not."""
    return {
        lowercase: load_ours("fixtures", rules="moses", do_lowercase_and_remove_accent=lowercase)
        for lowercase in (True, False)
    }


def check_all(ours, text, lang, lowercase):
    # The checks know what the other rules write for this digit; its own place is counted below.
    text = text.replace("１", "２")
    tokens = check(ours, text, lang, lowercase)
    # They drop Romanian accents, which these rules keep: the same once accents are gone.
    if lang != "ro" or lowercase:
        check_slices(text, tokens, lang, lowercase)
    check_order(text, tokens, lang, lowercase)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_generated_text(lang, tokenizers):
    @examples(100)
    @given(texts(lang), st.booleans())
    def holds(text, lowercase):
        check_all(tokenizers[lowercase], text, lang, lowercase)

    holds()


@pytest.mark.parametrize("lowercase", [True, False], ids=["lower", "cased"])
@pytest.mark.parametrize("lang", LANGUAGES)
def test_our_lines(lang, lowercase, tokenizers):
    for text in lines_of(lang):
        check_all(tokenizers[lowercase], text, lang, lowercase)


def test_the_known_places(tokenizers):
    # Counted by hand.
    def places(text, lang, lowercase=False):
        batch = tokenizers[lowercase](text, lang=lang, return_offsets_mapping=True)
        words: dict[int, list[tuple[int, int]]] = {}
        for span, word in zip(batch["offset_mapping"], batch.word_ids(), strict=True):
            if word is not None:
                words.setdefault(word, []).append(span)
        return [
            text[min(start for start, _ in spans) : max(end for _, end in spans)]
            for spans in words.values()
        ]

    assert places("हिन्दी की", "hi") == ["हिन", "्", "दी", "की"]
    assert places("हिन्दी की", "hi", lowercase=True) == ["हिन", "दी", "की"]
    assert places("Dr. X of the U.S. Then etc.", "en") == (
        ["Dr.", "X", "of", "the", "U.S.", "Then", "etc", "."]
    )
    assert places("x １y １.", "en") == ["x", "１", "y", ".", "１"]
    assert places("a\u200bb\tc\nd. e.\nf", "en") == ["a", "b", "c", "d.", "e", ".", "f"]
    assert places("Sag „Ja.“ Dann", "de") == ["Sag", "„", "Ja", "“", ".", "Dann"]
    assert places("我来到，北京：１", "zh") == ["我", "来到", "，", "北京：", "１"]
    assert places("ก\u200bข", "th") == ["ก", "ข"]


def test_lines_of_a_text_are_texts_of_their_own(tokenizers):
    for lang, text in (
        ("en", "See the U.S.\nThe end etc.\n\n'x\n"),
        ("fi", "x:\ny"),
        ("de", 'er."\n<b'),
        ("zh", "我来到\n北京。\n"),
        ("th", "ก \n ข"),
        ("ja", "これ\nは\n"),
    ):
        ours = tokenizers[False]
        apart = ours(text.split("\n"), lang=lang, add_special_tokens=False)["input_ids"]
        for _ in range(2):
            together = ours(text, lang=lang, add_special_tokens=False)["input_ids"]
            assert together == [id_ for row in apart for id_ in row]
