"""From blocks of text to tables of ids, counting on the way."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from xlm_text.bpe.subwords import END_OF_WORD
from xlm_text.corpora.files import import_pyarrow
from xlm_text.corpora.options import Options, Splitter
from xlm_text.corpora.reading import Block
from xlm_text.corpora.shards import IDS
from xlm_text.corpora.statistics import (
    EXAMPLE_CHARACTERS,
    MOST_EXAMPLES,
    Example,
    LanguageStatistics,
    Statistics,
)
from xlm_text.tokenizer import XLMTokenizer

# To look at a line takes many times as long as to tokenize it: a few of a part must do.
_UNKNOWN_LINES = 200
# What the caches of all languages hold together, in units of text; with offsets a unit takes twice
# as much.  With fewer than the least a language's cache would hardly speed it up.
_CACHED_UNITS = 150_000
_CACHED_WITH_OFFSETS = 50_000
_LEAST_CACHED = 1_000

if TYPE_CHECKING:
    from pyarrow import Array, ListArray, Table


class _Side(NamedTuple):
    """One side of a block, a row for each text; ``pieces`` counts no special tokens."""

    ids: ListArray[Any]
    pieces: Array[Any]
    offsets: ListArray[Any] | None


@dataclass
class _Unknown:
    """The lines with unknown pieces that were looked at, these pieces, and those that end words."""

    lines: int = 0
    pieces: int = 0
    ends: int = 0


class Encoder:
    """Tokenizes blocks of text.

    Args:
        tokenizer: the tokenizer.
        options: how the corpus is made.

    """

    def __init__(self, tokenizer: XLMTokenizer, options: Options) -> None:
        self._pa = import_pyarrow()
        self._original = self._tokenizer = tokenizer
        self._langs: tuple[str, ...] = ()
        self._cached: set[str] = set()
        self._shares = 0
        self._options = options
        self._split = Splitter(options.split)
        self.use(())
        self._eos_id = tokenizer.sep_token_id
        self._unknown_id = tokenizer.unk_token_id
        self._unknown: dict[str, _Unknown] = {}
        self._vocabulary = tokenizer.get_vocab()
        ends_word = [False] * (max(self._vocabulary.values()) + 1)
        for piece, id_ in self._vocabulary.items():
            ends_word[id_] = piece.endswith(END_OF_WORD)
        ends_word[self._unknown_id] = False
        self._ends_word = self._pa.array(ends_word)

    def use(self, langs: tuple[str, ...]) -> None:
        """Prepare for languages: what was cached for others is let go, or it would add up."""
        if langs != self._langs:
            self._langs = langs
            self._cached, self._shares = set(), 0
        # In streams `</s>` stands behind each sentence and nothing in front; pairs are no streams.
        self._streams = self._options.blocks is not None and len(langs) < 2
        self._special = self._options.special_tokens and not self._streams
        self._added = 2 if self._special else 1 if self._streams else 0

    def _make_room(self, lang: str) -> None:
        """Share the caches out anew when there are more languages than shares.

        A column may have any number of languages.  All caches begin anew then, which happens when
        there are 1, 2, 3, 5, 9, 17 … of them.
        """
        self._cached.add(lang)
        if len(self._cached) > self._shares:
            self._shares = 1 << (len(self._cached) - 1).bit_length()
            self._tokenizer = copy.copy(self._original)  # without what that one has cached
            units = _CACHED_WITH_OFFSETS if self._options.offsets else _CACHED_UNITS
            limit = max(_LEAST_CACHED, units // self._shares)
            if limit < self._tokenizer.memory_limit:
                self._tokenizer.memory_limit = limit

    def finish(self, statistics: Statistics) -> None:
        """Add the words that end in unknown pieces; the encoder begins to count anew.

        Their ids do not tell whether they end a word, so some are looked at.
        """
        for lang, seen in self._unknown.items():
            if seen.pieces:
                numbers = statistics[lang]
                numbers.words += round(numbers.unknown * seen.ends / seen.pieces)
        self._unknown = {}

    def encode(
        self, block: Block, langs: tuple[str, ...], file: str, statistics: Statistics
    ) -> list[tuple[int, Table]]:
        """Return the rows of a block for each split, in the order of the text.

        Args:
            block: the texts.
            langs: their language, or the two of pairs; none where the block has them.
            file: what their file is called.
            statistics: what is counted is added here.

        """
        if not block.texts:
            return []
        pa = self._pa
        count = len(block.texts)
        columns: dict[str, Any] = {}
        pieces = []
        for i, (ending, texts) in enumerate((("", block.texts), ("_pair", block.pairs))):
            if texts:
                found = self._side(
                    texts, langs[i] if langs else block.langs, block, file, statistics
                )
                columns[f"{IDS}{ending}"] = found.ids
                if found.offsets is not None:
                    columns[f"offsets{ending}"] = found.offsets
                columns[f"lang{ending}"] = (
                    pa.repeat(pa.scalar(langs[i]), count)
                    if langs
                    else pa.array(block.langs, pa.string())
                )
                pieces.append(found.pieces)
        columns["file"] = pa.repeat(pa.scalar(file), count)
        columns["line"] = pa.array(block.numbers, pa.int64())
        columns["document"] = pa.array(block.documents, pa.int64())
        return self._parts(pa.table(columns), block.texts, pieces)

    def _parts(
        self, table: Table, texts: Sequence[str], pieces: Sequence[Array[Any]]
    ) -> list[tuple[int, Table]]:
        """Leave out rows without pieces, and part the others by their splits."""
        pc = self._pa.compute
        splits: Any = None
        if len(self._split.names) > 1:
            splits = self._pa.array(list(map(self._split, texts)), self._pa.int8())
        if any(pc.min(counted).as_py() == 0 for counted in pieces):
            keep = pc.greater(pc.min_element_wise(*pieces), 0)
            table = table.filter(keep)
            splits = None if splits is None else splits.filter(keep)
        if splits is None:
            return [(0, table)]
        numbers = range(len(self._split.names))
        return [(number, table.filter(pc.equal(splits, number))) for number in numbers]

    def _side(
        self,
        texts: Sequence[str],
        langs: str | Sequence[str],
        block: Block,
        file: str,
        statistics: Statistics,
    ) -> _Side:
        """Tokenize one side of a block."""
        if isinstance(langs, str):
            return self._language(texts, langs, block.numbers, file, statistics)
        sides, order = [], []
        for lang in dict.fromkeys(langs):
            members = [i for i, code in enumerate(langs) if code == lang]
            some = [texts[i] for i in members]
            lines = [block.numbers[i] for i in members]
            sides.append(self._language(some, lang, lines, file, statistics))
            order += members
        back = self._pa.compute.sort_indices(self._pa.array(order))
        columns = [
            None if None in columns else self._pa.concat_arrays(columns).take(back)
            for columns in zip(*sides, strict=True)
        ]
        return _Side(*columns)

    def _language(
        self,
        texts: Sequence[str],
        lang: str,
        lines: Sequence[int],
        file: str,
        statistics: Statistics,
    ) -> _Side:
        """Tokenize texts of one language, and count."""
        pa, pc = self._pa, self._pa.compute
        self._make_room(lang)
        ids, offsets = self._tokenize(texts, lang)
        column = pa.array(ids, pa.list_(pa.int32()))
        flat = column.flatten()
        pieces = pc.subtract(column.value_lengths(), self._added)
        numbers = statistics.setdefault(lang, LanguageStatistics())
        numbers.pieces += pc.sum(pieces).as_py()
        numbers.words += pc.sum(self._ends_word.take(flat)).as_py() or 0
        for counted in pieces.value_counts().to_pylist():
            numbers.lengths[counted["values"]] += counted["counts"]
        without = numbers.lengths.pop(0, 0)
        numbers.empty += without
        numbers.texts += len(texts) - without
        if unknown := pc.sum(pc.equal(flat, self._unknown_id)).as_py():
            numbers.unknown += unknown
            self._look_at_unknown(ids, texts, lang, lines, file, numbers)
        limit = self._options.max_length
        if limit is not None and pc.max(column.value_lengths()).as_py() > limit:
            numbers.cut += self._cut(ids, offsets, limit)
            column = pa.array(ids, pa.list_(pa.int32()))
        if self._options.offsets:
            span = pa.list_(pa.int32(), 2)
            return _Side(column, pieces, pa.array(offsets, pa.list_(span)))
        return _Side(column, pieces, None)

    def _tokenize(
        self, texts: Sequence[str], lang: str
    ) -> tuple[list[list[int]], list[list[tuple[int, int]]]]:
        """Return the ids of texts, with special tokens or ``</s>``, and offsets if wanted."""
        if not self._options.offsets:
            rows = self._tokenizer.batch_encode(texts, self._special, lang=lang)
            if self._streams:
                rows = [[*row, self._eos_id] for row in rows]
            return rows, []
        batch = self._tokenizer(
            texts,
            add_special_tokens=self._special,
            return_attention_mask=False,
            return_langs=False,
            return_offsets_mapping=True,
            lang=lang,
        )
        return batch["input_ids"], batch["offset_mapping"]

    def _cut(self, ids: list[list[int]], offsets: list[list[tuple[int, int]]], limit: int) -> int:
        """Cut rows to the maximum length, the last special token kept; return how many."""
        last = 1 if self._added else 0
        cut = [i for i, row in enumerate(ids) if len(row) > limit]
        for i in cut:
            for rows in (ids, offsets) if offsets else (ids,):
                row: list[Any] = rows[i]
                rows[i] = [*row[: limit - last], *row[len(row) - last :]]
        return len(cut)

    def _look_at_unknown(
        self,
        ids: Sequence[Sequence[int]],
        texts: Sequence[str],
        lang: str,
        lines: Sequence[int],
        file: str,
        numbers: LanguageStatistics,
    ) -> None:
        """Look at the first lines with unknown pieces: what these are, and how many end words."""
        seen = self._unknown.setdefault(lang, _Unknown())
        for row, text, line in zip(ids, texts, lines, strict=True):
            if self._unknown_id not in row:
                continue
            seen.lines += 1
            if seen.lines > _UNKNOWN_LINES:
                return
            pieces = self._tokenizer.tokenize(text, lang=lang)
            unknown = [piece for piece in pieces if piece not in self._vocabulary]
            seen.pieces += len(unknown)
            seen.ends += sum(piece.endswith(END_OF_WORD) for piece in unknown)
            if len(numbers.examples) < MOST_EXAMPLES:
                shown = tuple(piece.removesuffix(END_OF_WORD) for piece in dict.fromkeys(unknown))
                excerpt = text[:EXAMPLE_CHARACTERS]
                numbers.examples.append(Example(file, line, excerpt, shown[:MOST_EXAMPLES]))
