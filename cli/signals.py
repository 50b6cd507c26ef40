"""The signals that stop a command, which then says how far it came: Ctrl-C, kill, a lost terminal.

A program that is told to end by its container or batch system is asked with SIGTERM, and should
do no less than it does for Ctrl-C.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import CodeType, FrameType

Hook = Callable[["sys.UnraisableHookArgs"], object]

_NAMES = {"SIGINT": "interrupted", "SIGTERM": "terminated", "SIGHUP": "terminal closed"}
_SIGNALS = {getattr(signal, name): said for name, said in _NAMES.items() if hasattr(signal, name)}
_DEFAULTS = (signal.SIG_DFL, signal.default_int_handler)

# How long to wait, again and again, until Python has dropped a signal's error and goes on.
_SECONDS = 0.01

_held = 0
_waiting: list[int] = []


class Stopped(KeyboardInterrupt):
    """A signal asked the command to stop."""

    def __init__(self, number: int = signal.SIGINT) -> None:
        super().__init__(_SIGNALS[signal.Signals(number)])
        self.number = number


@contextmanager
def stopping() -> Iterator[None]:
    """Raise :class:`Stopped` for the signals, unless whoever started the program ignores them."""
    if threading.current_thread() is not threading.main_thread():
        yield  # no other thread gets signals
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    hook = sys.unraisablehook
    for number, handler in before.items():
        if handler in _DEFAULTS:
            signal.signal(number, _stop)
    sys.unraisablehook = partial(_bring_back, hook)
    try:
        yield
    finally:
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def held() -> Iterator[None]:
    """Let the signals wait until the block has ended."""
    global _held
    _held += 1
    try:
        yield
    finally:
        _held -= 1
        if _waiting and not _held:
            number = _waiting[0]
            _waiting.clear()
            raise Stopped(number)


def _bring_back(otherwise: Hook, dropped: sys.UnraisableHookArgs) -> None:
    """Let a signal come again whose error Python dropped; hand any other on.

    It drops whatever is raised while an object is being freed or a weak reference called back, as
    for each module that is imported.
    """
    if not isinstance(dropped.exc_value, Stopped):
        otherwise(dropped)
        return
    again = threading.Thread(target=_send_again, args=(dropped.exc_value.number,), daemon=True)
    again.start()


def _send_again(number: int) -> None:
    main = threading.main_thread().ident
    assert main is not None
    # What is raised in there is dropped without another call.
    while _bring_back.__code__ in _running(main):
        time.sleep(_SECONDS)
    signal.pthread_kill(main, number)


def _running(thread: int) -> Iterator[CodeType]:
    """Give the functions that a thread is in, innermost first."""
    frame = sys._current_frames().get(thread)
    while frame is not None:
        yield frame.f_code
        frame = frame.f_back


def _stop(number: int, frame: FrameType | None) -> None:
    if _held and not _waiting:
        _waiting.append(number)
    else:  # a second time is meant: the reader of a pipe may let it wait for ever
        raise Stopped(number)
