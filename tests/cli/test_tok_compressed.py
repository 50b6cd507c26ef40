"""Compressed files by their names, and bytes that are no UTF-8 text."""

from __future__ import annotations

import bz2
import gzip
import lzma
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Tok = Callable[..., Result]

TEXT = "".join(f"line {i}, été\n" for i in range(2500)).encode()
PACK = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstd.compress,
}
UNPACK = {
    ".gz": gzip.decompress,
    ".bz2": bz2.decompress,
    ".xz": lzma.decompress,
    ".zst": zstd.decompress,
}
TOOLS = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "zstd"}


@pytest.mark.parametrize("suffix", PACK)
def test_files_are_unpacked_and_packed_by_name(suffix: str, tok: Tok, tmp_path: Path) -> None:
    expected = tok("encode", "--lang", "fr", given=TEXT).stdout_bytes
    text, output = tmp_path / f"text{suffix}", tmp_path / f"ids{suffix.upper()}"
    text.write_bytes(PACK[suffix](TEXT))
    result = tok("encode", "--lang", "fr", text, "--output", output)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
    assert UNPACK[suffix](output.read_bytes()) == expected
    assert tok("decode", output).stdout.count("\n") == 2500


@pytest.mark.parametrize("suffix", PACK)
def test_the_tool_of_the_name_reads_what_was_written(suffix: str, tok: Tok, tmp_path: Path) -> None:
    tool = shutil.which(TOOLS[suffix])
    if tool is None:
        pytest.skip(f"needs {TOOLS[suffix]}")
    output = tmp_path / f"ids{suffix}"
    tok("encode", "--lang", "fr", "--output", output, given=TEXT)
    done = subprocess.run([tool, "-dc", str(output)], capture_output=True, timeout=60)
    assert done.stdout == tok("encode", "--lang", "fr", given=TEXT).stdout_bytes


def test_several_members_are_one_text(tok: Tok, tmp_path: Path) -> None:
    (tmp_path / "text.gz").write_bytes(gzip.compress(b"one\ntw") + gzip.compress(b"o\n"))
    expected = tok("encode", "--lang", "en", given=b"one\ntwo\n").stdout
    assert tok("encode", "--lang", "en", tmp_path / "text.gz").stdout == expected


def test_the_same_results_are_the_same_file(tok: Tok, tmp_path: Path) -> None:
    for name in ("a.gz", "b.gz"):
        tok("encode", "--lang", "en", "--output", tmp_path / name, given="one\n")
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()


@pytest.mark.parametrize("suffix", PACK)
@pytest.mark.parametrize("damage", ["cut", "not compressed"])
def test_a_damaged_file_is_one_line(
    suffix: str, damage: str, fails: Callable[..., str], tok: Tok, tmp_path: Path
) -> None:
    path = tmp_path / f"text{suffix}"
    path.write_bytes(PACK[suffix](TEXT)[:-20] if damage == "cut" else b"plain\n" * 100)
    result = tok("encode", "--lang", "en", path)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"xlm-tok: error: {path}: damaged, or not compressed as")
    assert result.stderr.count("\n") == 1


def test_training_reads_compressed_text(tok: Tok, tmp_path: Path) -> None:
    text = b"the lowest of the low\n" * 9
    (tmp_path / "en.txt").write_bytes(text)
    (tmp_path / "en.txt.xz").write_bytes(lzma.compress(text))
    for name in ("en.txt", "en.txt.xz"):
        result = tok(
            "train", f"en={tmp_path / name}", "--vocab-size", 60, "--output", tmp_path / f"{name}.d"
        )
        assert result.exit_code == 0, result.output
    files = [tmp_path / f"{name}.d" / "vocab.json" for name in ("en.txt", "en.txt.xz")]
    assert files[0].read_bytes() == files[1].read_bytes()


# What is no text ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (gzip.compress(TEXT), "this is gzip data, not UTF-8 text: unpack it with `gzip -dc`"),
        (bz2.compress(TEXT), "this is bzip2 data, not UTF-8 text: unpack it with `bzip2 -dc`"),
        (lzma.compress(TEXT), "this is xz data, not UTF-8 text: unpack it with `xz -dc`"),
        (zstd.compress(TEXT), "this is zstd data, not UTF-8 text: unpack it with `zstd -dc`"),
        (b"PK\x03\x04\x14\x00", "this is a zip archive, not UTF-8 text"),
        (TEXT.decode().encode("utf-16"), "UTF-16 text, not UTF-8 text: convert it with `iconv -f"),
        (TEXT.decode().encode("utf-16-le"), "UTF-16LE text, not UTF-8 text"),
        (TEXT.decode().encode("utf-16-be"), "UTF-16BE text, not UTF-8 text"),
        (TEXT.decode().encode("utf-32"), "UTF-32 text, not UTF-8 text"),
        ("\ufeff你好。\n".encode("utf-16-be"), "UTF-16 text, not UTF-8 text"),
    ],
    # By what is said: gzip writes the time into its bytes, and all processes name a test alike.
    ids=lambda given: given if isinstance(given, str) else "",
)
@pytest.mark.parametrize("errors", ["strict", "replace", "skip"])
def test_other_bytes_are_called_by_their_name(
    given: bytes, says: str, errors: str, fails: Callable[..., str], tmp_path: Path
) -> None:
    message = fails("encode", "--lang", "fr", "--errors", errors, given=given)
    assert message.startswith("standard input: ")
    assert says in message
    assert "--errors" not in message
    (tmp_path / "text.txt").write_bytes(given)
    message = fails("encode", "--lang", "fr", "--errors", errors, tmp_path / "text.txt")
    assert says in message


@pytest.mark.parametrize(
    "given", [b"BZh is how it begins\n", b"a\x00b\x00\n", b"PK\n", "\ufeffone\n".encode()]
)
def test_text_that_begins_so_is_text(given: bytes, tok: Tok) -> None:
    assert tok("encode", "--lang", "en", given=given).exit_code == 0
