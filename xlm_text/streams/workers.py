"""Processes that do what they are sent, each at the other end of a connection of its own.

The standard library's pools have one pipe for all results: where a worker is killed while it
writes a long one, the rest of it is waited for without end.
"""

from __future__ import annotations

import os
import pickle
import signal
import threading
import traceback
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from multiprocessing import Pipe, Process, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import ForkingPickler
from queue import SimpleQueue
from typing import Any

from xlm_text.errors import Argument, WorkerLostError

_END = b""


class Worker:
    """A process that calls a function with what it is given, in order.

    Args:
        function: What it calls. Where processes are not forked it has to be picklable.

    Attributes:
        connection: Can be read when there is an answer to take, or the process has ended.
    """

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.connection, other = Pipe()
        # The end of this program ends the process, too, if nobody came to `end` it.
        self._process = Process(target=_serve, args=(function, other), daemon=True)
        self._process.start()
        other.close()  # or its end would not be seen here
        self._results: deque[Future[Any]] = deque()
        self._outbox: SimpleQueue[memoryview | bytes] = SimpleQueue()
        # A long item waits for the worker to read it, which may wait for its answer to be read.
        self._sender = threading.Thread(
            target=_send_all, args=(self.connection, self._outbox), daemon=True
        )

    @property
    def waiting(self) -> int:
        """How many items it was given and has not answered."""
        return len(self._results)

    def give(self, item: memoryview) -> Future[Any]:
        """Send it an item, pickled, and return what will have the result."""
        result: Future[Any] = Future()
        self._results.append(result)
        self._send(item)
        return result

    def take(self) -> None:
        """Read the answer to the first item that has none.

        Raises:
            WorkerLostError: the process has ended; this is the result of its items, too.
        """
        try:
            answer = self.connection.recv_bytes()
        except (EOFError, OSError) as error:
            lost = WorkerLostError(
                "a worker process was killed, most likely because memory ran out",
                advice=("fewer ", Argument("workers"), " need less"),
            )
            for result in self._results:
                result.set_exception(lost)
            raise lost from error
        result = self._results.popleft()
        try:
            value, failure = pickle.loads(answer)
            problem: BaseException | None = failure and failure.error()
        except Exception as unreadable:
            problem = unreadable
        if problem is None:
            result.set_result(value)
        else:
            result.set_exception(problem)

    def end(self) -> None:
        """Let the process end when it has answered."""
        self._send(_END)

    def kill(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self.end()

    def close(self) -> None:
        """Wait for the process, which somebody has ended."""
        self._process.join()
        self._sender.join()
        self.connection.close()

    def _send(self, item: memoryview | bytes) -> None:
        if self._sender.ident is None:  # only now: no worker is forked while there are threads
            self._sender.start()
        self._outbox.put(item)


class Failure:
    """An error on its way out of a worker, with where it was raised.

    Args:
        error: what was raised, while it is handled.
    """

    def __init__(self, error: BaseException) -> None:
        self._traceback = traceback.format_exc()
        try:
            self._pickled = pickle.dumps(error)
            pickle.loads(self._pickled)  # some errors can only be pickled
        except Exception as unpicklable:
            self._pickled = pickle.dumps(RuntimeError(f"{error!r} ({unpicklable})"))

    def error(self) -> BaseException:
        """Return the error; its cause shows the traceback, which can only be sent as text."""
        error: BaseException = pickle.loads(self._pickled)
        error.__cause__ = _RemoteError(self._traceback)
        return error


class _RemoteError(Exception):
    """Where an error was raised in a worker."""

    def __init__(self, tb: str) -> None:
        super().__init__(tb)
        self.tb = tb

    def __str__(self) -> str:
        return f'\n"""\n{self.tb}"""'


def pickled(item: Any) -> memoryview:
    """Return what `Worker.give` takes."""
    return ForkingPickler.dumps(item)


def _send_all(connection: Connection, outbox: SimpleQueue[memoryview | bytes]) -> None:
    with suppress(OSError):  # the process has ended
        while (item := outbox.get()) is not _END:
            connection.send_bytes(item)
        connection.send_bytes(_END)


def _serve(function: Callable[[Any], Any], connection: Connection) -> None:
    # Ctrl-C goes to every process of a terminal; the one that reads and writes sees to it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Whatever that one does on these signals, a worker only ends.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if hasattr(signal, "SIGHUP") and callable(signal.getsignal(signal.SIGHUP)):
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        while (item := connection.recv_bytes()) != _END:
            connection.send_bytes(_answer(function, item))
    except (EOFError, OSError):
        pass  # the one that gives the work has gone


def _answer(function: Callable[[Any], Any], item: bytes) -> memoryview:
    """Return, pickled, the result or why there is none."""
    try:
        return pickled((function(pickle.loads(item)), None))
    except BaseException as error:  # a panic of an extension in Rust is no `Exception`
        return pickled((None, Failure(error)))


def _end_with_parent() -> None:
    """Wait for the end of the process that gives the work, and end too.

    One that was killed cannot tell its workers, and they would wait for work for ever: those that
    were started later may hold the other end of a connection open.
    """
    parent = parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
