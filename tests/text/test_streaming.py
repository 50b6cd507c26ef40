"""Streams: rows in the order of their texts, in one process or several."""

from __future__ import annotations

import copy
import itertools
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from xlm_text import InputError, XLMTokenizer
from xlm_text.errors import WorkerLostError
from xlm_text.streams.ordered import map_in_order


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


def kill_itself(item: int) -> int:
    if item == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def test_a_killed_worker_is_one_error_behind_the_results_before_it() -> None:
    found = []
    with pytest.raises(WorkerLostError, match=r"a worker process was killed.*fewer workers need"):
        found.extend(map_in_order(kill_itself, range(100), 2))
    assert found == list(range(len(found)))
    assert len(found) <= 3


DIES_WHILE_IT_WRITES = """
import os, signal
from multiprocessing.connection import Connection

from xlm_text.errors import WorkerLostError
from xlm_text.streams.ordered import map_in_order


def write_half(connection, data):
    os.write(connection.fileno(), bytes(data)[: len(data) // 2])
    os.kill(os.getpid(), signal.SIGKILL)


def work(item):
    if item == 3:
        Connection._send = write_half
    return bytes(10_000)


if __name__ == "__main__":
    found = 0
    try:
        for _ in map_in_order(work, range(100), 2):
            found += 1
    except WorkerLostError:
        print(found <= 3)
"""


def test_the_rest_of_a_result_is_not_waited_for_when_its_worker_was_killed() -> None:
    done = subprocess.run(
        [sys.executable, "-c", DIES_WHILE_IT_WRITES], capture_output=True, timeout=60
    )
    assert (done.stdout, done.stderr) == (b"True\n", b"")


def test_results_are_given_while_more_input_is_awaited() -> None:
    reading, writing = os.pipe()

    def source() -> Iterator[int]:
        for item in range(5):
            os.read(reading, 1)
            yield item

    results = map_in_order(str, source(), 2, awaited=lambda: reading)
    for item in range(5):
        os.write(writing, b"x")
        assert next(results) == str(item)  # waits for ever if more input is waited for
    os.write(writing, b"x")
    assert list(results) == []
    os.close(reading)
    os.close(writing)


def test_long_items_and_long_results_do_not_wait_for_each_other() -> None:
    items = [b"x" * 3_000_000, b"y" * 3_000_000] * 4
    assert list(map_in_order(bytes.upper, items, 2)) == [item.upper() for item in items]


class NotLoadedError(Exception):
    """Pickled without a word, and then nobody can load it."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


def fail_in_some_way(item: int) -> object:
    if item == 1:

        class LocalError(Exception):
            pass

        raise LocalError("not pickled")
    if item == 2:
        return lambda: None
    raise NotLoadedError(1, 2)


@pytest.mark.parametrize(
    ("item", "problem"), [(1, "not pickled"), (2, "lambda"), (3, "required positional argument")]
)
def test_what_cannot_come_back_from_a_worker_is_an_error(item: int, problem: str) -> None:
    with pytest.raises(Exception, match=problem) as caught:
        list(map_in_order(fail_in_some_way, [item], 2))
    assert not isinstance(caught.value, WorkerLostError)


def test_what_cannot_be_sent_to_a_worker_comes_behind_the_results_before_it() -> None:
    found = []
    with pytest.raises((AttributeError, pickle.PicklingError), match="lambda"):
        found.extend(map_in_order(type, [1, "a", lambda: None, 2], 2))
    assert found == [int, str]


def slow_first(item: int) -> tuple[int, int]:
    if item == 0:
        for _ in range(2_000_000):
            pass
    return item, os.getpid()


def test_no_more_is_taken_than_a_few_items_ahead_of_the_results() -> None:
    taken = itertools.count()
    items = (next(taken) for _ in range(1000))
    results = map_in_order(slow_first, items, 2)
    for item in range(20):
        assert next(results)[0] == item
        assert next(copy.copy(taken)) <= item + 1 + 6
    results.close()  # type: ignore[attr-defined]
    assert multiprocessing.active_children() == []


# The place of errors, languages, offsets ------------------------------------------------------


def with_a_bad_text(bad, count=2600, at=2500):
    return [bad if i == at else f"Text number {i}." for i in range(count)]


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (None, r"^text\[2500\] must be a string, not None$"),
        ("lone \ud800", r"^text 2500: not valid Unicode"),
        (b"bytes", r"^text\[2500\] must be a string, not bytes"),
    ],
)
def test_an_error_counts_from_the_first_text(
    tokenizer: XLMTokenizer, workers: int, bad: object, problem: str
) -> None:
    texts = with_a_bad_text(bad)
    rows = tokenizer.encode_iterator(iter(texts), lang="en", workers=workers, batch_size=700)
    found = []
    with pytest.raises(InputError, match=problem) as caught:
        found.extend(rows)
    assert caught.value.number == 2500
    # Nothing of what came before is lost.
    assert found == tokenizer(texts[:2500], lang="en")["input_ids"]


def test_an_error_of_one_language_among_several(tokenizer: XLMTokenizer) -> None:
    texts = ["a", "b", "lone \udfff", "c"]
    for call in (tokenizer, tokenizer.encode_iterator):
        with pytest.raises(InputError, match=r"^text 2: not valid") as caught:
            list(call(texts, lang=["en", "fr", "fr", "en"]))
        assert caught.value.number == 2
    with pytest.raises(InputError, match=r"^text 1: no language 'xx'"):
        list(tokenizer.encode_iterator(texts, lang=["en", "xx", "fr", "en"]))


@pytest.mark.parametrize("workers", [1, 2])
def test_a_language_for_each_text(tokenizer: XLMTokenizer, workers: int) -> None:
    texts = ["l'eau d'ici", "it isn't", "我来到北京"] * 40
    langs = ["fr", "en", "zh"] * 40
    expected = tokenizer(texts, lang=langs)["input_ids"]
    for given in (langs, iter(langs), itertools.cycle(["fr", "en", "zh"])):
        rows = tokenizer.encode_iterator(texts, lang=given, workers=workers, batch_size=7)
        assert list(rows) == expected
    pairs = list(zip(texts, texts[1:] + texts[:1], strict=True))
    others = langs[1:] + langs[:1]
    rows = tokenizer.encode_iterator(pairs, lang=langs, lang_pair=iter(others), batch_size=7)
    assert list(rows) == tokenizer(pairs, lang=langs, lang_pair=others)["input_ids"]


def test_languages_are_read_in_step(tokenizer: XLMTokenizer) -> None:
    taken = itertools.count()
    langs = ("fr" for _ in iter(lambda: next(taken), -1))
    texts = (f"text {i}" for i in itertools.count())
    rows = tokenizer.encode_iterator(texts, lang=langs, batch_size=10)
    list(itertools.islice(rows, 25))
    assert next(taken) <= 31


def test_languages_that_do_not_fit(tokenizer: XLMTokenizer) -> None:
    found: list[object] = []
    with pytest.raises(InputError, match="lang ends after 3 languages, but texts goes on"):
        found.extend(tokenizer.encode_iterator(["a", "b", "c", "d"], lang=iter(["en"] * 3)))
    assert found == tokenizer(["a", "b", "c"], lang="en")["input_ids"]
    with pytest.raises(InputError, match="lang has 3 languages, but there are 2 texts"):
        list(tokenizer.encode_iterator(["a", "b"], lang=["en"] * 3))


@pytest.mark.parametrize("workers", [1, 2])
def test_offsets_come_with_the_ids(tokenizer: XLMTokenizer, workers: int) -> None:
    texts = ["l'eau d'ici", "it isn't", ""]
    options = {"lang": "fr", "max_length": 5, "return_offsets_mapping": True}
    batch = tokenizer(texts, **options)
    rows = tokenizer.encode_iterator(texts, workers=workers, batch_size=2, **options)
    assert list(rows) == list(zip(batch["input_ids"], batch["offset_mapping"], strict=True))


@pytest.mark.parametrize(
    ("texts", "options", "problem"),
    [
        ("abc", {}, "texts must be an iterable of texts, not 'abc'"),
        (b"abc", {}, "texts must be an iterable"),
        (None, {}, "texts must be an iterable"),
        ({"a": 1}, {}, "not a dict"),
        (["a"], {"workers": 0}, "workers must be a whole number from 1 on, not 0"),
        (["a"], {"workers": True}, "workers must be"),
        (["a"], {"workers": "2"}, "workers must be"),
        (["a"], {"batch_size": 0}, "batch_size must be"),
        (["a"], {"lang": "xx"}, "'xx'"),
        (["a"], {"lang": 5}, "lang must be a language or an iterable"),
        (["a"], {"lang_pair": "xx"}, "'xx'"),
        (["a"], {"max_length": -1}, "max_length"),
        (["a"], {"truncation": "never"}, "truncation"),
        (["a"], {"padding": True}, "padding='max_length'"),
        (["a"], {"return_tensors": "np"}, "no return_tensors"),
        (["a"], {"return_overflowing_tokens": True}, "no return_overflowing_tokens"),
        (["a"], {"colour": "red"}, "no colour"),
    ],
)
def test_what_cannot_be_is_said_at_once(
    tokenizer: XLMTokenizer, texts: object, options: dict[str, object], problem: str
) -> None:
    with pytest.raises(InputError, match=problem):
        tokenizer.encode_iterator(texts, **{"lang": "en", **options})  # type: ignore[arg-type]


def test_rows_of_one_length(tokenizer: XLMTokenizer) -> None:
    options = {"padding": "max_length", "truncation": True, "max_length": 6}
    rows = list(tokenizer.encode_iterator(["a", "a b c d e f"], lang="en", **options))
    assert [len(row) for row in rows] == [6, 6]
