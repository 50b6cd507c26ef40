"""Streams of blocks: every token once, in order, in rows of one length."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain, pairwise
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlm_text import XLMTokenizer, corpora
from xlm_text.corpora import lines, reading
from xlm_text.corpora.blocks import Stream

from .conftest import contents, rows_of, sentences

Write = Callable[..., str]
EOS = 1
SENTENCES = st.lists(st.lists(st.integers(2, 99), max_size=9), max_size=30)


@given(SENTENCES, st.integers(2, 12), st.lists(st.integers(0, 30), max_size=4))
def test_rows_are_the_stream_cut_into_pieces(
    sentences: list[list[int]], length: int, cuts: list[int]
) -> None:
    ended = [[*sentence, EOS] for sentence in sentences]
    lines = [10 * i + 10 for i in range(len(ended))]
    stream = Stream(length, EOS)
    rows, row_lines, documents = [], [], []
    bounds = sorted({0, len(ended), *(cut for cut in cuts if cut < len(ended))})
    for start, end in pairwise(bounds):
        part = pa.array(ended[start:end], pa.list_(pa.int32()))
        made = stream.add(part, lines[start:end], lines[start:end])
        rows += made.ids.to_pylist()
        row_lines += made.lines
        documents += made.documents
    last = stream.end()
    rows += last.ids.to_pylist()
    row_lines += last.lines
    documents += last.documents
    tokens = list(chain.from_iterable(ended))
    line_of = list(chain.from_iterable([n] * len(s) for n, s in zip(lines, ended, strict=True)))
    assert {len(row) for row in rows} <= {length}
    assert len(rows) == -(-len(tokens) // length)
    missing = len(rows) * length - len(tokens)
    if missing:
        assert rows[-1][:missing] == [EOS] * missing
        rows[-1] = rows[-1][missing:]
    assert list(chain.from_iterable(rows)) == tokens
    assert row_lines == documents == [line_of[i * length] for i in range(len(rows))]


def test_blocks_of_a_corpus(
    tmp_path: Path, model: str, write: Write, tokenizer: XLMTokenizer
) -> None:
    lines = [*sentences("fr")[:7], "", *sentences("fr")[7:]]
    corpus = corpora.prepare([f"fr={write('a', lines)}"], tmp_path / "data", model=model, blocks=15)
    rows = rows_of(corpus)
    expected: list[int] = []
    for ids in tokenizer.batch_encode(sentences("fr"), add_special_tokens=False, lang="fr"):
        expected += [*ids, tokenizer.sep_token_id]
    missing = -len(expected) % 15
    assert missing
    found = [row["input_ids"] for row in rows]
    assert found[-1][:missing] == [tokenizer.sep_token_id] * missing
    found[-1] = found[-1][missing:]
    assert list(chain.from_iterable(found)) == expected
    assert rows[0]["line"] == 1
    assert {row["document"] for row in rows} == {0, 1}


def test_each_language_and_split_is_a_stream_of_its_own(
    tmp_path: Path, model: str, write: Write, tokenizer: XLMTokenizer
) -> None:
    pairs = zip(sentences("en"), sentences("fr"), strict=True)
    lines = ["text\tlang", *(f"{en}\ten\n{fr}\tfr" for en, fr in pairs)]
    path = write("mixed.tsv", lines)
    corpus = corpora.prepare(
        [f"@lang={path}:text"],
        tmp_path / "data",
        model=model,
        blocks=8,
        split={"train": 0.5, "valid": 0.5},
    )
    eos = tokenizer.sep_token_id
    for lang in ("en", "fr"):
        streams = []
        for split in corpus.splits:
            rows = [row["input_ids"] for row in rows_of(corpus, split, lang)]
            streams.append([id_ for row in rows for id_ in row if id_ != eos])
        # Each sentence is next in one of the two.
        for ids in tokenizer.batch_encode(sentences(lang), add_special_tokens=False, lang=lang):
            (stream,) = [stream for stream in streams if stream[: len(ids)] == ids]
            del stream[: len(ids)]
        assert streams == [[], []]


def test_streams_of_many_row_groups_are_those_of_one(
    tmp_path: Path, model: str, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write("en.txt", sentences("en") * 20)
    one = corpora.prepare([f"en={path}"], tmp_path / "one", model=model, blocks=32)
    monkeypatch.setattr(lines, "BLOCK_BYTES", 64)
    monkeypatch.setattr(reading, "_BLOCK_RECORDS", 3)
    two = corpora.prepare([f"en={path}"], tmp_path / "two", model=model, blocks=32)
    assert rows_of(one) == rows_of(two)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
