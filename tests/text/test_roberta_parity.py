"""XLM-RoBERTa's tokenizer gives the ids, spans, tokens and words that transformers' own gives."""

from __future__ import annotations

import pytest
import transformers
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import AddedToken

from xlm_text import XLMRobertaTokenizer

from .support import REAL_LANGUAGES, examples
from .unigram import ALL, ODD, SENTENCES, texts, train_sentencepiece

pytestmark = pytest.mark.xdist_group("unigram")

FOLDERS = ["sentencepiece", "saved", "plain"]


def described(batch, rows):
    """Everything that a batch says of its rows."""
    return [
        (batch["input_ids"][i], batch["offset_mapping"][i], batch.tokens(i), batch.word_ids(i))
        for i in range(rows)
    ]


def assert_equal(pair, lines, **options):
    ours, theirs = pair
    expected = theirs(lines, return_offsets_mapping=True, **options)
    found = ours(lines, return_offsets_mapping=True, **options)
    assert described(found, len(lines)) == described(expected, len(lines))
    # A second time some chunks are known.
    for _ in range(2):
        assert ours(lines, **options)["input_ids"] == expected["input_ids"]
    for skip in (False, True):
        texts = theirs.batch_decode(expected["input_ids"], skip_special_tokens=skip)
        assert ours.batch_decode(found["input_ids"], skip_special_tokens=skip) == texts


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("script", SENTENCES)
def test_sentences_in_every_script(folder, script, load_roberta):
    assert_equal(load_roberta(folder), SENTENCES[script])


@pytest.mark.parametrize("folder", FOLDERS)
def test_odd_characters_beside_everything(folder, load_roberta):
    beside = ["{}", "a{}", "{}a", "a {}", "{} a", "a {} b", "é{}é", "水{}水 c"]
    lines = [form.format(odd) for form in beside for odd in ODD]
    assert_equal(load_roberta(folder), lines)


@pytest.mark.parametrize("lang", REAL_LANGUAGES)
def test_real_sentences(lang, load_roberta, real_lines):
    assert_equal(load_roberta("saved"), real_lines(lang))


@pytest.mark.parametrize("folder", FOLDERS)
@examples(100)
@given(st.lists(texts(), min_size=1, max_size=4))
def test_generated_texts(folder, load_roberta, lines):
    assert_equal(load_roberta(folder), lines)


@examples(60)
@given(st.lists(st.lists(texts(), max_size=4), min_size=1, max_size=3))
def test_texts_that_are_cut_into_words(load_roberta, lines):
    lines = [line or ["a"] for line in lines]
    assert_equal(load_roberta(), lines, is_split_into_words=True)


@examples(60)
@given(st.lists(texts(), min_size=1, max_size=3))
def test_special_tokens_as_text(load_roberta, lines):
    assert_equal(load_roberta(), lines, split_special_tokens=True)


@pytest.mark.parametrize("add_prefix_space", [True, False])
def test_a_first_word_with_and_without_a_space(add_prefix_space, load_roberta):
    assert_equal(load_roberta(add_prefix_space=add_prefix_space), [*ALL, *ODD])


FLAGS = [
    {},
    {"lstrip": True},
    {"rstrip": True},
    {"single_word": True},
    {"normalized": False},
    {"special": True},
    {"special": True, "lstrip": True, "rstrip": True},
    {"special": True, "normalized": True},
]


@pytest.mark.parametrize("flags", FLAGS)
def test_tokens_that_were_added(flags, unigram_folder, load_roberta):
    folder = unigram_folder("saved")
    tokens = [AddedToken(text, **flags) for text in ("<new>", "Ａ①", "old house", "水", "ß.")]
    pair = (
        XLMRobertaTokenizer.from_pretrained(folder),
        transformers.XLMRobertaTokenizer.from_pretrained(folder),
    )
    for tokenizer in pair:
        tokenizer.add_tokens(tokens)
    ours, theirs = pair
    assert (len(ours), ours.get_vocab()) == (len(theirs), theirs.get_vocab())
    assert ours.added_tokens_decoder == theirs.added_tokens_decoder
    beside = ["{}", "a{}", "{}a", "a {} b", "  {}  {} ", "水{}水", "{}old house", "<mask> {}"]
    words = ["<new>", "Ａ①", "A1", "old house", "old  house", "水", "ß.", "SS."]
    lines = [form.format(word, word) for form in beside for word in words]
    assert_equal(pair, [*lines, *ALL])


def test_ids_and_tokens_become_each_other(load_roberta):
    ours, theirs = load_roberta()
    assert ours.get_vocab() == theirs.get_vocab()
    assert (len(ours), ours.vocab_size) == (len(theirs), theirs.vocab_size)
    ids = range(len(ours))
    tokens = theirs.convert_ids_to_tokens(ids)
    assert ours.convert_ids_to_tokens(ids) == tokens
    assert ours.convert_tokens_to_ids([*tokens, "no such piece"]) == theirs.convert_tokens_to_ids(
        [*tokens, "no such piece"]
    )
    assert ours.convert_tokens_to_string(tokens[5:90]) == theirs.convert_tokens_to_string(
        tokens[5:90]
    )
    assert ours.special_tokens_map == theirs.special_tokens_map
    assert ours.all_special_ids == theirs.all_special_ids
    for name in ("bos", "eos", "unk", "sep", "pad", "cls", "mask"):
        assert getattr(ours, f"{name}_token_id") == getattr(theirs, f"{name}_token_id")


def test_a_space_that_is_changed_with_what_is_beside_it_is_no_place_to_cut(tmp_path):
    # No published table does this: a space and the mark on it become one character.
    rules = tmp_path / "rules.tsv"
    rules.write_text("20 301\tB4\n41\t61\n", encoding="utf-8")
    folder = train_sentencepiece(tmp_path / "model", normalization_rule_tsv=str(rules))
    ours = XLMRobertaTokenizer.from_pretrained(folder)
    theirs = transformers.XLMRobertaTokenizer.from_pretrained(folder)
    lines = ["the \u0301old house", "the old\u0301 house", "the house", "\u0301old house", "A cat"]
    for _ in range(2):
        assert ours(lines)["input_ids"] == theirs(lines)["input_ids"]
    assert ours(lines[0])["input_ids"] != ours("the ´old house")["input_ids"]
    assert ours(lines[0])["input_ids"] == ours("the´old house")["input_ids"]
    known = ours._cutter("")._known
    assert "old\u0301" in known
    assert "\u0301old" not in known


def test_what_is_known_stays_within_its_limit(load_roberta, unigram_folder):
    _, theirs = load_roberta()
    small = XLMRobertaTokenizer.from_pretrained(unigram_folder("saved"), memory_limit=5)
    for _ in range(2):
        assert small(ALL)["input_ids"] == theirs(ALL)["input_ids"]
        for line in ALL:
            assert small(line)["input_ids"] == theirs(line)["input_ids"]
            assert len(small._cutter("")._known) <= 5


def test_the_pieces_of_a_text(load_roberta):
    ours, theirs = load_roberta()
    for line in ALL:
        assert ours.tokenize(line) == theirs.tokenize(line)
    pair = ("Les plantes <mask>", "Źródło")
    assert ours.tokenize(*pair) == theirs.tokenize(*pair)
    assert ours.tokenize(*pair, add_special_tokens=True) == theirs.tokenize(
        *pair, add_special_tokens=True
    )
