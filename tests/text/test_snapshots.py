"""A batch says what its tokens were in the call, whatever happens to anything afterwards."""

from __future__ import annotations

import copy
import gc
import weakref

import pytest
from tokenizers import AddedToken

from xlm_text import BatchEncoding, XLMTokenizer

from .support import FIXTURES, KYTEA_MODEL, sentences

FOLDER = FIXTURES / "vocabulary"


@pytest.fixture
def tokenizer():
    tokenizer = XLMTokenizer.from_pretrained(FOLDER, kytea_model=str(KYTEA_MODEL), lang="en")
    tokenizer.add_tokens(["[old]"])
    return tokenizer


def everything(batch):
    rows = range(len(batch.encodings))
    return copy.deepcopy(
        [
            (
                batch.encodings[i],
                batch.tokens(i),
                batch.word_ids(i),
                batch.sequence_ids(i),
                [batch.token_to_chars(i, j) for j in range(len(batch.tokens(i)))],
            )
            for i in rows
        ]
    )


def use_again(tokenizer, texts):
    tokenizer(["The [old] harbour", "gate"], return_offsets_mapping=True).tokens()


def add_tokens(tokenizer, texts):
    tokenizer.add_tokens(["harbour", "gate"])
    tokenizer.add_tokens([AddedToken("isn", lstrip=True)], special_tokens=True)


def add_tokens_after_a_setting(tokenizer, texts):
    tokenizer.do_lowercase_and_remove_accent = False
    tokenizer.add_tokens(["harbour", "gate"])


def change_settings(tokenizer, texts):
    tokenizer.do_lowercase_and_remove_accent = False
    tokenizer.padding_side = tokenizer.truncation_side = "left"
    tokenizer.split_special_tokens = True
    tokenizer.lang = "fr"
    tokenizer.zh_segmenter = "rjieba"


def change_roles(tokenizer, texts):
    tokenizer.add_special_tokens({"bos_token": "[B]", "sep_token": "[S]", "pad_token": "[P]"})
    tokenizer.unk_token = None


def change_the_texts(tokenizer, texts):
    for text in texts:
        if isinstance(text, list):
            text[:] = ["other"]
    texts[:] = ["something", "else"]


CHANGES = [use_again, add_tokens, add_tokens_after_a_setting, change_settings, change_roles]
CALLS = {
    "texts": (["The harbour gate isn't [old] open.", "É \U0001f9ff", ""], {}),
    "one text": ("The harbour gate isn't open.", {}),
    "padded": (["The harbour gate", "a"], {"padding": True}),
    "cut": (["The harbour gate isn't open.", "a"], {"truncation": True, "max_length": 6}),
    "windows": (
        ["The harbour gate isn't open today."],
        {"truncation": True, "max_length": 6, "return_overflowing_tokens": True, "stride": 1},
    ),
    "words": ([["The", "harbour"], ["gate"]], {"is_split_into_words": True}),
    "pairs": ([("The harbour", "gate"), ("isn't", "open")], {"padding": True}),
    "languages": (["The harbour gate", "我来到北京"], {"lang": ["en", "zh"]}),
    "ids": ([[20, 21, 22], "The harbour gate"], {}),
    "bare": (["The harbour gate", "a"], {"add_special_tokens": False}),
    "split": (["The <s> gate"], {"split_special_tokens": True}),
    "bypass": (["the harbour gate"], {"bypass_tokenizer": True}),
}


@pytest.mark.parametrize("change", [*CHANGES, change_the_texts])
@pytest.mark.parametrize("name", CALLS)
def test_what_a_batch_says_stays(name, change, tokenizer):
    texts, options = copy.deepcopy(CALLS[name])
    expected = everything(tokenizer(texts, **options))
    batch = tokenizer(texts, **options)
    change(tokenizer, texts if isinstance(texts, list) else [])
    assert everything(batch) == expected


def test_what_happens_to_the_columns_does_not_reach_the_tokens(tokenizer):
    for special in (True, False):
        batch = tokenizer(["The harbour gate", "a"], add_special_tokens=special)
        expected = everything(tokenizer(["The harbour gate", "a"], add_special_tokens=special))
        batch["input_ids"][0][1] = tokenizer.mask_token_id
        batch["input_ids"][1].clear()
        del batch["attention_mask"]
        assert everything(batch) == expected


def test_a_batch_does_not_keep_the_tokenizer(tokenizer):
    # The fixture's reference is one of its own.
    other = copy.deepcopy(tokenizer)
    batch = other(["The harbour gate"])
    gone = weakref.ref(other)
    del other
    gc.collect()
    assert gone() is None
    assert batch.tokens()[1:-1] == tokenizer.tokenize("The harbour gate")


@pytest.mark.parametrize("lang", ["en", "fr", "zh", "ja", "th"])
def test_ids_of_a_row_are_those_of_its_column(lang, tokenizer):
    tokenizer.any_language = True
    texts = [*sentences(lang), "", "[old] \U0001f9ff x"]
    for options in ({}, {"padding": True}, {"truncation": True, "max_length": 9}):
        batch = tokenizer(texts, texts[::-1], lang=lang, **options)
        assert [row.ids for row in batch.encodings] == batch["input_ids"]
        for row in batch.encodings:
            for column in (row.tokens, row.offsets, row.word_ids, row.sequence_ids):
                assert len(column) == len(row.ids)


def test_it_can_be_made_by_hand():
    batch = BatchEncoding({"input_ids": [1]})
    assert batch.input_ids == [1]
    assert BatchEncoding() == {}
