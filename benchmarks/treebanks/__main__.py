"""Experiments on treebanks of 500 sentences in nine languages, with the toolkit's own commands.

    python -m benchmarks.treebanks pretraining --data ../shared/data --output docs/benchmarks
    python -m benchmarks.treebanks tags --data ../shared/data --output docs/benchmarks
    python -m benchmarks.treebanks pairs --data ../shared/data --output docs/benchmarks

Small models are trained from nothing on the CPU. With the same --work, tags takes what pretraining
has trained, and what was interrupted goes on.
"""

from __future__ import annotations

import argparse
import gzip
import tempfile
from pathlib import Path

import torch

from benchmarks.treebanks import pairs, pretraining, tags
from benchmarks.treebanks.commands import Shell
from benchmarks.treebanks.data import Treebanks
from benchmarks.treebanks.report import Report

EXPERIMENTS = {"pretraining": pretraining.run, "tags": tags.run, "pairs": pairs.run}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("experiment", choices=EXPERIMENTS)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--work", type=Path, help="folder that keeps what is made")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--output", type=Path, help="folder for the tables")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as name:
        folder = (options.work or Path(name)).resolve()
        treebanks = Treebanks(options.data / "ud", folder)
        shell = Shell(folder, kytea_model(options.data, folder), options.threads)
        report = Report(options.experiment)
        EXPERIMENTS[options.experiment](shell, treebanks, report)
    if options.output:
        report.save(options.output)


def kytea_model(data: Path, folder: Path) -> Path:
    """Return the model for Japanese, unpacked."""
    path = folder / "kytea.bin"
    path.write_bytes(gzip.decompress((data / "kytea" / "wiki-words.bin.gz").read_bytes()))
    return path


if __name__ == "__main__":
    main()
