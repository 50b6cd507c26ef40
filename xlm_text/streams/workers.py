"""Processes that do what they are sent, each at the other end of a connection of its own.

The standard library's pools have one pipe for all results: where a worker is killed while it
writes a long one, the rest of it is waited for without end. They also need threads in the process
that gives the work, which then has less time for it.
"""

from __future__ import annotations

import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from multiprocessing import Pipe, Process, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import ForkingPickler
from typing import Any

from xlm_text.errors import Argument, WorkerLostError

_END = b""


class Worker:
    """A process that calls a function with what it is given, one thing at a time.

    Nothing is sent to it before it has answered, so that neither side waits for the other to read
    while it writes.

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
        self._result: Future[Any] | None = None

    @property
    def is_idle(self) -> bool:
        """Whether it waits for work."""
        return self._result is None

    def give(self, item: memoryview) -> Future[Any]:
        """Send it an item, pickled, and return what will have the result.

        Raises:
            WorkerLostError: the process has ended.
        """
        self._result = Future()
        try:
            self.connection.send_bytes(item)
        except OSError as error:
            raise self._lost() from error
        return self._result

    def take(self) -> None:
        """Read the answer to the last item.

        Raises:
            WorkerLostError: the process has ended.
        """
        try:
            answer = self.connection.recv_bytes()
        except (EOFError, OSError) as error:
            raise self._lost() from error
        assert self._result is not None
        result, self._result = self._result, None
        try:
            value, failure, told = pickle.loads(answer)
        except Exception as error:
            result.set_exception(error)
            return
        if failure is None:
            result.set_result(value)
        else:
            failure.__cause__ = _RemoteError(told)
            result.set_exception(failure)

    def end(self) -> None:
        """Let the process end, which must be idle."""
        with suppress(OSError):  # it may have ended
            self.connection.send_bytes(_END)

    def kill(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()

    def close(self) -> None:
        """Wait for the process, which somebody has ended."""
        self._process.join()
        self.connection.close()

    def _lost(self) -> WorkerLostError:
        error = WorkerLostError(
            "a worker process was killed, most likely because memory ran out",
            advice=("fewer ", Argument("workers"), " need less"),
        )
        if self._result is not None:
            self._result.set_exception(error)
        return error


class _RemoteError(Exception):
    """Where an error was raised in a worker, which cannot be sent but as text."""

    def __init__(self, tb: str) -> None:
        super().__init__(tb)
        self.tb = tb

    def __str__(self) -> str:
        return f'\n"""\n{self.tb}"""'


def pickled(item: Any) -> memoryview:
    """Return what `Worker.give` takes."""
    return ForkingPickler.dumps(item)


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
    """Return the pickled result or error, and where the error was raised."""
    try:
        return pickled((function(pickle.loads(item)), None, ""))
    except BaseException as error:  # a panic of an extension in Rust is no `Exception`
        told = traceback.format_exc()
        try:
            return pickled((None, error, told))
        except Exception as unpicklable:
            return pickled((None, RuntimeError(f"{error!r} ({unpicklable})"), told))


def _end_with_parent() -> None:
    """Wait for the end of the process that gives the work, and end too.

    One that was killed cannot tell its workers, and they would wait for work for ever: those that
    were started later may hold the other end of a connection open.
    """
    parent = parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
