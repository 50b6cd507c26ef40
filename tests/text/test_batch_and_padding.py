"""What a call returns: a dictionary that prints, pickles, moves and pads."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
import re
import sys

import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from xlm_text import InputError, XLMTokenizer

from .support import FIXTURES, Reference, examples, sentences

TEXTS = ["L'eau est froide.", "Oui !", ""]
PAIRS = ["d'ici", "", "non <special1>"]


@pytest.fixture(scope="module")
def batch(load_ours):
    return load_ours()(TEXTS, PAIRS, lang="fr", padding=True, return_offsets_mapping=True)


def everything(batch):
    rows = range(len(batch["input_ids"]))
    return (
        {
            name: value if isinstance(value, list) else value.tolist()
            for name, value in batch.items()
        },
        [batch.tokens(i) for i in rows],
        [batch.word_ids(i) for i in rows],
        [batch.sequence_ids(i) for i in rows],
        [batch.encodings[i].offsets for i in rows],
    )


def test_it_is_a_dictionary(batch):
    assert list(batch) == ["input_ids", "attention_mask", "offset_mapping"]
    assert batch["input_ids"] is batch.input_ids
    assert "input_ids" in batch
    assert dict(**batch).keys() == batch.keys()
    assert len(batch) == 3
    with pytest.raises(KeyError):
        batch["langs"]
    with pytest.raises(AttributeError, match="langs"):
        batch.langs  # noqa: B018
    assert batch == {name: batch[name] for name in batch}
    assert batch.encodings[1].tokens == batch.tokens(1)


def test_it_prints_what_it_holds(load_ours):
    batch = load_ours()("a b")
    for part in ("input_ids", "attention_mask", str(batch["input_ids"])):
        assert part in repr(batch)
        assert part in str(batch)


def test_padding_has_no_place_in_the_text(batch):
    for i, mask in enumerate(batch["attention_mask"]):
        for token, attended in enumerate(mask):
            if not attended:
                assert batch.tokens(i)[token] == "<pad>"
                assert batch["offset_mapping"][i][token] == (0, 0)
                assert batch.token_to_chars(i, token) is None
                assert batch.word_ids(i)[token] is None
                assert batch.sequence_ids(i)[token] is None


def test_unknown_pieces_keep_their_place_and_spelling(load_ours):
    ours = load_ours(do_lowercase_and_remove_accent=False)
    text = "a ÞÞ\U0001f9ff b"
    batch = ours(text, return_offsets_mapping=True)
    unknown = [i for i, id_ in enumerate(batch["input_ids"]) if id_ == ours.unk_token_id]
    assert unknown
    assert "".join(text[slice(*batch["offset_mapping"][i])] for i in unknown) == "ÞÞ\U0001f9ff"
    assert next(batch.tokens()[i] for i in unknown).startswith("Þ")


@pytest.mark.parametrize("tensors", [None, "np", "pt"])
@pytest.mark.parametrize("protocol", [2, pickle.HIGHEST_PROTOCOL])
def test_pickling(tensors, protocol, load_ours):
    batch = load_ours()(TEXTS, PAIRS, lang="fr", padding=True, return_tensors=tensors)
    copied = pickle.loads(pickle.dumps(batch, protocol))
    assert everything(copied) == everything(batch)
    assert everything(copy.deepcopy(batch)) == everything(batch)


def describe(batch):
    return everything(batch)


def call_in_process(folder, text):
    return XLMTokenizer.from_pretrained(folder)([text], lang="fr", return_offsets_mapping=True)


def test_it_travels_between_processes(load_ours):
    batch = load_ours()(TEXTS, lang="fr", return_offsets_mapping=True)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(describe, (batch,)) == everything(batch)
        back = pool.apply(call_in_process, (FIXTURES / "vocabulary", TEXTS[0]))
    assert everything(back) == everything(
        load_ours()([TEXTS[0]], lang="fr", return_offsets_mapping=True)
    )


def test_moving_to_a_device(load_ours):
    batch = load_ours()(TEXTS, padding=True, return_tensors="pt")
    moved = batch.to("meta")
    assert moved is batch
    assert {value.device.type for value in batch.values()} == {"meta"}
    assert load_ours()("a").to("cpu")["attention_mask"] == [1] * 3


@pytest.mark.parametrize(("kind", "make"), [("np", numpy.array), ("pt", torch.tensor)])
def test_tensors(kind, make, load_ours):
    lists = load_ours()(TEXTS, PAIRS, lang="fr", padding=True, return_offsets_mapping=True)
    arrays = load_ours()(
        TEXTS, PAIRS, lang="fr", padding=True, return_offsets_mapping=True, return_tensors=kind
    )
    for name, column in lists.items():
        expected = make(column)
        assert type(arrays[name]) is type(expected)
        assert arrays[name].dtype == expected.dtype
        assert arrays[name].shape == expected.shape
        assert (arrays[name] == expected).all()
    single = load_ours()("a b", return_tensors=kind)
    assert tuple(single["input_ids"].shape) == (1, 4)


@pytest.mark.slow
def test_tensorflows_tensors_are_its_own_whole_numbers(load_ours):
    tensorflow = pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
    ours = load_ours()
    lists = ours(TEXTS, PAIRS, lang="fr", padding=True, return_offsets_mapping=True)
    tensors = ours(
        TEXTS, PAIRS, lang="fr", padding=True, return_offsets_mapping=True, return_tensors="tf"
    )
    for name, column in lists.items():
        expected = tensorflow.constant(column)
        assert type(tensors[name]) is type(expected)
        assert tensors[name].dtype == expected.dtype == tensorflow.int32
        assert (tensors[name].numpy() == expected.numpy()).all()
    ids = tensors["input_ids"]
    assert ours.batch_decode(ids) == ours.batch_decode(lists["input_ids"])
    assert ours.pad({"input_ids": ids[:, :2]})["input_ids"] == [r[:2] for r in lists["input_ids"]]


def test_a_missing_package_of_tensors_is_named(load_ours, monkeypatch):
    for kind, package in (("tf", "tensorflow"), ("pt", "torch")):
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(InputError, match=f"return_tensors='{kind}' needs .* '{package}'"):
            load_ours()("a", return_tensors=kind)


def test_rows_of_several_lengths_are_no_tensor(load_ours):
    with pytest.raises(InputError, match=r"return_tensors='np'.*padding=True"):
        load_ours()(["a", "a b"], return_tensors="np")


# pad ----------------------------------------------------------------------------------------

IDS = st.lists(st.integers(5, 2000), min_size=1, max_size=9)


@examples(150)
@given(
    st.lists(IDS, min_size=1, max_size=4),
    st.sampled_from([True, False, "longest", "max_length"]),
    st.sampled_from([None, 4, 10, 16]),
    st.sampled_from([None, 1, 4, 8]),
    st.sampled_from([None, "left", "right"]),
    st.sampled_from(["dict", "list", "single"]),
    st.booleans(),
    st.sampled_from([None, True, False]),
)
def test_pad(ours, theirs, rows, padding, length, multiple, side, shape, masks, return_mask):
    columns = {"input_ids": rows}
    if masks:
        if return_mask is not False:  # or the reference leaves the mask as long as it was
            columns["attention_mask"] = [[1] * len(row) for row in rows]
        columns["token_type_ids"] = [[0] * len(row) for row in rows]
        columns["special_tokens_mask"] = [[0] * len(row) for row in rows]
    if shape == "single":
        inputs = {name: column[0] for name, column in columns.items()}
    elif shape == "list":
        inputs = [{name: column[i] for name, column in columns.items()} for i in range(len(rows))]
    else:
        inputs = columns
    options = {
        "padding": padding,
        "max_length": length,
        "pad_to_multiple_of": multiple,
        "padding_side": side,
        "return_attention_mask": return_mask,
    }
    expected = theirs.pad(copy.deepcopy(inputs), **options)
    before = copy.deepcopy(inputs)
    assert ours.pad(inputs, **options).data == dict(expected)
    assert inputs == before  # the caller's lists are left alone


@pytest.mark.parametrize("kind", ["np", "pt"])
def test_pad_makes_and_takes_tensors(kind, ours, theirs):
    inputs = {"input_ids": [[5, 6, 7], [8]]}
    found = ours.pad(inputs, return_tensors=kind)
    expected = theirs.pad(inputs, return_tensors=kind)
    for name in expected:
        assert (found[name] == expected[name]).all()
    arrays = {name: value[:1] for name, value in found.items()}
    again = ours.pad(arrays, padding="max_length", max_length=6)
    assert again["input_ids"] == [[5, 6, 7, 2, 2, 2]]
    assert again["attention_mask"] == [[1, 1, 1, 0, 0, 0]]


def test_pad_knows_langs_and_leaves_other_columns(ours):
    inputs = {"input_ids": [[5], [6, 7]], "langs": [[3], [4, 5]], "labels": ["x", "y"]}
    padded = ours.pad(inputs)
    assert padded["langs"] == [[3, 3], [4, 5]]
    assert padded["labels"] == ["x", "y"]
    left = ours.pad(inputs, padding_side="left", pad_to_multiple_of=4)
    assert left["langs"] == [[3, 3, 3, 3], [4, 4, 4, 5]]
    assert left["input_ids"] == [[2, 2, 2, 5], [2, 2, 6, 7]]


@pytest.mark.parametrize("inputs", [{"ids": [1]}, [], [1, 2], "x", None, [{"a": 1}]])
def test_pad_without_ids(ours, inputs):
    with pytest.raises(InputError, match="encoded_inputs"):
        ours.pad(inputs)


def test_padded_inputs_say_that_their_source_is_not_known(ours):
    with pytest.raises(InputError, match="not known"):
        ours.pad({"input_ids": [[5]]}).tokens()


# decode -------------------------------------------------------------------------------------


def test_decoding_is_that_of_the_reference(ours, theirs):
    for lang in ("en", "fr", "zh", "hi"):
        rows = theirs(sentences(lang), lang=lang)["input_ids"]
        for skip in (True, False):
            for clean in (True, False, None):
                options = {"skip_special_tokens": skip, "clean_up_tokenization_spaces": clean}
                expected = theirs.batch_decode(rows, **options)
                assert ours.batch_decode(rows, **options) == expected
                assert [ours.decode(row, **options) for row in rows] == expected
                padded = theirs.pad({"input_ids": rows}, return_tensors="pt")["input_ids"]
                assert ours.batch_decode(padded, **options) == theirs.batch_decode(
                    padded, **options
                )
                assert ours.batch_decode(padded.numpy(), **options) == theirs.batch_decode(
                    padded, **options
                )


@examples(200)
@given(st.lists(st.integers(0, 2149), max_size=30), st.booleans(), st.booleans())
def test_decoding_any_ids(ours, theirs, ids, skip, clean):
    options = {"skip_special_tokens": skip, "clean_up_tokenization_spaces": clean}
    assert ours.decode(ids, **options) == theirs.decode(ids, **options)
    tokens = theirs.convert_ids_to_tokens(ids, skip)
    assert ours.convert_ids_to_tokens(ids, skip) == tokens
    assert ours.convert_tokens_to_ids(tokens) == theirs.convert_tokens_to_ids(tokens)
    assert ours.convert_tokens_to_string(tokens) == theirs.convert_tokens_to_string(tokens)


def test_decoding_one_id_and_none(ours, theirs):
    assert ours.decode(5) == theirs.decode(5)
    assert ours.decode([]) == theirs.decode([]) == ""
    assert ours.batch_decode([]) == []
    assert ours.convert_ids_to_tokens(20) == theirs.convert_ids_to_tokens(20)
    assert ours.convert_tokens_to_ids("no such piece") == theirs.unk_token_id
    assert ours.decode(numpy.array([20, 21])) == theirs.decode([20, 21])
    assert ours.decode(torch.tensor(20)) == theirs.decode(20)


def test_cleaning_up_as_a_setting():
    ids = XLMTokenizer.from_pretrained(FIXTURES / "vocabulary").encode("It isn't, is it?")
    folder = FIXTURES / "vocabulary"
    for clean in (True, False):
        ours = XLMTokenizer.from_pretrained(folder, clean_up_tokenization_spaces=clean)
        theirs = Reference(
            folder / "vocab.json", folder / "merges.txt", clean_up_tokenization_spaces=clean
        )
        assert ours.decode(ids) == theirs.decode(ids)


def test_detokenizing_is_that_of_sacremoses(ours):
    from sacremoses import MosesDetokenizer

    for lang in ("en", "fr", "it", "cs", "de", "fi", "ko"):
        for line in sentences(lang):
            ids = ours.encode(line, lang=lang)
            words = ours.decode(ids, skip_special_tokens=True).split()
            expected = MosesDetokenizer(lang=lang).detokenize(words, unescape=False)
            assert ours.decode(ids, skip_special_tokens=True, detokenize=lang) == expected


OWN_SCRIPT = {"zh": "[一-鿿]", "ja": "[ぁ-ヿ一-鿿]", "th": "[ก-๛]"}


@pytest.mark.parametrize("lang", OWN_SCRIPT)
def test_no_spaces_where_none_are_written(lang, ours):
    own = OWN_SCRIPT[lang]
    for line in sentences(lang):
        ids = ours.encode(line, lang=lang)
        words = ours.decode(ids, skip_special_tokens=True)
        text = ours.decode(ids, skip_special_tokens=True, detokenize=lang)
        assert text.replace(" ", "") == "".join(words.split())
        # Words of other scripts have spaces between them.
        assert not re.search(f"{own} +{own}", text)
