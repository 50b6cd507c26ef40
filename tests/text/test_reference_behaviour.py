"""What users of transformers expect of any tokenizer, asked of both on the same folder."""

from __future__ import annotations

import copy
import inspect
import itertools
import json
import pickle
import warnings

import numpy
import pytest
import torch
import transformers
from tokenizers import AddedToken

from xlm_text import BatchEncoding, InputError, LengthWarning, XLMTokenizer

from .support import FIXTURES, PublishedReference

FOLDER = FIXTURES / "vocabulary"
ROLES = ("bos", "eos", "unk", "sep", "pad", "cls", "mask")
TEXT = "The harbour's lower gate isn't open, is it?"
PLAIN = "The lower gate of the harbour is open"
OTHER = "It was 7:30 a.m."
LONG = "The old lighthouse keeper hadn't slept well since Tuesday. " * 3
TEXTS = [TEXT, OTHER, "", LONG, "<special1> in a text"]


@pytest.fixture(autouse=True)
def _quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def both(folder=FOLDER, **settings):
    """Load a folder with both."""
    ours = XLMTokenizer.from_pretrained(folder, **copy.deepcopy(settings))
    return ours, PublishedReference.from_pretrained(folder, **copy.deepcopy(settings))


def same(call, *pair):
    """Return what a function gives for both tokenizers, which must be the same."""
    found, expected = map(call, pair)
    if isinstance(expected, dict) or hasattr(expected, "data"):
        found, expected = dict(found), dict(expected)
    assert found == expected
    return expected


def assert_alike(ours, theirs):
    """Compare everything that a text can tell of a tokenizer."""
    assert len(ours) == len(theirs)
    assert ours.vocab_size == theirs.vocab_size
    assert ours.get_vocab() == theirs.get_vocab()
    assert ours.get_added_vocab() == theirs.get_added_vocab()
    assert ours.all_special_tokens == theirs.all_special_tokens
    assert ours.all_special_ids == theirs.all_special_ids
    assert ours.special_tokens_map == theirs.special_tokens_map
    for role in ROLES:
        assert getattr(ours, f"{role}_token") == getattr(theirs, f"{role}_token")
        assert getattr(ours, f"{role}_token_id") == getattr(theirs, f"{role}_token_id")
    for name in ("padding_side", "truncation_side", "model_max_length", "split_special_tokens"):
        assert getattr(ours, name) == getattr(theirs, name), name
    for text in (*TEXTS, "A [new] [NEW]a <tok> <mask> [PAD]b"):
        ids = theirs(text)["input_ids"]
        assert ours(text)["input_ids"] == ids
        assert ours.tokenize(text) == theirs.tokenize(text)
        for skip in (True, False):
            assert ours.decode(ids, skip_special_tokens=skip) == theirs.decode(
                ids, skip_special_tokens=skip
            )


# What it is -----------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [{}, {"model_max_length": 64}, {"padding_side": "left"}])
def test_facts(settings):
    ours, theirs = both(**settings)
    assert_alike(ours, theirs)
    assert ours.name_or_path == theirs.name_or_path == str(FOLDER)
    for name in (
        "is_fast",
        "model_input_names",
        "pad_token_type_id",
        "max_len_single_sentence",
        "max_len_sentences_pair",
        "clean_up_tokenization_spaces",
        "do_lower_case",
        "do_lowercase_and_remove_accent",
        "extra_special_tokens",
        "extra_special_tokens_ids",
    ):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert ours.added_tokens_encoder == theirs.added_tokens_encoder
    found, expected = ours.added_tokens_decoder, theirs.added_tokens_decoder
    assert {id_: str(token) for id_, token in found.items()} == {
        id_: str(token) for id_, token in expected.items()
    }
    for pair in (True, False):
        same(lambda t, pair=pair: t.num_special_tokens_to_add(pair=pair), ours, theirs)
    assert min(128, XLMTokenizer.from_pretrained(FOLDER).model_max_length) == 128


def test_the_arguments_of_the_call_have_the_names_of_the_reference():
    def names(function):
        parameters = inspect.signature(function).parameters.values()
        return {p.name for p in parameters if p.kind is not p.VAR_KEYWORD}

    # Of targets there are no pairs, and options need no dictionary of their own.
    missing = {"text_pair_target", "tokenizer_kwargs"}
    assert names(PublishedReference.__call__) - names(XLMTokenizer.__call__) == missing
    assert names(PublishedReference.pad) <= names(XLMTokenizer.pad)
    assert names(PublishedReference.decode) <= names(XLMTokenizer.decode)


def test_the_description_says_what_matters():
    ours, theirs = both(model_max_length=77)
    for part in (str(FOLDER), str(ours.vocab_size), "77", "'right'", "<special1>"):
        assert part in repr(ours)
        assert part in repr(theirs)
    assert "fr" in repr(ours)
    ours.add_tokens(["[new]"])
    assert "added_tokens=1" in repr(ours)


# Saving and loading ---------------------------------------------------------------------------


def change_nothing(tokenizer):
    pass


def add_tokens(tokenizer):
    tokenizer.add_tokens(["[New]", AddedToken("[NEW]", normalized=False, rstrip=True)])
    tokenizer.add_tokens(["<tok>"], special_tokens=True)


def change_roles(tokenizer):
    tokenizer.add_special_tokens({"mask_token": "<mask>", "pad_token": "[PAD]"})
    tokenizer.add_special_tokens({"extra_special_tokens": ["<tok>", "<special1>"]})


def set_attributes(tokenizer):
    tokenizer.bos_token = "</s>"
    tokenizer.mask_token_id = tokenizer.convert_tokens_to_ids("<special4>")
    tokenizer.model_max_length = 33


CHANGES = {f.__name__: f for f in (change_nothing, add_tokens, change_roles, set_attributes)}


@pytest.mark.parametrize("name", CHANGES)
def test_saving_and_loading(name, tmp_path):
    ours, theirs = both()
    for tokenizer in (ours, theirs):
        CHANGES[name](tokenizer)
    assert_alike(ours, theirs)
    ours.save_pretrained(tmp_path / "ours")
    theirs.save_pretrained(tmp_path / "theirs")
    for folder in ("ours", "theirs"):
        assert_alike(*both(tmp_path / folder))
    assert_alike(XLMTokenizer.from_pretrained(tmp_path / "ours"), theirs)


def test_arguments_win_over_what_was_saved(tmp_path):
    ours, _ = both(model_max_length=42, padding_side="left")
    ours.save_pretrained(tmp_path)
    ours, theirs = both(tmp_path, model_max_length=43, pad_token="[PAD]")
    assert_alike(ours, theirs)
    assert ours.model_max_length == 43
    assert ours.padding_side == "left"


@pytest.mark.parametrize("used", [True, False])
@pytest.mark.parametrize("name", CHANGES)
def test_pickling(name, used):
    ours, theirs = both()
    for tokenizer in (ours, theirs):
        CHANGES[name](tokenizer)
    if used:
        ours(TEXTS, return_offsets_mapping=True)
    for other in (pickle.loads(pickle.dumps(ours)), copy.deepcopy(ours)):
        assert_alike(other, theirs)
    token = AddedToken("[AB]", single_word=True, lstrip=True)
    ours.add_tokens([token])
    assert pickle.loads(pickle.dumps(ours)).added_tokens_decoder[ours.get_vocab()["[ab]"]].lstrip


# Special tokens -------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
def test_a_role_can_be_set_by_token_and_by_id(role):
    ours, theirs = both()
    id_ = 20
    token = theirs.convert_ids_to_tokens(id_)
    for tokenizer in (ours, theirs):
        setattr(tokenizer, f"{role}_token_id", None)
        assert getattr(tokenizer, f"{role}_token") is None
        assert getattr(tokenizer, f"{role}_token_id") is None
        assert f"{role}_token" not in tokenizer.special_tokens_map
        setattr(tokenizer, f"{role}_token_id", id_)
        assert getattr(tokenizer, f"{role}_token") == token
        setattr(tokenizer, f"{role}_token", "<special7>")
        assert getattr(tokenizer, f"{role}_token_id") == 11
    same(lambda t: t.all_special_ids, ours, theirs)
    same(lambda t: t([TEXT, OTHER], padding=True), ours, theirs)


def test_the_extra_tokens_can_be_set():
    ours, theirs = both()
    for tokenizer in (ours, theirs):
        tokenizer.extra_special_tokens = []
        assert tokenizer.extra_special_tokens == tokenizer.extra_special_tokens_ids == []
        tokenizer.extra_special_tokens_ids = [20, 21]
        assert tokenizer.extra_special_tokens_ids == [20, 21]
        assert len(tokenizer.extra_special_tokens) == 2
    same(lambda t: t.all_special_tokens, ours, theirs)
    ours.additional_special_tokens = ["<special3>"]
    assert ours.extra_special_tokens == ours.additional_special_tokens == ["<special3>"]


@pytest.mark.parametrize("replace", [True, False])
def test_extra_tokens_replace_or_go_on(replace):
    ours, theirs = both()
    for tokenizer in (ours, theirs):
        count = tokenizer.add_special_tokens(
            {"extra_special_tokens": ["<tok>", "<special2>"]},
            replace_extra_special_tokens=replace,
        )
        assert count == 1
    assert_alike(ours, theirs)


@pytest.mark.parametrize("name", ["additional_special_tokens", "extra_special_tokens"])
@pytest.mark.parametrize("value", ["<tok>", [5], [None]])
def test_extra_tokens_are_a_list(name, value):
    for tokenizer in both():
        before = dict(tokenizer.get_vocab()), tokenizer.all_special_tokens
        with pytest.raises(ValueError, match="tok"):
            tokenizer.add_special_tokens({name: value})
        assert (tokenizer.get_vocab(), tokenizer.all_special_tokens) == before


def test_special_tokens_are_never_cut_and_can_be_skipped():
    ours, theirs = both(do_lowercase_and_remove_accent=False)
    for tokenizer in (ours, theirs):
        tokenizer.add_special_tokens({"cls_token": "[SPECIAL]"})
        ids = tokenizer.encode("[SPECIAL]", add_special_tokens=False)
        assert len(ids) == 1
        assert tokenizer.decode(ids, skip_special_tokens=True) == ""
        text = tokenizer.encode("a b [SPECIAL] c", add_special_tokens=False)
        assert tokenizer.decode(text, skip_special_tokens=True) == "a b c"
    assert_alike(ours, theirs)


def test_the_mask_of_special_tokens():
    ours, theirs = both()
    a, b = theirs.encode(TEXT, add_special_tokens=False), [20, 21]
    for tokenizer in (ours, theirs):
        batch = tokenizer(TEXT, return_special_tokens_mask=True)
        kept = [
            id_
            for id_, special in zip(batch["input_ids"], batch["special_tokens_mask"], strict=True)
            if not special
        ]
        assert kept == a
    for ids in ((a,), (a, b), ([], [])):
        same(lambda t, ids=ids: t.build_inputs_with_special_tokens(*ids), ours, theirs)
        same(lambda t, ids=ids: t.get_special_tokens_mask(*ids), ours, theirs)
        same(lambda t, ids=ids: t.create_token_type_ids_from_sequences(*ids), ours, theirs)
    whole = theirs(TEXT, OTHER)["input_ids"]
    same(lambda t: t.get_special_tokens_mask(whole, already_has_special_tokens=True), ours, theirs)
    for tokenizer in (ours, theirs):
        with pytest.raises(ValueError, match="special"):
            tokenizer.get_special_tokens_mask(a, b, already_has_special_tokens=True)


# Added tokens ---------------------------------------------------------------------------------


@pytest.mark.parametrize("flags", [*itertools.product([True, False], repeat=3)])
@pytest.mark.parametrize("special", [True, False])
def test_flags_of_added_tokens(flags, special):
    lstrip, rstrip, single_word = flags
    ours, theirs = both()
    for tokenizer in (ours, theirs):
        token = AddedToken("<tok>", lstrip=lstrip, rstrip=rstrip, single_word=single_word)
        assert tokenizer.add_tokens([token], special_tokens=special) == 1
        assert tokenizer.add_tokens([], special_tokens=special) == 0
        assert tokenizer.add_tokens("<tok>") == 0
    for text in ("a <tok> b", "a<tok>b", "<tok>", " <tok> <tok>", "a <TOK>", "x<tok> y"):
        same(lambda t, text=text: t.tokenize(text), ours, theirs)
        same(lambda t, text=text: t(text)["input_ids"], ours, theirs)
    assert_alike(ours, theirs)
    id_ = ours.get_vocab()["<tok>"]
    assert ours.added_tokens_decoder[id_].lstrip == lstrip
    assert ours.added_tokens_decoder[id_].rstrip == rstrip
    assert ours.added_tokens_decoder[id_].single_word == single_word


def test_the_token_that_was_added_stays_the_callers():
    ours, _ = both()
    token = AddedToken("[NEW]")
    ours.add_tokens([token], special_tokens=True)
    assert (token.content, token.special) == ("[NEW]", False)
    ours.added_tokens_decoder[len(ours) - 1].content = "x"
    assert "[NEW]" in ours.get_vocab()


def test_added_tokens_in_a_text_and_back():
    ours, theirs = both()
    for tokenizer in (ours, theirs):
        assert tokenizer.add_tokens(["aaaaa bbbbbb", "cccccccccdddddddd"]) == 2
        assert len(tokenizer) == tokenizer.vocab_size + 2
        ids = tokenizer.encode("aaaaa bbbbbb low cccccccccdddddddd l", add_special_tokens=False)
        assert ids[0] == tokenizer.vocab_size
        assert tokenizer.vocab_size + 1 in ids
        extra = {"eos_token": ">>>>|||<||<<|<<", "pad_token": "<<<<<|||>|>>>>|>"}
        assert tokenizer.add_special_tokens(extra) == 2
        text = ">>>>|||<||<<|<< aaaaa bbbbbb low <<<<<|||>|>>>>|> l"
        ids = tokenizer.encode(text, add_special_tokens=False)
        assert ids[0] == tokenizer.eos_token_id == tokenizer.vocab_size + 2
        assert tokenizer.pad_token_id in ids
    assert_alike(ours, theirs)


@pytest.mark.parametrize("spaces", [True, False])
def test_spaces_between_tokens_that_are_never_cut(spaces):
    ours, theirs = both(do_lowercase_and_remove_accent=False)
    for tokenizer in (ours, theirs):
        tokenizer.add_tokens([AddedToken(t, normalized=False) for t in ("[ABC]", "[DEF]")])
    ids = theirs.encode("[ABC][DEF][ABC][DEF]", add_special_tokens=False)
    assert theirs.decode(ids) == "[ABC][DEF][ABC][DEF]"
    expected = "[ABC] [DEF] [ABC] [DEF]" if spaces else "[ABC][DEF][ABC][DEF]"
    assert ours.decode(ids, spaces_between_special_tokens=spaces) == expected
    mixed = theirs.encode("[ABC] a b [DEF]", add_special_tokens=False)
    expected = "[ABC] a b [DEF]" if spaces else theirs.decode(mixed)
    assert ours.decode(mixed, spaces_between_special_tokens=spaces) == expected


def test_split_special_tokens(tmp_path):
    text = "was <s>10 $</s> and <special1>"
    ours, theirs = both(split_special_tokens=True)
    assert_alike(ours, theirs)
    control = set(theirs.all_special_ids) - {theirs.unk_token_id}
    assert not control & set(ours(text, add_special_tokens=False)["input_ids"])
    ours.save_pretrained(tmp_path)
    assert_alike(*both(tmp_path))
    ours, theirs = both()
    words = text.split()
    for split in (True, False):
        same(lambda t, s=split: t.tokenize(text, split_special_tokens=s), ours, theirs)
        same(lambda t, s=split: t(text, OTHER, split_special_tokens=s), ours, theirs)
        same(lambda t, s=split: t([text, OTHER], split_special_tokens=s), ours, theirs)
        same(lambda t, s=split: t.encode(text, split_special_tokens=s), ours, theirs)
        same(
            lambda t, s=split: t(words, is_split_into_words=True, split_special_tokens=s),
            ours,
            theirs,
        )


# The call -------------------------------------------------------------------------------------


def test_one_text_is_a_batch_of_one():
    ours, theirs = both()
    for options in ({}, {"truncation": True, "max_length": 7}, {"return_token_type_ids": True}):
        rows = [ours(text, **options) for text in TEXTS]
        batch = ours(TEXTS, **options)
        same(lambda t, o=options: t(TEXTS, **o), ours, theirs)
        for name, column in batch.items():
            assert column == [row[name] for row in rows]
        padded = ours(TEXTS, padding=True, **options)
        assert padded == ours.pad(batch)
        assert dict(padded) == dict(theirs.pad(dict(theirs(TEXTS, **options))))


@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_by_attribute(side):
    ours, theirs = both()
    for tokenizer in (ours, theirs):
        tokenizer.padding_side = side
    rows = {"input_ids": [[5, 6, 7], [8]], "token_type_ids": [[0, 0, 0], [1]]}
    for padding, length, multiple in itertools.product(
        (True, "longest", "max_length", False), (None, 40), (None, 8)
    ):
        options = {"padding": padding, "max_length": length, "pad_to_multiple_of": multiple}
        same(
            lambda t, o=options: t(TEXTS, return_special_tokens_mask=True, truncation=True, **o),
            ours,
            theirs,
        )
        same(lambda t, o=options: t.pad(copy.deepcopy(rows), **o), ours, theirs)
    pad = ours.pad_token_id
    row = ours(OTHER)["input_ids"]
    padded = ours(OTHER, padding="max_length", max_length=len(row) + 3)["input_ids"]
    assert padded == ([pad] * 3 + row if side == "left" else row + [pad] * 3)


@pytest.mark.parametrize("side", ["left", "right"])
def test_truncation_by_attribute(side):
    ours, theirs = both()
    for tokenizer in (ours, theirs):
        tokenizer.truncation_side = side
    for truncation in ("longest_first", "only_first"):
        for length in (4, 9, 20):
            options = {"truncation": truncation, "max_length": length}
            same(lambda t, o=options: t(LONG, **o), ours, theirs)
            same(lambda t, o=options: t(LONG, OTHER, **(o | {"max_length": 30})), ours, theirs)


def test_the_longest_sequence_by_attribute():
    ours, theirs = both()
    assert ours.model_max_length == theirs.model_max_length == int(1e30)
    same(lambda t: t(LONG, padding="max_length", truncation=True), ours, theirs)
    for tokenizer in (ours, theirs):
        tokenizer.model_max_length = 10
        assert len(tokenizer(LONG, truncation=True)["input_ids"]) == 10
        assert len(tokenizer(OTHER, padding="max_length", truncation=True)["input_ids"]) == 10
    same(lambda t: t(LONG, OTHER, truncation=True), ours, theirs)


def test_lowercasing_by_attribute():
    ours, theirs = both()
    text = "L'ÉTÉ Ωμέγα"
    lower = ours(text)["input_ids"]
    for tokenizer in (ours, theirs):
        tokenizer.do_lowercase_and_remove_accent = False
    assert same(lambda t: t(text)["input_ids"], ours, theirs) != lower
    assert ours.do_lower_case is False
    for tokenizer in (ours, theirs):
        tokenizer.clean_up_tokenization_spaces = True
        assert tokenizer.decode(tokenizer.encode("Isn't it?", add_special_tokens=False)).endswith(
            "it?"
        )


def test_texts_cut_into_words():
    ours, theirs = both()
    a, b = TEXT.split(), OTHER.split()
    for call in (
        {"text": a},
        {"text": a, "text_pair": b},
        {"text": [a, b]},
        {"text": [a, b], "text_pair": [b, a]},
        {"text": [(a, b), (b, a)]},
        {"text": (a, b)},
    ):
        for options in ({}, {"padding": True, "truncation": True, "max_length": 12}):
            same(
                lambda t, c=call, o=options: t(is_split_into_words=True, **c, **o),
                ours,
                theirs,
            )
    same(lambda t: t.encode(a, is_split_into_words=True), ours, theirs)


def test_ids_in_place_of_texts():
    ours, theirs = both()
    a, b = (theirs.encode(text, add_special_tokens=False) for text in (TEXT, OTHER))
    for call in (
        {"text": a},
        {"text": a, "text_pair": b},
        {"text": [a, b]},
        {"text": [a, b], "text_pair": [b, a]},
        {"text": [(a, b), (b, a)]},
        {"text": [a, OTHER]},
    ):
        for options in ({}, {"truncation": "only_first", "max_length": 30, "padding": True}):
            same(lambda t, c=call, o=options: t(**c, **o), ours, theirs)
    assert ours.encode(a) == ours.encode(TEXT)
    assert ours(numpy.array(a)) == ours(a) == ours(torch.tensor(a))
    batch = ours([a, OTHER], return_offsets_mapping=True)
    assert batch["offset_mapping"][0] == [(0, 0)] * (len(a) + 2)
    assert batch["offset_mapping"][1][1] == (0, 2)
    assert batch.tokens(0)[1:-1] == theirs.convert_ids_to_tokens(a)
    assert set(batch.word_ids(0)) == {None}
    assert batch.sequence_ids(0)[1:-1] == [0] * len(a)
    a.clear()
    assert batch.tokens(0)[1:-1] == ours.tokenize(TEXT)


def test_prepare_for_model():
    ours, theirs = both()
    a, b = (theirs.encode(text, add_special_tokens=False) for text in (TEXT, OTHER))
    for second, special, padding, truncation, length in itertools.product(
        (None, b), (True, False), (False, "max_length"), (False, True, "only_first"), (None, 30)
    ):
        options = {
            "add_special_tokens": special,
            "padding": padding,
            "truncation": truncation,
            "max_length": length,
            "return_special_tokens_mask": True,
            "return_token_type_ids": True,
            "return_length": True,
        }
        same(lambda t, s=second, o=options: t.prepare_for_model(a, s, **o), ours, theirs)
    assert ours.prepare_for_model(a, b) == ours(TEXT, OTHER)
    assert ours.prepare_for_model([])["input_ids"] == theirs.prepare_for_model([])["input_ids"]
    for prepend in (True, False):
        found, expected = (
            t.prepare_for_model(a, return_tensors="pt", prepend_batch_axis=prepend)["input_ids"]
            for t in (ours, theirs)
        )
        assert torch.equal(found, expected)


def test_targets():
    ours, theirs = both()
    same(lambda t: t(text_target=TEXT), ours, theirs)
    same(lambda t: t(TEXT, text_target=OTHER), ours, theirs)
    batch = same(
        lambda t: t([TEXT, OTHER], text_target=[OTHER, LONG], truncation=True, max_length=9),
        ours,
        theirs,
    )
    assert batch["labels"] == theirs([OTHER, LONG], truncation=True, max_length=9)["input_ids"]
    french = ours(TEXT, lang="en", text_target="L'eau d'ici", lang_target="fr")
    assert french["labels"] == ours("L'eau d'ici", lang="fr")["input_ids"]
    assert french["input_ids"] == ours(TEXT, lang="en")["input_ids"]
    assert ours(TEXT, text_target="L'eau", lang="fr")["labels"] == ours.encode("L'eau", lang="fr")
    for tokenizer in (ours, theirs):
        with pytest.raises(ValueError, match="text"):
            tokenizer()


def test_a_text_that_is_too_long_is_said_once():
    ours, _ = both(model_max_length=12)
    ours.lang = "en"

    def use():
        ours([OTHER, LONG])
        ours(LONG)

    with pytest.warns(LengthWarning, match=r"model has room for 10") as caught:
        use()
    assert len(caught) == 1
    tokens = len(ours.tokenize(LONG))
    assert str(tokens) in str(caught[0].message)
    assert caught[0].filename == __file__
    for options in (
        {"verbose": False},
        {"truncation": True},
        {"max_length": 500},
        {"padding": "max_length"},
    ):
        ours, _ = both(model_max_length=12)
        with warnings.catch_warnings():
            warnings.simplefilter("error", LengthWarning)
            ours(LONG, **options)
            ours(OTHER)
            ours("a b c", "d")
    ours, _ = both(model_max_length=12)
    with pytest.warns(LengthWarning):
        ours("a b c d e", "f g h i j")


# Back to text ---------------------------------------------------------------------------------


def test_texts_tokens_and_ids():
    ours, theirs = both()
    for text in TEXTS:
        tokens = same(lambda t, text=text: t.tokenize(text), ours, theirs)
        ids = same(lambda t, tokens=tokens: t.convert_tokens_to_ids(tokens), ours, theirs)
        assert ids == ours.encode(text, add_special_tokens=False)
        same(lambda t, ids=ids: t.convert_ids_to_tokens(ids), ours, theirs)
        same(lambda t, tokens=tokens: t.convert_tokens_to_string(tokens), ours, theirs)
        same(lambda t, ids=ids: t.decode(ids), ours, theirs)
    for token in ("the</w>", "<s>", "nothing of the kind"):
        same(lambda t, token=token: t.convert_tokens_to_ids(token), ours, theirs)
    for tokenizer in (ours, theirs):
        words = tokenizer.decode(tokenizer.encode(PLAIN, add_special_tokens=False))
        assert words == PLAIN.lower()
        assert tokenizer.encode(words) == tokenizer.encode(PLAIN)


def test_decoding_rows():
    ours, theirs = both()
    rows = theirs(TEXTS)["input_ids"]
    for skip in (True, False):
        expected = theirs.decode(rows, skip_special_tokens=skip)
        assert isinstance(expected, list)
        assert ours.decode(rows, skip_special_tokens=skip) == expected
        assert ours.batch_decode(rows, skip_special_tokens=skip) == expected
    padded = theirs.pad({"input_ids": rows}, return_tensors="np")["input_ids"]
    assert ours.decode(padded) == theirs.decode(padded)
    assert ours.decode(torch.tensor(padded)) == theirs.decode(padded)
    assert ours.batch_decode(rows[0]) == theirs.batch_decode(rows[0])
    assert ours.decode(tuple(map(tuple, rows))) == theirs.decode(rows)


# Batches --------------------------------------------------------------------------------------


@pytest.mark.parametrize("tensors", ["np", "pt"])
def test_columns_become_tensors_later(tensors):
    ours, theirs = both()
    for prepend in (True, False):
        found, expected = (
            t(OTHER).convert_to_tensors(tensors, prepend_batch_axis=prepend) for t in (ours, theirs)
        )
        assert isinstance(found, BatchEncoding)
        for name, value in expected.items():
            assert type(found[name]) is type(value)
            assert found[name].dtype == value.dtype
            assert found[name].tolist() == value.tolist()
    batch = ours(TEXTS)
    with pytest.raises(InputError, match="padding=True"):
        batch.convert_to_tensors(tensors)
    assert batch.convert_to_tensors() is batch
    assert isinstance(batch["input_ids"], list)


@pytest.mark.parametrize("tensors", ["np", "pt"])
def test_columns_keep_their_type(tensors):
    ours, theirs = both()
    rows = [
        {"input_ids": [5, 6], "labels": 0.7, "seen": True, "class": 3, "weights": [0.5, 2.0]},
        {"input_ids": [7], "labels": 2.3, "seen": False, "class": 4, "weights": [1.5, 2.5]},
    ]
    found, expected = (t.pad(copy.deepcopy(rows), return_tensors=tensors) for t in (ours, theirs))
    for name, value in expected.items():
        assert found[name].dtype == value.dtype, name
        assert found[name].tolist() == value.tolist(), name
    assert found["labels"].tolist() == pytest.approx([0.7, 2.3])
    mask = {"input_ids": [[5, 6]], "attention_mask": [[1.0, 0.5]]}
    assert ours.pad(mask, return_tensors=tensors)["attention_mask"].tolist() == [[1.0, 0.5]]
    single = numpy.array([0.1, 0.2], dtype=numpy.float32)
    kept = ours.pad({"input_ids": [[5], [6]], "labels": single}, return_tensors=tensors)
    assert str(kept["labels"].dtype).endswith("float32")


@pytest.mark.parametrize("labels", [["a", "b"], [[1], [1, 2]], [None, 1], [{}, {}]])
@pytest.mark.parametrize("tensors", ["np", "pt"])
def test_columns_that_are_no_numbers(tensors, labels):
    ours, _ = both()
    with pytest.raises(InputError, match="'labels'") as caught:
        ours.pad({"input_ids": [[5], [6]], "labels": labels}, return_tensors=tensors)
    assert "\n" not in str(caught.value)


def test_what_a_batch_says_of_its_tokens():
    ours, _ = both()
    text, pair = "The harbour's <special1> gate", "it isn't"
    batch = ours([text], [pair], padding="max_length", max_length=24, truncation=True)
    row = batch[0]
    assert batch.n_sequences == 2
    assert ours(text).n_sequences == 1
    assert ours.pad({"input_ids": [5]}).n_sequences is None
    for i, (word, sequence) in enumerate(zip(row.word_ids, row.sequence_ids, strict=True)):
        assert batch.token_to_word(0, i) == batch.token_to_word(i) == word
        assert batch.token_to_sequence(0, i) == batch.token_to_sequence(i) == sequence
        chars = batch.token_to_chars(i)
        assert (chars is None) == (sequence is None)
        if chars is not None:
            source = pair if sequence else text
            assert source[slice(*chars)]
            first, end = batch.word_to_chars(0, word, sequence)
            assert first <= chars.start < chars.end <= end
            assert batch.char_to_word(chars.start, sequence_index=sequence) == word
            tokens = batch.word_to_tokens(word, sequence_index=sequence)
            assert tokens.start <= i < tokens.end
    assert text[slice(*batch.word_to_chars(1))] == "harbour"
    assert batch.char_to_word(3) is None
    assert batch.word_to_chars(99) is None
    assert batch.token_to_word(0) is None
    for call in (batch.token_to_word, batch.token_to_sequence, batch.token_to_chars):
        with pytest.raises(InputError, match="no token 24"):
            call(24)
    copied = pickle.loads(pickle.dumps(batch))
    assert copied.n_sequences == 2
    assert copied.token_to_word(2) == batch.token_to_word(2)


def test_the_configuration_holds_what_the_reference_reads(tmp_path):
    ours, theirs = both(model_max_length=50)
    ours.save_pretrained(tmp_path)
    theirs.save_pretrained(tmp_path / "theirs")
    found, expected = (
        json.loads((folder / "tokenizer_config.json").read_text())
        for folder in (tmp_path, tmp_path / "theirs")
    )
    assert found["added_tokens_decoder"].keys() == expected["added_tokens_decoder"].keys()
    for name in ("model_max_length", "tokenizer_class", "bos_token", "mask_token"):
        assert found[name] == expected[name], name


# What works with tokenizers -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("collator", "labels"),
    [
        (transformers.DataCollatorWithPadding, lambda ids: 0.5),
        (transformers.DataCollatorForTokenClassification, lambda ids: [1] * len(ids)),
        (transformers.DataCollatorForSeq2Seq, lambda ids: ids),
    ],
)
def test_collators_take_it(collator, labels):
    batches = []
    for tokenizer in both(model_max_length=64):
        rows = [dict(tokenizer(text)) for text in (TEXT, OTHER)]
        rows = [row | {"labels": labels(row["input_ids"])} for row in rows]
        batches.append(collator(tokenizer)(rows))
    found, expected = batches
    assert found.keys() == expected.keys()
    for name, column in expected.items():
        assert torch.equal(found[name], column)


def test_masking_for_language_models():
    for tokenizer in both():
        rows = [tokenizer(text, return_special_tokens_mask=True) for text in (LONG, TEXT)]
        collator = transformers.DataCollatorForLanguageModeling(tokenizer, mlm_probability=0.5)
        batch = collator(rows)
        chosen = batch["labels"] != -100
        assert (batch["input_ids"] == tokenizer.mask_token_id).any()
        assert not chosen[batch["attention_mask"] == 0].any()
        assert not chosen[:, 0].any()
