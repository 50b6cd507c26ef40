"""Byte-pair encoding and the files of merges, against the reference's own loop."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from xlm_text.bpe.subwords import Subwords
from xlm_text.files.vocabulary import read_merges

from .support import ENFR, XNLI15, PublishedReference, examples, load_reference, sentences

END = "</w>"
LETTERS = "abcdé𠮷"


def reference_pieces(word, merges):
    """Run the reference's loop on a word."""
    ranks = dict(zip(merges, range(len(merges)), strict=True))
    return PublishedReference.bpe(SimpleNamespace(cache={}, bpe_ranks=ranks), word).split(" ")


@st.composite
def merges_and_vocabulary(draw):
    """Merges that build on one another and at random, and a vocabulary with some of the pieces."""
    letters = draw(st.sampled_from(["ab", "abc", LETTERS]))
    pieces = [*letters, *(letter + END for letter in letters)]
    merges = []
    for _ in range(draw(st.integers(0, 12))):
        first = draw(st.sampled_from([piece for piece in pieces if not piece.endswith(END)]))
        second = draw(st.sampled_from(pieces))
        merges.append((first, second))
        if draw(st.integers(0, 3)) and first + second not in pieces:
            pieces.append(first + second)
    if draw(st.booleans()):
        # Merges learnt in one go never take what a later one makes; those of a file may.
        merges = draw(st.permutations(merges))
    if merges and draw(st.booleans()):
        merges = [*merges, draw(st.sampled_from(merges)), ("a",), ()]
    known = draw(st.lists(st.sampled_from(pieces), unique=True))
    return merges, {piece: id_ for id_, piece in enumerate(["<unk>", *known])}


WORDS = st.lists(st.text(st.sampled_from("aaabbbcdé𠮷x"), min_size=1, max_size=12), max_size=6)


@examples(600)
@given(merges_and_vocabulary(), WORDS)
# The best merge everywhere before the next one, not one place at a time.
@example(([("a", "b"), ("b", "a"), ("ba", "b" + END)], {"<unk>": 0}), ["abab", "babab"])
# A merge makes what an earlier one takes.
@example(([("ab", "c"), ("a", "b"), ("c", "ab")], {"<unk>": 0}), ["abcab", "cabab", "abab"])
# What merges make is in no vocabulary, and is merged further.
@example(([("a", "b"), ("ab", "ab"), ("abab", "c" + END)], {"<unk>": 0}), ["ababc", "abababc"])
def test_pieces_are_those_of_the_reference(merges_vocabulary, words):
    merges, vocabulary = merges_vocabulary
    # The last of repeated lines counts; the file reader leaves only that one.
    unique = list(dict.fromkeys(reversed(merges)))[::-1]
    subwords = Subwords(vocabulary, unique, "<unk>")
    assert subwords.split(words) == [reference_pieces(word, merges) for word in words]


@examples(300)
@given(merges_and_vocabulary(), st.lists(st.text("ab \u00a0\u3000", min_size=1), max_size=4))
def test_words_that_hold_spaces(merges_vocabulary, words):
    # A Thai or Japanese word may be white space, or have some inside.
    merges, vocabulary = merges_vocabulary
    unique = list(dict.fromkeys(reversed(merges)))[::-1]
    subwords = Subwords(vocabulary, unique, "<unk>")
    assert subwords.split(words) == [reference_pieces(word, merges) for word in words]


@pytest.mark.parametrize(
    "lines",
    [
        "a b\nb c</w>\n",
        "a b\nb c</w>",  # the last line does not end
        "a b 17\nb c</w> 3 4 5\n",  # counts, as in fastBPE's codes
        "\n\na  b\n\tb\tc</w>\n \n",  # nothing, and more than one space
        "a\u00a0b\nb\u3000c</w>\n",  # white space of other kinds separates too
        "a\nb\nab\na b\n",  # one field
        "a b\nb c</w>\na b\n",  # again: the later one counts
        "a b\r\nb c</w>\r\n",
        "a b\rb c</w>\r",
        "a b\x0cb c</w>\nb\x85a\na\u2028b\n",  # line ends to some, white space here
        "#version: 0.2\na b\nb c</w>\n",
        "",
        "\n",
    ],
)
def test_merges_files_with_odd_lines(lines, tmp_path):
    vocabulary = ["<s>", "</s>", "<pad>", "<unk>", *(f"<special{i}>" for i in range(10))]
    vocabulary += ["ab", "bc</w>", "c</w>", "ba"]
    (tmp_path / "vocab.json").write_text(json.dumps({v: i for i, v in enumerate(vocabulary)}))
    (tmp_path / "merges.txt").write_bytes(lines.encode())
    reference = load_reference(tmp_path)
    merges = read_merges(tmp_path / "merges.txt")
    ranks = {merge: rank for rank, merge in enumerate(merges) if len(merge) == 2}
    expected = {merge: rank for merge, rank in reference.bpe_ranks.items() if len(merge) == 2}
    assert sorted(ranks, key=ranks.get) == sorted(expected, key=expected.get)


@pytest.mark.parametrize("name", [XNLI15, ENFR])
def test_real_merges_make_pieces_that_the_vocabulary_lacks(name, load_ours, load_theirs):
    ours, theirs = load_ours(name), load_theirs(name)
    made = [merge for merge in theirs.bpe_ranks if len(merge) == 2]
    lacking = {"".join(merge) for merge in made} - set(theirs.encoder)
    assert lacking
    whole = sorted(piece.removesuffix(END) for piece in lacking if piece.endswith(END))[:500]
    words = [word for word in whole if word]
    for bypassed in (words, [word * 2 for word in words], [word[::-1] for word in words]):
        text = " ".join(bypassed)
        expected = theirs.tokenize(text, bypass_tokenizer=True)
        assert ours.tokenize(text, bypass_tokenizer=True) == expected
        ids = ours([text], bypass_tokenizer=True, add_special_tokens=False)["input_ids"][0]
        assert ids == theirs.convert_tokens_to_ids(expected)


def test_the_unknown_pieces_of_the_vocabulary_are_not_joined(ours, theirs):
    # Characters that the vocabulary has never seen, in a row and beside known ones.
    text = "ÞþðÐ aÞb ÞÞ \U0001f9ff\U0001f9ff x\U0001f9ff " + " ".join(sentences("ko")[:2])
    expected = theirs.tokenize(text)
    assert ours.tokenize(text) == expected
    assert ours(text)["input_ids"] == theirs(text)["input_ids"]
    assert ours(text)["input_ids"].count(ours.unk_token_id) > 4
