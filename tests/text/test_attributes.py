"""Attributes do what they say, or raise; and whoever leaves the language open is told so."""

from __future__ import annotations

import pickle
import warnings

import pytest
from tokenizers import AddedToken

from xlm_text import InputError, LanguageWarning, Settings, XLMTokenizer, train

from .support import FIXTURES, KYTEA_MODEL, load_reference, sentences

FOLDER = FIXTURES / "vocabulary"
TEXT = "我来到北京清华大学。"


def load(**settings):
    return XLMTokenizer.from_pretrained(FOLDER, **settings)


@pytest.fixture
def _no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


# Attributes -----------------------------------------------------------------------------------

# A value for each setting that differs from the default, and one that it cannot have.
VALUES = {
    "lang": ("fr", 5),
    "any_language": (True, "yes"),
    "rules": ("moses", "perl"),
    "faithful": (True, "yes"),
    "zh_segmenter": ("rjieba", "stanford"),
    "th_segmenter": ("nlpo3", "deepcut"),
    "kytea_model": (str(KYTEA_MODEL), None),
    "user_dictionary": ({"zh": ("云计算 5",)}, {"ja": ["東京"]}),
    "protected_patterns": (["urls", "é+"], ["("]),
    "normalize_unicode": ("NFC", "NFD"),
    "do_lowercase_and_remove_accent": (False, "no"),
    "split_special_tokens": (True, 1),
    "lang2id": ({"en": 0, "fr": 3}, {"en": "0"}),
    "use_lang_emb": (True, 1),
    "bos_token": ("</s>", "<not there>"),
    "eos_token": ("</s>", 5),
    "unk_token": ("<special9>", b"<unk>"),
    "sep_token": ("<special8>", ""),
    "pad_token": ("<special7>", ["<pad>"]),
    "cls_token": ("<s>", "<cls>"),
    "mask_token": ("<special3>", "<mask>"),
    "additional_special_tokens": (["<special1>"], "<special1>"),
    "model_max_length": (64, True),
    "padding_side": ("left", "top"),
    "truncation_side": ("left", None),
    "clean_up_tokenization_spaces": (True, "no"),
    "memory_limit": (50, 0),
}


def test_every_setting_is_tried():
    assert VALUES.keys() == vars(Settings()).keys()


@pytest.mark.parametrize("name", VALUES)
def test_a_setting_can_be_set(name):
    value, wrong = VALUES[name]
    tokenizer, other = load(), load(**{name: value})
    before = tokenizer.settings
    if name != "kytea_model":
        with pytest.raises(InputError):
            setattr(tokenizer, name, wrong)
        assert tokenizer.settings == before
    setattr(tokenizer, name, value)
    assert getattr(tokenizer, name) == value
    assert tokenizer.settings == other.settings
    # What was cached before does not count any more.
    texts = [line for lang in ("en", "fr") for line in sentences(lang)]
    for lang in ("en", "fr"):
        tokenizer.settings  # noqa: B018
        options = {"lang": lang, "padding": True, "truncation": True, "max_length": 16}
        assert tokenizer(texts, **options) == other(texts, **options)


@pytest.mark.parametrize(
    ("name", "value", "lang"),
    [
        ("do_lowercase_and_remove_accent", False, "fr"),
        ("unk_token", "<special9>", "en"),
        ("split_special_tokens", True, "en"),
    ],
)
def test_caches_are_dropped(name, value, lang):
    text = "L'ÉTÉ \U0001f9ff <special1>"
    tokenizer = load(lang=lang)
    before = tokenizer(text, return_offsets_mapping=True)
    tokens = before.tokens()
    setattr(tokenizer, name, value)
    after = tokenizer(text, return_offsets_mapping=True)
    assert after["input_ids"] != before["input_ids"]
    assert after["input_ids"] == load(lang=lang, **{name: value})(text)["input_ids"]
    assert after.tokens() == load(lang=lang, **{name: value})(text).tokens()
    assert before.tokens() == tokens


@pytest.mark.parametrize(
    "name",
    ["src_lang", "tgt_lang", "paddingside", "max_length", "id2lang", "vocab_size", "is_fast",
     "model_input_names", "all_special_tokens", "do_lower_case", "max_len_single_sentence"],
)  # fmt: skip
def test_what_is_no_setting_cannot_be_set(name):
    tokenizer = load()
    with pytest.raises(AttributeError):
        setattr(tokenizer, name, "left")


def test_what_an_attribute_gives_is_the_callers():
    tokenizer = load(lang2id={"en": 0, "fr": 1})
    tokenizer.lang2id["de"] = 2
    tokenizer.id2lang[0] = "xx"
    tokenizer.additional_special_tokens.clear()
    assert tokenizer.lang2id == {"en": 0, "fr": 1}
    assert tokenizer.id2lang == {0: "en", 1: "fr"}
    assert "<special1>" in tokenizer.additional_special_tokens


def test_a_token_that_is_not_there_has_to_be_added():
    tokenizer = load()
    with pytest.raises(InputError, match=r"'\[PAD\]'.*add_special_tokens"):
        tokenizer.pad_token = "[PAD]"
    assert tokenizer.pad_token == "<pad>"
    tokenizer.add_special_tokens({"pad_token": "[PAD]"})
    assert tokenizer.pad_token_id == len(tokenizer) - 1
    tokenizer.mask_token = AddedToken("[PAD]", lstrip=True)
    assert tokenizer.mask_token == "[PAD]"


def test_a_role_without_a_token():
    tokenizer = load(lang="en")
    tokenizer.pad_token = None
    assert tokenizer("a")["input_ids"]
    for call in (
        lambda: tokenizer(["a", "a b"], padding=True),
        lambda: tokenizer.pad({"input_ids": [[5], []]}),
    ):
        with pytest.raises(InputError, match="no pad_token"):
            call()
    tokenizer.sep_token = None
    assert tokenizer("a", add_special_tokens=False)["input_ids"]
    with pytest.raises(InputError, match="no sep_token"):
        tokenizer("a")
    tokenizer.unk_token = None
    with pytest.raises(InputError, match=r"no unk_token"):
        tokenizer("\U0001f9ff", add_special_tokens=False)
    assert tokenizer("a", add_special_tokens=False)["input_ids"]


# The language ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lang2id", "message"),
    [
        ({"en": 0, "zh": 1}, r"'en'.*give lang, one of en, zh.*tokenizer\.lang"),
        # Which languages there are is not known.
        (None, r"'en'.*give lang or set it for good.*tokenizer\.lang"),
    ],
)
def test_the_language_is_asked_for_once(lang2id, message):
    tokenizer = load(lang2id=lang2id)
    expected = load_reference(FOLDER).tokenize(TEXT)

    def use():
        assert tokenizer.tokenize(TEXT) == expected  # the reference's, as before
        tokenizer(TEXT)
        tokenizer([TEXT], [TEXT])
        tokenizer.words(TEXT)
        list(tokenizer.encode_iterator([TEXT]))

    with pytest.warns(LanguageWarning, match=message) as caught:
        use()
    assert len(caught) == 1
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    "call",
    [
        lambda t: t.tokenize(TEXT),
        lambda t: t(TEXT),
        lambda t: t.encode(TEXT),
        lambda t: t.batch_encode([TEXT]),
        lambda t: t.words(TEXT),
        lambda t: list(t.encode_iterator([TEXT])),
        lambda t: t(text_target=TEXT),
        lambda t: t([5, 6], TEXT),
    ],
)
def test_every_way_in_asks_for_it(call):
    with pytest.warns(LanguageWarning):
        call(load())


@pytest.mark.usefixtures("_no_warnings")
def test_who_said_the_language_is_not_asked(tmp_path):
    several = {"en": 0, "zh": 1}
    load(lang2id=several)(TEXT, lang="zh")
    load(lang2id=several)([TEXT], lang=["zh"])
    load(lang2id=several, lang="zh").tokenize(TEXT)
    load(lang2id={"zh": 0}).tokenize(TEXT)
    load(lang2id=several).tokenize("a b", bypass_tokenizer=True)
    load(lang2id=several)([5, 6])
    tokenizer = load(lang2id=several)
    tokenizer.lang = "zh"
    assert tokenizer.tokenize(TEXT) == tokenizer.tokenize(TEXT, lang="zh")
    tokenizer.save_pretrained(tmp_path)
    for other in (XLMTokenizer.from_pretrained(tmp_path), pickle.loads(pickle.dumps(tokenizer))):
        assert other.lang == "zh"
        assert other.tokenize(TEXT) == tokenizer.tokenize(TEXT)


@pytest.mark.usefixtures("_no_warnings")
def test_a_language_that_was_learnt_alone_needs_no_name(tmp_path):
    learnt = train({"fr": sentences("fr")}, 200)
    assert learnt.lang == "fr"
    assert learnt.lang2id == {"fr": 0}
    assert learnt("l'eau") == learnt("l'eau", lang="fr")
    learnt.save_pretrained(tmp_path)
    loaded = XLMTokenizer.from_pretrained(tmp_path)
    assert loaded.lang == "fr"
    assert loaded("l'eau") == learnt("l'eau")
    # A folder of one language that does not say more.
    assert load(lang2id={"fr": 4}).lang == "fr"


def test_several_languages_without_english_need_a_name():
    learnt = train({"fr": sentences("fr"), "de": sentences("de")}, 300)
    with pytest.raises(InputError, match=r"lang must be given.*de, fr"):
        learnt.tokenize("l'eau")
    assert learnt.tokenize("l'eau", lang="fr")


def test_setting_no_language_again():
    tokenizer = load(lang="fr")
    tokenizer.lang = None
    assert tokenizer.lang == "en"
    with pytest.warns(LanguageWarning):
        tokenizer("a")
