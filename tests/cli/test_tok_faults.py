"""Whatever goes wrong is one line, and nothing stays behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from xlm_cli.tok import main

from xlm_text import XLMTokenizer

ENCODE = ("encode", "--lang", "en")


def run(*arguments: object, given: str = "one\n") -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)), input=given)


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Let the tokenizer fail in a way that nobody foresees."""

    def let(error: BaseException) -> None:
        def fail(*_: Any, **__: Any) -> None:
            raise error

        monkeypatch.setattr(XLMTokenizer, "__call__", fail)

    return let


class Panic(BaseException):
    """As extensions in Rust raise: no `Exception`."""


class UnpicklableError(Exception):
    """As many errors are: it can be pickled, but not read back."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(one + two)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (KeyError("x\ny"), "unexpected KeyError: 'x\\ny'"),
        (RecursionError("too deep"), "unexpected RecursionError: too deep"),
        (AssertionError(), "unexpected AssertionError"),
        (OSError("no number"), "unexpected OSError: no number"),
        (Panic("a\nlong\nstory"), "unexpected Panic: a"),
    ],
)
@pytest.mark.parametrize("workers", [1, 2])
def test_an_unforeseen_error_is_one_line_with_its_place(
    error: BaseException, said: str, workers: int, broken: Callable[[BaseException], None]
) -> None:
    broken(error)
    result = run(*ENCODE, "--workers", workers)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"xlm-tok: error: {said} (")
    where = r"\w+/\w+\.py, line \d+; --debug shows more"
    following = "0 lines written, the next is standard input: line 1"
    assert re.search(rf" \({where}\); {following}\n$", result.stderr)
    assert result.stderr.count("\n") == 1


def test_memory_that_runs_out_is_one_line(broken: Callable[[BaseException], None]) -> None:
    broken(MemoryError())
    result = run(*ENCODE)
    assert (result.exit_code, result.stderr) == (1, "xlm-tok: error: out of memory\n")


@pytest.mark.parametrize("place", ["before", "behind"])
def test_debug_shows_the_traceback(place: str, broken: Callable[[BaseException], None]) -> None:
    broken(KeyError("x"))
    arguments = ("--debug", *ENCODE) if place == "before" else (*ENCODE, "--debug")
    result = run(*arguments)
    assert result.exit_code == 1
    assert result.stderr.startswith("Traceback")
    assert result.stderr.splitlines()[-1].startswith("xlm-tok: error: unexpected KeyError")


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("error", [LookupError("lost"), Panic("lost"), UnpicklableError(1, 2)])
def test_an_unforeseen_error_says_how_far_the_work_had_come(
    error: BaseException, workers: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    call = XLMTokenizer.__call__

    def fail_in_fourth_block(self: Any, texts: Any, *args: Any, **kwargs: Any) -> Any:
        if "bad" in texts:
            raise error
        return call(self, texts, *args, **kwargs)

    monkeypatch.setattr(XLMTokenizer, "__call__", fail_in_fourth_block)
    # Three items for workers, of 1,667 lines each; a block has no more than 1,000.
    given = "one\n" * 3000 + "bad\n" + "one\n" * 2000
    result = run(*ENCODE, "--workers", workers, "--output", tmp_path / "out", given=given)
    assert result.exit_code == 1
    assert "; 2667 lines written, the next is standard input: line 2668\n" in result.stderr
    assert (tmp_path / "out").read_bytes().count(b"\n") == 2667


def test_paths_are_never_rewritten(tmp_path: Path) -> None:
    folder = tmp_path / "d max_length  e any_language=True --lang"
    folder.mkdir()
    result = run(*ENCODE, "--model", folder)
    assert result.stderr.startswith(f"xlm-tok: error: {folder} has no tokenizer_config.json")
    result = run(*ENCODE, folder / "local_files_only")
    assert (
        result.stderr == f"xlm-tok: error: {folder}/local_files_only: No such file or directory\n"
    )


# Processes ------------------------------------------------------------------------------------


def children(process: subprocess.Popen[bytes]) -> list[int]:
    listed = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if not listed.exists():
        pytest.skip("needs the list of a process's children that Linux has")
    return list(map(int, listed.read_text().split()))


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "it did not happen within a minute"
        os.sched_yield()


def has_ended(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"  # ended, and its new parent has not looked yet


def _heed_signals() -> None:
    # Shells start what runs in the background with Ctrl-C ignored, and nohup what it runs with
    # SIGHUP ignored; that is inherited.
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@pytest.fixture
def working(command: str, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start two workers on input that does not end, and wait for results."""
    with subprocess.Popen(
        [command, *ENCODE, "--workers", "2", "--output", str(tmp_path / "out")],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=_heed_signals,
    ) as process:
        assert process.stdin is not None
        process.stdin.write(b"one\n" * 20_000)
        process.stdin.flush()
        out = tmp_path / "out"
        wait_until(lambda: out.exists() and out.stat().st_size > 0)
        yield process
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
@pytest.mark.parametrize("whom", ["the command", "all its processes"])
def test_workers_end_with_the_command_however_it_ends(
    number: int, whom: str, working: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    workers = children(working)
    assert len(workers) == 2
    if whom == "the command":
        working.send_signal(number)
    else:  # as a terminal and a batch system do
        os.killpg(working.pid, number)
    _, errors = working.communicate(timeout=60)
    wait_until(lambda: all(map(has_ended, workers)))
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (tmp_path / "out").read_bytes().endswith(b"\n")
    if number == signal.SIGKILL:
        assert (working.returncode, errors) == (-9, b"")
        return
    lines = (tmp_path / "out").read_bytes().count(b"\n")
    word = {2: "interrupted", 15: "terminated", 1: "terminal closed"}[number]
    following = f"the next is standard input: line {lines + 1}"
    assert working.returncode == 128 + number
    assert errors.decode() == f"xlm-tok: error: {word}: {lines} lines written, {following}\n"


def test_a_killed_worker_is_one_line(working: subprocess.Popen[bytes], tmp_path: Path) -> None:
    os.kill(children(working)[0], signal.SIGKILL)
    assert working.stdin is not None
    # A full pipe means that nobody reads any more, which is what is wanted.
    os.set_blocking(working.stdin.fileno(), False)
    try:
        working.stdin.write(b"one\n" * 10_000)
        working.stdin.close()
    except (BrokenPipeError, BlockingIOError):
        pass
    working.stdin = None
    _, errors = working.communicate(timeout=60)
    lines = (tmp_path / "out").read_bytes().count(b"\n")
    said = "a worker process was killed, most likely because memory ran out; fewer --workers need"
    assert working.returncode == 1
    assert errors.decode().startswith(f"xlm-tok: error: {said} less; {lines} lines written, ")
    assert errors.count(b"\n") == 1


def test_sigterm_is_handled_as_ctrl_c_is(command: str) -> None:
    with subprocess.Popen(
        [command, *ENCODE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"one\n")
        process.stdin.flush()
        process.stdout.readline()
        process.terminate()
        _, errors = process.communicate(timeout=60)
    said = b"terminated: 1 line written, the next is standard input: line 2"
    assert (process.returncode, errors) == (143, b"xlm-tok: error: " + said + b"\n")


def test_a_signal_that_the_starter_ignores_stays_ignored(command: str) -> None:
    shell = ["sh", "-c", "trap '' TERM; exec \"$0\" encode --lang en", command]
    pipes = dict.fromkeys(("stdin", "stdout"), subprocess.PIPE)
    with subprocess.Popen(shell, **pipes) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for _ in range(2):
            process.stdin.write(b"one\n")
            process.stdin.flush()
            assert process.stdout.readline()
            process.terminate()
        process.stdin.close()
        assert process.wait(60) == 0
