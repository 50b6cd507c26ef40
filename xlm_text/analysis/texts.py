"""Texts as callers give them: with added tokens inside, whole or cut into words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from xlm_text.alignment.aligned import Aligned
from xlm_text.alignment.composition import compose, is_composed
from xlm_text.alignment.spans import Span
from xlm_text.analysis.added_tokens import AddedTokens
from xlm_text.analysis.analyzer import Analyzer
from xlm_text.analysis.columns import Columns, Detail
from xlm_text.collector import paused
from xlm_text.errors import InputError
from xlm_text.patterns import ProtectedPatterns

if TYPE_CHECKING:
    from xlm_text.analysis.explanation import Part as ExplainedPart

# A text, or the words of one that was cut already; each word is tokenized on its own.
Text = str | list[str]

# Texts are worked on in blocks, so that what is in the making does not grow with the batch.
_BLOCK = 1024


class Part(NamedTuple):
    """A part of a text that is an added token, a protected one, or between two of them.

    Attributes:
        text: its characters.
        start: where it begins in its text, or in its word.
        added: the id, if it is an added token.
        word: the number of the word that it is in, where the caller gave words.
        protected: whether it stays one word, whatever it is made of.
        origin: the text, or word, as it was composed, if that changed anything; ``start`` counts
            in it.

    """

    text: str
    start: int
    added: int | None
    word: int | None
    protected: bool = False
    origin: Aligned | None = None

    def place(self, start: int, end: int) -> Span:
        """Return the span of the caller's text for one of the part's own."""
        start, end = self.start + start, self.start + end
        return (start, end) if self.origin is None else self.origin.slice(start, end).span()


class Protection(NamedTuple):
    """What stays one word, and what cuts it into pieces."""

    patterns: ProtectedPatterns
    analyzer: Analyzer


class Texts:
    """Finds the added tokens in texts and has everything between them analysed.

    Args:
        analyzer: analyses what is between them.
        added: the added tokens.
        protection: what else is looked for, and stays one word.
        compose: whether texts are composed (NFC) first.

    """

    def __init__(
        self,
        analyzer: Analyzer,
        added: AddedTokens,
        protection: Protection | None = None,
        compose: bool = False,
    ) -> None:
        self._analyzer = analyzer
        self._added = added
        self._protection = protection
        self._compose = compose

    def columns(self, texts: Sequence[Text], detail: Detail = Detail.IDS) -> Columns:
        """Return the pieces of texts; the spans of a text of words count from each word.

        Raises:
            InputError: a text is not valid Unicode; with its number.

        """
        columns = Columns.empty()
        for whole, cut in self._blocks(texts):
            with paused():
                found = self._analyzer.columns(whole, detail)
                if cut:
                    self._replace(found, cut, detail)
                columns.extend(found)
        return columns

    def words(self, text: str) -> list[str]:
        """Return the words of a text as they are before they are cut into pieces."""
        words: list[str] = []
        for part in self._parts(check_texts([text])[0]):
            if part.added is not None:
                words.append(part.text)
            else:
                words += self._analyzer_of(part.protected).words(part.text)
        return words

    def composed(self, text: str) -> str | None:
        """Return a text as it is composed first, if that changes it."""
        return compose(text).text if self._compose and not is_composed(text) else None

    def explain(self, text: str, unknown: int | None) -> tuple[ExplainedPart, ...]:
        """Return the parts of a text with every step from them to pieces."""
        from xlm_text.analysis.explanation import Part as Explained
        from xlm_text.analysis.explanation import Piece, Unit, Word

        explained = []
        for part in self._parts(check_texts([text])[0]):
            span = part.place(0, len(part.text))
            if part.added is None:
                kind = "protected" if part.protected else "text"
                analyzer = self._analyzer_of(part.protected)
                units = analyzer.explain(part.text, part.place, unknown)
                explained.append(Explained(kind, part.text, *span, units))
            else:
                word = Word(part.text, (Piece(part.text, part.added, *span, False),))
                unit = Unit(part.text, *span, (), (word,))
                explained.append(Explained("added token", part.text, *span, (unit,)))
        return tuple(explained)

    def _replace(self, columns: Columns, cut: dict[int, list[Part]], detail: Detail) -> None:
        """Put the columns of texts that were cut into parts in the place of empty ones."""
        between = [part for parts in cut.values() for part in parts if part.added is None]
        found = self._columns_between(between, detail)
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

    def _columns_between(self, between: list[Part], detail: Detail) -> Columns:
        if self._protection is None:
            return self._analyzer.columns([part.text for part in between], detail)
        found = Columns.empty(len(between))
        for protected in (False, True):
            numbers = [i for i, part in enumerate(between) if part.protected is protected]
            some = self._analyzer_of(protected).columns([between[i].text for i in numbers], detail)
            found.put(numbers, some)
        return found

    def _analyzer_of(self, protected: bool) -> Analyzer:
        if protected and self._protection is not None:
            return self._protection.analyzer
        return self._analyzer

    def _blocks(self, texts: Sequence[Text]) -> Iterator[tuple[list[str], dict[int, list[Part]]]]:
        """Give blocks of texts; those that have added tokens or words come cut into parts.

        The parts are by the number of the text in its block, and an empty text is in its place.
        """
        for start in range(0, len(texts), _BLOCK):
            block = texts[start : start + _BLOCK]
            strings = [text if isinstance(text, str) else "".join(text) for text in block]
            check_texts(strings, start)
            numbers = self._added.holders(strings)
            if self._compose:
                numbers.update(i for i, text in enumerate(strings) if not is_composed(text))
            if self._protection is not None:
                find = self._protection.patterns.find
                numbers.update(i for i, text in enumerate(strings) if find(text))
            if not set(map(type, block)) <= {str}:
                numbers.update(i for i, text in enumerate(block) if not isinstance(text, str))
            cut: dict[int, list[Part]] = {}
            for number in sorted(numbers):
                cut[number] = self._parts(block[number])
                strings[number] = ""
            yield strings, cut

    def _parts(self, text: Text) -> list[Part]:
        words: Iterable[tuple[int | None, str]]
        words = [(None, text)] if isinstance(text, str) else enumerate(text)
        return [part for number, word in words for part in self._parts_of(word, number)]

    def _parts_of(self, word: str, number: int | None) -> Iterator[Part]:
        origin = None
        if self._compose and not is_composed(word):
            origin = compose(word)
            word = origin.text
        id_of = self._added.ids
        for text, start, added in self._added.split(word):
            if added:
                yield Part(text, start, id_of[text], number, origin=origin)
                continue
            done = 0
            for first, end in self._protection.patterns.find(text) if self._protection else ():
                if done < first:
                    yield Part(text[done:first], start + done, None, number, origin=origin)
                yield Part(text[first:end], start + first, None, number, True, origin)
                done = end
            if done < len(text):
                yield Part(text[done:], start + done, None, number, origin=origin)


def _join_ids(parts: list[Part], found: Iterator[list[int]]) -> list[int]:
    return list(
        chain.from_iterable(next(found) if part.added is None else (part.added,) for part in parts)
    )


def _join_spans(parts: list[Part], found: Iterator[list[Span]]) -> list[Span]:
    spans: list[Span] = []
    for part in parts:
        own = [(0, len(part.text))] if part.added is not None else next(found)
        if part.origin is not None:
            spans += [part.place(first, end) for first, end in own]
        elif start := part.start:
            spans += [(start + first, start + end) for first, end in own]
        else:
            spans += own
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
