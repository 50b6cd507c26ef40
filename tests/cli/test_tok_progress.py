"""Progress: a bar with lines on a terminal, a line now and then elsewhere, and never in results."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from xlm_cli.progress import progress


class Clock:
    """A clock that is moved by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def said(
    monkeypatch: pytest.MonkeyPatch, paths: list[str], output: str | None, quiet: bool = False
) -> list[str]:
    """Return what is said, not on a terminal, of a thousand lines and bytes each ten seconds."""
    stream, clock = io.StringIO(), Clock()
    monkeypatch.setattr(sys, "stderr", stream)
    context = click.Context(click.Command("encode"), info_name="xlm-tok")
    with context, progress(paths, output, quiet, clock) as advance:
        for _ in range(13):
            clock.now += 10
            advance(1000, 1000)
    return stream.getvalue().splitlines()


def test_there_is_a_line_now_and_then_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = tmp_path / "text"
    text.write_bytes(b"x" * 20_000)
    assert said(monkeypatch, [str(text)], "out") == [
        "xlm-tok: 30%, 6,000 lines, 100 lines/s, 2 min left",
        "xlm-tok: 60%, 12,000 lines, 100 lines/s, 1 min left",
    ]
    assert said(monkeypatch, [], "out") == [
        "xlm-tok: 6,000 lines, 100 lines/s",
        "xlm-tok: 12,000 lines, 100 lines/s",
    ]
    assert said(monkeypatch, [], "out", quiet=True) == []


def test_progress_is_no_part_of_the_results(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with `2>&1`, or in a container's log."""
    monkeypatch.setattr("xlm_cli.progress.same_file", lambda one, other: True)
    assert said(monkeypatch, [], None) == []
    assert len(said(monkeypatch, [], "out")) == 2


def on_terminal(command: str, *arguments: object, given: bytes = b"") -> str:
    """Return what a terminal shows that standard error alone goes to."""
    terminal, inside = pty.openpty()
    with subprocess.Popen(
        [command, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=inside,
    ) as process:
        os.close(inside)
        process.communicate(given, timeout=60)
        shown = b""
        try:
            while data := os.read(terminal, 65536):
                shown += data
        except OSError:  # how Linux says that the other side was closed
            pass
    os.close(terminal)
    assert process.returncode == 0
    return shown.decode()


def test_a_terminal_shows_lines_and_lines_in_a_second(command: str, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("one\n" * 3000)
    shown = on_terminal(command, "encode", "--lang", "en", tmp_path / "text")
    last = re.split(r"[\r\n]+", shown.strip())[-1]
    assert re.search(r"100%.*\b3,000 lines, [\d,.]+ lines/s", last)
    shown = on_terminal(command, "encode", "--lang", "en", given=b"one\n" * 3000)
    last = re.split(r"[\r\n]+", shown.strip())[-1]
    assert re.match(r"3,000 lines, [\d,.]+ lines/s", last)
    quiet = on_terminal(command, "encode", "--lang", "en", "--quiet", tmp_path / "text")
    assert quiet == ""


def test_what_is_read_of_a_compressed_file_adds_up_to_its_size(
    command: str, tmp_path: Path
) -> None:
    import gzip

    from xlm_cli.lines import read_blocks

    path = tmp_path / "text.gz"
    path.write_bytes(gzip.compress("".join(f"{i * i}\n" for i in range(400_000)).encode()))
    sizes = [block.size for block in read_blocks([str(path)])]
    assert sum(sizes) == path.stat().st_size
