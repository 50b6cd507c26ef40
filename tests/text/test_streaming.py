"""Streams: rows in the order of their texts, in one process or several."""

from __future__ import annotations

import itertools

import pytest

from xlm_text import InputError, XLMTokenizer
from xlm_text.streaming import map_in_order


@pytest.fixture(scope="module")
def tokenizer() -> XLMTokenizer:
    return XLMTokenizer.from_pretrained()


@pytest.mark.parametrize("workers", [1, 2])
def test_rows_are_those_of_the_call(tokenizer: XLMTokenizer, workers: int) -> None:
    texts = [f"Text number {i}, it’s “one”." for i in range(2500)]
    rows = tokenizer.encode_iterator(texts, lang="fr", workers=workers, batch_size=300)
    assert list(rows) == tokenizer(texts, lang="fr")["input_ids"]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_stream_without_end_is_read_as_it_is_needed(
    tokenizer: XLMTokenizer, workers: int
) -> None:
    taken = itertools.count()
    texts = (f"text {next(taken)}" for _ in itertools.repeat(None))
    rows = tokenizer.encode_iterator(texts, lang="en", workers=workers, batch_size=10)
    assert len(list(itertools.islice(rows, 25))) == 25
    rows.close()  # type: ignore[attr-defined]
    assert next(taken) < 200


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_the_source_comes_behind_the_results_before_it(workers: int) -> None:
    def source():
        yield from range(7)
        raise LookupError("the source is gone")

    results = map_in_order(str, source(), workers)
    found = []
    with pytest.raises(LookupError, match="the source is gone"):
        found.extend(results)
    assert found == list("0123456")


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_the_work_reaches_the_caller(tokenizer: XLMTokenizer, workers: int) -> None:
    with pytest.raises(InputError, match=r"text\[1\] must be a string, not None"):
        list(tokenizer.encode_iterator(["a", None], lang="en", workers=workers))


@pytest.mark.parametrize("workers", [0, -1, 1.5, "2"])
def test_workers_is_a_number_of_processes(workers: object) -> None:
    with pytest.raises(InputError, match="workers must be a whole number from 1 on"):
        next(map_in_order(str, [1], workers))  # type: ignore[arg-type]
