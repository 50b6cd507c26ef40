"""What both programs say of their options is so: help, messages, completion, the shell."""

from __future__ import annotations

import ast
import os
import pty
import re
import select
import subprocess
import sysconfig
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import click
import pytest
import xlm_cli
from click.testing import CliRunner
from xlm_cli import model, tok
from xlm_cli.program import OTHER_NAMES, SharedOption

PROGRAMS = {"xlm-tok": tok.main, "xlm-model": model.main}
SCRIPTS = Path(sysconfig.get_path("scripts"))


def commands(group: click.Group, path: tuple[str, ...]) -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


COMMANDS = {
    name: command
    for program, main in PROGRAMS.items()
    for name, command in commands(main, (program,))
}


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("option", ["-h", "--help", "--version"])
def test_both_programs_have_help_and_a_version(program: str, option: str) -> None:
    result = CliRunner().invoke(PROGRAMS[program], [option], prog_name=program)
    assert (result.exit_code, result.stderr) == (0, "")
    if option == "--version":
        assert result.stdout == f"{program}, version {metadata.version('xlm-toolkit')}\n"
    else:
        assert result.stdout.startswith(f"Usage: {program} [OPTIONS] COMMAND")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_commands_own_options_come_first(name: str) -> None:
    program, *path = name.split()
    shown = CliRunner().invoke(PROGRAMS[program], [*path, "-h"]).stdout
    own, shared = [], []
    for parameter in COMMANDS[name].params:
        if isinstance(parameter, click.Option):
            at = re.search(rf"^  (-\w, )?{parameter.opts[0]}\b", shown, re.MULTILINE)
            at = at or re.search(rf"^  {parameter.opts[-1]}, {parameter.opts[0]}\b", shown, re.M)
            assert at is not None, parameter.opts
            (shared if isinstance(parameter, SharedOption) else own).append(at.start())
    assert max(own, default=0) < min(shared)
    assert "FILES" not in shown.partition("\nOptions:")[2].partition("Examples:")[0]


# Options in messages --------------------------------------------------------------------------


def strings_of(file: Path) -> Iterator[str]:
    """Give the strings of a module that are not names of options that it makes."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_every_option_in_a_message_exists() -> None:
    known = {
        option
        for command in (*COMMANDS.values(), *PROGRAMS.values())
        for parameter in command.params
        for option in parameter.opts
    } | {"--help", "--version"}
    root = Path(__file__).parents[2]
    files = list(Path(xlm_cli.__path__[0]).glob("*.py"))
    files += [*root.glob("xlm_text/**/*.py"), *root.glob("xlm_model/**/*.py")]
    assert len(files) > 60
    found = {
        (option, file.name)
        for file in files
        for text in strings_of(file)
        for option in re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)
    }
    assert {option for option, _ in found} > {"--errors", "--skipped", "--codes", "--debug"}
    assert {where for where in found if where[0] not in known} == set()


def test_names_of_arguments_that_differ_lead_to_options() -> None:
    names = {parameter.name for command in COMMANDS.values() for parameter in command.params}
    assert {name for name, _ in OTHER_NAMES.values()} <= names


# Completion -----------------------------------------------------------------------------------


def completed(line: str, setup: str, folder: Path) -> str:
    """Type a line and a tab into a bash of its own; return what then stands there."""
    environment = {**os.environ, "TERM": "dumb", "PATH": f"{SCRIPTS}:{os.environ['PATH']}"}
    terminal, inside = pty.openpty()

    def read(until: str) -> str:
        shown = b""
        while until not in shown.decode(errors="replace"):
            ready, _, _ = select.select([terminal], [], [], 60)
            assert ready, shown
            shown += os.read(terminal, 65536)
        return shown.decode()

    with subprocess.Popen(
        ["bash", "--norc", "--noprofile", "-i"],
        stdin=inside,
        stdout=inside,
        stderr=inside,
        env=environment,
        cwd=folder,
        start_new_session=True,
    ) as process:
        os.close(inside)
        os.write(terminal, f"{setup}\nPS1='pro''mpt:'\n".encode())
        read("prompt:")
        # What is typed behind the tab is shown once the completion is done.
        os.write(terminal, line.encode() + b"\t#end")
        shown = read("#end")
        process.kill()
    os.close(terminal)
    return shown.replace("\r", "").strip()


@pytest.mark.skipif(not Path("/bin/bash").exists(), reason="needs bash")
@pytest.mark.parametrize(
    ("line", "whole"),
    [
        ("xlm-tok encode --model xlm-mlm-tl", "xlm-mlm-tlm-xnli15-1024 #end"),
        ("xlm-model info xlm-mlm-10", "xlm-mlm-100-1280 #end"),
        ("xlm-model embed xlm-mlm-xn", "xlm-mlm-xnli15-1024 #end"),
        ("xlm-model convert xlm-mlm-17", "xlm-mlm-17-1280 #end"),
        ("xlm-tok encode --model my-f", "my-folder/#end"),
        ("xlm-tok enc", "encode #end"),
    ],
)
def test_bash_completes_checkpoints_and_folders(line: str, whole: str, tmp_path: Path) -> None:
    version = subprocess.run(
        ["bash", "-c", "echo ${BASH_VERSINFO[0]}"], capture_output=True, text=True, check=True
    )
    if int(version.stdout) < 5:
        pytest.skip("needs bash 5")
    (tmp_path / "my-folder").mkdir()
    program = line.split()[0]
    variable = f"_{program.upper().replace('-', '_')}_COMPLETE"
    setup = f'eval "$({variable}=bash_source {program})"'
    assert completed(line, setup, tmp_path).endswith(f" {whole}")


# Exit codes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["xlm-tok", "languages"], 0),
        (["xlm-tok", "encode", "--lang", "en", "--model", "/nowhere"], 1),
        (["xlm-tok", "encode", "--lang", "xx"], 1),
        (["xlm-tok", "train", "en=/nowhere", "--vocab-size", "99", "--output", "x"], 1),
        (["xlm-tok", "convert", "to-original", "/nowhere", "a", "b"], 1),
        (["xlm-tok", "encode"], 2),
        (["xlm-tok", "encode", "--lang", "en", "--errors", "ignore"], 2),
        (["xlm-tok", "encode", "--lang", "en", "--workers", "0"], 2),
        (["xlm-tok", "nothing"], 2),
        (["xlm-model", "info", "/nowhere"], 1),
        (["xlm-model", "embed", "/nowhere", "--lang", "en"], 1),
        (["xlm-model", "embed", "/nowhere"], 2),
        (["xlm-model", "embed", "x", "--lang", "en", "--on-error", "ignore"], 2),
        (["xlm-model"], 2),
    ],
)
def test_exit_codes(
    arguments: list[str], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(PROGRAMS[arguments[0]], arguments[1:], input="one\n")
    assert result.exit_code == code, result.stderr
    if code and len(arguments) > 1:
        assert result.stderr.startswith(f"{arguments[0]}: error: ")
        assert result.stderr.count("\n") == 1
