"""What a page finds on its reader's machine."""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path

import pytest


@pytest.fixture
def environment(hub: Path, tmp_path: Path) -> dict[str, str]:
    """Return the environment of a reader with this project's commands, and no network."""
    commands = sysconfig.get_path("scripts")
    home = tmp_path / "home"
    home.mkdir()
    kept = {name: x for name, x in os.environ.items() if not name.startswith(("XLM_", "HF_"))}
    return {
        **kept,
        "PATH": f"{commands}:{kept['PATH']}",
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "HF_HOME": str(hub),
        "HF_HUB_OFFLINE": "1",
    }
