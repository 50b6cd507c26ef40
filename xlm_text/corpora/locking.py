"""One run at a time works on an output folder."""

from __future__ import annotations

import errno
import fcntl
import os
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from xlm_text.corpora.store import STATE, Store
from xlm_text.errors import InputError

# The workers of a run that was killed need a moment to notice it.
_WAIT_SECONDS = 3.0
# File systems without locks hold a file that whoever works renews.  One that is this old belongs
# to a run that has died.
_LEASE = f"{STATE}/lease"
_LEASE_SECONDS = 60.0
_RENEW_SECONDS = 15.0
# Long enough for the others that found none to have written theirs.
_SETTLE_SECONDS = 1.0


@contextmanager
def locked(store: Store, seconds: float | None = None) -> Iterator[None]:
    """Hold a folder, which must be there.

    Args:
        store: the folder.
        seconds: how long to wait for a run that may be ending, here; ``None``: three.

    Raises:
        InputError: another run holds it.

    """
    seconds = _WAIT_SECONDS if seconds is None else seconds
    with _lock(store, seconds) if store.local else _lease(store):
        yield


@contextmanager
def _lock(store: Store, seconds: float) -> Iterator[None]:
    """Lock the folder itself: the system lets go of it when the process ends, however it does."""
    handle = os.open(store.path(""), os.O_RDONLY)
    try:
        deadline = time.monotonic() + seconds
        while not _try_lock(handle):
            if time.monotonic() > deadline:
                raise _held(store)
            time.sleep(0.05)
        yield
    finally:
        os.close(handle)


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return False
        raise
    return True


@contextmanager
def _lease(store: Store) -> Iterator[None]:
    age = store.age(_LEASE)
    if age is not None and age < _LEASE_SECONDS:
        raise _held(store)
    mine = uuid.uuid4().bytes
    store.make_folders(STATE)
    store.write(_LEASE, mine)
    time.sleep(_SETTLE_SECONDS)
    if store.read(_LEASE) != mine:
        raise _held(store)
    ended = threading.Event()

    def renew() -> None:
        while not ended.wait(_RENEW_SECONDS):
            with suppress(OSError):  # the next time may go better, before the lease is too old
                store.write(_LEASE, mine)

    thread = threading.Thread(target=renew, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        store.remove(_LEASE)


def _held(store: Store) -> InputError:
    return InputError(
        f"{store.shown('')}: another run is at work on it: wait for its end, or choose another "
        "folder"
    )
