"""The commands of the toolkit, run as in a shell."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any


class Shell:
    """Runs commands in a folder, and says what each takes.

    Args:
        folder: Where they run, and what they make lies.
        kytea_model: For Japanese.
    """

    def __init__(self, folder: Path, kytea_model: Path) -> None:
        self.folder = folder
        scripts = Path(sys.executable).parent
        self._environment = {
            **os.environ,
            "PATH": f"{scripts}:{os.environ['PATH']}",
            "XLM_KYTEA_MODEL": str(kytea_model),
        }

    def run(self, *command: str | Path) -> None:
        """Run a command, and raise if it fails."""
        words = [str(word) for word in command]
        print("$", " ".join(words), flush=True)
        begin = time.perf_counter()
        done = subprocess.run(
            words, cwd=self.folder, env=self._environment, stdout=subprocess.PIPE, text=True
        )
        lines = done.stdout.splitlines()
        print(*lines[-1:], f"({time.perf_counter() - begin:.0f} s)", flush=True)
        done.check_returncode()

    def is_made(self, name: str) -> bool:
        """Tell whether a former run of the same experiment made something."""
        return (self.folder / name).exists()

    def json(self, name: str) -> Any:
        """Return what stands in a JSON file."""
        return json.loads((self.folder / name).read_text(encoding="utf-8"))


def last_scores(folder: Path) -> dict[str, dict[str, float]]:
    """Return the scores of the last evaluation that a training logged."""
    with (folder / "log.jsonl").open(encoding="utf-8") as file:
        entries = [json.loads(line) for line in file]
    found: dict[str, dict[str, float]] = [e["scores"] for e in entries if "scores" in e][-1]
    return found
