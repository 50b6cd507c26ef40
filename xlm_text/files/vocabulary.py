"""Vocabularies and merges: reading, checking and writing them, in two formats.

*Published* is the layout of the checkpoints on the hub: ``vocab.json`` maps each piece to its id
and ``merges.txt`` has a merge on each line.  *Original* is that of the XLM repository, which
:mod:`xlm_text.files.fastbpe` knows line by line; its codes file is the published ``merges.txt``.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from xlm_text.bpe.subwords import Merge
from xlm_text.collector import paused
from xlm_text.errors import InputError
from xlm_text.files.fastbpe import (
    CONTROL_TOKENS,
    RESERVED,
    SPECIAL_TOKENS,
    codes_to_merges,
    original_word,
    parse_merges,
    word_lines,
    words_to_ids,
)
from xlm_text.files.folders import MERGES_FILE, VOCAB_FILE
from xlm_text.files.text_files import read_json, read_text, write_text
from xlm_text.files.vocabulary_cache import read_cached

__all__ = ["CONTROL_TOKENS", "MERGES_FILE", "SPECIAL_TOKENS", "VOCAB_FILE", "Vocabulary"]

_PUBLISHED_NAMES = (VOCAB_FILE, MERGES_FILE)


@dataclass(frozen=True)
class Vocabulary:
    """The pieces with their ids, and the merges, the first one first.

    Attributes:
        ids: the id of each piece, from 0 without gaps; a piece that ends a word ends in ``</w>``.
        merges: the fields of each line of the merges file.
        key: a digest of the files that it was read from, if they are large.

    """

    ids: dict[str, int]
    merges: list[Merge]
    # No argument: a copy that was changed must not have it.
    key: str | None = field(default=None, init=False, compare=False, repr=False)

    @classmethod
    def from_files(cls, vocab_file: str | Path, merges_file: str | Path) -> Vocabulary:
        """Read the published format.

        Raises:
            InputError: a file is missing or cannot be read as what it should be; ids have gaps
                or are used twice.

        """
        files = Path(vocab_file), Path(merges_file)
        with paused():
            ids, merges, key = read_cached(
                files, lambda: (_read_ids(files[0]), read_merges(files[1]))
            )
        vocabulary = cls(ids, merges)
        object.__setattr__(vocabulary, "key", key)
        return vocabulary

    @classmethod
    def from_original(
        cls, codes_file: str | Path, vocab_file: str | Path, max_vocab: int | None = None
    ) -> Vocabulary:
        """Read the original format, as the published files were made from it.

        A line of the vocabulary that holds U+2028, does not have exactly two fields, or repeats a
        word has no id.  The last line of either file counts whether or not a line feed ends it, as
        for fastBPE.

        Args:
            codes_file: the merges, with or without their counts.
            vocab_file: the words with their counts.
            max_vocab: cuts the list, the fourteen special words included, to the size of the
                checkpoint.

        Raises:
            InputError: a file cannot be read, or is not what it should be.

        """
        if max_vocab is not None and max_vocab < 1:
            raise InputError(f"must be at least 1, not {max_vocab}", argument="max_vocab")
        words = _lines(read_text(Path(vocab_file), newline=""))
        codes = _lines(read_text(Path(codes_file)))
        ids = words_to_ids(words, str(vocab_file), max_vocab)
        return cls(ids, codes_to_merges(codes, str(codes_file)))

    def __len__(self) -> int:
        return len(self.ids)

    def in_order(self) -> list[str]:
        """Return the pieces in the order of their ids."""
        return sorted(self.ids, key=self.ids.__getitem__)

    def save(self, folder: str | Path, prefix: str | None = None) -> tuple[str, str]:
        """Write ``vocab.json`` and ``merges.txt`` into a folder; return their paths."""
        names = [Path(folder, (prefix + "-" if prefix else "") + n) for n in _PUBLISHED_NAMES]
        write_text(names[0], json.dumps(self.ids, ensure_ascii=False, indent=2) + "\n")
        write_text(names[1], _merge_lines(self.merges))
        return str(names[0]), str(names[1])

    def save_original(self, codes_file: str | Path, vocab_file: str | Path) -> None:
        """Write the original format.

        The counts are gone: the codes are written without, and in the vocabulary, where every
        line needs one, ranks from the end stand for them.

        Raises:
            InputError: the files would not give the same ids and merges when they are read again:
                the first ids are not the fourteen special words in their usual order, or a piece
                or merge cannot be written there.

        """
        pieces = self.in_order()
        if tuple(pieces[: len(RESERVED)]) != tuple(RESERVED):
            raise InputError(
                "the original format begins with the special words "
                f"{list(RESERVED)}, but this vocabulary begins with {pieces[: len(RESERVED)]}"
            )
        words = "".join(f"{line}\n" for line in word_lines(pieces[len(RESERVED) :]))
        codes = _merge_lines(self.merges)
        self._check_reading_back(pieces, words, codes)
        write_text(Path(vocab_file), words)
        write_text(Path(codes_file), codes)

    def _check_reading_back(self, pieces: list[str], words: str, codes: str) -> None:
        """Raise :class:`InputError` unless original files give this very vocabulary again."""
        unwritable = [piece for piece in pieces if len(original_word(piece).split()) != 1]
        if unwritable:
            raise InputError(
                f"the original format cannot hold the pieces {unwritable[:5]}: "
                "a word there is not empty and has no white space in it"
            )
        ids = words_to_ids(_lines(words), "the vocabulary in the original format")
        if ids != self.ids:
            piece = next(piece for piece in pieces if ids.get(piece) != self.ids[piece])
            raise InputError(
                f"the original format cannot hold the piece {piece!r}: it would be read as a "
                "special word or as another piece, and the ids behind it would change"
            )
        merges = codes_to_merges(_lines(codes), "the codes in the original format")
        if merges != self.merges:
            raise InputError(
                "the original format cannot hold the merges of this vocabulary: one of them is "
                "there twice, has white space in it, or is not of two pieces"
            )

    def require(self, tokens: Iterable[str]) -> None:
        """Raise :class:`InputError` unless every one of ``tokens`` has an id."""
        missing = [token for token in tokens if token not in self.ids]
        if missing:
            raise InputError(
                f"the vocabulary has no entry for the special tokens {missing}: "
                "is it an XLM vocabulary?"
            )


def _lines(text: str) -> list[str]:
    """Return the lines of a text; nothing behind the last line feed is no line."""
    lines = text.split("\n")
    return lines if lines[-1] else lines[:-1]


def _merge_lines(merges: Iterable[Merge]) -> str:
    return "".join(" ".join(merge) + "\n" for merge in merges)


def read_merges(path: str | Path) -> list[Merge]:
    """Read the published merges: the first two white-space-separated fields of each line.

    Of a line that stands twice only the later one counts, and a last line that no line feed ends is
    left out, both as in the reference.
    """
    return parse_merges(read_text(Path(path)).split("\n")[:-1])


def _read_ids(path: Path) -> dict[str, int]:
    ids = read_json(path)
    values = set(ids.values())
    if not ids or set(map(type, values)) != {int}:
        raise InputError(f"{path}: a vocabulary maps each piece to its id, a whole number")
    try:
        "".join(ids).encode()
    except UnicodeEncodeError:
        piece = next(piece for piece in ids if not piece.isascii() and "\\ud" in ascii(piece))
        raise InputError(f"{path}: the piece {piece!r} is not valid Unicode") from None
    if len(values) < len(ids):
        counts = Counter(ids.values())
        twice = next(id_ for id_ in ids.values() if counts[id_] > 1)
        raise InputError(f"{path}: the id {twice} is given to more than one piece")
    if min(values) != 0 or max(values) != len(ids) - 1:
        gap = next(id_ for id_ in range(len(ids) + 1) if id_ not in values)
        raise InputError(
            f"{path}: ids must go from 0 on without gaps, but {gap} is missing "
            "(perhaps a piece stands there twice)"
        )
    return ids
