"""The engine for a cluster: Ray Data hands out the steps, and starts what died again.

A step reads and writes by paths or addresses, so every machine must reach them.  Its shard has
the same bytes wherever and however often it is made, so one that Ray makes twice does no harm.
"""

from __future__ import annotations

import hashlib
import logging
import pickle
import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from xlm_text.corpora.files import import_pyarrow
from xlm_text.corpora.manifest import environment
from xlm_text.corpora.plan import Step, tasks
from xlm_text.corpora.progress import Watch
from xlm_text.corpora.store import STATE, Store
from xlm_text.corpora.work import Job, Worker
from xlm_text.errors import InputError, MissingComponentError

if TYPE_CHECKING:
    from pyarrow import Table

_JOB = f"{STATE}/job"


def run_ray(job: Job, steps: Sequence[Step], address: str | None, watch: Watch) -> None:
    """Make steps on a Ray cluster.

    Args:
        job: what is to be done.
        steps: the steps that are not done yet.
        address: where the cluster is; the one that is connected, or else a new one on this
            machine, by default.
        watch: told of each group of steps that is done.

    Raises:
        InputError: there is no cluster, or its machines have other versions.
        MissingComponentError: Ray is not installed.

    """
    with _connected(address) as ray:
        cpus = max(1, int(ray.cluster_resources().get("CPU", 1)))
        groups = tasks(steps, cpus)
        # Kept beside the shards and not by Ray, whose copy can be lost with a machine.
        data = pickle.dumps((job, groups, environment()))
        job.store.write(_JOB, data)
        made = ray.data.from_items(
            [{"group": i} for i in range(len(groups))], override_num_blocks=len(groups)
        ).map_batches(
            _Maker,
            fn_constructor_args=(job.store, hashlib.sha256(data).hexdigest()),
            batch_size=1,
            batch_format="pyarrow",
            compute=ray.data.ActorPoolStrategy(size=min(cpus, len(groups))),
        )
        done = lines = tokens = 0
        for row in made.iter_rows():
            if row["error"] is not None:
                raise pickle.loads(row["error"])
            done, lines, tokens = (
                done + row["size"],
                lines + row["lines"],
                tokens + row["tokens"],
            )
            watch.set(done, lines, tokens)
    watch.end()


class _Maker:
    """Makes groups of steps; Ray keeps one in each of its processes."""

    def __init__(self, store: Store, digest: str) -> None:
        data = store.read(_JOB)
        if data is None or hashlib.sha256(data).hexdigest() != digest:
            raise RuntimeError(f"{store.shown(_JOB)} is not what it was when the work began")
        job: Job
        expected: dict[str, str]
        job, self._groups, expected = pickle.loads(data)
        self._counted = [0, 0, 0]
        self._worker = Worker(job, self._count)
        found = environment()
        self._problem = "; ".join(
            f"{name} {found.get(name, 'is missing')}, not {version}"
            for name, version in expected.items()
            if found.get(name) != version
        )

    def __call__(self, table: Table) -> Table:
        """Make the groups whose numbers the table has; return what was done, or the error."""
        rows = [self._make(self._groups[i]) for i in table.column("group").to_pylist()]
        pa = import_pyarrow()
        schema = pa.schema(
            {"size": pa.int64(), "lines": pa.int64(), "tokens": pa.int64(), "error": pa.binary()}
        )
        return pa.Table.from_pylist(rows, schema)

    def _make(self, steps: Sequence[Step]) -> dict[str, Any]:
        self._counted = [0, 0, 0]
        error: Exception | None = None
        try:
            if self._problem:
                raise InputError(f"{platform.node()} has other versions: {self._problem}")
            for step in steps:
                self._worker.make(step)
        except (InputError, MissingComponentError, OSError) as problem:
            error = problem  # which would come back inside others of Ray's
        return {
            **dict(zip(("size", "lines", "tokens"), self._counted, strict=True)),
            "error": None if error is None else pickle.dumps(error),
        }

    def _count(self, *numbers: int) -> None:
        self._counted = [a + b for a, b in zip(self._counted, numbers, strict=True)]


@contextmanager
def _connected(address: str | None) -> Iterator[Any]:
    """Connect to a cluster, or start one that ends with the work."""
    try:
        import ray
        import ray.data
    except ImportError:
        raise MissingComponentError(
            "the engine ray needs Ray; in a clone of this project: pip install '.[ray]'"
        ) from None
    if ray.is_initialized():
        yield ray
        return
    try:
        ray.init(address, logging_level="error", log_to_driver=False, include_dashboard=False)
    except (ConnectionError, ValueError, TypeError) as error:
        reason = str(error).strip().split("\n")[0]
        raise InputError(f"no Ray cluster at {address!r} ({reason})") from None
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    ray.data.DataContext.get_current().enable_progress_bars = False
    try:
        yield ray
    finally:
        ray.shutdown()
