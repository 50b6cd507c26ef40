"""Input that cannot be used: one clear error each, in one line."""

from __future__ import annotations

import re

import numpy
import pytest
import torch

from xlm_text import InputError, MissingComponentError, XLMTokenizer
from xlm_text.languages.table import Component
from xlm_text.segmenters import chinese, japanese

from .support import FIXTURES, KYTEA_MODEL, LANGUAGES, Reference

FOLDER = FIXTURES / "vocabulary"


@pytest.fixture(scope="module")
def strict():
    """A tokenizer that takes the languages of its checkpoint only."""
    return XLMTokenizer.from_pretrained(FOLDER, lang2id={"en": 0, "fr": 1, "ja": 2})


CALLS = {
    "None": ((None,), {}, r"text must be a string.*None"),
    "a number": ((5,), {}, r"text must be a string.*int: 5"),
    "bytes": ((b"abc",), {}, r"text must be a string.*bytes: b'abc'"),
    "None in a batch": ((["a", None],), {}, r"text\[1\] must be a string.*None"),
    "bytes in a batch": ((["a", "b", b"c"],), {}, r"text\[2\].*bytes: b'c'"),
    "a number in a batch": ((["a", 1],), {}, r"text\[1\].*int: 1"),
    "a text among ids": (([1, "a"],), {}, r"text must be ids only.*str: 'a'"),
    "an id that no token has": (([5, 10**6],), {}, r"no token has the id 1000000"),
    "truth for a length": (("a",), {"max_length": True}, r"max_length must be.*True"),
    "truth for a multiple": (("a",), {"pad_to_multiple_of": True}, r"pad_to_multiple_of.*True"),
    "no text at all": ((), {}, r"text must be a string.*None"),
    "a list among texts": ((["a", ["b", "c"]],), {}, r"text\[1\].*list: \['b', 'c'\]"),
    "a text among pairs": (([["b", "c"], "a"],), {}, r"text\[1\] must be a pair.*'a'"),
    "three for two": (
        ([["a", "b", "c"]],),
        {},
        r"text\[0\].*\['a', 'b', 'c'\].*is_split_into_words",
    ),
    "one for two": (([("a", "b"), ("c",)],), {}, r"text\[1\].*\('c',\)"),
    "None in a pair": (([("a", "b"), ("c", None)],), {}, r"text_pair\[1\].*None"),
    "pairs of words": (([[["a"], ["b"]]],), {}, r"text\[0\].*list"),
    "a dictionary": (({"a": 1},), {}, r"text.*dict"),
    "a batch and one": ((["a", "b"], "c"), {}, r"text and text_pair"),
    "one and a batch": (("a", ["b"]), {}, r"text and text_pair"),
    "fewer pairs": ((["a", "b"], ["c"]), {}, r"text_pair has 1 texts, but text has 2"),
    "bytes as pair": (("a", b"c"), {}, r"text_pair.*bytes"),
    "None as second": ((["a", "b"], ["c", None]), {}, r"text_pair\[1\].*None"),
    "text for words": (("a b",), {"is_split_into_words": True}, r"text.*list of words.*'a b'"),
    "None for a word": (
        ([["a"], ["b", None]],),
        {"is_split_into_words": True},
        r"text\[1\].* word 1 is None",
    ),
    "bytes for a word": (
        (["a", b"b"],),
        {"is_split_into_words": True},
        r"text must.* word 1 is bytes",
    ),
    "text among words": (
        ([["a"], "b"],),
        {"is_split_into_words": True},
        r"text\[1\].*list of words",
    ),
    "an unknown language": (("a",), {"lang": "xx"}, r"'xx'.*en, fr, ja"),
    "an unknown one in a list": ((["a", "b"],), {"lang": ["en", "de"]}, r"'de'.*en, fr, ja"),
    "an unknown one for the pair": (("a", "b"), {"lang_pair": "de"}, r"'de'.*en, fr, ja"),
    "fewer languages": ((["a", "b"],), {"lang": ["en"]}, r"lang has 1 languages.*2 texts"),
    "more languages": ((["a"],), {"lang": ["en", "fr"]}, r"lang has 2 languages.*1 texts"),
    "other pair languages": (
        (["a"], ["b"]),
        {"lang_pair": ["en", "fr"]},
        r"lang_pair has 2.*1 texts",
    ),
    "languages for one text": (("a",), {"lang": ["en", "fr"]}, r"lang has 2.*1 texts"),
    "no language": (("a",), {"lang": ""}, r"lang.*''"),
    "a language that is none": (("a",), {"lang": 5}, r"lang.*5"),
    "None among languages": ((["a", "b"],), {"lang": ["en", 7]}, r"lang.*7"),
    "padding": (("a",), {"padding": "sometimes"}, r"padding must be.*longest.*'sometimes'"),
    "truncation": (
        ("a",),
        {"truncation": "only_third"},
        r"truncation must be.*only_second.*'only_third'",
    ),
    "padding side": (("a",), {"padding_side": "top"}, r"padding_side must be.*'top'"),
    "max_length": (("a",), {"max_length": -1, "truncation": True}, r"max_length.*-1"),
    "max_length as text": (("a",), {"max_length": "5", "truncation": True}, r"max_length.*'5'"),
    "max_length too small": (
        ("a",),
        {"max_length": 1, "truncation": True},
        r"max_length is 1.*2 special",
    ),
    "for a pair": (
        ("a", "b"),
        {"max_length": 2, "truncation": True},
        r"max_length is 2.*3 special",
    ),
    "stride": (("a",), {"stride": -1}, r"stride.*-1"),
    "stride as large as the room": (
        (["a", "a b c d e"],),
        {"max_length": 5, "truncation": True, "stride": 3, "return_overflowing_tokens": True},
        r"text 1: .*stride=3.*3 tokens",
    ),
    "no second text": (
        (["a", "b", "a b c d e"],),
        {"max_length": 4, "truncation": "only_second"},
        r"text 2: .*second text",
    ),
    "the other is too long": (
        ("a b c d e f", "g"),
        {"max_length": 6, "truncation": "only_second"},
        r"text 0: .*'only_second'.*6 tokens.*longest_first",
    ),
    "multiple": (("a",), {"pad_to_multiple_of": 0}, r"pad_to_multiple_of.*0"),
    "multiple as text": (("a",), {"pad_to_multiple_of": "8"}, r"pad_to_multiple_of.*'8'"),
    "multiple and max_length": (
        ("a",),
        {"pad_to_multiple_of": 8, "max_length": 12, "truncation": True, "padding": True},
        r"max_length=12.*pad_to_multiple_of=8",
    ),
    "tensors": (("a",), {"return_tensors": "jax"}, r"return_tensors.*np.*pt.*tf.*'jax'"),
    "a surrogate": (("a\ud800b",), {}, r"surrogate '\\ud800'.*position 1"),
    "a surrogate in a batch": ((["a", "bc\udfff"],), {}, r"1.*surrogate '\\udfff'.*position 2"),
    "a surrogate in a word": (
        (["a", "\udc80"],),
        {"is_split_into_words": True},
        r"surrogate '\\udc80'",
    ),
    "langs without ids": (("a",), {"return_langs": True, "lang": "xx"}, r"'xx'"),
}


@pytest.mark.parametrize("name", CALLS)
def test_calls(name, strict):
    arguments, options, problem = CALLS[name]
    with pytest.raises(InputError, match=problem) as caught:
        strict(*arguments, **options)
    assert "\n" not in str(caught.value)
    # Where the problem is does not depend on what else is asked for.
    with pytest.raises(InputError, match=problem):
        strict(*arguments, **options, return_offsets_mapping=True)


def test_an_argument_that_does_not_exist(strict):
    with pytest.raises(TypeError, match="langs"):
        strict("a", langs="en")


@pytest.mark.parametrize("text", [None, 5, b"abc", ["a"]])
def test_tokenize_takes_one_text(text, strict):
    with pytest.raises(InputError, match="string"):
        strict.tokenize(text)


def test_surrogates_elsewhere(strict):
    for call in (strict.tokenize, strict.encode, strict.words):
        with pytest.raises(InputError, match="surrogate"):
            call("x\udfff")
    with pytest.raises(InputError, match="surrogate"):
        strict.tokenize("x\udfff", bypass_tokenizer=True)
    with pytest.raises(InputError, match="surrogate"):
        strict(["<special1>\udfff"])


def test_languages_that_no_checkpoint_has():
    ours = XLMTokenizer.from_pretrained(FOLDER, lang2id=None)
    with pytest.raises(
        InputError, match=r"'xx'.* have af, als, .* and [0-9]+ more.*any_language=True"
    ):
        ours("a", lang="xx")
    anything = XLMTokenizer.from_pretrained(FOLDER, any_language=True)
    theirs = Reference(FOLDER / "vocab.json", FOLDER / "merges.txt")
    for lang in ("xx", "en-GB", "zh-classical"):
        expected = theirs.encode("It's 3.000 l'eau.", lang=lang)
        assert anything.encode("It's 3.000 l'eau.", lang=lang) == expected


@pytest.mark.parametrize("lang", LANGUAGES)
def test_nul_and_other_controls_pass_as_in_the_reference(lang, load_ours, load_theirs):
    texts = ["\x00", "a\x00b", "\x00 \x00", "a\x00 b.\x00", "\x01\x1f\x7f", "\ufffe\uffff"]
    rows = [load_theirs().encode(text, lang=lang) for text in texts]
    assert load_ours()(texts, lang=lang)["input_ids"] == rows
    offsets = load_ours()("a\x00b", lang=lang, return_offsets_mapping=True)["offset_mapping"]
    assert offsets[1][0] == 0
    assert offsets[-2][1] == 3


@pytest.mark.parametrize(
    "ids",
    [[2150], [5, -1], [10**12], [5, 2**70], ["5"], [None], "abc", [[5, 2150]], [5.5], None],
    ids=repr,
)
def test_ids_that_cannot_be_decoded(ids, ours):
    with pytest.raises(InputError) as caught:
        ours.decode(ids)
    assert "\n" not in str(caught.value)


def test_an_id_out_of_range_is_named(ours):
    assert len(ours) == 2150
    with pytest.raises(InputError, match=r"2150.*0 to 2149"):
        ours.decode([5, 2150])
    with pytest.raises(InputError, match=r"-1.*0 to 2149"):
        ours.convert_ids_to_tokens(-1)
    with pytest.raises(InputError, match="2150"):
        ours.batch_decode([[5], [2150]])
    with pytest.raises(InputError, match="2150"):
        ours.decode(numpy.array([2150]))
    with pytest.raises(InputError, match="2150"):
        ours.decode(torch.tensor([2150]))


def test_a_string_for_a_list_of_texts(ours):
    with pytest.raises(InputError, match="list of texts"):
        ours.batch_encode("a b")


def test_a_long_line(load_ours, load_theirs):
    # A megabyte in one line; the whole of it goes through.
    line = "The old lighthouse keeper hadn't slept well since Tuesday, had he? " * 15000
    ours, theirs = load_ours(), load_theirs()
    unit = theirs.encode(line[:67], add_special_tokens=False)
    row = ours(line, add_special_tokens=False)["input_ids"]
    assert len(line) > 1_000_000
    assert row == unit * 15000
    unbroken = ours("x" * 100_000, add_special_tokens=False)["input_ids"]
    assert len(unbroken) > 1000


# KyTea models ---------------------------------------------------------------------------------

MODEL = KYTEA_MODEL.read_bytes()
# KyTea ends its process on some of these, and on others it never comes back.
BAD_MODELS = {
    "empty": b"",
    "text": "これはモデルではない。\n".encode(),
    "packed": b"\x1f\x8b\x08\x00" + MODEL[:100],
    "header only": MODEL[:12],
    "in the settings": MODEL[:20],
    "in the characters": MODEL[:100],
    "in the weights": MODEL[: len(MODEL) // 2],
}


@pytest.mark.parametrize("name", BAD_MODELS)
def test_a_kytea_model_that_is_none(name, tmp_path, monkeypatch):
    monkeypatch.setattr(japanese, "_PROBE_SECONDS", 2)
    path = tmp_path / "model.bin"
    path.write_bytes(BAD_MODELS[name])
    tokenizer = XLMTokenizer.from_pretrained(FOLDER, kytea_model=str(path))
    with pytest.raises(InputError, match=re.escape(str(path))) as caught:
        tokenizer("これは", lang="ja")
    assert "KyTea" in str(caught.value)
    assert "\n" not in str(caught.value)
    # The other languages do not need it.
    assert tokenizer("This is", lang="en")["input_ids"]


def test_a_kytea_model_without_its_last_byte(tmp_path, ours):
    path = tmp_path / "model.bin"
    path.write_bytes(MODEL[:-1])
    text = "これはペンです。"
    tokenizer = XLMTokenizer.from_pretrained(FOLDER, kytea_model=str(path))
    # KyTea reads it; whatever else reads it may not, and need not.
    assert tokenizer(text, lang="ja")["input_ids"] == ours(text, lang="ja")["input_ids"]


def test_a_kytea_model_in_a_place_with_spaces(tmp_path, ours):
    path = tmp_path / "a folder" / "日本 語\u3000model.bin"
    path.parent.mkdir()
    path.write_bytes(MODEL)
    tokenizer = XLMTokenizer.from_pretrained(FOLDER, kytea_model=str(path))
    text = "私は港の町に住んでいます。"
    assert tokenizer(text, lang="ja")["input_ids"] == ours(text, lang="ja")["input_ids"]


def test_a_kytea_model_that_is_not_there(tmp_path, monkeypatch):
    tokenizer = XLMTokenizer.from_pretrained(FOLDER, kytea_model=str(tmp_path / "model.bin"))
    with pytest.raises(InputError, match=r"kytea_model.*model\.bin"):
        tokenizer("これは", lang="ja")
    monkeypatch.setenv("XLM_KYTEA_MODEL", str(tmp_path))
    with pytest.raises(InputError, match="XLM_KYTEA_MODEL"):
        XLMTokenizer.from_pretrained(FOLDER)("これは", lang="ja")


@pytest.mark.parametrize(
    ("package", "lang"), [("jieba", "zh"), ("rjieba", "zh"), ("pythainlp", "th"), ("kytea", "ja")]
)
def test_a_package_that_is_missing(package, lang, monkeypatch):
    monkeypatch.setattr(Component, "installed", lambda self: None)
    segmenter = package if package == "rjieba" else "jieba"
    tokenizer = XLMTokenizer.from_pretrained(FOLDER, zh_segmenter=segmenter)
    chinese._load_standard.cache_clear()
    with pytest.raises(MissingComponentError, match=f"'{package}'.*pip install"):
        tokenizer("你好", lang=lang)
