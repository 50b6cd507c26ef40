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


def run_local(job: Job, steps: Sequence[Step], workers: int, watch: Watch) -> None:
    """Make steps in this process, or in several.

    An error or Ctrl-C ends the workers at once: files appear whole or not at all, so nothing is
    lost by it but the steps that were in the making.
    """
    groups = tasks(steps, workers)
    if workers == 1:
        worker = Worker(job, watch.add)
        try:
            for group in groups:
                for step in group:
                    worker.make(step)
        finally:
            worker.close()
    else:
        _run_pool(job, groups, min(workers, len(groups)), watch)
    watch.end()


def _run_pool(job: Job, groups: Sequence[Sequence[Step]], workers: int, watch: Watch) -> None:
    # Processes that are forked would share locks of threads and connections to file systems.
    context = multiprocessing.get_context("spawn")
    counted = context.Array("q", 3)
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(workers, context, _start, (job, counted))
    try:
        waiting = {pool.submit(_make, group) for group in groups}
        while waiting:
            done, waiting = wait(waiting, _LOOK_SECONDS, FIRST_COMPLETED)
            for future in done:
                future.result()
            watch.set(*counted[:])
    except BrokenProcessPool:
        raise WorkerLostError(
            "a worker process was killed, most likely because memory ran out: the same command "
            "goes on from here",
            advice=("fewer ", Argument("workers"), " need less"),
        ) from None
    except BaseException:
        for process in set(multiprocessing.active_children()) - others:
            process.kill()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


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
