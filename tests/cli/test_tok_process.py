"""What only a process of its own shows: signals, pipes, terminals, memory and imports."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Process = Callable[..., subprocess.CompletedProcess[bytes]]

ENCODE = ("encode", "--lang", "en")


def start(command: str, *arguments: object, **options: object) -> subprocess.Popen[bytes]:
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    # Shells start what runs in the background with Ctrl-C ignored, and that is inherited.
    options["preexec_fn"] = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
    return subprocess.Popen([command, *map(str, arguments)], **{**pipes, **options})  # type: ignore[call-overload, no-any-return]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_line_is_answered_while_the_input_is_open(command: str, workers: int) -> None:
    with start(command, *ENCODE, "--format", "tokens", "--workers", workers) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for word in (b"one", b"two", b"three"):
            process.stdin.write(word + b"\n")
            process.stdin.flush()
            assert process.stdout.readline() == b"<s> " + word + b"</w> </s>\n"
        process.stdin.close()
        assert process.wait(60) == 0


def test_a_reader_that_leaves_early_ends_the_work_quietly(command: str, tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("some words in a line\n" * 200_000)  # far more than a pipe holds
    with start(command, *ENCODE, text) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert len(process.stdout.readline().split()) > 2
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 141


def test_a_reader_that_has_left_before_the_first_line(command: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [command, *ENCODE], input=b"one\n", stdout=writing, stderr=subprocess.PIPE, timeout=60
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


def test_ctrl_c_is_one_line(command: str) -> None:
    with start(command, *ENCODE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"one\n")
        process.stdin.flush()
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        said = b"interrupted: 1 line written, the next is standard input: line 2"
        assert (process.returncode, errors) == (130, b"xlm-tok: error: " + said + b"\n")


def test_ctrl_c_before_the_first_result_leaves_the_old_output(command: str, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    output = folder / "ids"
    output.write_text("old")
    text = tmp_path / "pipe"
    os.mkfifo(text)
    with start(command, *ENCODE, text, "--output", output) as process:
        with text.open("wb") as writer:  # opens when the command has opened it, too
            writer.write(b"not yet a line")
            writer.flush()
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=60)
        assert (process.returncode, errors) == (130, b"xlm-tok: error: interrupted\n")
    assert output.read_text() == "old"
    assert [path.name for path in folder.iterdir()] == ["ids"]


@pytest.mark.parametrize(
    "arguments", [ENCODE, ("languages",), ("--help",)], ids=["encode", "languages", "help"]
)
def test_a_full_disk_is_one_line(process: Process, arguments: tuple[str, ...]) -> None:
    with open("/dev/full", "wb") as full:
        done = process(*arguments, input=b"one\n", stdout=full)
    assert done.stderr == b"xlm-tok: error: cannot write: No space left on device\n"
    assert done.returncode == 1


@pytest.mark.parametrize(
    ("redirection", "name"), [("<&-", b"standard input"), (">&-", b"standard output")]
)
def test_closed_streams_are_one_line(command: str, redirection: str, name: bytes) -> None:
    shell = ["sh", "-c", f'"$0" encode --lang en {redirection}', command]
    done = subprocess.run(shell, input=b"one\n", capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (1, b"xlm-tok: error: " + name + b" is closed\n")


def test_errors_with_nowhere_to_go(command: str, tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_bytes(b"one\n\xff\n")
    shell = ["sh", "-c", '"$0" encode --lang en "$1" 2>&-', command, str(text)]
    done = subprocess.run(shell, capture_output=True, timeout=60)
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 1


def test_results_are_utf8_in_every_locale(process: Process) -> None:
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = process(
        *ENCODE, "--format", "tokens", "--bypass", input="日本 é\n".encode(), env=environment
    )
    assert done.stdout.decode("utf-8").split() == ["<s>", "日本</w>", "é</w>", "</s>"]


@pytest.mark.parametrize("workers", [1, 2])
def test_memory_does_not_grow_with_the_input(command: str, workers: int, tmp_path: Path) -> None:
    def peak(megabytes: int) -> int:
        text = tmp_path / str(megabytes)
        text.write_bytes((b"word" + b" " * 9995 + b"\n") * (100 * megabytes))
        pid = os.posix_spawn(
            command,
            [command, *ENCODE, str(text), "--workers", str(workers), "--output", os.devnull],
            os.environ,
        )
        _, status, usage = os.wait4(pid, 0)  # of the largest of its processes
        assert status == 0
        return usage.ru_maxrss // 1024

    assert peak(14) - peak(2) < 6


# Terminals ------------------------------------------------------------------------------------


def on_terminal(command: str, *arguments: object, results_too: bool) -> tuple[int, bytes, bytes]:
    """Run with standard error (and output) on a terminal; return code, output and what it shows."""
    terminal, inside = pty.openpty()
    out = inside if results_too else subprocess.PIPE
    with start(command, *arguments, stdout=out, stderr=inside) as process:
        os.close(inside)
        output = b"" if results_too else process.communicate(timeout=60)[0]
        shown = b""
        try:
            while data := os.read(terminal, 65536):
                shown += data
        except OSError:  # how Linux says that the other side was closed
            pass
        process.wait(60)
    os.close(terminal)
    return process.returncode, output, shown


def test_a_terminal_shows_progress_and_nothing_else_does(
    command: str, process: Process, tmp_path: Path
) -> None:
    text = tmp_path / "text"
    text.write_text("one\n" * 3000)
    expected = process(*ENCODE, text)
    assert expected.stderr == b""
    code, output, shown = on_terminal(command, *ENCODE, text, results_too=False)
    assert (code, output) == (0, expected.stdout)
    assert b"100%" in shown
    code, _, shown = on_terminal(command, *ENCODE, text, results_too=True)
    assert code == 0
    assert shown.replace(b"\r\n", b"\n") == expected.stdout
    code, output, shown = on_terminal(
        command, *ENCODE, text, "--output", tmp_path / "out", results_too=True
    )
    assert (code, output) == (0, b"")
    assert b"100%" in shown


# What is imported -----------------------------------------------------------------------------


def imported(*arguments: str) -> set[str]:
    program = (
        "import json, sys\n"
        "from xlm_cli.tok import main\n"
        "try:\n"
        "    main(json.loads(sys.argv[1]), prog_name='xlm-tok')\n"
        "except SystemExit:\n"
        "    print(json.dumps(sorted(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, json.dumps(arguments)],
        input=b"one\n",
        capture_output=True,
        timeout=60,
    )
    return set(json.loads(done.stderr))


def test_help_needs_none_of_the_packages() -> None:
    modules = imported("encode", "--help")
    assert "click" in modules
    assert modules.isdisjoint({"xlm_text", "tokenizers", "sacremoses", "huggingface_hub"})


def test_english_needs_no_segmenter_and_no_network_client() -> None:
    modules = imported("encode", "--lang", "en")
    assert "xlm_text" in modules
    assert modules.isdisjoint(
        {"jieba", "rjieba", "pythainlp", "Mykytea", "torch", "transformers", "huggingface_hub"}
    )
