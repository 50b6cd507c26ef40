"""Vocabularies and merges: reading, checking and writing them, in two formats.

*Published* is the layout of the checkpoints on the hub: ``vocab.json`` maps each piece to its id
and ``merges.txt`` has a merge on each line.  *Original* is that of the XLM repository (fastBPE):
a vocabulary file with a word and its count on each line, words that go on marked by a final
``@@``, and a codes file that is the published ``merges.txt``.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xlm_text.errors import InputError
from xlm_text.subwords import END_OF_WORD, Merge

VOCAB_FILE = "vocab.json"
MERGES_FILE = "merges.txt"

# The first ids of every XLM vocabulary, in this order.
CONTROL_TOKENS = ("<s>", "</s>", "<pad>", "<unk>")
SPECIAL_TOKENS = tuple(f"<special{i}>" for i in range(10))
_CONTINUES = "@@"


@dataclass(frozen=True)
class Vocabulary:
    """The pieces with their ids, and the merges, the first one first.

    Attributes:
        ids: the id of each piece, from 0 without gaps; a piece that ends a word ends in ``</w>``.
        merges: the fields of each line of the merges file.

    """

    ids: dict[str, int]
    merges: list[Merge]

    @classmethod
    def from_files(cls, vocab_file: str | Path, merges_file: str | Path) -> Vocabulary:
        """Read the published format.

        Raises:
            InputError: a file is missing or cannot be read as what it should be; ids have gaps
                or are used twice.

        """
        return cls(_read_ids(Path(vocab_file)), read_merges(merges_file))

    @classmethod
    def from_original(
        cls, codes_file: str | Path, vocab_file: str | Path, max_vocab: int | None = None
    ) -> Vocabulary:
        """Read the original format, as the published files were made from it.

        A line of the vocabulary that holds U+2028, does not have exactly two fields, or repeats a
        word has no id.  ``max_vocab`` cuts the list, the fourteen special words included, to the
        size of the checkpoint.
        """
        if max_vocab is not None and max_vocab < 1:
            raise InputError(f"must be at least 1, not {max_vocab}", argument="max_vocab")
        words: dict[str, None] = dict.fromkeys(CONTROL_TOKENS + SPECIAL_TOKENS)
        for line in _read_text(Path(vocab_file), newline="").split("\n"):
            fields = line.split()
            if "\u2028" not in line and len(fields) == 2:
                words.setdefault(fields[0])
        ids: dict[str, int] = {}
        for id_, word in enumerate(list(words)[:max_vocab]):
            piece = word if word in _RESERVED else _published_piece(word)
            if ids.setdefault(piece, id_) != id_:
                raise InputError(f"{vocab_file}: the words {word!r} and {piece!r} are one piece")
        return cls(ids, read_merges(codes_file))

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
            InputError: the first ids are not the fourteen special words in their usual order,
                which the original format cannot say.

        """
        pieces = sorted(self.ids, key=self.ids.__getitem__)
        if tuple(pieces[: len(_RESERVED)]) != tuple(_RESERVED):
            raise InputError(
                "the original format begins with the special words "
                f"{list(_RESERVED)}, but this vocabulary begins with {pieces[: len(_RESERVED)]}"
            )
        pieces = pieces[len(_RESERVED) :]
        words = [
            piece.removesuffix(END_OF_WORD) if piece.endswith(END_OF_WORD) else piece + _CONTINUES
            for piece in pieces
        ]
        unwritable = [word for word in words if word.split() != [word]]
        if unwritable:
            raise InputError(
                f"the original format cannot hold the pieces {unwritable[:5]}: "
                "a word there is not empty and has no white space in it"
            )
        counted = zip(words, range(len(words), 0, -1), strict=True)
        write_text(Path(vocab_file), "".join(f"{word} {count}\n" for word, count in counted))
        write_text(Path(codes_file), _merge_lines(self.merges))

    def require(self, tokens: Iterable[str]) -> None:
        """Raise :class:`InputError` unless every one of ``tokens`` has an id."""
        missing = [token for token in tokens if token not in self.ids]
        if missing:
            raise InputError(
                f"the vocabulary has no entry for the special tokens {missing}: "
                "is it an XLM vocabulary?"
            )


_PUBLISHED_NAMES = (VOCAB_FILE, MERGES_FILE)
_RESERVED = dict.fromkeys(CONTROL_TOKENS + SPECIAL_TOKENS)


def _merge_lines(merges: Iterable[Merge]) -> str:
    return "".join(" ".join(merge) + "\n" for merge in merges)


def _published_piece(word: str) -> str:
    return word.removesuffix(_CONTINUES) if word.endswith(_CONTINUES) else word + END_OF_WORD


def read_merges(path: str | Path) -> list[Merge]:
    """Read merges or fastBPE codes: the first two white-space-separated fields of each line.

    Of a line that stands twice only the later one counts, and a last line that does not end is
    no line, both as in the reference.
    """
    lines = _read_text(Path(path)).split("\n")[:-1]
    merges = [tuple(line.split(None, 2)[:2]) for line in lines]
    if len(set(merges)) < len(merges):
        merges = list(dict.fromkeys(reversed(merges)))[::-1]
    return merges


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


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object."""
    try:
        value = json.loads(_read_text(path))
    except json.JSONDecodeError as error:
        raise InputError(
            f"{path}: not JSON (line {error.lineno}, column {error.colno}: {error.msg})"
        ) from None
    except RecursionError:
        raise InputError(f"{path}: JSON nested too deeply") from None
    if not isinstance(value, dict):
        raise InputError(f"{path}: a JSON object was expected, not a {type(value).__name__}")
    return value


def _read_text(path: Path, newline: str | None = None) -> str:
    try:
        with open(path, encoding="utf-8", newline=newline) as file:
            return file.read()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 (byte {error.start}: {error.reason})") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_text(text, encoding="utf-8", newline="\n")
        partial.replace(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from None
    finally:
        partial.unlink(missing_ok=True)
