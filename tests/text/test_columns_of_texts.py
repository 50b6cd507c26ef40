"""Arrays, series and columns of tables are lists of texts; strings are not."""

from __future__ import annotations

from collections import UserList, deque

import numpy
import pytest

from xlm_text import InputError, XLMTokenizer

TEXTS = ["It isn't.", "L'eau d'ici", ""]


class Column(UserList):
    """A sequence of a class of its own, as the columns of `datasets` are."""


def series(texts):
    return pytest.importorskip("pandas").Series(texts, index=range(7, 7 + len(texts)))


def arrow(texts):
    return pytest.importorskip("pyarrow").array(texts)


def chunked(texts):
    return pytest.importorskip("pyarrow").chunked_array([texts[:1], texts[1:]])


def datasets_column(texts):
    return pytest.importorskip("datasets").Dataset.from_dict({"text": texts})["text"]


def polars(texts):
    return pytest.importorskip("polars").Series(texts)


KINDS = {
    "tuple": tuple,
    "NumPy": numpy.array,
    "NumPy objects": lambda texts: numpy.array(texts, dtype=object),
    "sequence": Column,
    "deque": deque,
    "pandas": series,
    "Arrow": arrow,
    "Arrow chunks": chunked,
    "datasets": datasets_column,
    "Polars": polars,
}


@pytest.fixture(scope="module")
def tokenizer():
    return XLMTokenizer.from_pretrained(lang="en")


@pytest.mark.parametrize("kind", KINDS)
def test_they_are_lists_of_texts(kind, tokenizer):
    texts = KINDS[kind](TEXTS)
    expected = tokenizer(TEXTS, TEXTS[::-1], lang=["en", "fr", "en"])
    langs = KINDS[kind](["en", "fr", "en"])
    found = tokenizer(texts, KINDS[kind](TEXTS[::-1]), lang=langs)
    assert found == expected
    assert found.tokens(1) == expected.tokens(1)
    assert tokenizer.batch_encode(texts) == tokenizer(TEXTS)["input_ids"]
    assert list(tokenizer.encode_iterator(texts)) == tokenizer(TEXTS)["input_ids"]
    assert (
        list(tokenizer.encode_iterator(texts, lang=langs))
        == tokenizer(TEXTS, lang=["en", "fr", "en"])["input_ids"]
    )


def test_words_in_arrays(tokenizer):
    words = [["It", "isn't."], ["L'eau"]]
    arrays = [numpy.array(text) for text in words]
    expected = tokenizer(words, is_split_into_words=True)
    assert tokenizer(arrays, is_split_into_words=True) == expected
    assert tokenizer(arrays[0], is_split_into_words=True) == tokenizer(
        words[0], is_split_into_words=True
    )
    pairs = [(arrays[0], arrays[1])]
    assert tokenizer(pairs, is_split_into_words=True) == tokenizer(
        words[:1], words[1:], is_split_into_words=True
    )


def test_a_string_of_numpy_is_a_text(tokenizer):
    assert tokenizer(numpy.str_("It isn't.")) == tokenizer("It isn't.")
    assert tokenizer(numpy.array("It isn't.")) == tokenizer("It isn't.")


@pytest.mark.parametrize(
    ("texts", "problem"),
    [
        (numpy.array(["a", None, 3.5], dtype=object), r"text\[1\] must be a string, not None"),
        (numpy.array([0.5]), r"text\[0\] must be a string, not float"),
        ({"text": ["a"]}, "text must be a string, not dict"),
        ({"a"}, "text must be a string, not set"),
        ((text for text in "ab"), "text must be a string, not generator"),
    ],
)
def test_what_is_no_list_of_texts(texts, problem, tokenizer):
    with pytest.raises(InputError, match=problem):
        tokenizer(texts)


def test_a_missing_value_of_a_table(tokenizer):
    pandas = pytest.importorskip("pandas")
    with pytest.raises(InputError, match=r"text\[1\] must be a string, not"):
        tokenizer(pandas.Series(["a", None]))
    with pytest.raises(InputError, match="must be a string, not DataFrame"):
        tokenizer(pandas.DataFrame({"text": ["a"]}))
    with pytest.raises(InputError, match="texts must be an iterable of texts, not a DataFrame"):
        tokenizer.encode_iterator(pandas.DataFrame({"text": ["a"]}))
