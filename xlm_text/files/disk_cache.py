"""What is derived from files that hardly ever change, kept on disk from one process to the next.

It lies in the cache of the hub's client (``HF_HOME``, ``HF_ASSETS_CACHE``), and may be deleted at
any time.  Nothing depends on it: what is missing or damaged is computed again, and what cannot be
written is not kept.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TypeVar

from xlm_text.files.folders import whole_file

V = TypeVar("V")


def digest(texts: Iterable[str]) -> str:
    """Return a key for what is derived from these texts."""
    return hashlib.sha256("\n".join(texts).encode("utf-8", "surrogatepass")).hexdigest()


@cache
def fingerprint(package: str, *patterns: str) -> str:
    """Return a key for what is derived from an installed package, without importing it.

    Args:
        package: its name.
        patterns: which of its files count.  Their sizes and times tell one release from another:
            reading them would take longer.
    """
    spec = importlib.util.find_spec(package)
    assert spec is not None, f"{package} is installed with this one"
    folders = map(Path, spec.submodule_search_locations or ())
    files = [file for folder in folders for pattern in patterns for file in folder.glob(pattern)]
    stats = [(file, file.stat()) for file in files]
    return digest(sorted(f"{file} {stat.st_size} {stat.st_mtime_ns}" for file, stat in stats))


def cached(name: str, key: str, compute: Callable[[], V]) -> V:
    """Return what was derived before from the same sources, or compute and keep it.

    Args:
        name: what it is; another one if it is to be computed in another way.
        key: a digest of all that the value is derived from.
        compute: computes the value, of what JSON can say: lists, not tuples.
    """

    def compute_body() -> bytes:
        return json.dumps(compute(), ensure_ascii=False).encode()

    value: V = json.loads(cached_bytes(f"{name}.json", key, compute_body))
    return value


def cached_bytes(name: str, key: str, compute: Callable[[], bytes]) -> bytes:
    """Do the same for a value that is written as bytes; ``name`` has a suffix."""
    # A light part of the client; the rest of it is only for downloads.
    from huggingface_hub.constants import HF_ASSETS_CACHE

    stem, _, suffix = name.rpartition(".")
    file = Path(HF_ASSETS_CACHE) / "xlm_text" / f"{stem}-{key[:32]}.{suffix}"
    try:
        body = _read(file, key)
    except (OSError, ValueError):
        body = compute()
        with suppress(OSError):
            _write(file, key, body)
    return body


def _read(file: Path, key: str) -> bytes:
    """Return the value in a file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is damaged, or derived from something else.
    """
    head, _, body = file.read_bytes().partition(b"\n")
    if head.decode() != _head(key, body):
        raise ValueError(f"{file} is damaged")
    return body


def _write(file: Path, key: str, body: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(file) as partial:
        partial.write_bytes(f"{_head(key, body)}\n".encode() + body)


def _head(key: str, body: bytes) -> str:
    return f"{key} {hashlib.sha256(body).hexdigest()}"
