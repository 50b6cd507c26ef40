"""Help, documentation and completion say what is so."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import click
import pytest
from click.testing import Result
from xlm_cli.tok import main

from xlm_text.files.storage import DEFAULT_FOLDER

Tok = Callable[..., Result]


@pytest.fixture
def shell(command: str, tmp_path: Path) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """Run a line as a user would, in an empty folder."""
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    environment["PATH"] = f"{Path(command).parent}:{environment['PATH']}"

    def run(line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", line],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=60,
        )

    return run


def commands(group: click.Group = main, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = []
    for name, command in group.commands.items():
        found.append((*path, name))
        if isinstance(command, click.Group):
            found += commands(command, (*path, name))
    return found


def test_every_command_has_help(tok: Tok) -> None:
    for path in ((), *commands()):
        result = tok(*path, "--help")
        assert (result.exit_code, result.stderr) == (0, "")
        assert result.stdout.startswith("Usage: xlm-tok")
        assert "..." not in re.sub(
            r"(Usage: .*|\[FILES\]\.\.\.|LANG=FILE\.\.\.)", "", result.stdout
        )


def test_without_a_command_there_is_help_on_standard_error(tok: Tok) -> None:
    result = tok()
    assert (result.exit_code, result.stdout) == (2, "")
    assert "encode" in result.stderr


@pytest.mark.slow
def test_examples_of_the_help_run(tok: Tok, shell: Callable[..., Result], tmp_path: Path) -> None:
    lines = [
        line.strip()
        for path in commands()
        for line in tok(*path, "--help").stdout.partition("Examples:")[2].splitlines()
        if line.strip()
    ]
    assert len(lines) > 10
    (tmp_path / "en.txt").write_text("the lowest of the low\n" * 9)
    (tmp_path / "fr.txt").write_text("c'est l'été de l'eau\n" * 9, encoding="utf-8")
    tok("convert", "to-original", DEFAULT_FOLDER, tmp_path / "codes", tmp_path / "vocab")
    for line in lines:
        done = shell(f"set -o pipefail; {line}")
        assert done.returncode == 0, f"{line}\n{done.stdout}"


def test_version(tok: Tok) -> None:
    assert tok("--version").stdout == f"xlm-tok, version {metadata.version('xlm-toolkit')}\n"


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("xlm-tok enc", {"plain,encode"}),
        ("xlm-tok encode --lang z", {"plain,zh", "plain,zh_yue"}),
        ("xlm-tok encode --model xlm-clm", {"plain,xlm-clm-enfr-1024", "dir,xlm-clm"}),
        ("xlm-tok encode --format t", {"plain,tokens"}),
    ],
)
def test_completion(words: str, offered: set[str], command: str) -> None:
    environment = {
        **os.environ,
        "_XLM_TOK_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    done = subprocess.run([command], env=environment, capture_output=True, text=True, timeout=60)
    assert offered <= set(done.stdout.splitlines())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("frobnicate",), "'frobnicate'"),
        (("encode",), "--lang"),
        (("encode", "--lang"), "--lang"),
        (("encode", "--lang", "en", "--frob"), "--frob"),
        (("encode", "--lang", "en", "--format", "xml"), "'xml'"),
        (("encode", "--lang", "en", "--max-length", "many"), "'many'"),
        (("train", "en=x", "--output", "y"), "--vocab-size"),
        (("convert", "from-original", "codes"), "VOCAB"),
    ],
)
def test_misuse_is_one_line_that_points_to_the_help(
    arguments: tuple[str, ...], says: str, fails: Callable[..., str]
) -> None:
    message = fails(*arguments, code=2)
    assert says in message
    assert re.search(r" \(see `xlm-tok.* --help`\)$", message)
