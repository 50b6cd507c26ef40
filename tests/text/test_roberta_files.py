"""The files of XLM-RoBERTa's tokenizers: what is read from them, and what is written."""

from __future__ import annotations

import json
import shutil
import sys

import pytest
import transformers
from tokenizers import AddedToken

from xlm_text import InputError, MissingComponentError, UnigramVocabulary, XLMRobertaTokenizer

from .unigram import ALL, train_sentencepiece

pytestmark = pytest.mark.xdist_group("unigram")

# What the sentences do not have: runs of spaces, the mask with spaces before it, line ends.
LINES = [*ALL, "a  <mask>b", " a\n\nb  ", "ﬁne <s> </s>"]


def assert_same(ours, theirs):
    expected = theirs(LINES, return_offsets_mapping=True)
    found = ours(LINES, return_offsets_mapping=True)
    assert found.data == expected.data
    assert ours(LINES)["input_ids"] == expected["input_ids"]
    assert ours.get_vocab() == theirs.get_vocab()
    assert ours.special_tokens_map == theirs.special_tokens_map
    assert ours.added_tokens_decoder == theirs.added_tokens_decoder
    for name in ("model_max_length", "padding_side", "truncation_side", "all_special_tokens"):
        assert getattr(ours, name) == getattr(theirs, name), name


def edit(folder, name, change):
    path = folder / name
    content = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")


@pytest.fixture
def folder(unigram_folder, tmp_path):
    """A folder that transformers saved, to be changed."""
    return shutil.copytree(unigram_folder("saved"), tmp_path / "folder")


@pytest.mark.parametrize("name", ["sentencepiece", "saved", "plain"])
def test_what_is_saved_is_what_both_read(name, unigram_folder, tmp_path):
    ours = XLMRobertaTokenizer.from_pretrained(
        unigram_folder(name),
        model_max_length=64,
        padding_side="left",
        truncation_side="left",
        mask_token=AddedToken("<mask>", lstrip=True),
    )
    ours.add_tokens(["<own>", AddedToken("old house", single_word=True)])
    ours.add_special_tokens({"pad_token": "[PAD]"})
    paths = ours.save_pretrained(tmp_path)
    assert sorted(paths) == sorted(map(str, tmp_path.iterdir()))
    again = XLMRobertaTokenizer.from_pretrained(tmp_path)
    assert again.settings == ours.settings
    assert_same(again, transformers.XLMRobertaTokenizer.from_pretrained(tmp_path))
    assert_same(again, transformers.AutoTokenizer.from_pretrained(tmp_path))
    assert again(LINES).data == ours(LINES).data
    assert again("the old  <mask>", return_offsets_mapping=True)["offset_mapping"][-2] == (7, 15)
    # Other programs read the file alone.
    rust = transformers.PreTrainedTokenizerFast(tokenizer_file=str(tmp_path / "tokenizer.json"))
    assert (
        rust(LINES, ["b"] * len(LINES))["input_ids"] == ours(LINES, ["b"] * len(LINES))["input_ids"]
    )


def test_a_file_alone(unigram_folder):
    for name, file in (("saved", "tokenizer.json"), ("sentencepiece", "sentencepiece.bpe.model")):
        path = unigram_folder(name) / file
        theirs = transformers.XLMRobertaTokenizer.from_pretrained(unigram_folder(name))
        assert XLMRobertaTokenizer(path)(LINES).data == theirs(LINES).data


def older_special_tokens(folder):
    def change(content):
        content["mask_token"] = {"content": "<mask>", "lstrip": True, "rstrip": False}
        content["mask_token"] |= {"normalized": False, "single_word": False}

    edit(folder, "special_tokens_map.json", change)


def flags_in_the_configuration(folder):
    def change(content):
        mask = {"__type": "AddedToken", "content": "[M]", "lstrip": True, "rstrip": False}
        content["mask_token"] = mask | {"normalized": True, "single_word": False, "special": True}

    edit(folder, "tokenizer_config.json", change)


def added_tokens_of_version_4(folder):
    def change(content):
        plain = {"lstrip": False, "rstrip": False, "normalized": False, "single_word": False}
        content["added_tokens_decoder"] = {
            str(id_): {"content": token, **plain, "special": True}
            for id_, token in enumerate(["<s>", "<pad>", "</s>", "<unk>"])
        }
        content["model_max_length"] = 512

    edit(folder, "tokenizer_config.json", change)


def tokens_in_a_file_of_their_own(folder):
    size = len(XLMRobertaTokenizer.from_pretrained(folder))
    edit(folder, "added_tokens.json", lambda content: content.update({"house.": size}))


def no_configuration(folder):
    (folder / "tokenizer_config.json").unlink()


def rows_of_a_fixed_length(folder):
    def change(content):
        content["truncation"] = {"direction": "Left", "max_length": 5, "stride": 0}
        content["truncation"]["strategy"] = "LongestFirst"
        content["padding"] = {"strategy": {"Fixed": 5}, "direction": "Left", "pad_id": 1}
        content["padding"] |= {"pad_to_multiple_of": None, "pad_type_id": 0, "pad_token": "<pad>"}

    edit(folder, "tokenizer.json", change)


def stages_of_their_own(folder):
    def change(content):
        lower = {"type": "Lowercase"}
        content["normalizer"] = {"type": "Sequence", "normalizers": [content["normalizer"], lower]}
        content["pre_tokenizer"] = content["pre_tokenizer"]["pretokenizers"][1]

    edit(folder, "tokenizer.json", change)


def used_as_they_are(folder):
    stages_of_their_own(folder)
    edit(folder, "tokenizer_config.json", lambda c: c.update(tokenizer_class="TokenizersBackend"))


@pytest.mark.parametrize(
    "change",
    [
        older_special_tokens,
        flags_in_the_configuration,
        added_tokens_of_version_4,
        tokens_in_a_file_of_their_own,
        no_configuration,
        rows_of_a_fixed_length,
        stages_of_their_own,
        used_as_they_are,
    ],
)
def test_other_folders(change, folder, tmp_path):
    change(folder)
    ours = XLMRobertaTokenizer.from_pretrained(folder)
    auto = used_as_they_are is change
    kind = transformers.AutoTokenizer if auto else transformers.XLMRobertaTokenizer
    assert_same(ours, kind.from_pretrained(folder))
    ours.save_pretrained(tmp_path / "again")
    assert_same(
        XLMRobertaTokenizer.from_pretrained(tmp_path / "again"),
        kind.from_pretrained(tmp_path / "again"),
    )


def test_older_special_tokens_beside_sentencepiece(unigram_folder, tmp_path):
    folder = shutil.copytree(unigram_folder("sentencepiece"), tmp_path / "folder")
    older_special_tokens(folder)
    ours = XLMRobertaTokenizer.from_pretrained(folder)
    assert_same(ours, transformers.XLMRobertaTokenizer.from_pretrained(folder))
    assert ours("a  <mask>", return_offsets_mapping=True)["offset_mapping"][-2] == (1, 9)


def test_words_that_a_user_defined_for_sentencepiece(tmp_path):
    folder = train_sentencepiece(tmp_path, user_defined_symbols=["<own>", "old"])
    ours = XLMRobertaTokenizer.from_pretrained(folder)
    assert_same(ours, transformers.XLMRobertaTokenizer.from_pretrained(folder))
    assert "old" in ours.tokenize("the golden house")


def test_the_length_that_a_models_configuration_means(folder):
    config = transformers.XLMRobertaConfig(max_position_embeddings=514)
    config.save_pretrained(folder)
    edit(folder, "tokenizer_config.json", lambda content: content.pop("model_max_length"))
    assert XLMRobertaTokenizer.from_pretrained(folder).model_max_length == 512


def test_sentencepiece_is_asked_for_where_it_is_missing(unigram_folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    with pytest.raises(MissingComponentError, match=r"pip install '\.\[sentencepiece\]'"):
        XLMRobertaTokenizer.from_pretrained(unigram_folder("sentencepiece"))
    # Where there is a tokenizer.json nothing else is needed.
    XLMRobertaTokenizer.from_pretrained(unigram_folder("saved"))


def broken(folder, name, content):
    (folder / name).write_text(content, encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("tokenizer.json", "{", "tokenizer.json: not JSON"),
        ("tokenizer.json", "{}", "not what the tokenizers library writes"),
        ("tokenizer.json", '{"model": {"type": "BPE", "vocab": {}}}', "its model is BPE"),
        (
            "tokenizer.json",
            '{"model": {"type": "Unigram", "vocab": [["a", 0]]}, "added_tokens": []}',
            "tokenizer.json: a Unigram vocabulary has the unknown piece at the id 3",
        ),
        ("tokenizer_config.json", '{"mask_token": 5}', "mask_token in the files is no token"),
        ("tokenizer_config.json", '{"padding_side": "up"}', "padding_side must be one of"),
        ("tokenizer_config.json", '{"unk_token": "[U]"}', r"no entry .* \['\[U\]'\]"),
        ("tokenizer_config.json", '{"added_tokens_decoder": {"7": 3}}', "cannot be used"),
        (
            "tokenizer_config.json",
            '{"added_tokens_decoder": {"7": {"content": "<mask>"}}}',
            "have other ids in the files",
        ),
    ],
)
def test_files_that_cannot_be_used(name, content, message, folder):
    broken(folder, name, content)
    with pytest.raises(InputError, match=message):
        XLMRobertaTokenizer.from_pretrained(folder)


def test_a_model_that_is_none_of_sentencepieces(tmp_path):
    broken(tmp_path, "sentencepiece.bpe.model", "no model")
    with pytest.raises(InputError, match="not a model of SentencePiece"):
        XLMRobertaTokenizer.from_pretrained(tmp_path)
    train_sentencepiece(tmp_path / "bpe", model_type="bpe")
    with pytest.raises(InputError, match="is not a Unigram model"):
        XLMRobertaTokenizer.from_pretrained(tmp_path / "bpe")


def test_a_folder_without_a_vocabulary(tmp_path):
    with pytest.raises(InputError, match=r"neither tokenizer\.json nor sentencepiece\.bpe\.model"):
        XLMRobertaTokenizer.from_pretrained(tmp_path)
    with pytest.raises(InputError, match="neither a folder nor to be had from the hub"):
        XLMRobertaTokenizer.from_pretrained("somebody/no-such-model")
    with pytest.raises(InputError, match="vocabulary must be a file or a UnigramVocabulary"):
        XLMRobertaTokenizer(None)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="at the id 3, but this one has 1 pieces"):
        UnigramVocabulary([("<unk>", 0.0)])


def test_a_folder_that_cannot_be_written(folder, tmp_path):
    ours = XLMRobertaTokenizer.from_pretrained(folder)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="not a folder"):
        ours.save_pretrained(tmp_path / "file")
