"""What the tests of other packages' tools share."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def garbage_is_collected_quickly() -> Iterator[None]:
    """Let the collector look at what a test makes alone.

    accelerate and the Trainer collect garbage many times in each training; each time costs a third
    of a second where a process has imported as much as this one.
    """
    gc.freeze()
    yield
    gc.unfreeze()
