"""Loading as people load, and everything that changes ids saved and loaded."""

from __future__ import annotations

import json
import shutil
import warnings

import pytest
from tokenizers import AddedToken

from xlm_text import InputError, Vocabulary, XLMTokenizer, train

from .support import FIXTURES, KYTEA_MODEL, SPECIAL_WORDS, PublishedReference, sentences

FOLDER = FIXTURES / "vocabulary"
VOCAB, MERGES = FOLDER / "vocab.json", FOLDER / "merges.txt"

# Settings that change the ids of some text, with the language of one.
CHANGING = {
    "lang": ({"lang": "fr"}, "l'eau d'ici", None),
    "zh_segmenter": ({"zh_segmenter": "rjieba"}, "ab12.5%的中文AT&T和3.14", "zh"),
    "th_segmenter": ({"th_segmenter": "nlpo3"}, 'เขา"พูดว่า"สวัสดี', "th"),
    "any_language": ({"any_language": True, "lang2id": {"en": 0}}, "l'eau", "fr"),
    "casing": ({"do_lowercase_and_remove_accent": False}, "L'ÉTÉ", "fr"),
    "bos_token": ({"bos_token": "</s>"}, "a", "en"),
    "split_special_tokens": ({"split_special_tokens": True}, "a <s> b", "en"),
    "truncation_side": ({"truncation_side": "left"}, "a b c d e", "en"),
    "no cls_token": ({"cls_token": None}, "a", "en"),
}


@pytest.mark.parametrize("name", CHANGING)
def test_what_changes_ids_is_saved(name, tmp_path):
    settings, text, lang = CHANGING[name]
    tokenizer = XLMTokenizer.from_pretrained(FOLDER, **settings)
    tokenizer.save_pretrained(tmp_path)
    loaded = XLMTokenizer.from_pretrained(tmp_path)
    assert loaded.settings == tokenizer.settings
    options = {"lang": lang, "max_length": 5}
    assert loaded(text, **options) == tokenizer(text, **options)
    # The reference loads it, and passes on what it does not know.
    theirs = PublishedReference.from_pretrained(tmp_path)
    assert theirs.get_vocab() == tokenizer.get_vocab()
    if name == "no cls_token":
        assert theirs.cls_token is None
    theirs.save_pretrained(tmp_path / "theirs")
    again = XLMTokenizer.from_pretrained(tmp_path / "theirs")
    assert again(text, **options) == tokenizer(text, **options)
    for key in settings.keys() - {"lang2id"}:
        assert getattr(again, key) == getattr(tokenizer, key)


def test_what_belongs_to_this_machine_is_not_saved(tmp_path):
    tokenizer = XLMTokenizer.from_pretrained(FOLDER, kytea_model=str(KYTEA_MODEL), memory_limit=9)
    for path in tokenizer.save_pretrained(tmp_path):
        with open(path, encoding="utf-8") as file:
            assert str(KYTEA_MODEL) not in file.read()
    loaded = XLMTokenizer.from_pretrained(tmp_path)
    assert loaded.kytea_model is None
    assert loaded.memory_limit == 100_000


def test_languages_for_a_vocabulary_that_has_none():
    lang2id = {"en": 0, "fr": 5}
    for where in (None, FOLDER):
        tokenizer = XLMTokenizer.from_pretrained(where, lang2id=lang2id, use_lang_emb=True)
        assert tokenizer("a b", lang="fr")["langs"] == [5] * 4
        assert "langs" in tokenizer.model_input_names
    learnt = train({"fr": sentences("fr")}, 200, lang2id={"en": 0, "fr": 1}, use_lang_emb=True)
    assert learnt("l'eau")["langs"][0] == 1
    assert learnt.id2lang == {0: "en", 1: "fr"}
    with pytest.raises(InputError, match="'de'"):
        train({"fr": ["a"], "de": ["a"]}, 200, lang2id={"fr": 0})


# Special tokens that the vocabulary lacks -----------------------------------------------------


@pytest.mark.parametrize(
    "tokens",
    [
        {"pad_token": "[PAD]"},
        {"mask_token": "<mask>", "eos_token": AddedToken("<eos>", normalized=False)},
        {"bos_token": "[CLS]", "sep_token": "[SEP]", "cls_token": "[CLS]"},
        {"extra_special_tokens": ["<tok>", AddedToken("<tok2>", special=True)]},
        {"additional_special_tokens": ["<tok>"]},
    ],
)
def test_tokens_that_the_vocabulary_lacks_are_added(tokens, tmp_path):
    ours = XLMTokenizer.from_pretrained(FOLDER, lang="en", **tokens)
    theirs = PublishedReference.from_pretrained(FOLDER, **tokens)
    text = "a <mask> [PAD] <eos>b [SEP] <tok><tok2> c"
    for other in (ours, XLMTokenizer(VOCAB, MERGES, lang="en", **tokens)):
        assert other.get_vocab() == theirs.get_vocab()
        assert other.special_tokens_map == theirs.special_tokens_map
        assert other.all_special_tokens == theirs.all_special_tokens
        assert other(text) == dict(theirs(text))
        assert other([text, "a"], padding=True) == dict(theirs([text, "a"], padding=True))
    ours.save_pretrained(tmp_path)
    loaded = XLMTokenizer.from_pretrained(tmp_path)
    assert loaded(text) == ours(text)
    assert PublishedReference.from_pretrained(tmp_path).get_vocab() == theirs.get_vocab()


def test_flags_of_a_token_stay():
    token = AddedToken("<eos>", lstrip=True, single_word=True)
    tokenizer = XLMTokenizer.from_pretrained(FOLDER, eos_token=token)
    added = tokenizer.added_tokens_decoder[tokenizer.eos_token_id]
    assert (added.lstrip, added.single_word, added.special) == (True, True, True)


@pytest.mark.parametrize("missing", [["<s>"], ["<s>", "</s>", "<pad>"], SPECIAL_WORDS[4:]])
def test_a_vocabulary_without_special_tokens_gets_them(missing, tmp_path):
    ids = json.loads(VOCAB.read_text(encoding="utf-8"))
    pieces = [piece for piece in ids if piece not in missing]
    (tmp_path / "vocab.json").write_text(json.dumps({p: i for i, p in enumerate(pieces)}))
    shutil.copy(MERGES, tmp_path)
    ours = XLMTokenizer.from_pretrained(tmp_path, lang="en")
    theirs = PublishedReference.from_pretrained(tmp_path)
    assert ours.vocab_size == theirs.vocab_size == len(pieces)
    assert ours.get_vocab() == theirs.get_vocab()
    texts = ["A <s> b </s>", "It isn't \U0001f9ff", "<special3>"]
    assert ours(texts, padding=True) == dict(theirs(texts, padding=True))
    ours.save_pretrained(tmp_path / "saved")
    assert XLMTokenizer.from_pretrained(tmp_path / "saved")(texts, lang="en") == ours(texts)


def test_an_unknown_token_of_ones_own(tmp_path):
    tokenizer = XLMTokenizer.from_pretrained(FOLDER, unk_token="[UNK]", lang="en")
    assert tokenizer.unk_token_id == len(tokenizer) - 1
    text = "a \U0001f9ff " + "b" * 3000 + " \U0001f9ff"
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert ids.count(tokenizer.unk_token_id) >= 2
    usual = XLMTokenizer.from_pretrained(FOLDER, lang="en")(text, add_special_tokens=False)
    assert ids == [tokenizer.unk_token_id if id_ == 3 else id_ for id_ in usual["input_ids"]]
    tokenizer.save_pretrained(tmp_path)
    assert XLMTokenizer.from_pretrained(tmp_path)(text) == tokenizer(text)


# Arguments ------------------------------------------------------------------------------------


def test_the_constructor_takes_the_files():
    for vocab, merges in ((VOCAB, MERGES), (str(VOCAB), str(MERGES))):
        ours = XLMTokenizer(vocab, merges, lang="fr", bos_token="</s>")
        theirs = PublishedReference(vocab, merges, bos_token="</s>")
        assert ours.get_vocab() == theirs.get_vocab()
        assert ours("a b")["input_ids"] == theirs("a b")["input_ids"]
        assert ours.lang == "fr"
    named = XLMTokenizer(vocab_file=VOCAB, merges_file=MERGES)
    assert len(named) == len(ours)
    vocabulary = Vocabulary.from_files(VOCAB, MERGES)
    assert XLMTokenizer(vocabulary, padding_side="left").padding_side == "left"


@pytest.mark.parametrize("arguments", [(VOCAB,), (None, MERGES), ({"a": 0}, MERGES), (VOCAB, 5)])
def test_files_that_are_none(arguments):
    with pytest.raises(InputError, match=r"(vocab|merges)_file must be"):
        XLMTokenizer(*arguments)


def test_a_vocabulary_needs_no_merges_file():
    with pytest.raises(InputError, match="merges_file"):
        XLMTokenizer(Vocabulary.from_files(VOCAB, MERGES), MERGES)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("use_fast", False),
        ("trust_remote_code", True),
        ("verbose", False),
        ("do_lower_case", False),
        ("force_download", True),
    ],
)
def test_arguments_without_meaning_are_ignored_with_a_word(name, value):
    with pytest.warns(UserWarning, match=rf"^{name}={value} is ignored") as caught:
        tokenizer = XLMTokenizer.from_pretrained(FOLDER, **{name: value})
    assert caught[0].filename == __file__
    # As in the reference, `do_lower_case` says nothing here.
    assert tokenizer.settings == XLMTokenizer.from_pretrained(FOLDER).settings


def test_arguments_with_other_names(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tokenizer = XLMTokenizer.from_pretrained(
            FOLDER, id2lang={0: "en", "1": "fr"}, max_len=64, extra_special_tokens=["<special1>"]
        )
    assert tokenizer.lang2id == {"en": 0, "fr": 1}
    assert tokenizer.model_max_length == 64
    assert tokenizer.additional_special_tokens == ["<special1>"]
    both = {"lang2id": {"en": 0}, "id2lang": {0: "en"}}
    assert XLMTokenizer.from_pretrained(FOLDER, **both).id2lang == {0: "en"}
    with pytest.raises(InputError, match="do not agree"):
        XLMTokenizer.from_pretrained(FOLDER, lang2id={"en": 0}, id2lang={1: "en"})
    for wrong in (["en"], {"x": "en"}, 5):
        with pytest.raises(InputError, match="id2lang"):
            XLMTokenizer.from_pretrained(FOLDER, id2lang=wrong)
    with pytest.raises(InputError, match="special_tokens must be a list"):
        XLMTokenizer.from_pretrained(FOLDER, extra_special_tokens="<tok>")


def test_a_folder_inside(tmp_path, monkeypatch):
    shutil.copytree(FOLDER, tmp_path / "inner" / "tokenizer")
    tokenizer = XLMTokenizer.from_pretrained(tmp_path, subfolder="/inner/tokenizer", lang="en")
    assert tokenizer("a b") == XLMTokenizer.from_pretrained(FOLDER)("a b", lang="en")
    with pytest.raises(InputError, match=r"no vocab\.json"):
        XLMTokenizer.from_pretrained(tmp_path)
    asked = {}

    def snapshot_download(repository, **options):
        asked.update(options)
        return str(tmp_path)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    hub = XLMTokenizer.from_pretrained("someone/some-model", subfolder="inner/tokenizer")
    assert len(hub) == len(tokenizer)
    assert "inner/tokenizer/vocab.json" in asked["allow_patterns"]


@pytest.mark.parametrize("length", [int(1e30), 1e30, 10**20, None])
def test_a_length_without_limit(length, tmp_path):
    tokenizer = XLMTokenizer.from_pretrained(FOLDER, model_max_length=length)
    assert tokenizer.model_max_length == int(1e30)
    assert tokenizer.settings.model_max_length is None
    tokenizer.save_pretrained(tmp_path)
    assert PublishedReference.from_pretrained(tmp_path).model_max_length == int(1e30)
    assert XLMTokenizer.from_pretrained(tmp_path).model_max_length == int(1e30)
    row = tokenizer("a b", padding="max_length", max_length=tokenizer.model_max_length, lang="en")
    assert len(row["input_ids"]) == 4


@pytest.mark.parametrize("length", [0, -1, 1.5, "512", True])
def test_a_length_that_is_none(length):
    with pytest.raises(InputError, match="model_max_length"):
        XLMTokenizer.from_pretrained(FOLDER, model_max_length=length)
