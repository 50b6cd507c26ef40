"""Moses' own scripts, where they are at hand: ``XLM_MOSES_SCRIPTS`` names their folder.

It is the folder ``scripts`` of moses-smt/mosesdecoder as it was early in 2019 (with ``tokenizer/``
and ``share/nonbreaking_prefixes/`` in it).
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPTS = os.environ.get("XLM_MOSES_SCRIPTS")
needs_scripts = pytest.mark.skipif(
    not SCRIPTS or shutil.which("perl") is None,
    reason="no perl, or no XLM_MOSES_SCRIPTS that names the scripts' folder",
)


def _commands(lang: str) -> list[list[str]]:
    folder = Path(SCRIPTS or "", "tokenizer")
    stages = [
        ["replace-unicode-punctuation.perl"],
        ["normalize-punctuation.perl", "-l", lang],
        ["remove-non-printing-char.perl"],
        ["tokenizer.perl", "-no-escape", "-q", "-l", lang],
    ]
    if lang in ("zh", "th", "ja"):
        stages.pop()
    return [["perl", str(folder / script), "-b", *options] for script, *options in stages]


class Scripts:
    """The pipeline of scripts for a language."""

    def __init__(self, lang: str) -> None:
        self._commands = _commands(lang)
        self._running: list[subprocess.Popen[bytes]] = []

    def lines(self, texts: list[str]) -> list[str]:
        """Send many texts through; a text of several lines gives them joined by spaces."""
        data = "".join(f"{text}\n" for text in texts).encode()
        for command in self._commands:
            done = subprocess.run(command, input=data, capture_output=True, check=True)
            data = done.stdout
        printed = iter(data.decode().split("\n"))
        return [" ".join(next(printed) for _ in range(text.count("\n") + 1)) for text in texts]

    def line(self, text: str) -> str:
        """Send one text through scripts that keep running."""
        if not self._running:
            before = None
            for command in self._commands:
                self._running.append(
                    subprocess.Popen(
                        command,
                        stdin=before.stdout if before else subprocess.PIPE,
                        stdout=subprocess.PIPE,
                        stderr=subprocess.DEVNULL,
                    )
                )
                before = self._running[-1]
        first, last = self._running[0], self._running[-1]
        printed = []
        for line in text.split("\n"):
            first.stdin.write(f"{line}\n".encode())
            first.stdin.flush()
            printed.append(last.stdout.readline().decode().removesuffix("\n"))
        return " ".join(printed)

    def close(self) -> None:
        """End the scripts that run."""
        for i, process in enumerate(self._running):
            if i == 0:
                process.stdin.close()
            process.wait()
            process.stdout.close()
        self._running = []
