"""The rows of a corpus, mapped into memory: any of them, in any order, in any process.

A corpus of flat files is mapped as it lies there. One in Parquet is turned into flat files first,
once for each run: rows are drawn from all of it, which compressed files do not allow.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xlm_model.pretraining.objectives import Row
from xlm_text.corpora import Corpus
from xlm_text.corpora.files import is_remote
from xlm_text.corpora.sources import MIXED
from xlm_text.errors import InputError
from xlm_text.files.folders import whole_file

_SIDES = ("input_ids", "input_ids_pair")


class _Mapped:
    """Rows of ids in a flat file; opened again where it is unpickled.

    Args:
        file: The ids, one row behind the other.
        dtype: Their type in the file.
    """

    def __init__(self, file: Path, dtype: str) -> None:
        self._arguments = (file, dtype)
        self.borders: NDArray[np.int64] = np.fromfile(file.with_suffix(".idx"), "<u8").astype(
            np.int64
        )
        # An empty file cannot be mapped.
        size = int(self.borders[-1])
        self.ids = np.memmap(file, dtype, "r", shape=(size,)) if size else np.zeros(0, dtype)

    def __reduce__(self) -> tuple[type[_Mapped], tuple[Path, str]]:
        return _Mapped, self._arguments

    def __len__(self) -> int:
        return len(self.borders) - 1


class _Side:
    """The rows of one language in all shards, with or without their special tokens.

    Args:
        parts: The shards.
        stripped: Ids to leave out at the front and at the end of each row.
    """

    def __init__(self, parts: Sequence[_Mapped], stripped: Sequence[int] = ()) -> None:
        self._parts = parts
        self._firsts = np.cumsum([0, *map(len, parts)])
        starts, ends = [], []
        for part in parts:
            start, end = part.borders[:-1].copy(), part.borders[1:].copy()
            if stripped and len(part.ids):
                last = len(part.ids) - 1
                start += np.isin(part.ids[np.minimum(start, last)], stripped) & (start < end)
                end -= np.isin(part.ids[np.maximum(end - 1, 0)], stripped) & (start < end)
            starts.append(start)
            ends.append(end)
        self._starts, self._ends = np.concatenate(starts), np.concatenate(ends)
        self.lengths: NDArray[np.int64] = self._ends - self._starts

    def __getitem__(self, row: int) -> NDArray[np.integer]:
        part = int(np.searchsorted(self._firsts, row, side="right")) - 1
        ids: NDArray[np.integer] = self._parts[part].ids[self._starts[row] : self._ends[row]]
        return ids

    def count(self, size: int) -> NDArray[np.int64]:
        """Return how often each id below `size` occurs."""
        counts = np.zeros(size, np.int64)
        step = 1 << 24  # a memory map is read in parts
        for part in self._parts:
            for at in range(0, len(part.ids), step):
                counts += np.bincount(part.ids[at : at + step], minlength=size)[:size]
        return counts


class Rows:
    """The rows of a language, or the pairs of two, that can be used.

    Attributes:
        label: Such as "en", or "en-fr".
        lengths: Tokens of each row; of a pair, of both texts. Shape `(rows,)`.
        too_long: How many pairs were left out as too long.
    """

    def __init__(self, label: str, sides: Sequence[_Side], max_length: int | None = None) -> None:
        self.label = label
        self._sides = sides
        each = np.stack([side.lengths for side in sides])
        is_short = (each <= (each.max(initial=0) if max_length is None else max_length)).all(0)
        self._used = np.flatnonzero((each > 0).all(0) & is_short)
        self.too_long = int((~is_short).sum())
        self.lengths: NDArray[np.int64] = each.sum(0)[self._used]

    def __len__(self) -> int:
        return len(self._used)

    def __getitem__(self, number: int) -> Row:
        row = self._used[number]
        return tuple(side[row] for side in self._sides)

    def count(self, size: int) -> NDArray[np.int64]:
        """Return how often each id below `size` occurs in them."""
        return sum((side.count(size) for side in self._sides), np.zeros(size, np.int64))


def open_rows(
    corpus: Corpus,
    split: str,
    label: str,
    folder: Path,
    *,
    vocab_size: int,
    stripped: Sequence[int] = (),
    max_length: int | None = None,
) -> Rows:
    """Open the rows of a language, or the pairs of two.

    Args:
        corpus: What `xlm-tok prepare` made.
        split: Such as "train".
        label: A language, or two with a hyphen between.
        folder: Where flat files are made, if the corpus has none.
        vocab_size: Entries of the corpus' vocabulary.
        stripped: Ids that are left out at the front and at the end of each row.
        max_length: Leave out pairs of which a text has more tokens than this, without special
            tokens.

    Raises:
        InputError: the corpus has none of these.
    """
    langs = label.split("-")
    if corpus.manifest["options"]["format"] == "bin":
        parts = [_flat_files(corpus, split, label, lang, vocab_size) for lang in langs]
    else:
        parts = [[side] for side in _from_parquet(corpus, split, label, len(langs), folder)]
    sides = [_Side(side, stripped) for side in parts]
    return Rows(label, sides, max_length if len(langs) == 2 else None)


def labels_of(corpus: Corpus, split: str) -> list[str]:
    """Return the languages and pairs that a split has rows of; "mixed" for rows of several."""
    found = (s["name"].split("/") for s in corpus.manifest["shards"] if s["split"] == split)
    return list(dict.fromkeys(parts[1] for parts in found))


def _flat_files(
    corpus: Corpus, split: str, label: str, lang: str, vocab_size: int
) -> list[_Mapped]:
    if is_remote(corpus.folder):
        raise InputError(
            f"{corpus.folder}: has flat files, which are mapped into memory: expected them in a "
            "folder of this machine"
        )
    folders = (label,) if "-" in label else (label, MIXED)
    found = [
        path
        for path in map(Path, corpus.files(split))
        if path.parent.name in folders and path.name.endswith(f".{lang}.bin")
    ]
    if not found:
        raise InputError(
            f"no texts of {label!r} in {split}: there are {', '.join(labels_of(corpus, split))}"
        )
    return [_Mapped(path, "<u2" if vocab_size <= 1 << 16 else "<u4") for path in found]


def _from_parquet(
    corpus: Corpus, split: str, label: str, sides: int, folder: Path
) -> list[_Mapped]:
    """Return the sides of a label as flat files, which are made where they are not there yet."""
    files = [folder / f"{split}-{label}-{side}.bin" for side in range(sides)]
    if not all(file.exists() for file in files):
        folder.mkdir(parents=True, exist_ok=True)
        dataset = corpus.dataset(split, lang=label)
        for name, file in zip(_SIDES, files, strict=False):
            # The index first: a file of ids that is there has one.
            with whole_file(file) as ids, whole_file(file.with_suffix(".idx")) as index:
                _write_flat(dataset.to_batches(columns=[name]), ids, index)
    return [_Mapped(file, "<i4") for file in files]


def _write_flat(batches: Any, ids: Path, index: Path) -> None:
    end = 0
    with ids.open("wb") as id_file, index.open("wb") as index_file:
        index_file.write(np.zeros(1, "<u8").tobytes())
        for batch in batches:
            column = batch.column(0)
            id_file.write(column.flatten().to_numpy().astype("<i4", copy=False).tobytes())
            ends = end + np.cumsum(column.value_lengths().to_numpy(), dtype="<u8")
            end = int(ends[-1]) if len(ends) else end
            index_file.write(ends.astype("<u8").tobytes())
        for file in (id_file, index_file):
            file.flush()
            os.fsync(file.fileno())
