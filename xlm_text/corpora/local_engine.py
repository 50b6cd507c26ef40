"""The engine for one machine: this process, or a pool of them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from xlm_text.corpora.plan import Step, tasks
from xlm_text.corpora.progress import Watch
from xlm_text.corpora.work import Job, Worker
from xlm_text.errors import Argument, WorkerLostError

_LOOK_SECONDS = 0.2


class LocalEngine:
    """Makes steps in this process, or in several.

    Processes start when the context is entered, so that they are ready by the time the input has
    been looked through.  An error or Ctrl-C ends them at once: files appear whole or not at all,
    so nothing is lost by it but the steps that were in the making.

    Args:
        job: what is to be done.
        workers: how many processes work; 1 is this one.

    """

    def __init__(self, job: Job, workers: int) -> None:
        self._job = job
        self._workers = workers
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> LocalEngine:
        if self._workers > 1:
            # Forked processes would share locks of threads and connections to file systems.
            context = multiprocessing.get_context("spawn")
            self._counted = context.Array("q", 3)
            self._others = set(multiprocessing.active_children())
            self._pool = ProcessPoolExecutor(
                self._workers, context, _start, (self._job, self._counted)
            )
            for _ in range(self._workers):
                self._pool.submit(_make, [])  # starts a process
        return self

    def __exit__(self, *error: object) -> None:
        if self._pool is not None:
            # After all is made, too: it would take them a while to free their caches.
            for process in set(multiprocessing.active_children()) - self._others:
                process.kill()
            self._pool.shutdown(cancel_futures=True)

    def make(self, steps: Sequence[Step], watch: Watch) -> None:
        """Make steps; tell how far they are."""
        groups = tasks(steps, self._workers)
        if self._pool is None:
            self._make_here(groups, watch)
        else:
            self._make_in(self._pool, groups, watch)
        watch.end()

    def _make_here(self, groups: Sequence[Sequence[Step]], watch: Watch) -> None:
        worker = Worker(self._job, watch.add)
        try:
            for group in groups:
                for step in group:
                    worker.make(step)
        finally:
            worker.close()

    def _make_in(
        self, pool: ProcessPoolExecutor, groups: Sequence[Sequence[Step]], watch: Watch
    ) -> None:
        try:
            waiting = {pool.submit(_make, group) for group in groups}
            while waiting:
                done, waiting = wait(waiting, _LOOK_SECONDS, FIRST_COMPLETED)
                for future in done:
                    future.result()
                watch.set(*self._counted[:])
        except BrokenProcessPool:
            raise WorkerLostError(
                "a worker process was killed, most likely because memory ran out: the same command "
                "goes on from here",
                advice=("fewer ", Argument("workers"), " need less"),
            ) from None


_worker: Worker


def _start(job: Job, counted: Any) -> None:
    global _worker
    # Ctrl-C goes to every process of a terminal; the one that started this one sees to it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()

    def tell(*numbers: int) -> None:
        with counted.get_lock():
            for i, number in enumerate(numbers):
                counted[i] += number

    _worker = Worker(job, tell)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _make(steps: Sequence[Step]) -> None:
    for step in steps:
        _worker.make(step)
