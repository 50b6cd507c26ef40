"""Whole lines out of a stream of bytes, none of them larger than memory allows."""

from __future__ import annotations

from collections.abc import Iterator

from xlm_text.corpora.files import BLOCK_BYTES, TextStream, shown
from xlm_text.errors import InputError

# What a line or a record may have at most, so that one of them never fills the memory.
MAX_LINE_BYTES = 16 << 20


def whole_lines(stream: TextStream, size: int | None = None) -> Iterator[bytes | int]:
    r"""Yield runs of whole lines, each run ending in ``\n`` or with the text.

    Args:
        stream: where to read on.
        size: how many bytes to read; all that follow by default.

    A line above :data:`MAX_LINE_BYTES` is passed over, and its size in bytes stands for it.
    """
    begun: list[bytes] = []  # of a line that is longer than a chunk
    length = 0
    left = size
    while left is None or left > 0:
        chunk = stream.read(BLOCK_BYTES if left is None else min(BLOCK_BYTES, left))
        if not chunk:
            if left is not None:
                raise InputError(f"{shown(stream.path)}: has become shorter while it was read")
            break
        left = None if left is None else left - len(chunk)
        cut = chunk.rfind(b"\n") + 1
        if not cut:
            length += len(chunk)
            begun = [*begun, chunk] if length <= MAX_LINE_BYTES else []
            continue
        if length > MAX_LINE_BYTES:
            end = chunk.index(b"\n") + 1
            yield length + end
            if cut > end:
                yield chunk[end:cut]
        else:
            yield b"".join([*begun, chunk[:cut]])
        begun, length = [chunk[cut:]], len(chunk) - cut
    if length > MAX_LINE_BYTES:
        yield length
    elif rest := b"".join(begun):
        yield rest


def split_lines(run: bytes) -> list[bytes]:
    r"""Return the lines of a run, without their ends.

    >>> split_lines(b"one\r\ntwo\n\nthree")
    [b'one', b'two', b'', b'three']
    """
    lines = run.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return [line.removesuffix(b"\r") for line in lines] if b"\r" in run else lines
