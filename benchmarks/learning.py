"""How long a vocabulary of real size takes to learn, and how much memory: `xlm-tok train`.

    python -m benchmarks.learning --data ../shared/data --output docs/benchmarks

Text of that size is not at hand, so it is made, with the one property that matters here: new words
never stop.  20 million words of a language have some 680,000 different ones, and their number
grows with the power 0.63 of the text, as in real languages; see
:func:`benchmarks.corpora_text.write_growing`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.corpora_text import write_growing

# Beside the merges a vocabulary has the characters, inside words and at their ends.
CHARACTERS = 2_000


def measure(data: Path, count: int, merges: int, workers: int, folder: Path) -> dict[str, Any]:
    sources, different = write_growing(data, folder, count)
    size = sum(Path(source.partition("=")[2]).stat().st_size for source in sources)
    command = [
        str(Path(sys.executable).with_name("xlm-tok")), "train", *sources, "--workers",
        str(workers), "--vocab-size", str(merges + CHARACTERS), "-o", str(folder / "learnt"),
    ]  # fmt: skip
    start = time.perf_counter()
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    found = (folder / "learnt" / "merges.txt").read_text(encoding="utf-8").splitlines()
    return {
        "words": count,
        "different": different,
        "megabytes": size / 1e6,
        "merges": len(found),
        "workers": workers,
        "minutes": (time.perf_counter() - start) / 60,
        "cpu_minutes": (usage.ru_utime + usage.ru_stime) / 60,
        "memory": usage.ru_maxrss / 1024,
    }


def report(found: dict[str, Any]) -> str:
    return (
        "| text | different words | merges | workers | time | CPU time | largest process |\n"
        "|---|---|---|---|---|---|---|\n"
        "| {words:,} words, {megabytes:,.0f} MB | {different:,} | {merges:,} | {workers} | "
        "{minutes:.0f} min | {cpu_minutes:.0f} min | {memory:,.0f} MiB |"
    ).format(**found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--words", type=int, default=100_000_000)
    parser.add_argument("--merges", type=int, default=80_000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--output", type=Path, help="folder for the table and the figures")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        results = measure(options.data, options.words, options.merges, options.workers, Path(name))
    print(report(results))
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)
        (options.output / "learning.md").write_text(report(results) + "\n")
        (options.output / "learning.json").write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
