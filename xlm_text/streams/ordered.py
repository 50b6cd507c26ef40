"""Endless streams: work on items in order, in this process or in several."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from xlm_text.errors import InputError, WorkerLostError

if TYPE_CHECKING:
    from concurrent.futures import Future

    from xlm_text.streams.workers import Worker

T = TypeVar("T")
R = TypeVar("R")

# Items that a worker has, so that it does not wait for this process.
_GIVEN = 2
# Those for each worker whose results are not out yet: they may wait for that of a slower one.
_AHEAD = 3


def map_in_order(
    function: Callable[[T], R],
    items: Iterable[T],
    workers: int = 1,
    awaited: Callable[[], Any] = lambda: None,
) -> Iterator[R]:
    """Yield ``function`` of each item, in the order of the items.

    Args:
        function: with ``workers`` above 1, something that can be pickled.
        items: perhaps endless; only a few are taken ahead of the results.
        workers: processes to work in; 1 is this one.
        awaited: returns the pipe, or whatever else has a file descriptor, that the next item is
            read from; ``None`` if that needs no waiting.  With it, no result is held back until
            there is more input.

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
    pool = _Pool(function, items, workers, awaited)
    try:
        yield from pool.results()
    except BaseException:
        pool.kill()
        raise
    finally:
        pool.end()


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Cut an iterable into lists of ``size`` items; the last may be shorter."""
    source = iter(items)
    while batch := list(islice(source, size)):
        yield batch


class _Pool(Generic[T, R]):
    """Some workers, and what they work on; arguments as those of `map_in_order`."""

    def __init__(
        self,
        function: Callable[[T], R],
        items: Iterable[T],
        size: int,
        awaited: Callable[[], Any],
    ) -> None:
        self._function = function
        self._items = iter(items)
        self._size = size
        self._awaited = awaited
        self._workers: list[Worker] = []
        self._results: deque[Future[R]] = deque()  # in order
        self._ended = False  # there are no more items to work on
        self._failure: BaseException | None = None

    def results(self) -> Iterator[R]:
        """Yield the results in order."""
        while True:
            can_take = self._can_take()
            source = self._awaited() if can_take else None
            if can_take and source is None:
                self._take()
            elif self._results and self._results[0].done():
                yield self._results.popleft().result()
            elif self._results or source is not None:
                self._wait(source)
            else:
                break
        if self._failure is not None:
            raise self._failure

    def kill(self) -> None:
        """Let nothing go on that a worker does."""
        for worker in self._workers:
            worker.kill()

    def end(self) -> None:
        """Let the workers end, and wait for that."""
        for worker in self._workers:
            worker.end()
        for worker in self._workers:
            worker.close()

    def _can_take(self) -> bool:
        if self._ended or len(self._results) >= _AHEAD * self._size:
            return False
        return not self._workers or any(worker.waiting < _GIVEN for worker in self._workers)

    def _take(self) -> None:
        """Take the next item, and give it to a worker."""
        from xlm_text.streams.workers import Worker, pickled  # slow to import

        try:
            item = pickled(next(self._items))
        except StopIteration:
            self._ended = True
            return
        except Exception as error:
            self._fail(error)
            return
        while len(self._workers) < self._size:  # only now: there may be nothing to do
            self._workers.append(Worker(self._function))
        worker = min(self._workers, key=attrgetter("waiting"))
        self._results.append(worker.give(item))

    def _wait(self, source: Any) -> None:
        """Wait until a worker has answered or has ended, or until there is more input."""
        from multiprocessing.connection import wait

        workers = {worker.connection: worker for worker in self._workers}
        ready = wait([*workers, *([] if source is None else [source])])
        for connection, worker in workers.items():
            if connection in ready:
                try:
                    worker.take()
                except WorkerLostError as error:
                    self._lose(worker, error)
        if source in ready and not self._ended:
            self._take()

    def _lose(self, worker: Worker, error: WorkerLostError) -> None:
        self._workers.remove(worker)
        worker.kill()
        worker.close()
        self._fail(error)

    def _fail(self, error: BaseException) -> None:
        """Take no more items; the error comes behind the results of those that were taken."""
        self._ended, self._failure = True, self._failure or error
