"""Reading and writing the text files of a tokenizer, with one clear error each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from xlm_text.errors import InputError
from xlm_text.files.folders import whole_file

_BYTE_ORDER_MARK = "\ufeff"


def read_text(path: Path, newline: str | None = None) -> str:
    """Read a UTF-8 file; ``newline`` is that of :func:`open`, ``None`` or an empty string.

    Raises:
        InputError: the file cannot be read, is not UTF-8, or begins with a byte-order mark, which
            would become part of its first entry.

    """
    try:
        # Several times as fast as reading it as text.
        text = path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 (byte {error.start}: {error.reason})") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    if newline is None and "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.startswith(_BYTE_ORDER_MARK):
        raise InputError(
            f"{path}: begins with a byte-order mark (BOM): save it as UTF-8 without one"
        )
    return text


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object."""
    try:
        value = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise InputError(
            f"{path}: not JSON (line {error.lineno}, column {error.colno}: {error.msg})"
        ) from None
    except RecursionError:
        raise InputError(f"{path}: JSON nested too deeply") from None
    if not isinstance(value, dict):
        raise InputError(f"{path}: a JSON object was expected, not a {type(value).__name__}")
    return value


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    try:
        with whole_file(path) as partial:
            partial.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from None
