"""Vocabularies that were read and checked before, in the cache on disk.

To read a vocabulary of 95,000 pieces and check it takes more than twice as long as this.
"""

from __future__ import annotations

import hashlib
import sys
from array import array
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, count
from pathlib import Path

from xlm_text.files.disk_cache import cached_bytes

# Smaller files are read sooner than a digest tells that they were read before.
_SMALL = 500_000
# Four bytes, as this machine orders them.
_NUMBER = "I"

Ids = dict[str, int]
Merges = list[tuple[str, ...]]


def read_cached(
    files: Sequence[Path], read: Callable[[], tuple[Ids, Merges]]
) -> tuple[Ids, Merges, str | None]:
    """Return the ids of pieces and the merges that files have.

    Args:
        files: the files.
        read: reads and checks them.

    Returns:
        The ids, the merges, and a digest of the files if they are large.

    Raises:
        InputError: by ``read``; what cannot be used is not kept.

    """
    key = _digest(files)
    if key is None:
        return *read(), None
    packed = cached_bytes(f"vocabulary-1-{sys.byteorder}.bin", key, lambda: _pack(*read()))
    # What does not go into lines is read each time.
    return *(_unpack(packed) if packed else read()), key


def _digest(files: Iterable[Path]) -> str | None:
    """Return a digest of large files; none of small ones, and of what cannot be read."""
    try:
        contents = [file.read_bytes() for file in files]
    except OSError:
        return None
    if sum(map(len, contents)) < _SMALL:
        return None
    return hashlib.sha256(b"".join(hashlib.sha256(c).digest() for c in contents)).hexdigest()


def _pack(ids: Ids, merges: Merges) -> bytes:
    """Return the pieces in lines, and each merge as the numbers of two of these lines.

    Pieces without ids, and an empty one for what a merge lacks, are behind the others.  In front of
    all stand the numbers of ids and merges, and which merges lack something.  Nothing is returned
    for pieces that cannot be told from their lines.
    """
    if list(ids.values()) != list(range(len(ids))) or "\n" in "".join(ids):
        return b""
    lacking = [i for i, merge in enumerate(merges) if len(merge) < 2]
    fields = list(chain.from_iterable((*merge, "", "")[:2] for merge in merges))
    lines = dict(zip(dict.fromkeys([*ids, *fields]), count(), strict=False))
    numbers = array(_NUMBER, map(lines.__getitem__, fields))
    head = " ".join(map(str, (len(ids), len(merges), *lacking)))
    return f"{head}\n".encode() + numbers.tobytes() + "\n".join(lines).encode()


def _unpack(packed: bytes) -> tuple[Ids, Merges]:
    head, _, rest = packed.partition(b"\n")
    size, count_of_merges, *lacking = map(int, head.split())
    numbers = array(_NUMBER)
    end = 2 * count_of_merges * numbers.itemsize
    numbers.frombytes(rest[:end])
    pieces = rest[end:].decode().split("\n")
    fields = map(pieces.__getitem__, numbers)
    merges: Merges = list(zip(fields, fields, strict=False))
    for i in lacking:
        merges[i] = tuple(filter(None, merges[i]))
    return dict(zip(pieces[:size], count(), strict=False)), merges
