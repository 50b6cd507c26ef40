"""Columns of every detail agree, with added tokens in the texts and with words for texts."""

import pytest

from xlm_text import XLMTokenizer
from xlm_text.analysis.columns import Detail

from .support import FIXTURES, KYTEA_MODEL, sentences

LANGUAGES = ["en", "fr", "ru", "zh", "th", "ja"]


@pytest.fixture(scope="module")
def tokenizer():
    ours = XLMTokenizer.from_pretrained(
        FIXTURES / "vocabulary", any_language=True, kytea_model=str(KYTEA_MODEL)
    )
    ours.add_tokens(["<br>", "FOO"])
    return ours


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_details_agree(tokenizer, lang):
    lines = sentences(lang)[:20]
    given = [
        *lines,
        *(f"<br>{line} FOO<br>" for line in lines),
        *(line.split() for line in lines),
        "",
        [],
        ["<br>", "a FOO b", ""],
    ]
    texts = tokenizer._cutter(lang)
    for _ in range(2):  # first computed, then from the cache
        ids, spans, tokens = (texts.columns(given, detail) for detail in Detail)
        assert ids.ids == spans.ids == tokens.ids
        assert spans.spans == tokens.spans
        for i, text in enumerate(given):
            assert tokenizer.convert_tokens_to_ids(tokens.tokens[i]) == ids.ids[i]
            count = len(ids.ids[i])
            assert len(tokens.spans[i]) == len(tokens.words[i]) == count
            words = tokens.words[i]
            if isinstance(text, str):
                # Words are numbered without a gap.
                assert sorted(set(words)) == list(range(words[-1] + 1 if words else 0))
            else:
                assert all(0 <= word < len(text) for word in words)
                assert words == sorted(words)


def test_a_text_of_words_is_its_words_one_after_another(tokenizer):
    words = ["Hello", "FOO", "x<br>y", "", "world!"]
    texts = tokenizer._cutter("en")
    whole = texts.columns([words], Detail.TOKENS)
    each = texts.columns(words, Detail.TOKENS)
    assert whole.ids[0] == [id_ for row in each.ids for id_ in row]
    assert whole.tokens[0] == [token for row in each.tokens for token in row]
    assert whole.spans[0] == [span for row in each.spans for span in row]
    assert whole.words[0] == [i for i, row in enumerate(each.ids) for _ in row]


def test_the_words_of_a_text_are_what_its_pieces_make_up(tokenizer):
    for lang in LANGUAGES:
        for line in sentences(lang)[:10]:
            pieces = "".join(tokenizer.tokenize(line, lang=lang))
            assert pieces.split("</w>")[:-1] == tokenizer.words(line, lang=lang)
