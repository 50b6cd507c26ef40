"""Vocabularies in both formats, to and from transformers, and files that cannot be used."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tokenizers import AddedToken

from xlm_text import InputError, XLMTokenizer

from .support import (
    FIXTURES,
    SPECIAL_WORDS,
    PublishedReference,
    sentences,
)

FOLDER = FIXTURES / "vocabulary"
TEXTS = [line for lang in ("en", "fr", "el", "hi") for line in sentences(lang)]
TEXTS += ["a <special1> b <mask> c [NEW] d [new] <s>x</s>", "ÉCOLE Ωμέγα", "[cls] [PAD] Þ"]


def ids_of(tokenizer):
    return [tokenizer(text)["input_ids"] for text in TEXTS]


# To and from transformers ---------------------------------------------------------------------

SETTINGS = {
    "as published": {},
    "original training": {"bos_token": "</s>"},
    "cased": {"do_lowercase_and_remove_accent": False},
    "languages": {"lang2id": {"fr": 0, "en": 1}, "use_lang_emb": True},
    "mask": {"mask_token": "<special4>"},
    "sides": {"padding_side": "left", "truncation_side": "left", "model_max_length": 64},
    "cleaned": {"clean_up_tokenization_spaces": True},
    "fewer": {"additional_special_tokens": ("<special0>", "<special1>")},
}


def assert_equal_tokenizers(ours, theirs):
    assert len(ours) == len(theirs)
    assert ours.get_vocab() == theirs.get_vocab()
    assert ids_of(ours) == ids_of(theirs)
    cut = {"padding": True, "truncation": True, "max_length": 12}
    assert ours(TEXTS, return_langs=False, **cut).data == theirs(TEXTS, **cut).data
    for ids in ids_of(ours):
        for skip in (True, False):
            assert ours.decode(ids, skip) == theirs.decode(ids, skip)
    for name in ("bos", "eos", "unk", "sep", "pad", "cls", "mask"):
        assert getattr(ours, f"{name}_token") == getattr(theirs, f"{name}_token")
    assert set(ours.all_special_tokens) == set(theirs.all_special_tokens)
    assert ours.padding_side == theirs.padding_side
    assert ours.truncation_side == theirs.truncation_side
    assert ours.do_lowercase_and_remove_accent == theirs.do_lowercase_and_remove_accent


def add_tokens(tokenizer):
    tokenizer.add_tokens(["[New]", AddedToken("[NEW]", normalized=False, lstrip=True)])
    tokenizer.add_tokens([AddedToken("[cls]", rstrip=True, single_word=True)], special_tokens=True)
    tokenizer.add_special_tokens({"mask_token": "<mask>"})


@pytest.mark.parametrize("added", [False, True], ids=["", "with added tokens"])
@pytest.mark.parametrize("name", SETTINGS)
def test_transformers_loads_what_we_save(name, added, tmp_path):
    ours = XLMTokenizer.from_pretrained(FOLDER, **SETTINGS[name])
    if added:
        add_tokens(ours)
    paths = ours.save_pretrained(tmp_path / "saved")
    assert sorted(paths) == sorted(map(str, (tmp_path / "saved").iterdir()))
    theirs = PublishedReference.from_pretrained(tmp_path / "saved")
    assert_equal_tokenizers(ours, theirs)
    back = XLMTokenizer.from_pretrained(tmp_path / "saved")
    assert_equal_tokenizers(back, theirs)
    assert back.settings == ours.settings
    if "lang2id" in SETTINGS[name]:
        assert theirs.lang2id == ours.lang2id == back.lang2id
        assert back.use_lang_emb


@pytest.mark.parametrize("added", [False, True], ids=["", "with added tokens"])
@pytest.mark.parametrize("name", [name for name in SETTINGS if name != "languages"])
def test_we_load_what_transformers_saves(name, added, tmp_path):
    settings = dict(SETTINGS[name])
    if "additional_special_tokens" in settings:
        settings["additional_special_tokens"] = list(settings["additional_special_tokens"])
    theirs = PublishedReference(FOLDER / "vocab.json", FOLDER / "merges.txt", **settings)
    if added:
        add_tokens(theirs)
    theirs.save_pretrained(tmp_path)
    ours = XLMTokenizer.from_pretrained(tmp_path)
    assert_equal_tokenizers(ours, theirs)
    # And once more around.
    ours.save_pretrained(tmp_path / "again")
    again = PublishedReference.from_pretrained(tmp_path / "again")
    assert_equal_tokenizers(ours, again)


def test_languages_that_transformers_saves(tmp_path):
    lang2id = {"fr": 1, "en": 0}
    theirs = PublishedReference(
        FOLDER / "vocab.json",
        FOLDER / "merges.txt",
        lang2id=lang2id,
        id2lang={id_: lang for lang, id_ in lang2id.items()},
    )
    theirs.save_pretrained(tmp_path)
    ours = XLMTokenizer.from_pretrained(tmp_path)
    assert ours.lang2id == lang2id
    assert ours.id2lang == {0: "en", 1: "fr"}
    ours("a", lang="fr")
    with pytest.raises(InputError, match=r"'de'.*en, fr"):
        ours("a", lang="de")


def test_a_folder_with_only_the_published_files(tmp_path):
    # As on the hub: vocabulary, merges and the model's configuration.
    for name in ("vocab.json", "merges.txt"):
        shutil.copy(FOLDER / name, tmp_path)
    config = {
        "lang2id": {"en": 0, "fr": 1},
        "id2lang": {"0": "en", "1": "fr"},
        "n_langs": 2,
        "use_lang_emb": True,
        "max_position_embeddings": 512,
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    ours = XLMTokenizer.from_pretrained(tmp_path)
    assert ours.lang2id == {"en": 0, "fr": 1}
    assert ours.model_max_length == 512
    assert ours("a", lang="fr")["langs"] == [1] * 3
    (tmp_path / "config.json").write_text(json.dumps({**config, "use_lang_emb": False}))
    assert "langs" not in XLMTokenizer.from_pretrained(tmp_path)("a", lang="fr")
    (tmp_path / "config.json").unlink()
    assert XLMTokenizer.from_pretrained(tmp_path).lang2id is None


def test_older_files_of_added_tokens(tmp_path):
    for name in ("vocab.json", "merges.txt"):
        shutil.copy(FOLDER / name, tmp_path)
    size = XLMTokenizer.from_pretrained(FOLDER).vocab_size
    (tmp_path / "added_tokens.json").write_text(json.dumps({"[new]": size, "<mask>": size + 1}))
    (tmp_path / "special_tokens_map.json").write_text(
        json.dumps({"mask_token": {"content": "<mask>", "lstrip": False}, "bos_token": "</s>"})
    )
    ours = XLMTokenizer.from_pretrained(tmp_path)
    theirs = PublishedReference.from_pretrained(tmp_path)
    assert (ours.mask_token, ours.mask_token_id) == ("<mask>", size + 1)
    assert ours.bos_token == "</s>"
    assert ids_of(ours) == ids_of(theirs)
    assert len(ours) == len(theirs) == size + 2


@pytest.mark.parametrize("prefix", [None, "mine"])
def test_save_vocabulary_is_that_of_the_reference(prefix, tmp_path):
    ours = XLMTokenizer.from_pretrained(FOLDER)
    theirs = PublishedReference(FOLDER / "vocab.json", FOLDER / "merges.txt")
    (tmp_path / "theirs").mkdir()
    found = ours.save_vocabulary(tmp_path / "ours" / "new", prefix)
    expected = theirs.save_vocabulary(str(tmp_path / "theirs"), prefix)
    for path, other in zip(found, expected, strict=True):
        assert path.rpartition("/")[2] == other.rpartition("/")[2]
    ours_read, theirs_read = (
        [Path(path).read_text(encoding="utf-8") for path in paths] for paths in (found, expected)
    )
    assert json.loads(ours_read[0]) == json.loads(theirs_read[0])
    assert ours_read[1] == theirs_read[1]
    assert ids_of(XLMTokenizer.from_files(*found)) == ids_of(theirs)


def test_saving_where_nothing_can_be_written(tmp_path):
    ours = XLMTokenizer.from_pretrained(FOLDER)
    (tmp_path / "file").write_text("x")
    for save in (ours.save_pretrained, ours.save_vocabulary):
        with pytest.raises(InputError, match="file"):
            save(tmp_path / "file")
    with pytest.raises(InputError, match="missing"):
        ours.save_original(tmp_path / "missing" / "codes", tmp_path / "missing" / "words")


def test_saving_over_what_is_there(tmp_path):
    ours = XLMTokenizer.from_pretrained(FOLDER)
    ours.save_pretrained(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    ours.save_pretrained(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


# Files that cannot be used --------------------------------------------------------------------

GOOD = {word: i for i, word in enumerate([*SPECIAL_WORDS, "a</w>", "b</w>"])}


def vocabulary_text(change):
    ids = dict(GOOD)
    change(ids)
    return json.dumps(ids)


BAD_VOCABULARIES = {
    "empty": ("", r"not JSON"),
    "no JSON": ("<html>", r"not JSON \(line 1"),
    "cut off": (json.dumps(GOOD)[:-9], r"not JSON"),
    "a list": ("[1, 2]", r"a list"),
    "nothing in it": ("{}", r"whole number"),
    "no numbers": ('{"<s>": "0"}', r"whole number"),
    "fractions": ('{"<s>": 0.0}', r"whole number"),
    "truth": ('{"<s>": true}', r"whole number"),
    "gap": (vocabulary_text(lambda ids: ids.update({"b</w>": 16})), r"15 is missing"),
    "beginning at 1": (json.dumps({k: v + 1 for k, v in GOOD.items()}), r"0 is missing"),
    "negative": (vocabulary_text(lambda ids: ids.update({"b</w>": -1})), r"15 is missing"),
    "repeated id": (
        vocabulary_text(lambda ids: ids.update({"b</w>": 14})),
        r"id 14 .*more than one",
    ),
    "repeated word": ('{"<s>": 0, "<s>": 1}', r"twice"),
    "not UTF-8": (b'{"\xff": 0}', r"not UTF-8 \(byte 2"),
    "no <unk>": (
        json.dumps({w: i for i, w in enumerate(w for w in GOOD if w != "<unk>")}),
        r"<unk>",
    ),
    "no special tokens": ('{"a</w>": 0, "b</w>": 1}', r"no entry for.*<unk>"),
}


@pytest.mark.parametrize("name", BAD_VOCABULARIES)
def test_a_bad_vocabulary(name, tmp_path):
    content, problem = BAD_VOCABULARIES[name]
    path = tmp_path / "vocab.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    (tmp_path / "merges.txt").write_text("a b\n")
    with pytest.raises(InputError, match=problem) as caught:
        XLMTokenizer.from_pretrained(tmp_path)
    assert "vocab" in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=problem):
        XLMTokenizer.from_files(path, tmp_path / "merges.txt")


@pytest.mark.parametrize("name", ["vocab.json", "merges.txt", "tokenizer_config.json"])
def test_a_published_file_with_a_byte_order_mark(name, tmp_path):
    for source in ("vocab.json", "merges.txt", "tokenizer_config.json"):
        shutil.copy(FOLDER / source, tmp_path)
    path = tmp_path / name
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    with pytest.raises(InputError, match=rf"{name}: begins with a byte-order mark"):
        XLMTokenizer.from_pretrained(tmp_path)


def test_bad_merges(tmp_path):
    (tmp_path / "vocab.json").write_text(json.dumps(GOOD))
    with pytest.raises(InputError, match=r"no merges\.txt"):
        XLMTokenizer.from_pretrained(tmp_path)
    with pytest.raises(InputError, match=r"merges\.txt: cannot be read"):
        XLMTokenizer.from_files(tmp_path / "vocab.json", tmp_path / "merges.txt")
    (tmp_path / "merges.txt").write_bytes(b"a b\n\xe9 c\n")
    with pytest.raises(InputError, match=r"merges\.txt: not UTF-8 \(byte 4"):
        XLMTokenizer.from_pretrained(tmp_path)
    (tmp_path / "merges.txt").unlink()
    (tmp_path / "merges.txt").mkdir()
    with pytest.raises(InputError, match=r"merges\.txt"):
        XLMTokenizer.from_pretrained(tmp_path)


@pytest.mark.parametrize(
    "name", ["tokenizer_config.json", "special_tokens_map.json", "config.json", "added_tokens.json"]
)
@pytest.mark.parametrize("content", ["{", "[]", "\udcff"])
def test_bad_settings_files(name, content, tmp_path):
    for source in ("vocab.json", "merges.txt"):
        shutil.copy(FOLDER / source, tmp_path)
    (tmp_path / name).write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(InputError, match=name):
        XLMTokenizer.from_pretrained(tmp_path)


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({"padding_side": "up"}, "padding_side"),
        ({"bos_token": ["<s>"]}, "bos_token"),
        ({"unk_token": "<none>"}, "<none>"),
        ({"lang2id": {"en": 0}, "lang": "fr"}, "'fr'"),
        ({"lang2id": {"en": 0, "fr": 0}}, "lang2id"),
        ({"added_tokens_decoder": {"99999": {"content": "[x]"}}}, "99999"),
    ],
)
def test_settings_that_do_not_fit(config, problem, tmp_path):
    for source in ("vocab.json", "merges.txt"):
        shutil.copy(FOLDER / source, tmp_path)
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match=problem):
        XLMTokenizer.from_pretrained(tmp_path)


def test_a_setting_that_does_not_exist():
    with pytest.raises(InputError, match=r"'lowercase'.*do_lowercase_and_remove_accent"):
        XLMTokenizer.from_pretrained(FOLDER, lowercase=True)
    with pytest.raises(InputError, match="zh_segmenter"):
        XLMTokenizer.from_pretrained(FOLDER, zh_segmenter="stanford")


@pytest.mark.parametrize("where", ["./missing", "/missing/folder", "~/missing", "a/b/c"])
def test_a_folder_that_is_not_there(where):
    with pytest.raises(InputError, match="not a folder"):
        XLMTokenizer.from_pretrained(where)


def test_a_file_in_place_of_a_folder(tmp_path):
    with pytest.raises(InputError, match="not a folder"):
        XLMTokenizer.from_pretrained(FOLDER / "vocab.json")
    with pytest.raises(InputError, match=r"no vocab\.json"):
        XLMTokenizer.from_pretrained(tmp_path)
