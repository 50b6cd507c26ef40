"""A corpus that was made: its manifest, its numbers and its rows."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xlm_text.corpora.files import import_pyarrow
from xlm_text.corpora.manifest import MANIFEST, STATISTICS, TOKENIZER, read_manifest
from xlm_text.corpora.shards import IDS
from xlm_text.corpora.sources import MIXED
from xlm_text.corpora.statistics import LanguageStatistics, Statistics, add_up
from xlm_text.corpora.store import STATE, Store
from xlm_text.corpora.work import Record
from xlm_text.errors import InputError
from xlm_text.tokenizer import XLMTokenizer

if TYPE_CHECKING:
    from pyarrow.dataset import Dataset


@dataclass(frozen=True)
class Corpus:
    """A corpus that `prepare` made.

    Attributes:
        folder: where it is.
        manifest: what went in and what came out, as ``manifest.json`` has it.

    """

    folder: str
    manifest: dict[str, Any]

    @property
    def splits(self) -> list[str]:
        """The names of the splits, such as ``train``."""
        return list(self.manifest["options"]["split"])

    @property
    def blocks(self) -> int | None:
        """How many tokens the rows of streams have; ``None`` where rows are texts."""
        blocks: int | None = self.manifest["options"]["blocks"]
        return blocks

    def files(self, split: str = "train") -> list[str]:
        """Return the paths of a split's shards, in order."""
        self._check(split)
        store = Store(self.folder)
        return [
            store.address(shard["name"])
            for shard in self.manifest["shards"]
            if shard["split"] == split
        ]

    def dataset(self, split: str = "train", lang: str | None = None) -> Dataset:
        """Return a split as a :class:`pyarrow.dataset.Dataset`.

        Args:
            split: which one.
            lang: only texts of this language, or pairs of these, such as ``en-fr``.  Without it
                all rows; single texts have no second ids then, if there are pairs.

        Raises:
            InputError: there is no such split or language, or the corpus is not in Parquet.

        """
        self._check(split)
        if self.manifest["options"]["format"] != "parquet":
            raise InputError(
                f"{self.folder}: has flat files of token ids: expected Parquet; read them with "
                "numpy.memmap"
            )
        import pyarrow.dataset
        import pyarrow.parquet

        pa = import_pyarrow()
        store = Store(self.folder)
        shards: dict[str, list[str]] = {}
        for shard in self.manifest["shards"]:
            label = shard["name"].split("/")[1]
            # Shards of several languages hold no pairs.
            mixed = label == MIXED and "-" not in (lang or "")
            if shard["split"] == split and (mixed or lang in (None, label)):
                shards.setdefault(label, []).append(store.path(shard["name"]))
        if not shards:
            if lang is not None:
                raise InputError(f"no texts of {lang!r} in {split}: there are {self._labels()}")
            return pyarrow.dataset.dataset(pa.table({IDS: pa.array([], pa.list_(pa.int32()))}))
        system = store.file_system
        # All shards of a label have the same columns.
        schemas = [
            pyarrow.parquet.read_schema(names[0], filesystem=system) for names in shards.values()
        ]
        found = pyarrow.dataset.dataset(
            [name for names in shards.values() for name in names],
            schema=pa.unify_schemas(schemas),
            format="parquet",
            filesystem=system,
        )
        if lang is None or MIXED not in shards:
            return found
        return found.filter(pa.compute.field("lang") == lang)

    def _labels(self) -> str:
        return ", ".join(dict.fromkeys(s["name"].split("/")[1] for s in self.manifest["shards"]))

    def statistics(self) -> Statistics:
        """Return the numbers about the text of each language."""
        data = Store(self.folder).read(STATISTICS)
        assert data is not None
        return {lang: LanguageStatistics.from_json(n) for lang, n in json.loads(data).items()}

    def tokenizer(self) -> XLMTokenizer:
        """Load the tokenizer that the corpus was made with."""
        store = Store(self.folder)
        with tempfile.TemporaryDirectory() as folder:
            for name in store.sizes(TOKENIZER):
                Path(folder, name).write_bytes(store.read(f"{TOKENIZER}/{name}") or b"")
            return XLMTokenizer.from_pretrained(folder)

    def _check(self, split: str) -> None:
        if split not in self.splits:
            raise InputError(f"no split {split!r}: there are {', '.join(self.splits)}")


def statistics_of(folder: str | Path) -> tuple[Statistics, bool]:
    """Return the numbers of a corpus, and whether it is complete; if not, those so far.

    Raises:
        InputError: there is none.

    """
    store = Store(str(folder))
    manifest = read_manifest(store)
    if manifest is not None and manifest["complete"]:
        return open_corpus(folder).statistics(), True
    if manifest is None:
        raise InputError(f"{store.shown('')}: has no {MANIFEST}: is it what `prepare` made?")
    names = [name for name in sorted(store.sizes(STATE)) if name.endswith(".json")]
    found = (store.read(f"{STATE}/{name}") for name in names)
    records = (Record.from_json(data).statistics for data in found if data is not None)
    return dict(sorted(add_up(records).items())), False


def open_corpus(folder: str | Path) -> Corpus:
    """Open a corpus that `prepare` made.

    Args:
        folder: its folder or address.

    Raises:
        InputError: there is none, or it is not complete.

    """
    store = Store(str(folder))
    manifest = read_manifest(store)
    if manifest is None:
        raise InputError(f"{store.shown('')}: has no {MANIFEST}: is it what `prepare` made?")
    if not manifest["complete"]:
        raise InputError(
            f"{store.shown('')}: is not complete: run the `prepare` that began it again"
        )
    return Corpus(store.folder, manifest)
