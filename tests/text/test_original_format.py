"""The original format of vocabularies (fastBPE): reading, writing, and files that are none."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlm_text import InputError, Vocabulary, XLMTokenizer

from .support import (
    ENFR,
    FIXTURES,
    SPECIAL_WORDS,
    XNLI15,
    PublishedReference,
    examples,
    write_published,
)
from .test_vocabulary_files import ids_of

FOLDER = FIXTURES / "vocabulary"


@pytest.mark.parametrize(("name", "size"), [("xnli15", 95000), ("enfr", 64139)])
def test_from_original(name, size, shared_data, vocabulary_folder):
    source = shared_data / "vocab" / name
    (codes,) = source.glob("codes_*")
    (words,) = source.glob("vocab_*")
    expected = json.loads((vocabulary_folder(name) / "vocab.json").read_text(encoding="utf-8"))
    assert len(expected) == size
    vocabulary = Vocabulary.from_original(codes, words, size)
    assert vocabulary.ids == expected
    published = Vocabulary.from_files(
        vocabulary_folder(name) / "vocab.json", vocabulary_folder(name) / "merges.txt"
    )
    assert published == vocabulary
    tokenizer = XLMTokenizer.from_original(codes, words, size, lang="fr")
    assert tokenizer.vocab_size == len(tokenizer) == size
    assert tokenizer.lang == "fr"


ODD_WORDS = (
    "the 90\nhel@@ 80\nlo 70\n"
    "the 60\n"  # again
    "two words 50\nalone\n\n  \n"
    "sepa\u2028rate 40\n\u2028 39\n"
    "tab\t30\nno\u00a0break 20\nnbsp\u00a030\n"
    "<s> 10\n<special3> 9\n"  # special words come first, and once
    "@@ 8\n</w> 7\nx@@y 6\ncr\r5\nfeed\x0c4\nnext\x853\n"
    "last 2"
)


@pytest.mark.parametrize("size", [None, 14, 15, 17, 20, 1000])
def test_from_original_with_odd_lines(size, tmp_path):
    (tmp_path / "codes").write_text("h e 5\nhe l 4\nl o</w> 3\n", encoding="utf-8")
    (tmp_path / "words").write_bytes(ODD_WORDS.encode())
    folder = write_published(
        tmp_path / "codes", tmp_path / "words", size or 10**9, tmp_path / "published"
    )
    expected = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    vocabulary = Vocabulary.from_original(tmp_path / "codes", tmp_path / "words", size)
    assert vocabulary.ids == expected
    assert vocabulary.merges == [("h", "e"), ("he", "l"), ("l", "o</w>")]


def test_from_original_where_two_words_are_one_piece(tmp_path):
    (tmp_path / "codes").write_text("", encoding="utf-8")
    (tmp_path / "words").write_text("a 3\na</w>@@ 2\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"words.*'a</w>'"):
        Vocabulary.from_original(tmp_path / "codes", tmp_path / "words")
    with pytest.raises(InputError, match="max_vocab"):
        Vocabulary.from_original(tmp_path / "codes", tmp_path / "words", 0)


@pytest.mark.parametrize("name", ["fixtures", "default", ENFR, XNLI15])
def test_the_original_format_and_back(name, vocabulary_folder, tmp_path):
    tokenizer = XLMTokenizer.from_pretrained(vocabulary_folder(name))
    tokenizer.save_original(tmp_path / "codes", tmp_path / "words")
    back = Vocabulary.from_original(tmp_path / "codes", tmp_path / "words")
    assert back.ids == tokenizer.get_vocab()
    # By the rule too, as another program would read it.
    folder = write_published(tmp_path / "codes", tmp_path / "words", 10**9, tmp_path / "again")
    ids = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    assert ids == tokenizer.get_vocab()
    assert ids_of(XLMTokenizer.from_pretrained(folder)) == ids_of(tokenizer)


def test_what_the_original_format_cannot_hold(tmp_path):
    other = {**{word: i for i, word in enumerate(SPECIAL_WORDS)}, "a b</w>": 14}
    with pytest.raises(InputError, match="a b"):
        Vocabulary(other, []).save_original(tmp_path / "codes", tmp_path / "words")
    moved = dict(zip([*SPECIAL_WORDS[::-1], "a"], range(15), strict=True))
    with pytest.raises(InputError, match="special words"):
        Vocabulary(moved, []).save_original(tmp_path / "codes", tmp_path / "words")
    assert list(tmp_path.iterdir()) == []


def reserved_and(*pieces):
    return {piece: i for i, piece in enumerate([*SPECIAL_WORDS, *pieces])}


@pytest.mark.parametrize(
    ("pieces", "merges"),
    [
        (["<unk></w>", "a</w>"], []),  # read as the special word: the ids behind it would shift
        (["a</w>", "<special3></w>"], []),
        (["a</w>", "</w>"], []),
        (["a@@</w>"], []),  # read as a piece that goes on
        (["a\u2028b"], []),
        (["a b</w>"], []),
        (["ab</w>"], [("a", "b</w>"), ("a", "b</w>")]),
        (["ab</w>"], [("a", "b\u3000c")]),
        (["ab</w>"], [("a", "b", "c")]),
        (["ab</w>"], [("a", "1")]),  # read as a vocabulary
        ([], []),
    ],
)
def test_the_original_format_gives_the_same_ids_again_or_refuses(pieces, merges, tmp_path):
    vocabulary = Vocabulary(reserved_and(*pieces), merges)
    with pytest.raises(InputError):
        vocabulary.save_original(tmp_path / "codes", tmp_path / "words")
    assert list(tmp_path.iterdir()) == []


PIECES = st.text(st.sampled_from("ab@</w>s \u2028\u30001"), max_size=5) | st.sampled_from(
    [word + end for word in ("<unk>", "<s>", "@@", "a@@b") for end in ("</w>", "@@", "")]
)


@examples(200)
@given(
    st.lists(PIECES, unique=True, max_size=5).filter(lambda p: not set(p) & set(SPECIAL_WORDS)),
    st.lists(st.tuples(PIECES, PIECES) | st.tuples(PIECES), max_size=4),
)
def test_what_the_original_format_holds_comes_back(tmp_path_factory, pieces, merges):
    folder = tmp_path_factory.mktemp("original")
    vocabulary = Vocabulary(reserved_and(*pieces), merges)
    try:
        vocabulary.save_original(folder / "codes", folder / "words")
    except InputError:
        assert list(folder.iterdir()) == []
    else:
        assert Vocabulary.from_original(folder / "codes", folder / "words") == vocabulary


def original_files(folder, codes, words):
    paths = folder / "codes", folder / "words"
    for path, content in zip(paths, (codes, words), strict=True):
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return paths


WORDS = "the 9\nth@@ 5\ne 4\n"
CODES = "t h 9\nth e</w> 5\n"


@pytest.mark.parametrize(
    ("codes", "words", "problem"),
    [
        (WORDS, CODES, r"words, line 1: .*'the 90', not 't h 9'.*swapped"),
        ("t h\nth e</w>\n", "t h\nth e</w>\n", r"words, line 1: .*not 't h'"),
        (WORDS, WORDS, r"codes, line 1: 'the 9'.*vocabulary"),
        (CODES, "the\nth@@\ne\n", r"words, line 1: .*not 'the'; 3 lines"),
        (CODES, "the 9\nth@@ five\n", r"words, line 2: .*'th@@ five'"),
        (CODES, "the -9\n", r"words, line 1"),
        (CODES, "", r"words: .*empty"),
        ("the\nth\n", WORDS, r"codes, line 1: .*two pieces.*'the'"),
        ("\ufeff" + CODES, WORDS, r"codes: .*byte-order mark"),
        (CODES, "\ufeff" + WORDS, r"words: .*byte-order mark"),
        (CODES.encode("utf-16"), WORDS, r"codes: not UTF-8"),
        (CODES, b"the 9\n\xff 5\n", r"words: not UTF-8 \(byte 6"),
    ],
)
def test_original_files_that_are_not_what_they_should_be(codes, words, problem, tmp_path):
    with pytest.raises(InputError, match=problem) as caught:
        Vocabulary.from_original(*original_files(tmp_path, codes, words))
    assert "\n" not in str(caught.value)


def test_real_files_that_were_swapped(shared_data):
    source = shared_data / "vocab" / "enfr"
    with pytest.raises(InputError, match=r"codes_enfr, line 1: .*swapped"):
        Vocabulary.from_original(source / "vocab_enfr", source / "codes_enfr")
    with pytest.raises(InputError, match=r"vocab_enfr, line 1: .*in the place of the codes"):
        Vocabulary.from_original(source / "vocab_enfr", source / "vocab_enfr")


def test_a_last_line_without_a_line_feed(tmp_path):
    whole = Vocabulary.from_original(*original_files(tmp_path, CODES, WORDS))
    cut = Vocabulary.from_original(*original_files(tmp_path, CODES.rstrip(), WORDS.rstrip()))
    # It counts for fastBPE, and in what is published of it, for the reference too.
    assert cut == whole
    assert cut.merges == [("t", "h"), ("th", "e</w>")]
    cut.save(tmp_path)
    theirs = PublishedReference(tmp_path / "vocab.json", tmp_path / "merges.txt")
    assert theirs.tokenize("the") == ["the</w>"] == XLMTokenizer(cut).tokenize("the")
    # Of a published file the reference leaves it out.
    (tmp_path / "merges.txt").write_text("t h\nth e</w>")
    theirs = PublishedReference(tmp_path / "vocab.json", tmp_path / "merges.txt")
    ours = XLMTokenizer.from_files(tmp_path / "vocab.json", tmp_path / "merges.txt")
    assert ours.tokenize("the") == theirs.tokenize("the") == ["th", "e</w>"]


@pytest.mark.parametrize("word", ["a@@b", "@@a", "a@@@@", "@@", "@@@@", "@@b@@"])
def test_only_a_final_mark_says_that_a_word_goes_on(word, tmp_path):
    pytest.importorskip("torch")
    from xlm_model.checkpoints.pickles import published_vocab

    ids = Vocabulary.from_original(*original_files(tmp_path, CODES, f"{word} 2\nthe 1\n")).ids
    expected = word[:-2] if word.endswith("@@") else word + "</w>"
    assert ids[expected] == 14
    # The dictionary inside a checkpoint of the original is read by the same rule.
    dictionary = {w: i for i, w in enumerate([*SPECIAL_WORDS, word, "the"])}
    assert published_vocab(dictionary) == ids
