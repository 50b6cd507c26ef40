"""The output folder: files appear in it whole or not at all, here or on a remote file system."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from xlm_text.corpora.files import file_system, import_pyarrow, is_remote, shown

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

# Files that are not whole yet, and what is known of those that are while the work goes on.
STATE = ".parts"
PARTIAL = ".partial"


class Store:
    """The files of an output folder, by their names in it (``train/en-00000.parquet``).

    Args:
        folder: a path or an address.

    """

    def __init__(self, folder: str) -> None:
        self.folder = folder.rstrip("/") if len(folder) > 1 else folder
        self.local = not is_remote(folder)
        self._system, root = file_system(self.folder)
        self._root = root.rstrip("/")
        # A worker may not have noticed yet that its run was killed, or that the cluster gave its
        # work to another.  Each writes files of its own until they are whole.
        self._writer = uuid.uuid4().hex[:12]

    def __reduce__(self) -> tuple[type[Store], tuple[str]]:
        return Store, (self.folder,)

    @property
    def file_system(self) -> FileSystem:
        """The pyarrow file system that the folder lies on."""
        return self._system

    def path(self, name: str) -> str:
        """Return the path of a file on its file system."""
        return f"{self._root}/{name}" if name else self._root

    def address(self, name: str) -> str:
        """Return the path of a file as it can be opened elsewhere."""
        address, mark, query = (
            self.folder.partition("?") if not self.local else (self.folder, "", "")
        )
        return f"{address.rstrip('/')}/{name}{mark}{query}"

    def shown(self, name: str) -> str:
        """Return the path of a file as messages show it."""
        return f"{shown(self.folder)}/{name}" if name else shown(self.folder)

    def make_folders(self, *names: str) -> None:
        """Make folders where they are not there yet."""
        for name in names:
            with self.naming(name):
                if self.local:
                    os.makedirs(self.path(name), exist_ok=True)
                else:
                    self._system.create_dir(self.path(name), recursive=True)

    @contextmanager
    def naming(self, name: str) -> Iterator[None]:
        """Let an error of the file system name the file, as Python's own do."""
        try:
            yield
        except OSError as error:
            if error.filename is not None or error.errno is None:
                raise
            raise OSError(error.errno, os.strerror(error.errno), self.shown(name)) from None

    @contextmanager
    def create(self, partial: str) -> Iterator[Any]:
        """Open a file to be written that :meth:`publish` gives its name later."""
        name = self._partial(partial)
        with self.naming(name):
            stream = self._system.open_output_stream(self.path(name), compression=None)
            try:
                yield stream
            finally:
                stream.close()
            if self.local:
                _sync(self.path(name))

    def publish(self, partial: str, name: str) -> int:
        """Give a file its name; return its size in bytes."""
        made = self.path(self._partial(partial))
        with self.naming(name):
            size: int = self._system.get_file_info(made).size
            self._system.move(made, self.path(name))
            if self.local:
                _sync(os.path.dirname(self.path(name)))
        return size

    def _partial(self, name: str) -> str:
        return f"{STATE}/{name}.{self._writer}{PARTIAL}"

    def write(self, name: str, data: bytes) -> None:
        """Write a small file."""
        partial = name.rpartition("/")[2]
        with self.create(partial) as stream:
            stream.write(data)
        self.publish(partial, name)

    def read(self, name: str) -> bytes | None:
        """Return what a file holds; ``None`` if it is not there."""
        if self._system.get_file_info(self.path(name)).type.name != "File":
            return None
        with self.naming(name), self._system.open_input_stream(self.path(name)) as stream:
            data: bytes = stream.read()
            return data

    def sizes(self, folder: str = "") -> dict[str, int]:
        """Return the files of a folder with their sizes, and its folders with size -1."""
        fs = import_pyarrow().fs
        selector = fs.FileSelector(self.path(folder), allow_not_found=True)
        with self.naming(folder):
            infos = self._system.get_file_info(selector)
        return {info.base_name: info.size if info.is_file else -1 for info in infos}

    def age(self, name: str) -> float | None:
        """Return how many seconds ago a file was written; ``None`` if it is not there."""
        info = self._system.get_file_info(self.path(name))
        return time.time() - info.mtime.timestamp() if info.is_file else None

    def remove(self, name: str) -> None:
        """Remove a file, or a folder with all that is in it."""
        path = self.path(name)
        kind = self._system.get_file_info(path).type.name
        with self.naming(name):
            if kind == "Directory":
                self._system.delete_dir(path)
            elif kind == "File":
                self._system.delete_file(path)


def _sync(path: str) -> None:
    """Wait until a file or folder is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
