"""Texts as callers give them: with added tokens inside, whole or cut into words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from xlm_text.added_tokens import AddedTokens
from xlm_text.analysis import Analysis, Analyzer
from xlm_text.errors import InputError
from xlm_text.spans import Span

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
        for block, plain in self._blocks(texts):
            rows += self._by_parts(block)[0] if plain is None else self._analyzer.ids(plain)
        return rows

    def ids_and_offsets(self, texts: Sequence[Text]) -> tuple[list[list[int]], list[list[Span]]]:
        """Return the ids of each text and, for each of them, its span of the text or word."""
        rows: list[list[int]] = []
        places: list[list[Span]] = []
        for block, plain in self._blocks(texts):
            if plain is None:
                ids, offsets = self._by_parts(block)
            else:
                ids, offsets = self._analyzer.ids_and_offsets(plain)
            rows += ids
            places += offsets
        return rows, places

    def analyses(self, texts: Sequence[Text]) -> list[Analysis]:
        """Return the tokens of each text with their places; those of words count from each word."""
        found: list[Analysis] = []
        for block, plain in self._blocks(texts):
            if plain is None:
                found += map(self.analysis, block)
            else:
                found += self._analyzer.analyses(plain)
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
    ) -> Iterator[tuple[Sequence[Text], Sequence[str] | None]]:
        """Cut texts into blocks; one of strings without added tokens comes a second time."""
        for start in range(0, len(texts), _BLOCK):
            block = texts[start : start + _BLOCK]
            strings = [text if isinstance(text, str) else "".join(text) for text in block]
            check_texts(strings, start)
            whole = set(map(type, block)) <= {str}
            plain = whole and not any(map(self._added.search, strings))
            yield block, strings if plain else None

    def _by_parts(self, texts: Sequence[Text]) -> tuple[list[list[int]], list[list[Span]]]:
        """Cut texts at added tokens, analyse what is between them together, and join it again."""
        words = [[text] if isinstance(text, str) else text for text in texts]
        parts = [[part for word in text for part in self._added.split(word)] for text in words]
        plain = [part for text in parts for part, _, added in text if not added]
        analysed = zip(*self._analyzer.ids_and_offsets(plain), strict=True)
        rows, places = [], []
        for text in parts:
            ids: list[int] = []
            spans: list[Span] = []
            for part, start, added in text:
                if added:
                    ids.append(self._added.ids[part])
                    spans.append((start, start + len(part)))
                else:
                    found, offsets = next(analysed)
                    ids += found
                    spans += [(start + begin, start + end) for begin, end in offsets]
            rows.append(ids)
            places.append(spans)
        return rows, places


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
