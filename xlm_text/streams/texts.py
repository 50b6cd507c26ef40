"""Endless streams of texts: their ids in order, with errors that name the text in the stream."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sized
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from xlm_text.errors import InputError
from xlm_text.sequences import TO_LISTS, as_list
from xlm_text.settings import is_whole
from xlm_text.streams.ordered import map_in_order

# The arguments of a call that mean something where only ids come out, one row for each text.
_OPTIONS = (
    "add_special_tokens",
    "padding",
    "truncation",
    "max_length",
    "is_split_into_words",
    "pad_to_multiple_of",
    "padding_side",
    "return_offsets_mapping",
    "bypass_tokenizer",
    "split_special_tokens",
    "verbose",
)


def check_stream(
    texts: Any, lang: Any, lang_pair: Any, workers: Any, batch_size: Any, options: dict[str, Any]
) -> None:
    """Raise :class:`InputError` for arguments that a stream cannot have."""
    if isinstance(texts, str | bytes) or not hasattr(texts, "__iter__"):
        raise InputError(f"must be an iterable of texts, not {texts!r:.60}", argument="texts")
    if hasattr(texts, "keys") and as_list(texts) is texts:
        raise InputError(
            f"must be an iterable of texts, not a {type(texts).__name__}", argument="texts"
        )
    for name, value in (("lang", lang), ("lang_pair", lang_pair)):
        if value is not None and not hasattr(value, "__iter__"):
            problem = f"must be a language or an iterable of them, not {value!r:.60}"
            raise InputError(problem, argument=name)
    for name, value in (("workers", workers), ("batch_size", batch_size)):
        if not is_whole(value, 1):
            raise InputError(f"must be a whole number from 1 on, not {value!r}", argument=name)
    for name in options:
        if name not in _OPTIONS:
            raise InputError(
                f"a stream gives ids and has no {name}: it takes lang, lang_pair, "
                f"{', '.join(_OPTIONS)}"
            )
    if options.get("padding") in (True, "longest"):
        raise InputError(
            "a stream has no longest row to pad to: padding='max_length' pads every row alike"
        )


class Batch(NamedTuple):
    """Some texts of a stream that follow each other.

    Attributes:
        start: the number of the first in the stream.
        texts: the texts.
        langs: their language, or that of each.
        lang_pairs: that of the second texts.

    """

    start: int
    texts: list[Any]
    langs: str | list[str]
    lang_pairs: str | list[str] | None

    def first(self, count: int) -> Batch:
        """Return the first texts alone."""
        parts = (p[:count] if isinstance(p, list) else p for p in self[1:])
        return Batch(self.start, *parts)  # type: ignore[arg-type]


class EncodedBatch(NamedTuple):
    """The rows of a batch, and what is wrong with the text behind them, if anything is."""

    rows: list[Any]
    problem: InputError | None


@dataclass(frozen=True)
class EncodeBatch:
    """Tokenizes batches, in whichever process.

    Attributes:
        call: the tokenizer.
        options: the arguments of its call.

    """

    call: Callable[..., Any]
    options: dict[str, Any]

    def check(self) -> None:
        """Raise :class:`InputError` for options that cannot be used, whatever the texts."""
        self._rows(Batch(0, [], [], None))

    def __call__(self, batch: Batch) -> EncodedBatch:
        """Return the rows of a batch, up to the first text that cannot be used."""
        try:
            return EncodedBatch(self._rows(batch), None)
        except InputError as error:
            if error.number is None:
                raise
            good = error.number
            return EncodedBatch(self._rows(batch.first(good)), error.at(batch.start + good))

    def _rows(self, batch: Batch) -> list[Any]:
        found = self.call(
            batch.texts,
            lang=batch.langs,
            lang_pair=batch.lang_pairs,
            return_attention_mask=False,
            return_langs=False,
            **self.options,
        )
        ids: list[Any] = found["input_ids"]
        if not self.options.get("return_offsets_mapping"):
            return ids
        return list(zip(ids, found["offset_mapping"], strict=True))


def encode_stream(
    encode: EncodeBatch,
    texts: Iterable[Any],
    langs: str | Iterable[str],
    lang_pairs: str | Iterable[str] | None,
    batch_size: int,
    workers: int,
) -> Iterator[Any]:
    """Yield what ``encode`` gives for each text, in order."""
    batches = cut_stream(texts, langs, lang_pairs, batch_size)
    for rows, problem in map_in_order(encode, batches, workers):
        yield from rows
        if problem is not None:
            raise problem


def cut_stream(
    texts: Iterable[Any],
    langs: str | Iterable[str],
    lang_pairs: str | Iterable[str] | None,
    size: int,
) -> Iterator[Batch]:
    """Cut a stream into batches; languages that are iterables are taken in step with the texts."""
    source = _iterate(texts)
    beside = {"lang": langs, "lang_pair": lang_pairs}
    step = {
        name: (value, _iterate(value))
        for name, value in beside.items()
        if value is not None and not isinstance(value, str)
    }
    start = 0
    while batch := list(islice(source, size)):
        taken: dict[str, Any] = dict(beside)
        for name, (_, iterator) in step.items():
            taken[name] = list(islice(iterator, len(batch)))
        given = min([len(taken[name]) for name in step], default=len(batch))
        if given:
            yield Batch(start, batch, taken["lang"], taken["lang_pair"]).first(given)
        start += given
        if given < len(batch):
            name = next(name for name in step if len(taken[name]) == given)
            raise InputError(f"ends after {start} languages, but texts goes on", argument=name)
    for name, (value, iterator) in step.items():
        # Only of what has a length: others may be endless on purpose.
        if isinstance(value, Sized) and next(iterator, None) is not None:
            problem = f"has {len(value)} languages, but there are {start} texts"
            raise InputError(problem, argument=name)


def _iterate(values: Iterable[Any]) -> Iterator[Any]:
    """Iterate over values one by one; over those of an array as Python's own."""
    if any(hasattr(values, name) for name in TO_LISTS):
        values = as_list(values)
    return iter(values)
