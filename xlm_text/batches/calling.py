"""The texts of a call become tokens: ids at once, everything else when somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import starmap
from typing import NamedTuple, Protocol, cast

from xlm_text.alignment.spans import Span
from xlm_text.analysis.columns import Columns, Detail
from xlm_text.analysis.texts import Text
from xlm_text.batches.samples import Given, Samples
from xlm_text.errors import InputError


class Cutter(Protocol):
    """Cuts texts into pieces; it never changes."""

    def columns(self, texts: Sequence[Text], detail: Detail) -> Columns:
        """Return the pieces of texts; the spans of a text of words count from each word."""
        ...


# Gives what cuts the texts of a language.
Load = Callable[[str], Cutter]


class Tokens(NamedTuple):
    """The tokens of a text, their ids and spans, and the numbers of their words, if any."""

    ids: list[int]
    tokens: list[str]
    offsets: list[Span]
    words: Sequence[int | None]


@dataclass
class Source:
    """The first texts of a call, or the second ones, and what cuts them.

    Nothing that it holds ever changes, so that it can say later what the tokens are.

    Attributes:
        texts: the texts.
        langs: the language of each.
        cutters: what cuts the texts of each language.

    """

    texts: Sequence[Text | Given]
    langs: Sequence[str]
    cutters: dict[str, Cutter]

    @cached_property
    def tokens(self) -> list[Tokens]:
        """The tokens of every text with their places; together they are computed quicker."""
        found: dict[int, Tokens] = {}
        for lang, members in _plain_by_language(self.texts, self.langs):
            texts = [cast(Text, self.texts[i]) for i in members]
            columns = self.cutters[lang].columns(texts, Detail.TOKENS)
            rows = zip(columns.ids, columns.tokens, columns.spans, columns.words, strict=True)
            found.update(zip(members, starmap(Tokens, rows), strict=True))
        for i, text in enumerate(self.texts):
            if isinstance(text, Given):
                count = len(text.ids)
                found[i] = Tokens(text.ids, text.tokens, [(0, 0)] * count, [None] * count)
        return [found[i] for i in range(len(self.texts))]


class Side(NamedTuple):
    """The first texts of a call, or the second ones, with their tokens.

    Attributes:
        source: the texts.
        ids: the ids of each text, without special tokens.
        offsets: for each of them its span of the text or word; empty unless asked for.

    """

    source: Source
    ids: list[list[int]]
    offsets: list[list[Span]]


def tokenize(samples: Samples, load: Load, with_offsets: bool) -> tuple[Side, Side | None]:
    """Tokenize the first and the second texts of a call.

    Raises:
        InputError: a text cannot be used; its number is that in the caller's list.

    """
    detail = Detail.SPANS if with_offsets else Detail.IDS
    first = _tokenize(samples.texts, samples.langs, load, detail)
    if samples.pairs is None:
        return first, None
    return first, _tokenize(samples.pairs, samples.pair_langs, load, detail)


def _tokenize(
    texts: Sequence[Text | Given], langs: Sequence[str], load: Load, detail: Detail
) -> Side:
    """Tokenize texts, all of one language together."""
    if texts and langs.count(langs[0]) == len(langs) and Given not in set(map(type, texts)):
        cutter = load(langs[0])
        columns = cutter.columns(cast("Sequence[Text]", texts), detail)
        return Side(Source(texts, langs, {langs[0]: cutter}), columns.ids, columns.spans)
    ids: list[list[int]] = [[]] * len(texts)
    offsets: list[list[Span]] = [[]] * len(texts)
    cutters: dict[str, Cutter] = {}
    for lang, members in _plain_by_language(texts, langs):
        cutters[lang] = load(lang)
        try:
            found = cutters[lang].columns([cast(Text, texts[i]) for i in members], detail)
        except InputError as error:
            raise error if error.number is None else error.at(members[error.number]) from None
        for i, row, spans in zip(members, found.ids, found.spans, strict=True):
            ids[i], offsets[i] = row, spans
    for i, text in enumerate(texts):
        if isinstance(text, Given):
            ids[i], offsets[i] = [*text.ids], [(0, 0)] * len(text.ids)
    return Side(Source(texts, langs, cutters), ids, offsets)


def _plain_by_language(
    texts: Sequence[Text | Given], langs: Sequence[str]
) -> Iterator[tuple[str, list[int]]]:
    """Give each language the numbers of its texts that are to be tokenized."""
    members: dict[str, list[int]] = {}
    for i, (text, lang) in enumerate(zip(texts, langs, strict=True)):
        if not isinstance(text, Given):
            members.setdefault(lang, []).append(i)
    return iter(members.items())
