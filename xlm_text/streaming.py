"""Endless streams: work on items in order, in this process or in several."""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from xlm_text.errors import InputError

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

    An error of ``items`` is raised when the results of all items before it are out.

    >>> list(map_in_order(str, range(3)))
    ['0', '1', '2']

    """
    if not isinstance(workers, int) or workers < 1:
        raise InputError(f"must be a whole number from 1 on, not {workers!r}", argument="workers")
    if workers == 1:
        yield from map(function, items)
        return
    from concurrent.futures import ProcessPoolExecutor  # slow to import

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
    finally:
        pool.shutdown(cancel_futures=True)
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


def _work(item: Any) -> Any:
    return _function(item)
