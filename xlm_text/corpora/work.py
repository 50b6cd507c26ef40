"""The unit of work: one step of the plan, from its lines to its shard."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from xlm_text.corpora.blocks import Stream
from xlm_text.corpora.encoder import Encoder
from xlm_text.corpora.files import import_pyarrow
from xlm_text.corpora.options import Options
from xlm_text.corpora.plan import Step
from xlm_text.corpora.reading import Block, Reader
from xlm_text.corpora.shards import IDS, IDS_PAIR, BinShard, ParquetShard, Shard, ShardWriter
from xlm_text.corpora.sources import Source
from xlm_text.corpora.statistics import LanguageStatistics, Statistics
from xlm_text.corpora.store import STATE, Store
from xlm_text.tokenizer import XLMTokenizer

if TYPE_CHECKING:
    from pyarrow import Table

# Told how many bytes, lines and tokens were worked on since it was told last.
Tell = Callable[[int, int, int], object]


@dataclass(frozen=True)
class Job:
    """All that a worker needs to know, wherever it is."""

    tokenizer: XLMTokenizer
    options: Options
    sources: tuple[Source, ...]
    store: Store


@dataclass(frozen=True)
class Record:
    """What is known of a step that is done: it is written last, and makes it so."""

    shards: list[Shard]
    statistics: Statistics
    problems: int

    def as_json(self) -> bytes:
        """Return the record as a file holds it."""
        found = {
            "shards": [shard._asdict() for shard in self.shards],
            "statistics": {lang: n.as_json() for lang, n in self.statistics.items()},
            "problems": self.problems,
        }
        return json.dumps(found, ensure_ascii=False).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Record:
        """Read what :meth:`as_json` gave."""
        found = json.loads(data)
        return cls(
            [Shard(**shard) for shard in found["shards"]],
            {
                lang: LanguageStatistics.from_json(numbers)
                for lang, numbers in found["statistics"].items()
            },
            found["problems"],
        )


def record_name(step: Step) -> str:
    """Return where the record of a step is kept while the work goes on."""
    return f"{STATE}/{step.flat_name}.json"


def problems_name(step: Step) -> str:
    """Return where the problems of a step are kept while the work goes on."""
    return f"{STATE}/{step.flat_name}.problems.jsonl"


class Worker:
    """Makes steps, one after another."""

    def __init__(self, job: Job, tell: Tell = lambda size, lines, tokens: None) -> None:
        self._job = job
        self._tell = tell
        self._encoder = Encoder(job.tokenizer, job.options)
        self._reader: Reader | None = None
        self._files: tuple[int, tuple[str, ...]] | None = None

    def make(self, step: Step) -> None:
        """Make the shards of a step, then its record.

        Raises:
            InputError: a line cannot be used, and ``errors`` is ``strict``.
            OSError: a file cannot be written.

        """
        source = self._job.sources[step.source]
        reader = self._reader_of(step, source)
        self._encoder.use(source.langs or (source.label,))
        statistics: Statistics = {}
        with ExitStack() as open_files:
            open_files.enter_context(_without_collector())
            output = _Output(self._job, step)
            open_files.callback(output.abandon)
            problems = _Problems(self._job.store, step)
            open_files.callback(problems.close)
            for block in reader.blocks(step.part):
                _count_lines(block, source, statistics)
                problems.write(block)
                tables = self._encoder.encode(block, source.langs, step.file, statistics)
                tokens = sum(output.write(split, table) for split, table in tables)
                self._tell(block.size, block.lines, tokens)
            shards = output.finish()
            problems.finish()
            self._encoder.finish(statistics)
        record = Record(shards, statistics, problems.count)
        self._job.store.write(record_name(step), record.as_json())

    def close(self) -> None:
        """Close what is open for reading."""
        if self._reader is not None:
            self._reader.close()

    def _reader_of(self, step: Step, source: Source) -> Reader:
        """Return the reader of the last step if its files are the same: it stands there."""
        if self._reader is None or self._files != (step.source, step.files):
            self.close()
            check = self._job.tokenizer.check_language
            errors = self._job.options.errors
            self._reader = Reader(source, step.files, step.file, errors, check)
            self._files = (step.source, step.files)
        return self._reader


class _Output:
    """Where the rows of a step go: into a shard for each split, by way of streams of blocks."""

    def __init__(self, job: Job, step: Step) -> None:
        self._job = job
        self._step = step
        self._shards: dict[int, ShardWriter] = {}
        self._streams: dict[tuple[int, str], Stream] = {}

    def write(self, split: int, table: Table) -> int:
        """Take rows; return how many tokens they have."""
        sides = [name for name in (IDS, IDS_PAIR) if name in table.column_names]
        tokens = sum(len(chunk.flatten()) for name in sides for chunk in table.column(name).chunks)
        # Pairs are no streams: both texts of one go into the same row.
        if self._job.options.blocks is None or len(sides) == 2:
            self._shard(split).write(table)
            return tokens
        pc = import_pyarrow().compute
        for lang in table.column("lang").unique().to_pylist():
            rows = table.filter(pc.equal(table.column("lang"), lang)).combine_chunks()
            stream = self._stream(split, lang)
            lines, documents = (rows.column(name).to_pylist() for name in ("line", "document"))
            for chunk in rows.column(IDS).chunks:
                self._write_blocks(split, lang, stream.add(chunk, lines, documents))
        return tokens

    def finish(self) -> list[Shard]:
        """End the streams, and give the shards their names."""
        for (split, lang), stream in self._streams.items():
            self._write_blocks(split, lang, stream.end())
        return [made for split in sorted(self._shards) for made in self._shards[split].finish()]

    def abandon(self) -> None:
        """Leave what is not finished under no name."""
        for shard in self._shards.values():
            shard.abandon()

    def _write_blocks(self, split: int, lang: str, rows: Any) -> None:
        if not len(rows.ids):
            return
        pa = import_pyarrow()
        count = len(rows.ids)
        table = pa.table(
            {
                IDS: rows.ids,
                "lang": pa.repeat(pa.scalar(lang), count),
                "file": pa.repeat(pa.scalar(self._step.file), count),
                "line": pa.array(rows.lines, pa.int64()),
                "document": pa.array(rows.documents, pa.int64()),
            }
        )
        self._shard(split).write(table)

    def _stream(self, split: int, lang: str) -> Stream:
        if (split, lang) not in self._streams:
            length = self._job.options.blocks
            assert length is not None
            tokenizer = self._job.tokenizer
            eos_id = tokenizer.sep_token_id
            self._streams[split, lang] = Stream(length, eos_id)
        return self._streams[split, lang]

    def _shard(self, split: int) -> ShardWriter:
        if split not in self._shards:
            job, name = self._job, self._job.options.split[split][0]
            if job.options.format == "bin":
                dtype = "uint16" if len(job.tokenizer) <= 1 << 16 else "uint32"
                self._shards[split] = BinShard(job.store, name, self._step.name, dtype)
            else:
                self._shards[split] = ParquetShard(job.store, name, self._step.name)
        return self._shards[split]


class _Problems:
    """The file with what was wrong in a step, if anything was."""

    def __init__(self, store: Store, step: Step) -> None:
        self.count = 0
        self._store = store
        self._step = step
        self._partial = f"{step.flat_name}.problems.jsonl"
        self._open = ExitStack()
        self._stream: Any = None

    def write(self, block: Block) -> None:
        for problem in block.problems:
            if self._stream is None:
                self._stream = self._open.enter_context(self._store.create(self._partial))
            line = json.dumps(asdict(problem), ensure_ascii=False)
            self._stream.write(f"{line}\n".encode())
            self.count += 1

    def finish(self) -> None:
        self._open.close()
        if self.count:
            self._store.publish(self._partial, problems_name(self._step))

    def close(self) -> None:
        self._open.close()


@contextmanager
def _without_collector() -> Iterator[None]:
    """Keep the garbage collector still: rows of ids form no cycles, but it would look for some."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _count_lines(block: Block, source: Source, statistics: Statistics) -> None:
    """Count lines, of each language where it is known: a line without text has none."""
    skipped = len({p.line for p in block.problems if p.done == "skipped"})
    replaced = len({p.line for p in block.problems if p.done == "replaced"})
    for lang in source.langs:
        numbers = statistics.setdefault(lang, LanguageStatistics())
        numbers.lines += block.lines
        numbers.empty += block.empty
        numbers.skipped += skipped
        numbers.replaced += replaced
    if not source.langs:
        for lang in block.langs:
            statistics.setdefault(lang, LanguageStatistics()).lines += 1
        numbers = statistics.setdefault(NO_LANGUAGE, LanguageStatistics())
        numbers.lines += block.empty + skipped
        numbers.empty += block.empty
        numbers.skipped += skipped
        numbers.replaced += replaced


# Lines that cannot be used have no language where a column would say it.
NO_LANGUAGE = "-"
