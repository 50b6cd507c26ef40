"""Texts as callers give them: with added tokens inside, whole or cut into words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from xlm_text.alignment.spans import Span
from xlm_text.analysis.added_tokens import AddedTokens, Part
from xlm_text.analysis.analyzer import Analysis, Analyzer
from xlm_text.errors import InputError

# A text, or the words of one that was cut already; each word is tokenized on its own.
Text = str | list[str]

# Texts are worked on in blocks, so that what is in the making does not grow with the batch.
_BLOCK = 1024


class Texts:
    """Finds the added tokens in texts and has everything between them analysed."""

    def __init__(self, analyzer: Analyzer, added: AddedTokens) -> None:
        self._analyzer = analyzer
        self._added = added

    def ids(self, texts: Sequence[Text]) -> list[list[int]]:
        """Return the ids of each text."""
        rows: list[list[int]] = []
        for whole, cut in self._blocks(texts):
            first = len(rows)
            rows += self._analyzer.ids(whole)
            if not cut:
                continue
            found = iter(self._analyzer.ids(_between(cut)))
            for number, parts in cut.items():
                row = rows[first + number]
                for part, _, added in parts:
                    row += (self._added.ids[part],) if added else next(found)
        return rows

    def ids_and_offsets(self, texts: Sequence[Text]) -> tuple[list[list[int]], list[list[Span]]]:
        """Return the ids of each text and, for each of them, its span of the text or word."""
        rows: list[list[int]] = []
        places: list[list[Span]] = []
        for whole, cut in self._blocks(texts):
            first = len(rows)
            ids, offsets = self._analyzer.ids_and_offsets(whole)
            rows += ids
            places += offsets
            if not cut:
                continue
            found = zip(*self._analyzer.ids_and_offsets(_between(cut)), strict=True)
            for number, parts in cut.items():
                row, spans = rows[first + number], places[first + number]
                for part, start, added in parts:
                    if added:
                        row.append(self._added.ids[part])
                        spans.append((start, start + len(part)))
                    else:
                        own, own_spans = next(found)
                        row += own
                        spans += [(start + begin, start + end) for begin, end in own_spans]
        return rows, places

    def analyses(self, texts: Sequence[Text]) -> list[Analysis]:
        """Return the tokens of each text with their places; those of words count from each word."""
        found: list[Analysis] = []
        for whole, cut in self._blocks(texts):
            first = len(found)
            found += self._analyzer.analyses(whole)
            for number in cut:
                found[first + number] = self.analysis(texts[first + number])
        return found

    def analysis(self, text: Text) -> Analysis:
        """Return the tokens of a text with their places; those of words count from each word."""
        whole = Analysis([], [], [])
        if isinstance(text, str):
            for part, start, added in self._added.split(check_texts([text])[0]):
                if added:
                    whole.extend([part], [(start, start + len(part))], [0])
                else:
                    found = self._analyzer.analyses([part])[0]
                    offsets = [(start + first, start + end) for first, end in found.offsets]
                    whole.extend(found.tokens, offsets, found.words)
            return whole
        for number, word in enumerate(text):
            found = self.analysis(word)
            whole.tokens += found.tokens
            whole.offsets += found.offsets
            whole.words += [number] * len(found.tokens)
        return whole

    def words(self, text: str) -> list[str]:
        """Return the words of a text as they are before they are cut into pieces."""
        words: list[str] = []
        for part, _, added in self._added.split(check_texts([text])[0]):
            words += [part] if added else self._analyzer.words(part)
        return words

    def _blocks(
        self, texts: Sequence[Text]
    ) -> Iterator[tuple[Sequence[str], dict[int, list[Part]]]]:
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
                text = block[number]
                words = [text] if isinstance(text, str) else text
                cut[number] = [part for word in words for part in self._added.split(word)]
                strings[number] = ""
            yield strings, cut


def _between(cut: Mapping[int, list[Part]]) -> list[str]:
    """Return what is between the added tokens of texts."""
    return [part for parts in cut.values() for part, _, added in parts if not added]


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
