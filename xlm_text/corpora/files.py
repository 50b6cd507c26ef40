"""Files by path or address: found, opened and decompressed, here or on a remote file system.

A path with ``://`` is an address that pyarrow's file systems understand (``s3://``, ``gs://``,
``hdfs://`` …).  Files of this machine need no pyarrow.
"""

from __future__ import annotations

import copy
import glob
import hashlib
import os
import shutil
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import IO, TYPE_CHECKING, Any

from xlm_text.errors import InputError, MissingComponentError
from xlm_text.files.compression import DAMAGED, Format, check_text, format_of

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

STANDARD_INPUT = "-"
# What is read at a time where files are looked through.  Parts end where a chunk does, so that
# another size would make other shards.
CHUNK_BYTES = 1 << 16
# What is read and tokenized together: of a few hundred lines, what is done for each block and not
# for each line takes a tenth of the time.
BLOCK_BYTES = 1 << 18
_SKIP_BYTES = 1 << 20


def import_pyarrow() -> Any:
    """Import pyarrow, or say which extra brings it."""
    try:
        import pyarrow
        import pyarrow.compute
        import pyarrow.fs
    except ImportError:
        raise MissingComponentError(
            "this needs pyarrow; in a clone of this project: pip install '.[corpora]'"
        ) from None
    return pyarrow


def is_remote(path: str) -> bool:
    """Tell whether a path is an address such as ``s3://bucket/file``."""
    return "://" in path


def shown(path: str) -> str:
    """Return the path as messages and data show it: an address without keys and parameters.

    >>> shown("s3://key:secret@bucket/news.txt?endpoint_override=localhost:5000")
    's3://bucket/news.txt'
    """
    if not is_remote(path):
        return path
    scheme, _, rest = path.partition("?")[0].partition("://")
    host, slash, name = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{name}"


def codec_of(path: str) -> Format | None:
    """Return how a file is compressed, by the end of its name.

    >>> codec_of("s3://bucket/news.txt.zst?region=eu-west-1").name, codec_of("news.txt")
    ('zstd', None)
    """
    return format_of(path.partition("?")[0] if is_remote(path) else path)


def without_codec(path: str) -> str:
    """Return the name of a file without the ending that says how it is compressed."""
    path = path.partition("?")[0] if is_remote(path) else path
    return os.path.splitext(path)[0] if codec_of(path) else path


@lru_cache(maxsize=16)
def _file_system_at(prefix: str, query: str) -> FileSystem:
    address = f"{prefix}?{query}" if query else prefix
    system: FileSystem = import_pyarrow().fs.FileSystem.from_uri(address)[0]
    return system


def file_system(path: str) -> tuple[FileSystem, str]:
    """Return the pyarrow file system that a path lies on, and the path on it."""
    if not is_remote(path):
        return import_pyarrow().fs.LocalFileSystem(), path
    address, _, query = path.partition("?")
    scheme, _, rest = address.partition("://")
    host, slash, name = rest.partition("/")
    try:
        system = _file_system_at(f"{scheme}://{host}", query)
    except (ValueError, OSError, NotImplementedError) as error:
        raise InputError(f"{shown(path)}: no such file system ({_first_line(error)})") from None
    # Object stores count the bucket as part of the path; the others have their host elsewhere.
    if scheme in ("s3", "gs", "gcs", "abfs", "abfss"):
        return system, host.rpartition("@")[2] + slash + name
    return system, slash + name


def expand(pattern: str) -> list[str]:
    """Return the files that a path or glob pattern means, in the order of their names.

    Raises:
        InputError: nothing matches, or a path is neither a file nor a pipe.

    """
    if pattern == STANDARD_INPUT:
        return [pattern]
    found = _expand_remote(pattern) if is_remote(pattern) else _expand_local(pattern)
    if not found:
        what = (
            "no file matches it" if glob.has_magic(shown(pattern)) else "No such file or directory"
        )
        raise InputError(f"{shown(pattern)}: {what}")
    return found


def _expand_local(pattern: str) -> list[str]:
    if os.path.lexists(pattern):
        found = [pattern]
    else:
        found = sorted(glob.glob(pattern, recursive=True))
        found = [path for path in found if not os.path.isdir(path)]
    for path in found:
        try:
            mode = os.stat(path).st_mode
        except OSError as error:
            raise InputError(f"{path}: {error.strerror}") from None
        if stat.S_ISDIR(mode):
            raise InputError(f"{path}: is a folder: expected files, such as {path.rstrip('/')}/*")
        if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)):
            raise InputError(f"{path}: is a socket or a disk: expected a file or a pipe")
    return found


def _expand_remote(pattern: str) -> list[str]:
    from fsspec.implementations.arrow import ArrowFSWrapper

    system, path = file_system(pattern)
    address, mark, query = pattern.partition("?")
    prefix = address[: len(address) - len(path)]
    try:
        found = ArrowFSWrapper(system).glob(path) if glob.has_magic(path) else [path]
        infos = system.get_file_info(sorted(map(str, found)))
    except OSError as error:
        raise InputError(f"{shown(pattern)}: {_first_line(error)}") from None
    return [f"{prefix}{info.path}{mark}{query}" for info in infos if info.is_file]


def open_raw(path: str) -> IO[bytes]:
    """Open a file as it lies there, for reading.

    Raises:
        InputError: it cannot be opened.

    """
    try:
        if not is_remote(path):
            return open(path, "rb")
        system, name = file_system(path)
        return system.open_input_file(name)  # type: ignore[no-any-return]
    except (OSError, ValueError) as error:
        raise InputError(f"{shown(path)}: {_first_line(error)}") from None


class _Watched:
    """A file that is hashed and counted as it is read."""

    def __init__(self, raw: IO[bytes]) -> None:
        self.raw = raw
        self.hash = hashlib.blake2b(digest_size=16)
        self.size = 0
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        data = self.raw.read(size)
        self.hash.update(data)
        self.size += len(data)
        return data

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def close(self) -> None:
        self.raw.close()
        self.closed = True


class TextStream:
    """The decompressed bytes of a file, read forward.

    Args:
        path: a path or an address.
        watch: hash the file as it lies there, for :meth:`facts`.

    """

    def __init__(self, path: str, watch: bool = False) -> None:
        self.path = path
        self.position = 0
        self._codec = codec_of(path)
        self._watched = _Watched(open_raw(path)) if watch else None
        raw: Any = self._watched or open_raw(path)
        self._stream = raw if self._codec is None else self._codec.open(raw, "rb")
        self._raw = raw

    def read(self, size: int) -> bytes:
        """Return exactly ``size`` bytes, fewer only at the end.

        Raises:
            InputError: the file is cut short or damaged, is no UTF-8 text for sure, or cannot be
                read.

        """
        begin = self.position == 0
        parts = []
        while size > 0:
            try:
                data: bytes = self._stream.read(size)
            except (OSError, *DAMAGED) as error:
                reason = _first_line(error)
                if self._codec is not None:
                    reason = f"cut short or damaged ({self._codec.name}: {reason})"
                raise InputError(
                    f"{shown(self.path)}: {reason}, after {self.position:,} bytes of text"
                ) from None
            if not data:
                break
            if begin:
                check_text(data, shown(self.path))
                begin = False
            parts.append(data)
            size -= len(data)
            self.position += len(data)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def move_to(self, position: int) -> None:
        """Go on at a position of the text; not backwards in a compressed file."""
        if self._codec is None and position != self.position:
            self._stream.seek(position)
            self.position = position
        while self.position < position:
            if not self.read(min(_SKIP_BYTES, position - self.position)):
                raise InputError(f"{shown(self.path)}: has become shorter while it was read")

    def facts(self) -> tuple[int, str]:
        """Return the size of the file in bytes and its hash, once all of it has been read."""
        assert self._watched is not None
        while self._watched.read(_SKIP_BYTES):
            pass  # what follows compressed data, and is none of it
        return self._watched.size, self._watched.hash.hexdigest()

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
        self._raw.close()

    def __enter__(self) -> TextStream:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def reads_once(path: str) -> bool:
    """Tell whether what an input holds can be read only once: standard input, and pipes.

    >>> reads_once("-"), reads_once(__file__)
    (True, False)
    """
    if path == STANDARD_INPUT:
        return True
    try:
        return not is_remote(path) and not stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        return False


def copy_input(path: str, target: IO[bytes]) -> None:
    """Copy an input into a file, for work that reads its input more than once."""
    if path != STANDARD_INPUT:
        with open_raw(path) as raw:
            shutil.copyfileobj(raw, target, 1 << 20)
    elif sys.stdin is None:
        raise InputError("standard input is closed")
    else:
        shutil.copyfileobj(sys.stdin.buffer, target, 1 << 20)


def name_of_input(path: str) -> str:
    """Return what messages call an input.

    >>> name_of_input("-"), name_of_input("news.txt")
    ('standard input', 'news.txt')
    """
    return "standard input" if path == STANDARD_INPUT else shown(path)


@contextmanager
def named_inputs(copies: Mapping[str, str]) -> Iterator[None]:
    """Let errors speak of the inputs, of which there are copies, and not of the copies.

    Args:
        copies: the path of each input's copy.

    """
    try:
        yield
    except InputError as error:
        named = copy.copy(error)
        for path, copied in copies.items():
            named.args = tuple(
                part.replace(shown(copied), name_of_input(path)) if isinstance(part, str) else part
                for part in named.args
            )
        raise named from None


def hash_file(path: str) -> tuple[int, str]:
    """Return the size of a file in bytes and its hash."""
    watched = _Watched(open_raw(path))
    try:
        while watched.read(_SKIP_BYTES):
            pass
    except OSError as error:
        raise InputError(f"{shown(path)}: {_first_line(error)}") from None
    finally:
        watched.close()
    return watched.size, watched.hash.hexdigest()


def _first_line(error: BaseException) -> str:
    number = getattr(error, "errno", None)
    text = os.strerror(number) if number else str(error).strip()
    return text.split("\n")[0].rstrip(".")
