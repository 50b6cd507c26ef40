"""How fast and how small corpora are made: `xlm-tok prepare` beside what it is made of.

    python -m benchmarks.corpora --data ../shared/data --output docs/benchmarks

A million lines, windows of 20 words over real sentences in five languages, with xnli15's real
vocabulary.  Competitors run in turn, each in processes of its own, several times; figures are
medians, and ratios are medians of ratios taken round by round.  Where one process is compared
with one, the seconds are its CPU time, so that other work on the machine counts little; where
several share the cores, they are the clock's.  Two workers have four times the lines, so that
what begins and ends a run counts little, and beside them run two commands that know nothing of
each other: more than these reach, the machine does not give.  Ray has made a corpus of two lines
before its time begins, as a cluster has that is there.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.corpora_text import FIFTEEN, LANGUAGES, new_words, read, write_windows

VOCAB_SIZE = 95000
TIMES = 4  # the lines of what runs on two processors

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
    model, output, small, *sources = sys.argv[1:]
    corpora.prepare([small], output + "-small", model=model, engine="ray")
    start = time.perf_counter()
    corpora.prepare(sources, output, model=model, engine="ray", shard_bytes=8_000_000)
    print(time.perf_counter() - start)
"""


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


def measure_sizes(machine: Machine, data: Path, folder: Path) -> dict[str, float]:
    """Return kilobytes: of the real text, none of it twice, and of what is made of it."""
    import pyarrow

    from xlm_text import corpora

    texts = {lang: read(data, lang) for lang in LANGUAGES}
    path = folder / "real.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for lang, text in texts.items():
            for line in text.splitlines():
                file.write(json.dumps({"lang": lang, "text": line}) + "\n")
    sources = [f"@lang={path}:text"]
    whole = "".join(texts.values()).encode()
    sizes = {"text": len(whole), "text, zstd": pyarrow.compress(whole, "zstd").size}
    forms = {
        "streams of 256, Parquet": ["--blocks", "256"],
        "streams of 256, bin": ["--blocks", "256", "--format", "bin"],
        "rows, Parquet": [],
    }
    for name, options in forms.items():
        machine.run(machine.prepare(sources, *options))
        shards = (path for path in machine.output.rglob("train/*/*"))
        sizes[name] = sum(path.stat().st_size for path in shards)
    json_lines = 0
    for batch in corpora.open(machine.output / "0").dataset().to_batches(columns=["input_ids"]):
        for ids in batch.column(0).to_pylist():
            json_lines += len(json.dumps({"ids": ids})) + 1
    sizes["JSON lines of ids"] = json_lines
    return {name: size / 1e3 for name, size in sizes.items()}


def measure_memory(machine: Machine, data: Path, folder: Path, count: int) -> dict[str, float]:
    """Return the largest memory of one worker in MiB; half of the words are new, so caches fill."""
    for lang in ("en", "zh", "th"):
        with (folder / f"new.{lang}").open("w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in new_words(data, lang, count))
    mixed = folder / "mixed.jsonl"
    texts = {lang: new_words(data, lang, count // 3) for lang in FIFTEEN}
    with mixed.open("w", encoding="utf-8") as file:
        for lines in zip(*texts.values(), strict=True):
            for lang, text in zip(texts, lines, strict=True):
                file.write(json.dumps({"lang": lang, "text": text}) + "\n")
    kinds = {
        "en": f"en={folder}/new.en",
        "zh": f"zh={folder}/new.zh",
        "th": f"th={folder}/new.th",
        "15 languages in a column": f"@lang={mixed}:text",
    }
    found = {}
    for name, source in kinds.items():
        for more, options in (("", []), (", offsets", ["--offsets"])):
            command = machine.prepare([source], *options, "--shard-size", "64")
            found[name + more] = machine.run(command)["memory"]
            print(name + more, found[name + more], file=sys.stderr)
    return found


def measure(data: Path, count: int, rounds: int, folder: Path) -> dict[str, Any]:
    sources = write_windows(data, folder, count)
    paths = [source.partition("=")[2] for source in sources]
    model = write_model(data, folder)
    machine = Machine(folder, model)

    def ray() -> dict[str, float]:
        shutil.rmtree(machine.output, ignore_errors=True)
        shutil.rmtree(f"{machine.output}-small", ignore_errors=True)
        script, small = str(folder / "on_ray.py"), f"en={folder / 'small.txt'}"
        command = [sys.executable, script, model, str(machine.output), small, *sources]
        start = time.perf_counter()
        done = subprocess.run(command, capture_output=True, check=True, text=True)
        seconds = float(done.stdout.split()[-1])
        return {"clock": seconds, "with start": time.perf_counter() - start}

    (folder / "on_ray.py").write_text(RAY)
    (folder / "small.txt").write_text("One line.\n" * 2)
    half = sources * (TIMES // 2)
    runs: dict[str, Callable[[], dict[str, float]]] = {
        "encode_iterator": lambda: machine.run([sys.executable, "-c", ENCODE, model, *paths]),
        "one worker": lambda: machine.run(machine.prepare(sources)),
        "one worker, streams": lambda: machine.run(machine.prepare(sources, "--blocks", "256")),
        "two workers": lambda: machine.run(machine.prepare(sources, "--workers", "2")),
        "Ray, two CPUs": ray,
        "one worker, longer": lambda: machine.run(machine.prepare(sources * TIMES)),
        "two workers, longer": lambda: machine.run(
            machine.prepare(sources * TIMES, "--workers", "2")
        ),
        "two commands": lambda: machine.run(
            machine.prepare(half, name="first"), machine.prepare(half, name="second")
        ),
    }
    return {
        "lines": count,
        "text": sum(Path(path).stat().st_size for path in paths) / 1e6,
        "taken": in_turn(runs, rounds),
        "kilobytes": measure_sizes(machine, data, folder),
        "memory": measure_memory(machine, data, folder, count // 20),
    }


def report(results: dict[str, Any]) -> str:
    taken, count = results["taken"], results["lines"]
    one, two, ray = (taken[name] for name in ("one worker", "two workers", "Ray, two CPUs"))
    longer = {name: taken[f"{name}, longer"] for name in ("one worker", "two workers")}
    speed = results["text"] / median(one, "cpu")
    start = median([{"start": r["with start"] - r["clock"]} for r in ray], "start")
    rows = [
        "| what | measured |",
        "|---|---|",
        f"| `encode_iterator` | {count / median(taken['encode_iterator'], 'cpu'):,.0f} lines/s |",
        f"| `prepare`, one worker | {count / median(one, 'cpu'):,.0f} lines/s, {speed:.1f} MB/s, "
        f"{ratio(taken['encode_iterator'], one, 'cpu')} `encode_iterator` |",
        "| the same, streams of 256 tokens | "
        f"{ratio(taken['encode_iterator'], taken['one worker, streams'], 'cpu')} "
        "`encode_iterator` |",
        f"| two workers, {TIMES * count:,} lines | "
        f"{ratio(longer['one worker'], longer['two workers'], 'clock')} one worker, "
        f"{ratio(taken['two commands'], longer['two workers'], 'clock')} two commands |",
        "| two commands at once, half of the lines each | "
        f"{ratio(longer['one worker'], taken['two commands'], 'clock')} one worker |",
        f"| Ray on two CPUs, {count:,} lines | {ratio(two, ray, 'clock')} two workers; its start, "
        f"with a corpus of two lines, is not in it and takes {start:.1f} s |",
        "",
        "| form | kB | of the text |",
        "|---|---|---|",
    ]
    sizes = results["kilobytes"]
    for name, size in sizes.items():
        rows.append(f"| {name} | {size:,.0f} | {size / sizes['text']:.2f} |")
    rows += ["", "| one worker, text whose words are new | largest memory |", "|---|---|"]
    rows += [f"| {name} | {size:,.0f} MiB |" for name, size in results["memory"].items()]
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
