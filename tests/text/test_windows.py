"""Windows over long texts, and the questions to a batch, against a fast tokenizer.

The reference is a slow tokenizer: it gives no windows, offsets or word numbers.  A fast one can be
put together that has the same words and the same template: on texts of known words it must give
the same rows and the same answers.
"""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast

from xlm_text import InputError, XLMTokenizer

from .support import FIXTURES, examples

COLUMNS = {
    "return_offsets_mapping": True,
    "return_special_tokens_mask": True,
    "return_token_type_ids": True,
    "return_attention_mask": True,
}


@pytest.fixture(scope="module")
def vocabulary():
    return XLMTokenizer.from_pretrained(FIXTURES / "vocabulary").get_vocab()


@pytest.fixture(scope="module")
def known_words(vocabulary):
    ours = XLMTokenizer.from_pretrained(FIXTURES / "vocabulary")
    pieces = [piece.removesuffix("</w>") for piece in vocabulary if piece.endswith("</w>")]
    words = [word for word in pieces if word.isascii() and word.islower() and word.isalpha()]
    return [word for word in words if ours.tokenize(word) == [word + "</w>"]]


def make_fast(vocabulary, known_words, **settings):
    words = {word: vocabulary[word + "</w>"] for word in known_words}
    special = {word: vocabulary[word] for word in ("<s>", "</s>", "<pad>", "<unk>")}
    tokenizer = Tokenizer(WordLevel({**words, **special}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    tokenizer.post_processor = TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> $B:1 </s>:1",
        special_tokens=[("<s>", special["<s>"]), ("</s>", special["</s>"])],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        **settings,
    )


def word_lists(known_words, max_size):
    return st.lists(st.sampled_from(known_words), min_size=1, max_size=max_size)


def compare_answers(ours, fast, texts, pairs):
    """Ask both batches everything about every token, word and character."""
    for row in range(len(ours["input_ids"])):
        assert ours.word_ids(row) == fast.word_ids(row)
        assert ours.sequence_ids(row) == fast.sequence_ids(row)
        tokens = [token.removesuffix("</w>") for token in ours.tokens(row)]
        assert tokens == fast.tokens(row)
        for token in range(len(tokens)):
            assert ours.token_to_chars(row, token) == fast.token_to_chars(row, token)
        sample = ours["overflow_to_sample_mapping"][row]
        for sequence, side in enumerate([texts, pairs] if pairs else [texts]):
            for char in range(len(side[sample])):
                ours_token = ours.char_to_token(row, char, sequence)
                assert ours_token == fast.char_to_token(row, char, sequence)
            for word in range(len(side[sample].split())):
                span = ours.word_to_tokens(row, word, sequence)
                assert span == fast.word_to_tokens(row, word, sequence)


@pytest.mark.parametrize("truncation_side", ["right", "left"])
@pytest.mark.parametrize("padding_side", ["right", "left"])
def test_windows_of_one_text(truncation_side, padding_side, vocabulary, known_words):
    sides = {"truncation_side": truncation_side, "padding_side": padding_side}
    ours = XLMTokenizer.from_pretrained(FIXTURES / "vocabulary", **sides)
    fast = make_fast(vocabulary, known_words, **sides)

    @examples(120)
    @given(
        st.lists(word_lists(known_words, 12), min_size=1, max_size=3),
        st.integers(3, 9),
        st.integers(0, 8),
        st.sampled_from([True, "only_first", "longest_first"]),
        st.sampled_from([False, True, "max_length"]),
        st.booleans(),
    )
    def same(lines, max_length, stride, truncation, padding, add_special_tokens):
        texts = [" ".join(line) for line in lines]
        call = {
            "truncation": truncation,
            "max_length": max_length,
            "stride": stride,
            "padding": padding,
            "add_special_tokens": add_special_tokens,
            "return_overflowing_tokens": True,
            **COLUMNS,
        }
        room = max_length - 2 * add_special_tokens
        if stride >= room:
            if max(map(len, lines)) > room:
                with pytest.raises(InputError, match=f"stride={stride}"):
                    ours(texts, **call)
            return
        rows, expected = ours(texts, **call), fast(texts, **call)
        assert dict(rows) == dict(expected)
        compare_answers(rows, expected, texts, None)

    same()


@pytest.mark.parametrize("truncation_side", ["right", "left"])
@pytest.mark.parametrize("truncation", ["only_first", "only_second"])
def test_windows_of_pairs(truncation, truncation_side, vocabulary, known_words):
    ours = XLMTokenizer.from_pretrained(FIXTURES / "vocabulary", truncation_side=truncation_side)
    fast = make_fast(vocabulary, known_words, truncation_side=truncation_side)

    @examples(120)
    @given(
        word_lists(known_words, 12),
        word_lists(known_words, 12),
        st.integers(5, 20),
        st.integers(0, 8),
    )
    def same(first, second, max_length, stride):
        texts, pairs = [" ".join(first), known_words[0]], [" ".join(second), known_words[1]]
        call = {
            "truncation": truncation,
            "max_length": max_length,
            "stride": stride,
            "padding": True,
            "return_overflowing_tokens": True,
            **COLUMNS,
        }
        cut, kept = (first, second) if truncation == "only_first" else (second, first)
        room = max_length - 3 - len(kept)
        if room < 0 or (len(cut) > room and stride >= room):
            with pytest.raises(InputError):
                ours(texts, pairs, **call)
            return
        assume(stride < max_length - 3)  # more is too much for the fast one, needed or not
        rows, expected = ours(texts, pairs, **call), fast(texts, pairs, **call)
        assert dict(rows) == dict(expected)
        compare_answers(rows, expected, texts, pairs)

    same()


@examples(150)
@given(st.data())
def test_words_cut_before(vocabulary, known_words, data):
    ours = XLMTokenizer.from_pretrained(FIXTURES / "vocabulary")
    fast = make_fast(vocabulary, known_words)
    # Words of several tokens: offsets count from the beginning of each word.
    words = word_lists(known_words, 3).map(" ".join)
    texts = data.draw(st.lists(st.lists(words, min_size=1, max_size=5), min_size=1, max_size=3))
    call = {"is_split_into_words": True, "padding": True, **COLUMNS}
    rows, expected = ours(texts, **call), fast(texts, **call)
    assert dict(rows) == dict(expected)
    for i in range(len(texts)):
        assert rows.word_ids(i) == expected.word_ids(i)
        for word in range(len(texts[i])):
            assert rows.word_to_tokens(i, word) == expected.word_to_tokens(i, word)


def test_longest_first_has_no_windows_for_pairs(ours):
    with pytest.raises(InputError, match=r"return_overflowing_tokens.*only_first"):
        ours("a b c d", "a b c", truncation=True, max_length=6, return_overflowing_tokens=True)


def test_windows_of_real_pieces_cover_the_text(ours):
    # What the windows hold, without what they share, is the whole text again.
    text = " ".join((FIXTURES / "sentences" / "fr.txt").read_text(encoding="utf-8").split())
    whole = ours(text, lang="fr", add_special_tokens=False, return_offsets_mapping=True)
    for stride in (0, 1, 7):
        rows = ours(
            text,
            lang="fr",
            max_length=20,
            truncation=True,
            stride=stride,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
        )
        ids, offsets = [], []
        for i, (row, spans) in enumerate(
            zip(rows["input_ids"], rows["offset_mapping"], strict=True)
        ):
            assert (row[0], row[-1]) == (ours.bos_token_id, ours.sep_token_id)
            ids += row[1 + stride * (i > 0) : -1]
            offsets += spans[1 + stride * (i > 0) : -1]
        assert ids == whole["input_ids"]
        assert offsets == whole["offset_mapping"]


def test_questions_to_a_single_text(ours):
    batch = ours("l'été <special1> dit-il", lang="fr")
    tokens = batch.tokens()
    assert tokens[0] == "<s>"
    assert tokens[-1] == "</s>"
    mask = tokens.index("<special1>")
    assert batch.token_to_chars(mask) == (6, 16)
    assert batch.token_to_chars(mask).start == 6
    assert batch.token_to_chars(mask).end == 16
    assert batch.char_to_token(6) == batch.char_to_token(15) == mask
    assert batch.char_to_token(5) is None  # the space
    assert batch.token_to_chars(0) is None
    assert batch.word_ids()[0] is None
    word = batch.word_ids()[mask]
    assert batch.word_to_tokens(word) == (mask, mask + 1)
    assert batch.word_to_tokens(99) is None
    with pytest.raises(InputError, match="no row 3"):
        batch.tokens(3)
    with pytest.raises(InputError, match="no token 99"):
        batch.token_to_chars(99)
