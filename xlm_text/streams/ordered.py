"""Endless streams: work on items in order, in this process or in several."""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from xlm_text.errors import Argument, InputError, WorkerLostError

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")
R = TypeVar("R")

# Items that wait for each worker, so that none waits for this process.
_AHEAD = 3


def map_in_order(function: Callable[[T], R], items: Iterable[T], workers: int = 1) -> Iterator[R]:
    """Yield ``function`` of each item, in the order of the items.

    Args:
        function: with ``workers`` above 1, something that can be pickled.
        items: perhaps endless; only a few are taken ahead of the results.
        workers: processes to work in; 1 is this one.

    An error of ``items`` is raised when the results of all items before it are out.  The
    processes end with this one, however it ends.

    Raises:
        WorkerLostError: one of them was killed; the results of all items before its own are out.

    >>> list(map_in_order(str, range(3)))
    ['0', '1', '2']

    """
    if not isinstance(workers, int) or workers < 1:
        raise InputError(f"must be a whole number from 1 on, not {workers!r}", argument="workers")
    if workers == 1:
        yield from map(function, items)
        return
    # Slow to import.
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    waiting: deque[Future[R]] = deque()
    failure: BaseException | None = None
    pool = ProcessPoolExecutor(workers, initializer=_start, initargs=(function,))
    try:
        source = iter(items)
        while True:
            while failure is None and len(waiting) < _AHEAD * workers:
                try:
                    waiting.append(pool.submit(_work, next(source)))
                except StopIteration:
                    break
                except Exception as error:
                    failure = error
            if not waiting:
                break
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise _lost() from error
    finally:
        pool.shutdown(cancel_futures=True)
    if isinstance(failure, BrokenProcessPool):
        raise _lost() from failure
    if failure is not None:
        raise failure


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Cut an iterable into lists of ``size`` items; the last may be shorter."""
    source = iter(items)
    while batch := list(islice(source, size)):
        yield batch


_function: Callable[[Any], Any]


def _start(function: Callable[[Any], Any]) -> None:
    global _function
    _function = function
    # Ctrl-C goes to every process of a terminal; the one that reads and writes sees to it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Whatever that one does on these signals, a worker only ends.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # with this one the pool gets rid of it
    if callable(signal.getsignal(signal.SIGHUP)):
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Wait for the end of the process that gives the work, and end too.

    One that was killed cannot tell its workers, and they would wait for work for ever: each of
    them holds the other end of the queue open for the others.
    """
    from multiprocessing import parent_process
    from multiprocessing.connection import wait

    parent = parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)


def _lost() -> WorkerLostError:
    return WorkerLostError(
        "a worker process was killed, most likely because memory ran out",
        advice=("fewer ", Argument("workers"), " need less"),
    )


def _work(item: Any) -> Any:
    return _function(item)
