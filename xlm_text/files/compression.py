"""Compressed files, by their names; and what is no UTF-8 text, by how it begins."""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import sys
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO, NamedTuple, cast

from xlm_text.errors import InputError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


class Format(NamedTuple):
    """A way to compress: how files' names end, how they begin, and how one is opened."""

    suffix: str
    name: str
    begin: re.Pattern[bytes]
    open: Callable[[BinaryIO, str], Any]


def _open_gzip(file: BinaryIO, mode: str) -> gzip.GzipFile:
    # Without a name and a time, so that the same results are the same file.
    return gzip.GzipFile("", mode, 6, file, mtime=0)


def _open_bzip2(file: BinaryIO, mode: Any) -> bz2.BZ2File:
    return bz2.BZ2File(file, mode)


def _open_xz(file: BinaryIO, mode: str) -> lzma.LZMAFile:
    return lzma.LZMAFile(file, mode)


def _open_zstd(file: BinaryIO, mode: Any) -> zstd.ZstdFile:
    return zstd.ZstdFile(file, mode)


FORMATS = (
    Format(".gz", "gzip", re.compile(rb"\x1f\x8b"), _open_gzip),
    Format(".bz2", "bzip2", re.compile(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)"), _open_bzip2),
    Format(".xz", "xz", re.compile(rb"\xfd7zXZ\x00"), _open_xz),
    Format(".zst", "zstd", re.compile(rb"\x28\xb5\x2f\xfd"), _open_zstd),
)
DAMAGED = (EOFError, zlib.error, lzma.LZMAError, zstd.ZstdError, gzip.BadGzipFile)

# The longer ones first: UTF-32 begins as UTF-16 does.
_MARKS = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
_ZIP = b"PK\x03\x04"
_SAMPLE = 512


def format_of(path: str | None) -> Format | None:
    """Return how a file of this name is compressed, if it is."""
    return next((f for f in FORMATS if path and path.lower().endswith(f.suffix)), None)


def decompressed(file: BinaryIO, path: str) -> BinaryIO:
    """Return the contents of a file, which stays as it is unless its name says otherwise."""
    found = format_of(path)
    return file if found is None else cast(BinaryIO, found.open(file, "rb"))


def check_text(begin: bytes, name: str) -> None:
    """Raise an :class:`InputError` if an input that begins so is no UTF-8 text for sure.

    Reading it with replaced characters would only hide that.
    """
    for found in FORMATS:
        if found.begin.match(begin):
            advice = f"unpack it with `{found.name} -dc`, or name the file with {found.suffix}"
            raise _no_text(name, f"{found.name} data", advice)
    if begin.startswith(_ZIP):
        raise _no_text(name, "a zip archive", "unpack it first")
    encoding = _wide_encoding(begin)
    if encoding is not None:
        raise _no_text(name, f"{encoding} text", f"convert it with `iconv -f {encoding} -t UTF-8`")


def _wide_encoding(begin: bytes) -> str | None:
    for mark, encoding in _MARKS:
        if begin.startswith(mark):
            return encoding
    # Without a mark Latin text has a zero in every second byte, on one side only.
    sample = begin[:_SAMPLE]
    if len(sample) >= 16:
        half = len(sample) // 2
        even, odd = sample[0::2].count(0), sample[1::2].count(0)
        for side, zeros, others in (("LE", odd, even), ("BE", even, odd)):
            if zeros > 0.7 * half and others == 0:
                return f"UTF-16{side}"
    return None


def _no_text(name: str, what: str, advice: str) -> InputError:
    return InputError(f"{name}: this is {what}, not UTF-8 text: {advice}")
