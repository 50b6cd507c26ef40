"""`Tokenize`, a step of other people's pipelines, in the tools that call it."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from xlm_text import InputError, XLMTokenizer
from xlm_text.corpora import Tokenize

from .conftest import sentences

EN, FR = sentences("en"), sentences("fr")
TABLE = pa.table(
    {
        "n": list(range(len(EN) * 2)),
        "text": EN + FR,
        "lang": ["en"] * len(EN) + ["fr"] * len(FR),
    }
)
Golden = dict[str, list[list[int]]]


@pytest.mark.parametrize("carried", [False, True])
def test_a_column_of_ids_is_added(carried: bool, model: str, golden: Golden) -> None:
    tokenize = Tokenize(
        XLMTokenizer.from_pretrained(model) if carried else model, lang_column="lang"
    )
    for step in (tokenize, pickle.loads(pickle.dumps(tokenize))):
        made = step(TABLE)
        assert made.column_names == ["n", "text", "lang", "input_ids"]
        assert made.schema.field("input_ids").type == pa.list_(pa.int32())
        assert made.column("input_ids").to_pylist() == golden["en"] + golden["fr"]
        assert made.drop_columns("input_ids") == TABLE


def test_a_path_is_small_to_pickle(model: str) -> None:
    tokenize = Tokenize(model, lang="en")
    tokenize(TABLE)  # what is loaded does not stay in it
    assert len(pickle.dumps(tokenize)) < 500


def test_missing_texts_have_missing_ids(model: str, golden: Golden) -> None:
    table = pa.table({"body": [EN[0], None, EN[1]]})
    made = Tokenize(model, lang="en", text_column="body")(table)
    assert made.column("input_ids").to_pylist() == [golden["en"][0], None, golden["en"][1]]


def test_options_of_the_call_and_settings(model: str) -> None:
    tokenize = Tokenize(
        model, lang="en", settings={"bos_token": "</s>"}, max_length=5, truncation=True
    )
    tokenizer = XLMTokenizer.from_pretrained(model, bos_token="</s>")
    rows = tokenizer.batch_encode(TABLE.column("text").to_pylist(), lang="en", max_length=5)
    assert tokenize(TABLE).column("input_ids").to_pylist() == rows


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({}, "either lang, for all texts, or lang_column"),
        ({"lang": "en", "lang_column": "lang"}, "either lang"),
        ({"lang": "en", "text_column": "body"}, "no column 'body': there are n, text, lang"),
        ({"lang_column": "language"}, "no column 'language'"),
        ({"lang": "xx"}, "no language 'xx'"),
        ({"lang": "en", "text_column": "n"}, "column 'n' holds int64: expected text"),
    ],
)
def test_bad_input(arguments: dict[str, Any], match: str, model: str) -> None:
    with pytest.raises(InputError, match=match):
        Tokenize(model, **arguments)(TABLE)


def test_datasets_map_under_the_arrow_format(
    tmp_path: Path, model: str, golden: Golden, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path)
    dataset = datasets.Dataset(TABLE).with_format("arrow")
    tokenize = Tokenize(model, lang_column="lang")
    made = dataset.map(tokenize, batched=True, batch_size=7)
    assert made.with_format(None)["input_ids"][:] == golden["en"] + golden["fr"]
    assert made.features["input_ids"] == datasets.List(datasets.Value("int32"))
    # The step has the same fingerprint each time, so results that are kept are found again.
    again = dataset.map(Tokenize(model, lang_column="lang"), batched=True, batch_size=7)
    assert again._fingerprint == made._fingerprint


def test_as_spark_calls_it(model: str, golden: Golden) -> None:
    """`mapInArrow` gives an iterator of record batches and wants one back."""
    tokenize = Tokenize(model, lang_column="lang")

    def step(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield from tokenize(pa.Table.from_batches([batch])).to_batches()

    made = pa.Table.from_batches(step(iter(TABLE.to_batches(max_chunksize=4))))
    assert made.column("input_ids").to_pylist() == golden["en"] + golden["fr"]
