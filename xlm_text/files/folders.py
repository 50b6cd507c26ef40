"""Folders of checkpoints, for tokenizers and models alike: names of files, look-up, writing."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# The files of a published folder.
VOCAB_FILE = "vocab.json"
MERGES_FILE = "merges.txt"
TOKENIZER_CONFIG_FILE = "tokenizer_config.json"
SPECIAL_TOKENS_FILE = "special_tokens_map.json"
ADDED_TOKENS_FILE = "added_tokens.json"
MODEL_CONFIG_FILE = "config.json"

# Where the published checkpoints are on the hub.
OWNER = "FacebookAI"


class NotFoundError(Exception):
    """Neither a file nor a folder nor a name on the hub; the message is the reason."""


def local_path(where: str | Path) -> Path | None:
    """Return the file or folder of this name, None if it can only be a name on the hub.

    Raises:
        NotFoundError: it can only be a path, and nothing is there.
    """
    path = Path(where).expanduser()
    if path.exists():
        return path
    name = str(where)
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise NotFoundError("no such file or folder")
    return None


def download(name: str, patterns: Sequence[str], hub: Mapping[str, Any]) -> Path:
    """Return the local folder of a repository on the hub, fetching what is not cached.

    Args:
        name: Of the repository; without an owner it is one of the published checkpoints'.
        patterns: Names of the files to fetch, `*` for any characters.
        hub: Arguments of `huggingface_hub.snapshot_download`, such as `revision`.

    Raises:
        NotFoundError: it cannot be had.
    """
    # Imported here: most checkpoints are folders, and the hub client takes a while to import.
    from huggingface_hub import snapshot_download

    repository = name if "/" in name else f"{OWNER}/{name}"
    try:
        return Path(snapshot_download(repository, allow_patterns=list(patterns), **hub))
    except Exception as error:  # the hub client raises many kinds, of its own and of its library's
        reason = str(error).strip().partition("\n")[0]
        raise NotFoundError(reason) from error


@contextmanager
def whole_file(file: Path) -> Iterator[Path]:
    """Give a path to write to; the file appears under its name once the block has ended well."""
    partial = file.with_name(f".{file.name}.{os.getpid()}.partial")
    try:
        yield partial
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)
