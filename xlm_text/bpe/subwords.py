"""Byte-pair encoding: from words to pieces, by the Rust BPE of Hugging Face ``tokenizers``.

Two things in XLM's codes do not fit that implementation as they are, and are met here:

- Merges build pieces that are not in the vocabulary.  Such a piece can still be merged further,
  and is unknown only if it remains at the end.  The Rust BPE merges by id, so each of these
  pieces gets an id of its own, past the end of the vocabulary, which no caller ever sees.
- The Rust BPE applies the best merge at one place and looks again; XLM's applies it at every
  place of the word first.  The two differ only if a merge can make a piece that an *earlier*
  merge wants, which merges learnt in one go never do; where a file has such merges, words in
  which two neighbouring characters occur twice take the slow way.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import chain, count, pairwise, repeat, starmap
from operator import add, attrgetter, le
from typing import Any, NamedTuple

from tokenizers.models import BPE

from xlm_text.collector import paused
from xlm_text.files.disk_cache import cached, digest

END_OF_WORD = "</w>"

Merge = tuple[str, ...]

_id_of = attrgetter("id")

# So many characters are merged in Python first: building the Rust model takes as long as merging a
# few thousand words, and whoever tokenizes a sentence should not wait for it.
_FEW_CHARACTERS = 2000
# What is to be known of so many merges is found out sooner than read.
_FEW_MERGES = 10_000


class _Facts(NamedTuple):
    """What takes a while to find out about merges.

    Attributes:
        beyond: the pieces that are not in the vocabulary.
        order_matters: whether a merge makes a piece that an earlier one takes.

    """

    beyond: list[str]
    order_matters: bool


class Subwords:
    """Cuts words into pieces.

    Args:
        vocab: the id of each piece, from 0 without gaps.
        merges: the pairs of pieces to merge, the first one first.  Entries that are not pairs
            are kept in their files but never match; of a repeated pair the last one counts, as
            in the reference.
        unk_token: what the Rust model says for an unknown piece; never a piece of a word.
        key: a digest that stands for the vocabulary and the merges, if there is one.

    """

    def __init__(
        self,
        vocab: dict[str, int],
        merges: Sequence[Merge],
        unk_token: str,
        key: str | None = None,
    ) -> None:
        self._vocab = vocab
        self._merges = [merge for merge in merges if len(merge) == 2]
        # Where there is a digest the merges were read from a file, and none is there twice.
        if key is None and len(set(self._merges)) < len(self._merges):
            self._merges = list(dict.fromkeys(reversed(self._merges)))[::-1]
        self._unk_token = unk_token
        self._key = key
        self._few = _FEW_CHARACTERS

    def __getstate__(self) -> dict[str, Any]:
        # Only what it was given: a pickle is the same whether or not it was used.
        given = ("_vocab", "_merges", "_unk_token", "_key")
        return {name: self.__dict__[name] for name in given} | {"_few": _FEW_CHARACTERS}

    @cached_property
    def _ranks(self) -> dict[Merge, int]:
        return dict(zip(self._merges, count(), strict=False))

    @cached_property
    @paused()
    def _bpe(self) -> BPE:
        """The bare Rust model, which is quicker to call for each word than a pipeline of it."""
        beyond = self._facts.beyond
        return BPE(
            vocab={**self._vocab, **dict(zip(beyond, count(len(self._vocab)), strict=False))},
            merges=self._merges,
            unk_token=self._unk_token,
            end_of_word_suffix=END_OF_WORD,
            # Callers have a better cache: with a Python object for each word.
            cache_capacity=0,
        )

    @cached_property
    def piece_lengths(self) -> dict[int, int]:
        """How many characters the piece of each id has, those of the end of a word included."""
        return dict(zip(self._vocab.values(), map(len, self._vocab), strict=True))

    @cached_property
    def _facts(self) -> _Facts:
        if len(self._merges) < _FEW_MERGES:
            return self._find_facts()
        if self._key is None:
            merges = chain.from_iterable(self._merges)
            key = digest(chain([self._unk_token, str(len(self._vocab))], self._vocab, merges))
        else:
            sizes = map(str, (len(self._vocab), len(self._merges)))
            key = digest([self._unk_token, self._key, *sizes])
        return _Facts(*cached("merges-1", key, self._find_facts))

    def _find_facts(self) -> _Facts:
        pieces = set(chain.from_iterable(self._merges)).union(starmap(add, self._merges))
        beyond = sorted({*pieces, self._unk_token}.difference(self._vocab))
        return _Facts(beyond, _makes_earlier_pieces(self._merges))

    def split(self, words: Sequence[str]) -> list[list[str]]:
        """Return the pieces of each word; the last piece of a word ends in ``</w>``.

        >>> vocab = {"<unk>": 0, "a": 1, "b</w>": 2, "ab</w>": 3}
        >>> Subwords(vocab, [("a", "b</w>")], "<unk>").split(["ab", "xaab"])
        [['ab</w>'], ['x', 'a', 'ab</w>']]
        """
        if self._few >= 0:
            self._few -= sum(map(len, words))
        split = []
        for word in words:
            if self._few >= 0 or self._order_counts(word):
                pieces = self._merge_everywhere(word)
            else:
                pieces = [token.value for token in self._bpe.tokenize(word)]
                if self._unk_token in pieces:
                    pieces = self._spell_unknown(word)
            split.append(self._read_back(pieces) if self.falls_apart(word) else pieces)
        return split

    @staticmethod
    def falls_apart(word: str) -> bool:
        """Tell whether the pieces of a word may be others than they were merged to be."""
        return " " in word

    @staticmethod
    def _read_back(pieces: list[str]) -> list[str]:
        """Return what becomes of such pieces.

        The reference joins the pieces of a word with spaces and splits at spaces again.
        """
        return " ".join(pieces).split(" ")

    def ids(self, words: Sequence[str]) -> list[tuple[int, ...] | None]:
        """Return the ids of each word's pieces; ``None`` if not all of them have an id."""
        if self._few > 0:
            if sum(map(len, words)) <= self._few:
                return [None] * len(words)
            self._few = -1
        tokenize = self._bpe.tokenize
        unk, size = self._vocab.get(self._unk_token), len(self._vocab)
        rows: list[tuple[int, ...] | None]
        rows = [tuple(map(_id_of, tokenize(word))) for word in words]
        # Text with nothing unknown is the rule, and all of it is looked through at once.
        flat = list(chain.from_iterable(rows))  # type: ignore[arg-type]
        special = self._facts.order_matters or self.falls_apart("".join(words))
        if flat and (max(flat) >= size or unk in flat or special):
            for i, word in enumerate(words):
                known = max(rows[i]) < size and unk not in rows[i]  # type: ignore[arg-type, operator]
                if not known or self.falls_apart(word) or self._order_counts(word):
                    rows[i] = None
        return rows

    def _order_counts(self, word: str) -> bool:
        return self._facts.order_matters and len(set(pairwise(word))) < len(word) - 1

    def _spell_unknown(self, word: str) -> list[str]:
        """Return the pieces with their characters in the place of unknown ones."""
        # The offsets of the bare model count bytes.
        data = word.encode()
        spans = [token.offsets for token in self._bpe.tokenize(word)]
        pieces = [data[start:end].decode() for start, end in spans]
        pieces[-1] += END_OF_WORD
        return pieces

    def _merge_everywhere(self, word: str) -> list[str]:
        pieces = [*word[:-1], word[-1] + END_OF_WORD]
        last = len(self._ranks)
        while len(pieces) > 1:
            pairs = list(pairwise(pieces))
            best = min(pairs, key=lambda pair: self._ranks.get(pair, last))
            if best not in self._ranks:
                break
            merged: list[str] = []
            for piece in pieces:
                if merged and (merged[-1], piece) == best:
                    # The pair is complete: its result must not pair up with the next piece.
                    merged[-1:] = [best[0] + best[1], ""]
                else:
                    merged.append(piece)
            pieces = [piece for piece in merged if piece]
        return pieces


def _makes_earlier_pieces(merges: Sequence[Merge]) -> bool:
    """Tell whether a merge makes a piece that a merge before it, or it itself, takes."""
    last = len(merges)
    results = list(starmap(add, merges))
    for side in (0, 1):
        # The earliest merge that takes a piece: from the end, so that it is the one that stays.
        taken = ((merges[rank][side], rank) for rank in reversed(range(last)))
        earliest = dict(taken)
        if any(map(le, map(earliest.get, results, repeat(last)), range(last))):
            return True
    return False
