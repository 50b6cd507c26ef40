"""How fast and how small corpora are made: `xlm-tok prepare` beside what it is made of.

    python -m benchmarks.corpora --data ../shared/data --output docs/benchmarks

A million lines, windows of 20 words over real sentences in five languages, with xnli15's real
vocabulary.  Competitors run in turn, each in processes of its own, several times; figures are
medians, and ratios are medians of ratios taken round by round.  Where one process is compared
with one, the seconds are its CPU time, so that other work on the machine counts little; where
several share the cores, they are the clock's.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

LANGUAGES = ("en", "fr", "de", "es", "ru")
VOCAB_SIZE = 95000

ENCODE = """
import sys
from xlm_text import XLMTokenizer
for path in sys.argv[2:]:
    tokenizer = XLMTokenizer.from_pretrained(sys.argv[1])
    with open(path, encoding="utf-8") as file:
        lines = (line.removesuffix("\\n") for line in file)
        for ids in tokenizer.encode_iterator(lines, lang=path[-6:-4]):
            pass
"""
RAY = """
import sys, time
import ray
from xlm_text import corpora
if __name__ == "__main__":
    ray.init(num_cpus=2, logging_level="error", log_to_driver=False, include_dashboard=False)
    start = time.perf_counter()
    model, output, *sources = sys.argv[1:]
    corpora.prepare(sources, output, model=model, engine="ray", shard_bytes=8_000_000)
    print(time.perf_counter() - start)
"""


def write_text(data: Path, folder: Path, count: int) -> list[str]:
    """Write the lines of each language; return the arguments for them."""
    choose = random.Random(0)
    sources = []
    for lang in LANGUAGES:
        words = (data / "text" / f"{lang}.txt").read_text(encoding="utf-8").split()
        path = folder / f"{lang}.txt"
        with path.open("w", encoding="utf-8") as file:
            for _ in range(count // len(LANGUAGES)):
                start = choose.randrange(len(words) - 20)
                file.write(" ".join(words[start : start + 20]) + "\n")
        sources.append(f"{lang}={path}")
    return sources


def write_model(data: Path, folder: Path) -> str:
    from xlm_text import Vocabulary, XLMTokenizer

    source = data / "vocab" / "xnli15"
    vocabulary = Vocabulary.from_original(
        source / "codes_xnli_15", source / "vocab_xnli_15", VOCAB_SIZE
    )
    XLMTokenizer(vocabulary).save_pretrained(folder / "model")
    return str(folder / "model")


class Machine:
    """Runs commands, and tells what they took."""

    def __init__(self, folder: Path, model: str) -> None:
        self.output = folder / "output"
        self.model = model
        self.xlm_tok = str(Path(sys.executable).with_name("xlm-tok"))

    def prepare(self, sources: list[str], *options: str, name: str = "0") -> list[str]:
        folder = self.output / name
        return [
            self.xlm_tok, "prepare", *sources, "-o", str(folder), "-m", self.model,
            "--shard-size", "8", *options,
        ]  # fmt: skip

    def run(self, *commands: list[str]) -> dict[str, float]:
        """Run commands at once; return the clock's seconds, CPU seconds and the largest memory."""
        shutil.rmtree(self.output, ignore_errors=True)
        start = time.perf_counter()
        running = [
            subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for command in commands
        ]
        cpu, memory = 0.0, 0
        for process in running:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            assert process.returncode == 0, process.args
            cpu += usage.ru_utime + usage.ru_stime
            memory = max(memory, usage.ru_maxrss)
        return {"clock": time.perf_counter() - start, "cpu": cpu, "memory": memory / 1024}


def in_turn(
    runs: dict[str, Callable[[], dict[str, float]]], rounds: int
) -> dict[str, list[dict[str, float]]]:
    taken: dict[str, list[dict[str, float]]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            taken[name].append(run())
            print(name, taken[name][-1], file=sys.stderr)
    return taken


def ratio(slow: list[dict[str, float]], fast: list[dict[str, float]], kind: str) -> str:
    found = [a[kind] / b[kind] for a, b in zip(slow, fast, strict=True)]
    return f"{statistics.median(found):.2f} × ({min(found):.2f}–{max(found):.2f})"


def median(taken: list[dict[str, float]], kind: str) -> float:
    return statistics.median(one[kind] for one in taken)


def measure_sizes(machine: Machine, sources: list[str]) -> dict[str, float]:
    """Return megabytes: of the text, and of what is made of it in each form."""
    sizes = {"text": sum(Path(s.partition("=")[2]).stat().st_size for s in sources)}
    forms = {
        "rows, Parquet": [],
        "streams of 256, Parquet": ["--blocks", "256"],
        "streams of 256, bin": ["--blocks", "256", "--format", "bin"],
    }
    for name, options in forms.items():
        machine.run(machine.prepare(sources, *options))
        shards = (path for path in machine.output.rglob("train/*/*"))
        sizes[name] = sum(path.stat().st_size for path in shards)
    from xlm_text import corpora

    machine.run(machine.prepare(sources))
    json_lines = 0
    for batch in corpora.open(machine.output / "0").dataset().to_batches(columns=["input_ids"]):
        for ids in batch.column(0).to_pylist():
            json_lines += len(json.dumps({"ids": ids})) + 1
    sizes["JSON lines of ids"] = json_lines
    return {name: size / 1e6 for name, size in sizes.items()}


def measure(data: Path, count: int, rounds: int, folder: Path) -> dict[str, Any]:
    sources = write_text(data, folder, count)
    paths = [source.partition("=")[2] for source in sources]
    model = write_model(data, folder)
    machine = Machine(folder, model)
    halves = [folder / "first", folder / "second"]
    for half in halves:
        half.mkdir()
    for path in map(Path, paths):
        lines = path.read_bytes().splitlines(keepends=True)
        middle = len(lines) // 2
        (halves[0] / path.name).write_bytes(b"".join(lines[:middle]))
        (halves[1] / path.name).write_bytes(b"".join(lines[middle:]))
    both = [
        machine.prepare([f"{lang}={half}/{lang}.txt" for lang in LANGUAGES], name=half.name)
        for half in halves
    ]

    def ray() -> dict[str, float]:
        shutil.rmtree(machine.output, ignore_errors=True)
        command = [sys.executable, str(folder / "on_ray.py"), model, str(machine.output), *sources]
        start = time.perf_counter()
        done = subprocess.run(command, capture_output=True, check=True, text=True)
        seconds = float(done.stdout.split()[-1])
        return {"clock": seconds, "with start": time.perf_counter() - start}

    (folder / "on_ray.py").write_text(RAY)
    runs: dict[str, Callable[[], dict[str, float]]] = {
        "encode_iterator": lambda: machine.run([sys.executable, "-c", ENCODE, model, *paths]),
        "one worker": lambda: machine.run(machine.prepare(sources)),
        "one worker, streams": lambda: machine.run(machine.prepare(sources, "--blocks", "256")),
        "two workers": lambda: machine.run(machine.prepare(sources, "--workers", "2")),
        "two commands": lambda: machine.run(*both),
        "Ray, two CPUs": ray,
    }
    return {
        "lines": count,
        "taken": in_turn(runs, rounds),
        "megabytes": measure_sizes(machine, sources),
    }


def report(results: dict[str, Any]) -> str:
    taken, count = results["taken"], results["lines"]
    one, two = taken["one worker"], taken["two workers"]
    rows = [
        "| what | measured |",
        "|---|---|",
        f"| `encode_iterator` | {count / median(taken['encode_iterator'], 'cpu'):,.0f} lines/s |",
        f"| `prepare`, one worker | {count / median(one, 'cpu'):,.0f} lines/s, "
        f"{ratio(taken['encode_iterator'], one, 'cpu')} of `encode_iterator` |",
        "| the same, streams of 256 tokens | "
        f"{ratio(taken['encode_iterator'], taken['one worker, streams'], 'cpu')} "
        "of `encode_iterator` |",
        f"| two workers | {ratio(one, two, 'clock')} one worker |",
        "| two commands at once, half of the lines each | "
        f"{ratio(one, taken['two commands'], 'clock')} one worker |",
        "| Ray on two CPUs, started before | "
        f"{ratio(two, taken['Ray, two CPUs'], 'clock')} two workers |",
        f"| memory of the process, one worker | {median(one, 'memory'):,.0f} MB |",
        "",
        "| form | MB | of the text |",
        "|---|---|---|",
    ]
    sizes = results["megabytes"]
    for name, size in sizes.items():
        rows.append(f"| {name} | {size:,.1f} | {size / sizes['text']:.2f} |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path, help="folder for the table and the figures")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        results = measure(options.data, options.lines, options.rounds, Path(name))
    table = report(results)
    print(table)
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)
        (options.output / "corpora.md").write_text(table + "\n")
        (options.output / "corpora.json").write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
