"""The extra `corpora` is enough: what else the machine has changes nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import sys


class NoPandas:  # pyarrow imports it where it is there, and more with it
    def find_spec(self, name, path, target=None):
        if name == "pandas":
            raise ModuleNotFoundError(name)


sys.meta_path.insert(0, NoPandas())
from xlm_text import corpora

pairs = corpora.prepare(["en-fr=en.txt,fr.txt", "en=en.txt"], "data")
print(sorted(pairs.statistics()), corpora.open("data").dataset(lang="en").count_rows())
"""


def test_a_corpus_is_made_and_read(tmp_path: Path) -> None:
    (tmp_path / "en.txt").write_text("Good morning.\nGood night.\n")
    (tmp_path / "fr.txt").write_text("Bonjour.\nBonne nuit.\n")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.stdout == "['en', 'fr'] 2\n"
