"""Texts as callers give them: with added tokens inside, whole or cut into words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from xlm_text.alignment.spans import Span
from xlm_text.analysis.added_tokens import AddedTokens
from xlm_text.analysis.analyzer import Analyzer
from xlm_text.analysis.columns import Columns, Detail
from xlm_text.errors import InputError

if TYPE_CHECKING:
    from xlm_text.analysis.explanation import Part as ExplainedPart

# A text, or the words of one that was cut already; each word is tokenized on its own.
Text = str | list[str]

# Texts are worked on in blocks, so that what is in the making does not grow with the batch.
_BLOCK = 1024


class Part(NamedTuple):
    """A part of a text that is an added token, or between two of them.

    Attributes:
        text: its characters.
        start: where it begins in its text, or in its word.
        added: the id, if it is an added token.
        word: the number of the word that it is in, where the caller gave words.

    """

    text: str
    start: int
    added: int | None
    word: int | None


class Texts:
    """Finds the added tokens in texts and has everything between them analysed."""

    def __init__(self, analyzer: Analyzer, added: AddedTokens) -> None:
        self._analyzer = analyzer
        self._added = added

    def columns(self, texts: Sequence[Text], detail: Detail = Detail.IDS) -> Columns:
        """Return the pieces of texts; the spans of a text of words count from each word.

        Raises:
            InputError: a text is not valid Unicode; with its number.

        """
        columns = Columns.empty()
        for whole, cut in self._blocks(texts):
            found = self._analyzer.columns(whole, detail)
            if cut:
                self._replace(found, cut, detail)
            columns.extend(found)
        return columns

    def words(self, text: str) -> list[str]:
        """Return the words of a text as they are before they are cut into pieces."""
        words: list[str] = []
        for part in self._parts(check_texts([text])[0]):
            words += [part.text] if part.added is not None else self._analyzer.words(part.text)
        return words

    def explain(self, text: str, unknown: int | None) -> tuple[ExplainedPart, ...]:
        """Return the parts of a text with every step from them to pieces."""
        from xlm_text.analysis.explanation import Part as Explained
        from xlm_text.analysis.explanation import Piece, Unit, Word

        explained = []
        for part in self._parts(check_texts([text])[0]):
            span = part.start, part.start + len(part.text)
            if part.added is None:
                units = self._analyzer.explain(part.text, part.start, unknown)
                explained.append(Explained("text", part.text, *span, units))
            else:
                word = Word(part.text, (Piece(part.text, part.added, *span, False),))
                unit = Unit(part.text, *span, (), (word,))
                explained.append(Explained("added token", part.text, *span, (unit,)))
        return tuple(explained)

    def _replace(self, columns: Columns, cut: dict[int, list[Part]], detail: Detail) -> None:
        """Put the columns of texts that were cut into parts in the place of empty ones."""
        between = [part.text for parts in cut.values() for part in parts if part.added is None]
        found = self._analyzer.columns(between, detail)
        ids, spans = iter(found.ids), iter(found.spans)
        tokens = (
            zip(found.tokens, found.words, strict=True) if detail is Detail.TOKENS else iter(())
        )
        for number, parts in cut.items():
            columns.ids[number] = _join_ids(parts, ids)
            if detail >= Detail.SPANS:
                columns.spans[number] = _join_spans(parts, spans)
            if detail >= Detail.TOKENS:
                columns.tokens[number], columns.words[number] = _join_tokens(parts, tokens)

    def _blocks(self, texts: Sequence[Text]) -> Iterator[tuple[list[str], dict[int, list[Part]]]]:
        """Give blocks of texts; those that have added tokens or words come cut into parts.

        The parts are by the number of the text in its block, and an empty text is in its place.
        """
        for start in range(0, len(texts), _BLOCK):
            block = texts[start : start + _BLOCK]
            strings = [text if isinstance(text, str) else "".join(text) for text in block]
            check_texts(strings, start)
            numbers = self._added.holders(strings)
            if not set(map(type, block)) <= {str}:
                numbers.update(i for i, text in enumerate(block) if not isinstance(text, str))
            cut: dict[int, list[Part]] = {}
            for number in sorted(numbers):
                cut[number] = self._parts(block[number])
                strings[number] = ""
            yield strings, cut

    def _parts(self, text: Text) -> list[Part]:
        id_of = self._added.ids
        words: Iterable[tuple[int | None, str]]
        words = [(None, text)] if isinstance(text, str) else enumerate(text)
        return [
            Part(part, start, id_of[part] if added else None, number)
            for number, word in words
            for part, start, added in self._added.split(word)
        ]


def _join_ids(parts: list[Part], found: Iterator[list[int]]) -> list[int]:
    return list(
        chain.from_iterable(next(found) if part.added is None else (part.added,) for part in parts)
    )


def _join_spans(parts: list[Part], found: Iterator[list[Span]]) -> list[Span]:
    spans: list[Span] = []
    for part in parts:
        start = part.start
        if part.added is not None:
            spans.append((start, start + len(part.text)))
        elif start:
            spans += [(start + first, start + end) for first, end in next(found)]
        else:
            spans += next(found)
    return spans


def _join_tokens(
    parts: list[Part], found: Iterator[tuple[list[str], list[int]]]
) -> tuple[list[str], list[int]]:
    tokens: list[str] = []
    words: list[int] = []
    for part in parts:
        own, numbers = ([part.text], [0]) if part.added is not None else next(found)
        tokens += own
        if part.word is not None:
            words += [part.word] * len(own)
        else:
            first = words[-1] + 1 if words else 0
            words += [first + number for number in numbers]
    return tokens, words


def check_texts(texts: Sequence[str], first: int = 0) -> Sequence[str]:
    """Return ``texts`` if all are valid Unicode, else raise :class:`InputError`.

    ``first`` is the number of the first one in the caller's list.
    """
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:
        for number, text in enumerate(texts, first):
            for position, char in enumerate(text):
                if "\ud800" <= char <= "\udfff":
                    raise InputError(
                        f"not valid Unicode: it has the lone surrogate {char!r} at position "
                        f"{position} (text.encode('utf-16', 'surrogatepass')"
                        ".decode('utf-16', 'replace') joins pairs and replaces the rest)",
                        number=number,
                    ) from None
    return texts
