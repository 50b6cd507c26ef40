"""Texts to columns, by the Rust library; chunks between spaces that were met before are known.

Why a cut at spaces is safe: no stage before the model looks beyond one grapheme (a letter with what
is written on it), and the model sees what is between white space alone.  So the pieces of a chunk
are always the same, unless a space beside it is part of a grapheme.  Whether it is, is asked of the
library itself: the chunk between two spaces must become what it becomes alone.  Texts with added
tokens in them always go to the library as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from tokenizers import Tokenizer

from xlm_text.analysis.added_tokens import AddedTokens
from xlm_text.analysis.columns import Columns, Detail
from xlm_text.analysis.texts import Text, check_texts
from xlm_text.unigram.vocabulary import Stages, UnigramVocabulary

# Texts are worked on in blocks, so that what is in the making does not grow with the batch.
_BLOCK = 1024
# Longer chunks hardly repeat.
_LONGEST_CHUNK = 32


class UnigramCutter:
    """Cuts texts into the pieces of a Unigram vocabulary.

    Args:
        vocabulary: the pieces.
        stages: what prepares a text for them.
        added: the tokens that are never cut.
        split: whether special tokens in a text are text like any other; other added tokens are
            not, as in the reference.
        limit: how many chunks are cached at most; all go when it is reached.

    Attributes:
        rust: the library's own tokenizer.

    """

    def __init__(
        self,
        vocabulary: UnigramVocabulary,
        stages: Stages,
        added: AddedTokens,
        split: bool,
        limit: int,
    ) -> None:
        self.rust = rust_tokenizer(vocabulary, stages, added)
        self.rust.encode_special_tokens = split
        self._added = added
        self._normalizer = stages.normalizer
        self._limit = limit
        # Other stages may look across spaces, and some added tokens are looked for in the text as
        # the normalizer leaves it.
        normalized = any(token.normalized for token in added.by_id().values())
        self._has_chunks = vocabulary.stages is None and not normalized
        self._known: dict[str, tuple[int, ...]] = {}

    def columns(self, texts: Sequence[Text], detail: Detail = Detail.IDS) -> Columns:
        """Return the pieces of texts; the spans of a text of words count from each word.

        Raises:
            InputError: a text is not valid Unicode; with its number.

        """
        columns = Columns.empty()
        for start in range(0, len(texts), _BLOCK):
            block = texts[start : start + _BLOCK]
            strings = [text if isinstance(text, str) else "".join(text) for text in block]
            check_texts(strings, start)
            columns.extend(self._block(block, strings, detail))
        return columns

    def _block(self, block: Sequence[Text], strings: list[str], detail: Detail) -> Columns:
        cut = [i for i, text in enumerate(block) if not isinstance(text, str)]
        if not cut:
            return self._whole(strings, detail)
        columns = Columns.empty(len(block))
        columns.put(cut, self._encode([block[i] for i in cut], detail, words=True))
        whole = [i for i, text in enumerate(block) if isinstance(text, str)]
        columns.put(whole, self._whole([strings[i] for i in whole], detail))
        return columns

    def _whole(self, texts: list[str], detail: Detail) -> Columns:
        if detail is not Detail.IDS or not self._has_chunks:
            return self._encode(texts, detail)
        columns = Columns.empty(len(texts))
        columns.ids = self._ids(texts)
        return columns

    def _encode(self, texts: Sequence[Text], detail: Detail, words: bool = False) -> Columns:
        """Have the library cut texts, or with ``words`` texts that are lists of them."""
        encode = self.rust.encode_batch_fast if detail is Detail.IDS else self.rust.encode_batch
        encodings = encode(texts, is_pretokenized=words, add_special_tokens=False)
        columns = Columns.empty(len(texts))
        columns.ids = [encoding.ids for encoding in encodings]
        if detail >= Detail.SPANS:
            columns.spans = [encoding.offsets for encoding in encodings]
        if detail >= Detail.TOKENS:
            columns.tokens = [encoding.tokens for encoding in encodings]
            columns.words = [encoding.word_ids for encoding in encodings]
        return columns

    # Known chunks -------------------------------------------------------------------------

    def _ids(self, texts: list[str]) -> list[list[int]]:
        rows: list[list[int]] = [[]] * len(texts)
        holders = self._added.holders(texts)
        late = sorted(holders)
        known, flat = self._known.__getitem__, chain.from_iterable
        for i, text in enumerate(texts):
            if i in holders:
                continue
            try:
                rows[i] = [*flat(map(known, text.split(" ")))]
            except KeyError:
                late.append(i)
        if late:
            self._look_up_late(texts, rows, late, holders)
        return rows

    def _look_up_late(
        self, texts: list[str], rows: list[list[int]], late: list[int], holders: set[int]
    ) -> None:
        """Fill in the rows of texts that have chunks which are not known."""
        chunks = {i: texts[i].split(" ") for i in late if i not in holders}
        found = self._learn(set(chain.from_iterable(chunks.values())))
        whole = []
        for i in late:
            try:
                rows[i] = [*chain.from_iterable(map(found.__getitem__, chunks[i]))]
            except KeyError:
                whole.append(i)
        ids = self._encode([texts[i] for i in whole], Detail.IDS).ids if whole else []
        for i, row in zip(whole, ids, strict=True):
            rows[i] = row

    def _learn(self, chunks: set[str]) -> dict[str, tuple[int, ...]]:
        """Return the ids of those chunks that nothing beside them can change."""
        known = self._known
        found = {chunk: known[chunk] for chunk in chunks & known.keys()}
        new = self._alone([c for c in chunks - found.keys() if len(c) <= _LONGEST_CHUNK])
        if new:
            ids = self._encode(new, Detail.IDS).ids
            computed = dict(zip(new, map(tuple, ids), strict=True))
            found |= computed
            if len(known) + len(computed) > self._limit:
                known = self._known = {}
            if len(computed) <= self._limit:
                known.update(computed)
        return found

    def _alone(self, chunks: list[str]) -> list[str]:
        """Return those that become the same whatever is behind the spaces around them."""
        if self._normalizer is None:
            return chunks
        normalize = self._normalizer.normalize_str
        # In ASCII no grapheme has a space in it.
        normal = {chunk: normalize(chunk) for chunk in chunks if not chunk.isascii()}
        letter = normalize("a")

        def apart(some: Iterable[str]) -> bool:
            between: bool = normalize(" a ".join(["", *some, ""])) == f" {letter} ".join(
                ["", *map(normal.__getitem__, some), ""]
            )
            return between

        # Nearly always all of them.
        if apart(normal):
            return chunks
        return [chunk for chunk in chunks if chunk not in normal or apart([chunk])]


def rust_tokenizer(vocabulary: UnigramVocabulary, stages: Stages, added: AddedTokens) -> Any:
    """Make the library's own tokenizer, without special tokens around a text."""
    rust = Tokenizer(vocabulary.model)
    for name, stage in stages._asdict().items():
        if stage is not None:
            setattr(rust, name, stage)
    rust.add_tokens(list(added.by_id().values()))
    return rust
