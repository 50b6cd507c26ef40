"""What a page finds on its reader's machine."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

WARM_COMMAND = Path(__file__).with_name("warm_command.py")


def reader(hub: Path) -> dict[str, str]:
    """Return the environment of a reader with this project's commands, and no network."""
    kept = {name: x for name, x in os.environ.items() if not name.startswith(("XLM_", "HF_"))}
    commands = sysconfig.get_path("scripts")
    return {
        **kept,
        "PATH": f"{commands}:{kept['PATH']}",
        "LC_ALL": "C.UTF-8",
        "HF_HOME": str(hub),
        "HF_HUB_OFFLINE": "1",
    }


@pytest.fixture(scope="session")
def warm_commands(hub: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with commands that start at once; see `warm_command.py`."""
    folder = tmp_path_factory.mktemp("warm")
    socket = folder / "socket"
    for name in ("xlm-tok", "xlm-model", "page"):
        command = folder / name
        asks = f"{sys.executable} -S -E {WARM_COMMAND} {socket} {name}"
        command.write_text(f'#!/bin/sh\nexec {asks} "$@"\n')
        command.chmod(0o755)
    server = subprocess.Popen(
        [sys.executable, WARM_COMMAND, socket], env=reader(hub), stdout=subprocess.PIPE
    )
    try:
        assert server.stdout is not None
        assert server.stdout.readline() == b"ready\n"
        yield folder
    finally:
        server.kill()
        server.communicate()


@pytest.fixture
def environment(hub: Path, warm_commands: Path, tmp_path: Path) -> dict[str, str]:
    home = tmp_path / "home"
    home.mkdir()
    given = reader(hub)
    return {**given, "PATH": f"{warm_commands}:{given['PATH']}", "HOME": str(home)}
