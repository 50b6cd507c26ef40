"""Signals reach the command at any moment."""

from __future__ import annotations

import signal
import threading
import weakref

import pytest
from xlm_cli import signals
from xlm_cli.signals import Stopped, stopping


class Freed:
    pass


def work(number: int) -> None:
    with stopping():
        freed = Freed()
        reference = weakref.ref(freed, lambda _: signal.raise_signal(number))
        del freed  # what the signal raises in the callback is dropped
        assert reference() is None
        threading.Event().wait(60)


@pytest.mark.parametrize("seconds", [signals._SECONDS, 0.0])  # 0: as on a machine that is busy
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_python_drops_comes_again(
    number: int, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signals, "_SECONDS", seconds)
    before = signal.signal(number, signal.SIG_DFL)
    try:
        with pytest.raises(Stopped) as caught:
            work(number)
    finally:
        signal.signal(number, before)
    assert caught.value.number == number
