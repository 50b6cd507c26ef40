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
    """Runs commands in a folder, and says how long each takes.

    Args:
        folder: Where they run, and what they make lies.
        kytea_model: For Japanese.
        threads: Of each command.
    """

    def __init__(self, folder: Path, kytea_model: Path, threads: int = 1) -> None:
        self.folder = folder
        self._environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "XLM_KYTEA_MODEL": str(kytea_model),
            "OMP_NUM_THREADS": str(threads),
        }

    def run(self, *command: str) -> None:
        """Run a command, and raise if it fails."""
        print("$", " ".join(command), flush=True)
        begin = time.perf_counter()
        subprocess.run(
            command, cwd=self.folder, env=self._environment, stdout=subprocess.DEVNULL, check=True
        )
        print(f"  {time.perf_counter() - begin:.0f} s", flush=True)

    def make(self, name: str, *command: str) -> None:
        """Run a command that makes a folder, unless a former experiment has made it.

        What was interrupted goes on.
        """
        done = self.folder / f"{name}.done"
        if done.exists():
            return
        is_begun = command[0] == "xlm-model" and (self.folder / name).exists()
        self.run(*command, "-o", name, *(["--resume"] if is_begun else []))
        done.touch()

    def read_json(self, name: str) -> Any:
        """Return what stands in a JSON file."""
        return json.loads((self.folder / name).read_text(encoding="utf-8"))
