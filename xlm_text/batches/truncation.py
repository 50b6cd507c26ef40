"""Which tokens of a sample fit into a row."""

from __future__ import annotations

from xlm_text.batches.rows import Window
from xlm_text.errors import Argument, InputError


def cut_window(
    window: Window, room: int, strategy: str, side: str, stride: int | None, halves: bool = False
) -> list[Window]:
    """Cut a sample to ``room`` tokens.

    Args:
        window: all tokens of the sample.
        room: how many tokens of its texts a row can hold.
        strategy: ``longest_first``, ``only_first`` or ``only_second``.
        side: where tokens are cut off, ``"right"`` or ``"left"``.
        stride: how many tokens a row shares with the one before; ``None`` for one row only.
        halves: see :class:`~xlm_text.batches.rows.Format`.

    Returns:
        The row, and with a ``stride`` a further one for every part that did not fit.

    """
    n, m = len(window.first), len(window.second or ())
    if n + m <= room:
        return [window]
    if window.second is None:
        if strategy == "only_second":
            raise _cannot(window, f"{n} tokens do not fit into {room} and there is no second text")
        return [window._replace(first=part) for part in _parts(n, room, side, stride, window)]
    if strategy == "longest_first" and halves:
        return _cut_to_halves(window, room, side, stride)
    if strategy == "longest_first":
        if stride is not None:
            raise InputError(
                "return_overflowing_tokens needs truncation='only_first' or 'only_second' for "
                "pairs: with 'longest_first' both texts would overflow"
            )
        kept_n, kept_m = _shorten_both(n, m, n + m - room)
        return [
            Window(
                window.sample,
                _parts(n, kept_n, side, None, window)[0],
                _parts(m, kept_m, side, None, window)[0],
            )
        ]
    first = strategy == "only_first"
    cut, kept = (n, m) if first else (m, n)
    if kept > room:
        raise _cannot(
            window,
            Argument("truncation", strategy),
            f" may not cut the other text, whose {kept} tokens alone do not fit into {room}; "
            "'longest_first' cuts both",
        )
    parts = _parts(cut, room - kept, side, stride, window)
    if first:
        return [window._replace(first=part) for part in parts]
    return [window._replace(second=part) for part in parts]


def _cut_to_halves(window: Window, room: int, side: str, stride: int | None) -> list[Window]:
    """Cut both texts where both are longer than half of the room, else the longer one.

    With a stride every part of the first text comes with every part of the second one.
    """
    n, m = len(window.first), len(window.second or ())
    shorter = min(n, m, room // 2)
    longer = room - shorter
    kept_n, kept_m = (longer, shorter) if n > m else (shorter, longer)
    firsts = _parts(n, kept_n, side, stride, window) if kept_n < n else [range(n)]
    seconds = _parts(m, kept_m, side, stride, window) if kept_m < m else [range(m)]
    # The library's order: the first row, the other parts of the first text, and the first part of
    # it with the others of the second.
    pairs = [(0, 0)]
    pairs += [(i, j) for i in range(1, len(firsts)) for j in range(len(seconds))]
    pairs += [(0, j) for j in range(1, len(seconds))]
    return [Window(window.sample, firsts[i], seconds[j]) for i, j in pairs]


def _shorten_both(n: int, m: int, surplus: int) -> tuple[int, int]:
    """Take tokens from the longer text until both are equal, then from both in turn."""
    from_longer = min(abs(n - m), surplus)
    rest = surplus - from_longer
    if n > m:
        return n - from_longer - rest // 2, m - (rest - rest // 2)
    return n - rest // 2, m - from_longer - (rest - rest // 2)


def _parts(n: int, room: int, side: str, stride: int | None, window: Window) -> list[range]:
    """Return the part of ``n`` tokens that is kept, and with a stride those that follow it."""
    if stride is None:
        return [range(room) if side == "right" else range(n - room, n)]
    if stride >= room:
        raise _cannot(
            window,
            Argument("stride", stride),
            f" must be smaller than the room left, {room} tokens",
        )
    starts = range(0, max(n - stride, 1), room - stride)
    parts = [range(start, min(start + room, n)) for start in starts]
    if side == "left":
        parts = [range(n - part.stop, n - part.start) for part in parts]
    return parts


def _cannot(window: Window, *reason: str | Argument) -> InputError:
    return InputError(*reason, number=window.sample)
