"""Writing shards: Parquet files, or flat files of token ids."""

from __future__ import annotations

from array import array
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from xlm_text.corpora.files import import_pyarrow
from xlm_text.corpora.store import Store

if TYPE_CHECKING:
    from pyarrow import Table
    from pyarrow.parquet import ParquetWriter

# Tokens that wait for each other: so many are compressed together and read together.
_GROUP_TOKENS = 1 << 20
_REPEATED = ("lang", "lang_pair", "file")
IDS = "input_ids"
IDS_PAIR = "input_ids_pair"


class Shard(NamedTuple):
    """A file that was made: its name in the output folder, and how much is in it."""

    name: str
    split: str
    rows: int
    tokens: int
    bytes: int


class ShardWriter(Protocol):
    """Takes rows, and gives them to the folder all at once or not at all."""

    def write(self, table: Table) -> None:
        """Take rows."""

    def finish(self) -> list[Shard]:
        """Give the files their names."""

    def abandon(self) -> None:
        """Leave what is written under no name."""


def tokens_of(table: Table) -> int:
    """Return how many tokens the rows of a table have."""
    sides = [name for name in (IDS, IDS_PAIR) if name in table.column_names]
    return sum(len(chunk.flatten()) for name in sides for chunk in table.column(name).chunks)


class ParquetShard:
    """Rows of one split and one part of the plan, in a Parquet file."""

    def __init__(self, store: Store, split: str, name: str) -> None:
        self._store = store
        self._split = split
        self._name = f"{split}/{name}.parquet"
        self._partial = f"{split}/{name}.parquet".replace("/", "-")
        self._open = ExitStack()
        self._writer: ParquetWriter | None = None
        self._waiting: list[Table] = []
        self._waiting_tokens = self._rows = self._tokens = 0

    def write(self, table: Table) -> None:
        """Take rows."""
        if not table.num_rows:
            return
        tokens = tokens_of(table)
        self._waiting.append(table)
        self._waiting_tokens += tokens
        self._rows += table.num_rows
        self._tokens += tokens
        if self._waiting_tokens >= _GROUP_TOKENS:
            with self._store.naming(self._name):
                self._flush()

    def _flush(self) -> None:
        import pyarrow.parquet

        rows = import_pyarrow().concat_tables(self._waiting).combine_chunks()
        if self._writer is None:
            stream = self._open.enter_context(self._store.create(self._partial))
            # Ids are a third smaller without a dictionary, and everybody reads plain ones.
            self._writer = pyarrow.parquet.ParquetWriter(
                stream,
                rows.schema,
                compression="zstd",
                use_dictionary=[name for name in _REPEATED if name in rows.column_names],
                write_statistics=["lang", "file", "line"],
            )
            self._open.callback(self._writer.close)
        self._writer.write_table(rows, row_group_size=rows.num_rows)
        self._waiting, self._waiting_tokens = [], 0

    def finish(self) -> list[Shard]:
        """Give the file its name; there is none without rows."""
        with self._store.naming(self._name):
            if self._waiting:
                self._flush()
            if self._writer is None:
                return []
            self._open.close()
        size = self._store.publish(self._partial, self._name)
        return [Shard(self._name, self._split, self._rows, self._tokens, size)]

    def abandon(self) -> None:
        """Leave what is written under no name."""
        with suppress(Exception):  # the disk may be full still
            self._open.close()


class BinShard:
    """Rows of one split and one part of the plan, as flat files of token ids for each language.

    ``NAME.LANG.bin`` has the ids one behind the other, as little-endian ``uint16``, or ``uint32``
    for vocabularies above 65,536; ``NAME.LANG.idx`` has, as ``uint64``, where each row begins and
    the last one ends.  The rows of the two languages of pairs go together.
    """

    def __init__(self, store: Store, split: str, name: str, dtype: str) -> None:
        self._store = store
        self._split = split
        self._name = f"{split}/{name}"
        self._dtype = dtype
        self._open = ExitStack()
        self._streams: dict[str, Any] = {}
        self._ends: dict[str, int] = {}
        self._rows: dict[str, int] = {}

    def write(self, table: Table) -> None:
        """Take rows."""
        pc = import_pyarrow().compute
        with self._store.naming(self._name):
            for lang in table.column("lang").unique().to_pylist():
                rows = table.filter(pc.equal(table.column("lang"), lang))
                self._write(lang, rows.column(IDS))
                if IDS_PAIR in rows.column_names:
                    for other in rows.column("lang_pair").unique().to_pylist():
                        self._write(other, rows.column(IDS_PAIR))

    def _write(self, lang: str, rows: Any) -> None:
        pa = import_pyarrow()
        ids, index = self._files(lang)
        ends = array("Q")
        for chunk in rows.chunks:
            flat = chunk.flatten().cast(pa.type_for_alias(self._dtype))
            width = flat.type.bit_width // 8
            ids.write(flat.buffers()[1].slice(flat.offset * width, len(flat) * width))
            for length in chunk.value_lengths().to_pylist():
                self._ends[lang] += length
                ends.append(self._ends[lang])
            self._rows[lang] += len(chunk)
        index.write(ends.tobytes())

    def _files(self, lang: str) -> tuple[Any, Any]:
        if lang not in self._ends:
            self._ends[lang] = self._rows[lang] = 0
            for kind in ("bin", "idx"):
                stream = self._store.create(self._partial(f"{lang}.{kind}"))
                self._streams[f"{lang}.{kind}"] = self._open.enter_context(stream)
            self._streams[f"{lang}.idx"].write(array("Q", [0]).tobytes())
        return self._streams[f"{lang}.bin"], self._streams[f"{lang}.idx"]

    def finish(self) -> list[Shard]:
        """Give the files their names; there are none without rows."""
        with self._store.naming(self._name):
            self._open.close()
        shards = []
        for name in self._streams:
            lang = name.partition(".")[0]
            final = f"{self._name}.{name}"
            size = self._store.publish(self._partial(name), final)
            if name.endswith(".bin"):
                shards.append(Shard(final, self._split, self._rows[lang], self._ends[lang], size))
        return shards

    def _partial(self, name: str) -> str:
        return f"{self._name}.{name}".replace("/", "-")

    def abandon(self) -> None:
        """Leave what is written under no name."""
        with suppress(Exception):  # the disk may be full still
            self._open.close()
