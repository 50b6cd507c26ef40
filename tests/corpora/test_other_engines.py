"""`Tokenize` in Spark, Dask and DuckDB, which are not among the test requirements.

The guide (docs/corpora.md) has the command that installs them and runs these tests.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest

from xlm_text.corpora import Tokenize

from .conftest import sentences

Golden = dict[str, list[list[int]]]
EN, FR = sentences("en"), sentences("fr")
ROWS = [*((i, text, "en") for i, text in enumerate(EN)), *((99, text, "fr") for text in FR)]


@pytest.fixture
def tokenize(model: str) -> Tokenize:
    return Tokenize(model, lang_column="lang")


@pytest.fixture
def spark(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    sql = pytest.importorskip("pyspark.sql", reason="needs Spark: pip install pyspark")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java")
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    session = sql.SparkSession.builder.master("local[2]").getOrCreate()
    yield session
    session.stop()


def test_spark(spark: Any, tokenize: Tokenize, golden: Golden) -> None:
    def step(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield from tokenize(pa.Table.from_batches([batch])).to_batches()

    # Functions of modules that the workers do not have travel by value, those of `__main__` too.
    step.__module__ = "__main__"
    frame = spark.createDataFrame(ROWS, "i int, text string, lang string").repartition(3)
    made = frame.mapInArrow(step, "i int, text string, lang string, input_ids array<int>")
    found = {row.text: row.input_ids for row in made.collect()}
    assert found == dict(zip(EN + FR, golden["en"] + golden["fr"], strict=True))


def test_dask(tokenize: Tokenize, golden: Golden) -> None:
    dataframe = pytest.importorskip("dask.dataframe", reason="needs Dask: pip install dask")

    def step(frame: Any) -> Any:
        return tokenize(pa.Table.from_pandas(frame)).to_pandas()

    table = pa.table({"text": EN + FR, "lang": ["en"] * len(EN) + ["fr"] * len(FR)})
    frame = dataframe.from_pandas(table.to_pandas(), npartitions=3)
    meta = {"text": "str", "lang": "str", "input_ids": "object"}
    made = frame.map_partitions(step, meta=meta).compute()
    assert [list(ids) for ids in made["input_ids"]] == golden["en"] + golden["fr"]


def test_duckdb(tokenize: Tokenize, golden: Golden) -> None:
    duckdb = pytest.importorskip("duckdb", reason="needs DuckDB: pip install duckdb")
    texts = pa.table({"text": EN + FR, "lang": ["en"] * len(EN) + ["fr"] * len(FR)})
    database = duckdb.connect()
    database.register("texts", texts)
    french = database.sql("SELECT text, lang FROM texts WHERE lang = 'fr'").to_arrow_table()
    database.register("ids", tokenize(french))
    found = database.sql("SELECT input_ids FROM ids").fetchall()
    assert [ids for (ids,) in found] == golden["fr"]
