"""Making a corpus: look, plan, work, put together."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xlm_text.corpora.files import copy_input, import_pyarrow, name_of_input, named_inputs
from xlm_text.corpora.local_engine import LocalEngine
from xlm_text.corpora.locking import locked
from xlm_text.corpora.manifest import (
    MANIFEST,
    PROBLEMS,
    STATISTICS,
    TOKENIZER,
    check_same,
    describe,
    read_manifest,
    write_json,
)
from xlm_text.corpora.opening import Corpus, open_corpus
from xlm_text.corpora.options import SHARD_BYTES, Options, read_split
from xlm_text.corpora.plan import Plan, Step, make_plan
from xlm_text.corpora.progress import Progress, Watch
from xlm_text.corpora.sources import Source, parse_sources
from xlm_text.corpora.statistics import add_up
from xlm_text.corpora.store import PARTIAL, STATE, Store
from xlm_text.corpora.work import Job, Record, problems_name, record_name
from xlm_text.errors import InputError
from xlm_text.tokenizer import XLMTokenizer

ENGINES = ("local", "ray")
_COPIES = f"{STATE}/inputs"


def prepare(
    sources: Iterable[str],
    output: str | Path,
    *,
    model: str | Path | XLMTokenizer | None = None,
    blocks: int | None = None,
    split: Mapping[str, float] | None = None,
    format: str = "parquet",
    offsets: bool = False,
    max_length: int | None = None,
    special_tokens: bool = True,
    errors: str = "strict",
    shard_bytes: int = SHARD_BYTES,
    workers: int = 1,
    engine: str = "local",
    address: str | None = None,
    progress: Callable[[Progress], object] | None = None,
) -> Corpus:
    """Turn raw text into shards of token ids.

    The same input and options give the same bytes, with any number of workers and either engine,
    and after any number of interruptions: run again, it goes on where it was.

    Args:
        sources: arguments such as ``en=wiki/*.txt.zst``, ``fr=news.parquet:text``,
            ``en-fr=europarl.en,europarl.fr`` or ``@lang=web.jsonl:text``.
        output: a folder, or the address of one (``s3://bucket/folder``): new, empty, or begun by
            the same work.
        model: a tokenizer; or a folder or checkpoint to load one from; the small vocabulary for
            demonstration by default.
        blocks: make streams: rows of so many tokens over sentence and document borders.
        split: the shares of splits by name, such as ``{"train": 0.99, "valid": 0.01}``.
        format: ``"parquet"``, or ``"bin"`` for flat files of token ids.
        offsets: add the span of the text that each token stands for.
        max_length: cut rows to so many tokens.
        special_tokens: put ``bos_token`` in front and ``sep_token`` behind each text.
        errors: what to do with a line that cannot be used: ``"strict"`` stops, ``"skip"`` leaves
            it out, ``"replace"`` reads what is not Unicode as U+FFFD and leaves out the rest.
        shard_bytes: about how many bytes of text become a shard.
        workers: how many processes work; 1 is this one.
        engine: ``"local"``, or ``"ray"`` for a cluster.
        address: where the Ray cluster is; one on this machine by default.
        progress: told now and then how far the work is.

    Returns:
        The corpus, as :func:`open` gives it.

    Raises:
        InputError: an argument, a file or a line cannot be used, or the folder holds something
            else.
        MissingComponentError: an extra is not installed.
        OSError: the output cannot be written.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     _ = Path(folder, "en.txt").write_text("Hello, world!\\n" * 3)
        ...     corpus = prepare([f"en={folder}/en.txt"], f"{folder}/data")
        ...     corpus.dataset().count_rows()
        3

    """
    import_pyarrow()
    options = Options(
        blocks, read_split(split), format, offsets, max_length, special_tokens, errors, shard_bytes
    )
    if not isinstance(workers, int) or workers < 1:
        raise InputError(f"must be a whole number from 1 on, not {workers!r}", argument="workers")
    if engine not in ENGINES:
        raise InputError(f"must be one of {', '.join(ENGINES)}, not {engine!r}", argument="engine")
    parsed = parse_sources(sources)
    _check_bin(parsed, options)
    tokenizer = _load(model, parsed)
    store = Store(str(output))
    _check_folder(store)
    store.make_folders("")
    with locked(store):
        _check_folder(store)  # another run may have put something there
        return _Run(tokenizer, options, parsed, store, workers, engine, address, progress).run()


@dataclass(frozen=True)
class _Run:
    """One run of `prepare` over a folder that is locked."""

    tokenizer: XLMTokenizer
    options: Options
    sources: Sequence[Source]
    store: Store
    workers: int
    engine: str
    address: str | None
    progress: Callable[[Progress], object] | None

    def run(self) -> Corpus:
        before = read_manifest(self.store)
        once = [path for source in self.sources for path in source.read_once]
        if before is not None and before["complete"] and once:
            raise InputError(
                f"{self.store.shown('')}: is complete: what {name_of_input(once[0])} gives now "
                "cannot be compared with what it gave; choose another output folder"
            )
        unfinished = before is None or not before["complete"]
        if unfinished:
            self.store.make_folders(STATE)
        copies = self._copy(once)
        with named_inputs(copies), self._engine(unfinished) as make:
            plan = self._plan(copies)
            now = describe(self.tokenizer, self.options, plan)
            # Where nothing is made yet there is nothing to mix with.
            if before is not None and (before["complete"] or self._made()):
                check_same(self.store, before, now)
            if unfinished:
                self._begin(before, now)
                self._make(plan, make)
                self._finish(plan, now)
        self.store.remove(STATE)
        return open_corpus(self.store.folder)

    def _copy(self, once: Sequence[str]) -> dict[str, str]:
        """Keep what can be read only once in files: work that can be gone on with needs it again.

        Returns:
            The path of each input's copy.

        """
        if once and not self.store.local:
            raise InputError(
                f"{name_of_input(once[0])} needs an output folder on this machine: it is kept there"
            )
        copies = {}
        for number, path in enumerate(once):
            self.store.make_folders(_COPIES)
            # How a name ends says what is in the file.
            name = f"{number}-{Path(path).name}"
            with self.store.create(name) as stream:
                copy_input(path, stream)
            self.store.publish(name, f"{_COPIES}/{name}")
            copies[path] = self.store.path(f"{_COPIES}/{name}")
        return copies

    def _plan(self, copies: Mapping[str, str]) -> Plan:
        watch = Watch(self.progress)
        return make_plan(
            self.sources,
            self.options.shard_bytes,
            # The workers of a cluster are not here yet, so all of this machine is free.
            threads=self.workers if self.engine == "local" else os.cpu_count() or 1,
            copies=copies,
            looked_through=watch.looked_through,
        )

    def _begin(self, before: Mapping[str, Any] | None, now: Mapping[str, Any]) -> None:
        if before != {"complete": False, **now}:
            write_json(self.store, MANIFEST, {"complete": False, **now})
        labels = dict.fromkeys(source.label for source in self.sources)
        folders = [f"{split}/{label}" for split, _ in self.options.split for label in labels]
        self.store.make_folders(*folders)
        for name in self.store.sizes(STATE):
            if name.endswith(PARTIAL):
                self.store.remove(f"{STATE}/{name}")

    def _made(self) -> set[str]:
        """Return the names of the records of steps that are done."""
        return {name for name in self.store.sizes(STATE) if name.endswith(".json")}

    @contextmanager
    def _engine(self, is_needed: bool) -> Iterator[Callable[[Sequence[Step], Watch], None]]:
        """Give what makes steps; local processes start while the input is looked through."""
        job = Job(self.tokenizer, self.options, tuple(self.sources), self.store)
        if self.engine == "ray":
            from xlm_text.corpora.ray_engine import run_ray

            yield lambda steps, watch: run_ray(job, steps, self.address, watch)
        else:
            with LocalEngine(job, self.workers if is_needed else 1) as engine:
                yield engine.make

    def _make(self, plan: Plan, make: Callable[[Sequence[Step], Watch], None]) -> None:
        made = self._made()
        todo = [step for step in plan.steps if record_name(step).rpartition("/")[2] not in made]
        watch = Watch(self.progress)
        watch.begin(
            sum(step.part.size for step in plan.steps), sum(step.part.size for step in todo)
        )
        if todo:
            make(todo, watch)

    def _finish(self, plan: Plan, now: Mapping[str, Any]) -> None:
        """Put together what the steps left, and say last of all that the corpus is complete."""
        store = self.store
        records = [self._record(step) for step in plan.steps]
        if any(record.problems for record in records):
            with store.create(PROBLEMS) as stream:
                for step, record in zip(plan.steps, records, strict=True):
                    if record.problems:
                        stream.write(store.read(problems_name(step)) or b"")
            store.publish(PROBLEMS, PROBLEMS)
        found = add_up(record.statistics for record in records)
        write_json(store, STATISTICS, {lang: n.as_json() for lang, n in sorted(found.items())})
        self._save_tokenizer()
        shards = [shard._asdict() for record in records for shard in record.shards]
        problems = sum(record.problems for record in records)
        complete = {"complete": True, **now, "shards": shards, "problems": problems}
        write_json(store, MANIFEST, complete)

    def _record(self, step: Step) -> Record:
        data = self.store.read(record_name(step))
        assert data is not None, f"{step.name} is not made"
        return Record.from_json(data)

    def _save_tokenizer(self) -> None:
        import tempfile

        self.store.make_folders(TOKENIZER)
        with tempfile.TemporaryDirectory() as folder:
            self.tokenizer.save_pretrained(folder)
            for path in sorted(Path(folder).iterdir()):
                self.store.write(f"{TOKENIZER}/{path.name}", path.read_bytes())


def _load(model: str | Path | XLMTokenizer | None, sources: Sequence[Source]) -> XLMTokenizer:
    tokenizer = model if isinstance(model, XLMTokenizer) else XLMTokenizer.from_pretrained(model)
    for source in sources:
        for lang in source.langs:
            tokenizer.check_language(lang)
            tokenizer.batch_encode(["a"], lang=lang)  # what the language needs is here, or not
    return tokenizer


def _check_bin(sources: Sequence[Source], options: Options) -> None:
    for source in sources:
        if options.format == "bin" and len(set(source.langs)) < len(source.langs):
            raise InputError(
                f"{source.label}: the format bin has a file for each language of a pair: expected "
                "two different ones"
            )


def _check_folder(store: Store) -> None:
    """Raise an :class:`InputError` if the output holds what is not ours."""
    if store.local:
        path = Path(store.folder)
        if path.exists() and not path.is_dir():
            raise InputError(f"{store.folder}: is a file: expected a folder")
        if not path.exists():
            return
    names = store.sizes()
    others = [name for name in names if name != STATE]
    if others and MANIFEST not in names:
        raise InputError(
            f"{store.shown('')}: holds something else ({', '.join(sorted(others)[:3])} …): "
            "expected a new or empty folder"
        )
