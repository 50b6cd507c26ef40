"""A call of XLM-RoBERTa's tokenizer gives the columns that transformers' own call gives."""

from __future__ import annotations

import itertools
import pickle
import random

import pytest
import transformers
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import AddedToken

from xlm_text import InputError, LengthWarning, XLMRobertaTokenizer

from .support import examples
from .unigram import ALL

pytestmark = pytest.mark.xdist_group("unigram")


@pytest.fixture(scope="module")
def ours(load_roberta) -> XLMRobertaTokenizer:
    return load_roberta()[0]


@pytest.fixture(scope="module")
def theirs(load_roberta):
    return load_roberta()[1]


@pytest.fixture
def own(unigram_folder) -> XLMRobertaTokenizer:
    """A tokenizer that a test may change."""
    return XLMRobertaTokenizer.from_pretrained(unigram_folder("saved"))


def panics() -> list[type[BaseException]]:
    """Return what Rust libraries raise where they panic; none is an ``Exception``."""
    return [kind for kind in BaseException.__subclasses__() if kind.__name__ == "PanicException"]


def short(seed: int, count: int) -> list[str]:
    """Beginnings of the sentences, of one to eight words."""
    chance = random.Random(seed)
    return [" ".join(chance.choice(ALL).split()[: chance.randint(1, 8)]) for _ in range(count)]


OPTIONS = st.fixed_dictionaries(
    {
        "padding": st.sampled_from([False, True, "max_length"]),
        "padding_side": st.sampled_from([None, "left", "right"]),
        "truncation": st.sampled_from([None, False, True, "only_first", "only_second"]),
        "max_length": st.sampled_from([None, 6, 7, 8, 9, 12, 15, 20]),
        "stride": st.sampled_from([0, 0, 1, 2]),
        "pad_to_multiple_of": st.sampled_from([None, None, 4]),
        "add_special_tokens": st.sampled_from([True, True, True, False]),
        "return_overflowing_tokens": st.booleans(),
        "return_offsets_mapping": st.booleans(),
        "return_special_tokens_mask": st.booleans(),
        "return_token_type_ids": st.booleans(),
        "return_length": st.booleans(),
    }
)


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("batched", [True, False])
@pytest.mark.parametrize("paired", [True, False])
@examples(60)
@given(OPTIONS, st.integers(0, 10**6))
def test_columns(paired, batched, side, load_roberta, options, seed):
    ours, theirs = load_roberta(truncation_side=side)
    text: object = short(seed, 3)
    pair: object = short(seed + 1, 3) if paired else None
    if not batched:
        text, pair = text[0], pair and pair[0]  # type: ignore[index]
    if options["max_length"] == 20 and options["pad_to_multiple_of"] is None:
        options["stride"] *= 2
    try:
        expected = theirs(text, pair, verbose=False, **options).data
    except (Exception, *panics()):
        return
    found, problem = {}, ""
    try:
        found = ours(text, pair, verbose=False, **options).data
    except InputError as error:
        problem = str(error)
    if problem:
        # Where nothing is left of a text, transformers gives rows with no text at all.
        assert "the room left, 0 tokens" in problem or "do not fit into 0" in problem
        return
    if options["return_overflowing_tokens"]:
        # The library leaves the type of a sequence in the rows behind the first, though this
        # model has no second type.
        expected.pop("token_type_ids", None)
        assert {*itertools.chain(*found.pop("token_type_ids", []))} <= {0}
    assert found == expected


def test_a_pair_has_two_separators_and_one_type(ours):
    row = ours("a", "b", return_token_type_ids=True, return_special_tokens_mask=True)
    assert row.tokens() == ["<s>", *ours.tokenize("a"), "</s>", "</s>", *ours.tokenize("b"), "</s>"]
    a, b = len(ours.tokenize("a")), len(ours.tokenize("b"))
    assert row["token_type_ids"] == [0] * (a + b + 4)
    assert row["special_tokens_mask"] == [1, *[0] * a, 1, 1, *[0] * b, 1]
    assert row.sequence_ids() == [None, *[0] * a, None, None, *[1] * b, None]
    ids = (
        ours.convert_tokens_to_ids(ours.tokenize("a")),
        ours.convert_tokens_to_ids(ours.tokenize("b")),
    )
    assert ours.build_inputs_with_special_tokens(*ids) == row["input_ids"]
    assert ours.get_special_tokens_mask(*ids) == row["special_tokens_mask"]
    assert ours.create_token_type_ids_from_sequences(*ids) == row["token_type_ids"]
    assert ours.num_special_tokens_to_add(pair=True) == 4
    assert ours.prepare_for_model(*ids, return_token_type_ids=True) == {
        name: row[name] for name in ("input_ids", "token_type_ids", "attention_mask")
    }


def test_an_empty_second_text_is_one_in_every_call(ours, theirs):
    batch = ours(["a"], [""])["input_ids"]
    assert batch == theirs(["a"], [""])["input_ids"]
    assert ours("a", "")["input_ids"] == batch[0]


def test_windows_over_a_context(ours, theirs):
    # As question answering cuts them.
    context = " ".join(ALL)
    options = {"max_length": 48, "stride": 12, "return_overflowing_tokens": True}
    options |= {"return_offsets_mapping": True, "truncation": "only_second", "padding": True}
    expected = theirs(["Where is the cat?"] * 2, [context, ALL[0]], **options)
    found = ours(["Where is the cat?"] * 2, [context, ALL[0]], **options)
    assert found.data == expected.data
    rows = len(found["input_ids"])
    assert rows > 10
    for i in range(rows):
        assert found.sequence_ids(i) == expected.sequence_ids(i)
        assert found.tokens(i) == expected.tokens(i)
    for char in (0, 7, 12):
        assert found.char_to_token(0, char, 1) == expected.char_to_token(0, char, 1)


@pytest.mark.parametrize("tensors", ["np", "pt"])
def test_tensors(tensors, ours, theirs):
    texts = ALL[:6]
    expected = theirs(texts, padding=True, return_tensors=tensors)
    found = ours(texts, padding=True, return_tensors=tensors)
    assert found.keys() == expected.keys()
    for name, column in expected.items():
        assert (found[name] == column).all()
        assert found[name].dtype == column.dtype


def test_rows_that_are_padded_later(ours, theirs):
    rows = [ours(text) for text in ALL[:5]]
    for side in ("left", "right"):
        expected = theirs.pad([dict(row) for row in rows], padding_side=side)
        assert ours.pad(rows, padding_side=side).data == expected.data


def test_labels_of_a_target(ours, theirs):
    expected = theirs(ALL[:3], text_target=ALL[3:6])
    assert ours(ALL[:3], text_target=ALL[3:6]).data == expected.data


def test_ids_alone(ours, theirs):
    assert ours.encode("a", "b") == theirs.encode("a", "b")
    assert ours.batch_encode(ALL) == theirs(ALL)["input_ids"]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_stream(workers, ours, theirs):
    texts = ALL * 4
    rows = ours.encode_iterator(iter(texts), workers=workers, batch_size=20)
    assert list(rows) == theirs(texts)["input_ids"]
    rows = ours.encode_iterator(texts, lang=itertools.repeat("fr"), return_offsets_mapping=True)
    expected = theirs(texts, return_offsets_mapping=True)
    assert list(rows) == list(zip(expected["input_ids"], expected["offset_mapping"], strict=True))


def test_a_language_is_accepted_and_ignored(ours):
    expected = ours(ALL).data
    assert ours(ALL, lang="fr").data == expected
    assert ours(ALL, lang=["en"] * len(ALL)).data == expected
    assert ours.tokenize(ALL[0], lang="en") == ours.tokenize(ALL[0])
    assert "langs" not in ours.model_input_names
    # Tasks tell the kinds of tokenizers apart by this.
    assert not hasattr(ours, "check_language")


def test_settings_of_other_kinds_are_none_here(own):
    for name in ("lang", "rules", "lang2id", "do_lowercase_and_remove_accent", "kytea_model"):
        assert not hasattr(own, name)
        with pytest.raises(InputError, match=f"no setting is called '{name}'"):
            own.change_settings(**{name: None})
    with pytest.raises(AttributeError, match="no attribute 'faithful'"):
        own.faithful = True  # type: ignore[attr-defined]
    with pytest.raises(InputError, match="bypass_tokenizer has no meaning here"):
        own("a", bypass_tokenizer=True)
    with pytest.raises(InputError, match="return_langs needs to know lang2id"):
        own("a", return_langs=True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "text must be a string, not None"),
        (["a", 1], r"text\[1\] must be a string, not int: 1"),
        ("a\ud800", "not valid Unicode"),
        (["a", "b\ud800"], r"text\[1\]|not valid Unicode"),
    ],
)
def test_what_is_no_text(text, message, ours):
    with pytest.raises(InputError, match=message):
        ours(text)


def test_ids_that_there_are_not(ours):
    for ids in ([len(ours)], [-1], [[0], [10**9]]):
        with pytest.raises(InputError, match="no token has the id"):
            ours.decode(ids)


def test_a_text_that_is_too_long_is_told_of_once(own):
    own.model_max_length = 8
    with pytest.warns(LengthWarning, match="the model has room for 6"):
        own(ALL[0])
    assert len(own(ALL[0], truncation=True)["input_ids"]) == 8


def test_batches_stay_what_they_were(own):
    batch = own(["the old house", "a <mask>"])
    expected = [batch.tokens(i) for i in range(2)]
    again = own(["the old house", "a <mask>"])
    own.add_tokens(["old house"])
    own.mask_token = "old house"
    assert [again.tokens(i) for i in range(2)] == expected
    assert own.tokenize("the old house")[-1] == "old house"


def test_pickles_and_copies_are_the_same_whether_or_not_it_was_used(own):
    before = pickle.dumps(own)
    rows = own(ALL)["input_ids"]
    own.decode(rows)
    assert pickle.dumps(own) == before
    assert pickle.loads(before)(ALL)["input_ids"] == rows


def test_special_tokens_get_their_roles(own, unigram_folder):
    theirs = transformers.XLMRobertaTokenizer.from_pretrained(unigram_folder("saved"))
    added = {"mask_token": AddedToken("[M]", lstrip=True), "extra_special_tokens": ["<e1>", "<e2>"]}
    for tokenizer in (own, theirs):
        tokenizer.add_special_tokens(dict(added))
    assert (len(own), own.mask_token_id) == (len(theirs), theirs.mask_token_id)
    lines = ["a [M]b <e1><e2> <mask>", "[M]"]
    expected = theirs(lines, return_offsets_mapping=True).data
    assert own(lines, return_offsets_mapping=True).data == expected
    own.eos_token = None
    with pytest.raises(InputError, match="the tokenizer has no eos_token"):
        own("a")
