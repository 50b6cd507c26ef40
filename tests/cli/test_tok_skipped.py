"""`--errors skip` leaves out what cannot be used, and says what that was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Tok = Callable[..., Result]

ENCODE = ("encode", "--lang", "en", "--no-special-tokens", "--format", "tokens", "--errors", "skip")


@pytest.mark.parametrize("workers", [1, 2])
def test_lines_that_are_not_utf8_are_left_out_and_listed(
    workers: int, tok: Tok, tmp_path: Path
) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    a.write_bytes(b"one\n\xff\n\xfe\xfe\nfour\n\xff")
    b.write_bytes(b"\xc3\nsix\n")
    result = tok(*ENCODE, a, b, "--workers", workers)
    assert (result.exit_code, result.stdout) == (0, "one</w>\nfour</w>\nsix</w>\n")
    why = "(the first: byte 1: not UTF-8 (invalid start byte))"
    assert result.stderr == f"xlm-tok: 4 lines left out: {a}: lines 2-3, 5; {b}: line 1 {why}\n"


def test_other_lines_that_cannot_be_used_are_left_out_too(tok: Tok, tmp_path: Path) -> None:
    listed = tmp_path / "skipped"
    arguments = (*ENCODE, "--pair", "--max-length", 2, "--truncation", "only_second")
    given = b"a\tb\nno tab\na b c\td\n\xff\tx\n\na\tb c\n"
    result = tok(*arguments, "--skipped", listed, given=given)
    assert (result.exit_code, result.stdout) == (0, "a</w> b</w>\na</w> b</w>\n")
    assert result.stderr.startswith("xlm-tok: 4 lines left out: standard input: lines 2-5 (the ")
    rows = [row.split("\t") for row in listed.read_text().splitlines()]
    assert [row[:2] for row in rows] == [["standard input", str(i)] for i in (2, 3, 4, 5)]
    assert rows[0][2].endswith("this line has no tab")
    assert rows[1][2].startswith("--truncation only_second may not cut the other text")
    assert rows[2][2] == "byte 1: not UTF-8 (invalid start byte)"


def test_many_lines_are_counted_and_the_first_are_named(tok: Tok, tmp_path: Path) -> None:
    given = b"one\n\xff\n" * 3000
    result = tok(*ENCODE, given=given)
    assert result.stdout == "one</w>\n" * 3000
    places = ", ".join(str(i) for i in range(2, 21, 2))
    assert result.stderr.startswith(
        f"xlm-tok: 3000 lines left out: standard input: lines {places} …"
    )
    assert result.stderr.endswith("; --skipped FILE lists them all\n")
    assert len(result.stderr) < 300
    tok(*ENCODE, "--skipped", tmp_path / "all", given=given)
    assert (tmp_path / "all").read_text().count("\n") == 3000


def test_nothing_left_out_is_nothing_said(tok: Tok) -> None:
    assert tok(*ENCODE, given="one\n").stderr == ""


def test_decode_leaves_out_what_is_no_row(tok: Tok) -> None:
    result = tok("decode", "--errors", "skip", given="14\nx\n999999\n15\n")
    assert (result.exit_code, result.stdout.count("\n")) == (0, 2)
    assert result.stderr.startswith("xlm-tok: 2 lines left out: standard input: lines 2-3 (")


def test_training_and_showing_leave_lines_out(tok: Tok, tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_bytes(b"the lowest of the low\n\xff\n" * 9)
    arguments = ("train", f"en={text}", "--vocab-size", 60, "--output", tmp_path / "out")
    assert tok(*arguments).exit_code == 1
    result = tok(*arguments, "--errors", "skip")
    assert result.exit_code == 0
    assert result.stderr.startswith("xlm-tok: 9 lines left out: ")
    result = tok("show", "--lang", "en", "--errors", "skip", text)
    assert result.stdout.endswith("9 lines, 54 tokens, 0 unknown\n")
    assert "9 lines left out" in result.stderr


def test_lines_with_results_stay_with_those_that_follow(tok: Tok) -> None:
    """A failing line in each block does not shift the others."""
    lines = [f"word{i}\tx" if i % 700 else "no tab" for i in range(5000)]
    result = tok(*ENCODE, "--pair", given="\n".join(lines))
    kept = [line for line in lines if "\t" in line]
    expected = tok(*ENCODE, "--pair", given="\n".join(kept))
    assert result.stdout == expected.stdout
    assert expected.stderr == ""


def test_the_list_is_not_written_over_the_input(fails: Callable[..., str], tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("one\n")
    assert "is the input" in fails(*ENCODE, text, "--skipped", text)
    assert text.read_text() == "one\n"
