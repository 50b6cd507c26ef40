"""Reading: lines, blocks, and text that is not UTF-8."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from click import ClickException
from click.testing import Result
from hypothesis import given, settings
from hypothesis import strategies as st
from xlm_cli import lines as reading
from xlm_cli.lines import Chunk, Chunks, read_blocks

from xlm_text import XLMTokenizer


def read(path: Path, errors: str = "strict", into: list[str] | None = None) -> list[str]:
    lines: list[str] = [] if into is None else into
    for block in read_blocks([str(path)], errors):
        lines += block.lines
    return lines


@settings(deadline=None)
@given(
    st.binary(max_size=60).map(lambda data: data.replace(b"\r", b"\n")),
    st.integers(1, 70),
    st.integers(1, 4),
)
def test_chunks_and_blocks_change_nothing(data: bytes, chunk: int, block_lines: int) -> None:
    with tempfile.NamedTemporaryFile() as file, pytest.MonkeyPatch.context() as patch:
        Path(file.name).write_bytes(data)
        patch.setattr(reading, "_CHUNK_BYTES", chunk)
        patch.setattr(reading, "_BLOCK_LINES", block_lines)
        blocks = list(read_blocks([file.name], "replace"))
    expected = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    if not expected[-1]:
        expected.pop()
    expected_texts = [line.decode("utf-8", "replace") for line in expected]
    assert [line for block in blocks for line in block.lines] == expected_texts
    assert all(len(block.lines) <= block_lines for block in blocks)
    assert sum(block.size for block in blocks) == sum(len(line) + 1 for line in expected)
    assert [block.numbers[0] for block in blocks] == [
        1 + sum(len(block.lines) for block in blocks[:i]) for i in range(len(blocks))
    ]


@settings(deadline=None)
@given(
    st.lists(st.binary(max_size=9).map(lambda line: line.replace(b"\n", b"")), min_size=1),
    st.integers(1, 5),
    st.integers(1, 99),
)
def test_parts_of_a_chunk_are_its_lines(lines: list[bytes], part_lines: int, size: int) -> None:
    chunk = Chunk("text", 7, len(lines), b"\n".join(lines), size)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "_PART_LINES", part_lines)
        parts = list(chunk.parts())
    found = [part.data.split(b"\n") for part in parts]
    assert [line for part in found for line in part] == lines
    assert [part.count for part in parts] == list(map(len, found))
    assert [part.first for part in parts] == [
        7 + sum(map(len, found[:i])) for i in range(len(found))
    ]
    assert sum(part.size for part in parts) == size
    assert len(parts) <= -(-len(lines) // part_lines)


def test_many_short_lines_are_not_all_given_to_one_worker(tmp_path: Path) -> None:
    path = tmp_path / "short"
    path.write_bytes(b"one\n" * 100_000)
    counts = [chunk.count for chunk in Chunks([str(path)])]
    assert sum(counts) == 100_000
    assert max(counts) <= 2501


def test_blocks_are_bounded_in_lines_and_bytes(tmp_path: Path) -> None:
    path = tmp_path / "short"
    path.write_bytes(b"\n" * 5000 + b"0123456789\n" * 300_000)
    sizes = [(len(block.lines), block.size) for block in read_blocks([str(path)])]
    assert sum(lines for lines, _ in sizes) == 305_000
    assert sum(size for _, size in sizes) == 5000 + 11 * 300_000
    assert max(lines for lines, _ in sizes) == 1000
    path.write_bytes(b"x" * 40_000 + b"\n" + (b"y" * 40_000 + b"\n") * 99)
    assert max(block.size for block in read_blocks([str(path)])) <= 2**20


def test_a_line_longer_than_any_chunk_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "long"
    path.write_bytes(b"x" * 3_000_000 + b"\nend")
    assert [len(line) for line in read(path)] == [3_000_000, 3]


def test_a_line_is_handed_over_before_the_next_is_written(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    said = threading.Event()

    def write() -> None:
        with pipe.open("wb", buffering=0) as file:
            file.write(b"first\nhal")
            said.wait(30)
            file.write(b"f\n")

    writer = threading.Thread(target=write)
    writer.start()
    blocks = read_blocks([str(pipe)])
    assert next(blocks).lines == ["first"]
    said.set()
    assert [block.lines for block in blocks] == [["half"]]
    writer.join()


# What is not UTF-8 ----------------------------------------------------------------------------

NOT_UTF8 = {
    "a byte that never occurs": (b"good \xff\n", 6),
    "an end in the middle of a character": (b"caf\xc3\n", 4),
    "a lone surrogate": (b"\xed\xa0\x80\n", 1),
    "a surrogate pair": (b"ab\xed\xa0\xbd\xed\xb8\x80\n", 3),
    "a longer form than needed": (b"\xc0\x80\n", 1),
    "past the last code point": (b"xyz\xf4\x90\x80\x80\n", 4),
    "in the last line, without an end": (b"\xe4\xbd", 1),
    "counted in bytes": ("é".encode() + b"\xff\n", 3),
}


@pytest.mark.parametrize("kind", NOT_UTF8)
def test_file_line_and_byte_are_named(kind: str, tmp_path: Path) -> None:
    line, byte = NOT_UTF8[kind]
    path = tmp_path / "text"
    path.write_bytes(b"one\ntwo\n" + line)
    found: list[str] = []
    with pytest.raises(ClickException) as error:
        read(path, into=found)
    assert error.value.message.startswith(f"{path}: line 3, byte {byte}: not UTF-8")
    assert found == ["one", "two"]
    assert read(path, "replace")[2] == line.removesuffix(b"\n").decode("utf-8", "replace")


def test_lines_before_the_bad_one_are_written(
    fails: Callable[..., str], tok: Callable[..., Result]
) -> None:
    good = tok("encode", "--lang", "en", given="one\ntwo\n").stdout_bytes
    message = fails("encode", "--lang", "en", given=b"one\ntwo\nth\xffree\nfour\n", printed=good)
    assert message.startswith("standard input: line 3, byte 3: not UTF-8")
    assert "--errors replace" in message


def test_line_numbers_begin_again_in_each_file(fails: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "good").write_text("one\n" * 7)
    (tmp_path / "bad").write_bytes(b"one\n\xff\n")
    message = fails(
        "encode", "--lang", "en", "--no-special-tokens", tmp_path / "good", tmp_path / "bad",
        "--format", "tokens", printed=b"one</w>\n" * 8,
    )  # fmt: skip
    assert message.startswith(f"{tmp_path / 'bad'}: line 2, byte 1: ")


def test_replaced_bytes_are_replacement_characters(
    tok: Callable[..., Result], tokenizer: XLMTokenizer
) -> None:
    given = b"caf\xe9 \xed\xa0\x80!\n"
    result = tok("encode", "--lang", "en", "--errors", "replace", given=given)
    expected = tokenizer.encode(given.decode("utf-8", "replace").rstrip("\n"), lang="en")
    assert (result.exit_code, result.stderr) == (0, "")
    assert list(map(int, result.stdout.split())) == expected


# Files that are not there ---------------------------------------------------------------------


def test_a_missing_file_is_noticed_before_any_work(
    fails: Callable[..., str], tmp_path: Path
) -> None:
    there = tmp_path / "there"
    there.write_text("one\n")
    missing = tmp_path / "missing"
    assert (
        fails("encode", "--lang", "en", there, missing) == f"{missing}: No such file or directory"
    )
    assert fails("encode", "--lang", "en", there, tmp_path) == f"{tmp_path}: Is a directory"
    assert fails("decode", missing) == f"{missing}: No such file or directory"
    arguments = ("train", f"en={missing}", "--vocab-size", 100, "--output", tmp_path / "out")
    assert fails(*arguments) == f"{missing}: No such file or directory"
