"""`xlm-tok encode --workers`: the same lines, in the same order."""

from __future__ import annotations

import gzip
import re
import signal
import subprocess
from pathlib import Path

import pytest

ENCODE = ("encode", "--lang", "en")


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_text("".join(f"Line {i} of the text, it’s “said”.\n" for i in range(5000)))
    return path


def run(command: str, *arguments: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [command, *ENCODE, *map(str, arguments)], capture_output=True, timeout=120, check=False
    )


@pytest.mark.parametrize("format_", ["ids", "jsonl"])
def test_workers_write_what_one_process_writes(command: str, text: Path, format_: str) -> None:
    alone, together = (run(command, text, "--format", format_, "--workers", n) for n in (1, 3))
    assert (together.returncode, together.stderr) == (0, b"")
    assert together.stdout == alone.stdout
    assert alone.stdout.count(b"\n") == 5000


def test_lines_before_a_bad_one_are_written(command: str, text: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.txt"
    lines = text.read_bytes().split(b"\n")
    lines[3456] = b"not \xff UTF-8"
    bad.write_bytes(b"\n".join(lines))
    alone, together = (run(command, bad, "--workers", n) for n in (1, 2))
    assert together.returncode == 1
    assert together.stderr == alone.stderr
    assert together.stderr.startswith(f"xlm-tok: error: {bad}: line 3457, byte 5:".encode())
    assert together.stdout == alone.stdout
    assert together.stdout.count(b"\n") == 3456


@pytest.mark.parametrize("errors", ["strict", "skip"])
def test_bad_lines_are_the_same_ones(errors: str, command: str, text: Path, tmp_path: Path) -> None:
    lines = [line.replace(b"of", b"\t") for line in text.read_bytes().split(b"\n")]
    for i in range(1500, 4000, 7):
        lines[i] = b"not \xff\tUTF-8"
    for i in range(1501, 4000, 11):
        lines[i] = b"no pair"
    bad = tmp_path / "bad.txt.gz"
    bad.write_bytes(gzip.compress(b"\n".join(lines)))
    found = []
    for workers in (1, 3):
        skipped = tmp_path / f"{workers}.txt"
        options = ("--pair", "--errors", errors, "--skipped", skipped, "--workers", workers)
        done = run(command, bad, *options)
        found.append((done.returncode, done.stdout, done.stderr, skipped.read_text()))
    assert found[0] == found[1]
    # Where lines are both, a byte that is not UTF-8 counts.
    count = len({*range(1500, 4000, 7), *range(1501, 4000, 11)})
    if errors == "strict":
        assert found[0][0] == 1
        assert found[0][1].count(b"\n") == 1500
        assert f"{bad}: line 1501, byte 5: not UTF-8".encode() in found[0][2]
    else:
        assert found[0][0] == 0
        assert found[0][1].count(b"\n") == 5000 - count
        assert found[0][3].count("\n") == count


def test_ctrl_c_is_one_line_with_workers_too(command: str) -> None:
    with subprocess.Popen(
        [command, *ENCODE, "--workers", "2"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Shells start what runs in the background with Ctrl-C ignored, and that is inherited.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        start_new_session=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"one\n" * 20_000)
        process.stdin.flush()
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 130
        said = r"interrupted: (\d+) lines written, the next is standard input: line (\d+)"
        found = re.fullmatch(rf"xlm-tok: error: {said}\n", errors.decode())
        assert found is not None
        assert int(found[1]) + 1 == int(found[2])


def test_no_workers_at_all_is_misuse(command: str, text: Path) -> None:
    assert run(command, text, "--workers", 0).returncode == 2
