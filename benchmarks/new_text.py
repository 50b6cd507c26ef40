"""What text costs that was never seen: a stream of it in blocks, from a new tokenizer.

    python -m benchmarks.new_text --text FOLDER --data ../shared/data --output docs/benchmarks

FOLDER has a file LANG.txt for each language, one paragraph in a line; `benchmarks.help_pages` makes
one. For other languages the sentences of the shared data are read.

Each pass is a process of its own on one core, so that nothing is warm: it makes the tokenizer, and
sends the text through in blocks of 2,000 lines. The seconds are its CPU time from before the
tokenizer is made, so that what the two load and their tables count, and imports do not. What is
cached on disk, by us and by jieba, is there, as in every process but the first. The competitors
take turns. `--compare` compares the ids, and measures nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["HF_HUB_OFFLINE"] = "1"

from benchmarks.tokenization import (
    LANGUAGES,
    load_for_reference,
    prepare,
    ratio,
    reference_maker,
)

BLOCK = 2000
LINES = (1, 100, 1000)
COMPETITORS = ("reference", "ids", "ids and offsets")
Encode = Callable[[list[str]], list[list[int]]]


def maker(competitor: str, lang: str, folder: Path) -> Callable[[], Encode]:
    """Return what makes a tokenizer, and gives what encodes a block with it."""
    kytea_model = folder / "kytea.bin"
    if competitor == "reference":
        make_theirs = reference_maker(folder)

        def reference() -> Encode:
            tokenizer = make_theirs(load_for_reference(lang, kytea_model))
            return lambda texts: tokenizer(texts, lang=lang)["input_ids"]

        return reference
    from xlm_text import Settings, XLMTokenizer

    settings = Settings(kytea_model=str(kytea_model))
    files = folder / "vocab.json", folder / "merges.txt"
    offsets = competitor == "ids and offsets"

    def ours() -> Encode:
        tokenizer = XLMTokenizer.from_files(*files, settings=settings)
        return lambda texts: tokenizer(texts, lang=lang, return_offsets_mapping=offsets)[
            "input_ids"
        ]

    return ours


def one_pass(competitor: str, lang: str, folder: Path, lines: list[str]) -> dict[str, float]:
    """Encode a text, and return the seconds and the peak of memory (MiB)."""
    make = maker(competitor, lang, folder)
    start = time.process_time()
    encode = make()
    for first in range(0, len(lines), BLOCK):
        encode(lines[first : first + BLOCK])
    taken = time.process_time() - start
    return {"seconds": taken, "memory": peak_memory()}


def peak_memory() -> float:
    """Return the most memory that this process had, in MiB; getrusage knows its parent's."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(x for x in status.splitlines() if x.startswith("VmHWM")).split()[1]) / 1024


def differences(lang: str, folder: Path, lines: list[str]) -> int:
    """Count the lines of which the ids are not those of the reference."""
    from xlm_text.segmenters import load_segmenter

    load_segmenter("jieba")  # the reference's maker puts another `rjieba` in its place
    encoders = [maker(competitor, lang, folder)() for competitor in ("reference", "ids")]
    count = 0
    for first in range(0, len(lines), BLOCK):
        theirs, ours = (encode(lines[first : first + BLOCK]) for encode in encoders)
        count += sum(a != b for a, b in zip(theirs, ours, strict=True))
    return count


def in_process(program: str, *arguments: str) -> Any:
    """Run a module for one pass in a process of its own, and return what it says."""
    command = [sys.executable, "-m", program, *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure_start(folder: Path, text: Path, rounds: int) -> dict[str, Any]:
    """Measure whole processes, by the clock: import, load, and the first lines."""
    imports = {
        "reference": "from transformers import XLMTokenizer; t = XLMTokenizer({0!r}, {1!r}); "
        "run = lambda x: t(x)",
        "ids": "from xlm_text import XLMTokenizer; t = XLMTokenizer.from_files({0!r}, {1!r}); "
        "run = lambda x: t(x, lang='en')",
    }
    files = [str(folder / name) for name in ("vocab.json", "merges.txt")]
    # The work alone: other lines, as new, once everything is there.
    program = (
        "import time; begin = time.perf_counter(); {load}; "
        "lines = open({text!r}, encoding='utf-8').read().splitlines(); run(lines[:{count}]); "
        "end = time.perf_counter(); run(lines[{count}:2 * {count}]); "
        "print(end - begin, time.perf_counter() - end)"
    )
    # A short text has not as many twice.
    number = len(text.read_text(encoding="utf-8").splitlines())
    counts = [count for count in LINES if 2 * count <= number]
    taken: dict[str, Any] = {}
    for _ in range(rounds + 1):
        for name, load_code in imports.items():
            for count in counts:
                code = program.format(load=load_code.format(*files), text=str(text), count=count)
                begin = time.perf_counter()
                done = subprocess.run(
                    [sys.executable, "-c", code], check=True, stdout=subprocess.PIPE, text=True
                )
                whole = time.perf_counter() - begin
                _, work = map(float, done.stdout.split())
                taken.setdefault(f"{name}, {count}", []).append([whole - work, work])
    return {name: values[1:] for name, values in taken.items()}


def report(results: dict[str, Any]) -> str:
    rows = [
        "| | lines | characters | reference, characters/s | ids, characters/s | ids "
        "| ids and offsets | offsets to ids | memory |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for lang, result in results["languages"].items():
        seconds = {
            name: [one["seconds"] for one in passes] for name, passes in result["passes"].items()
        }
        size = result["characters"]
        rates = [size / statistics.median(seconds[name]) for name in ("reference", "ids")]
        ids, offsets = (ratio(seconds["reference"], seconds[name]) for name in COMPETITORS[1:])
        share, _, _ = ratio(seconds["ids"], seconds["ids and offsets"])
        memory = max(one["memory"] for one in result["passes"]["ids"])
        rows.append(
            f"| {lang} | {result['lines']:,} | {size:,} | {rates[0]:,.0f} | {rates[1]:,.0f} "
            f"| {ids[0]:.1f} × ({ids[1]:.1f}–{ids[2]:.1f}) "
            f"| {offsets[0]:.1f} × ({offsets[1]:.1f}–{offsets[2]:.1f}) | {share:.2f} "
            f"| {memory:.0f} MiB |"
        )
    rows += ["", "| from the start of a process | reference | here | | of which work |"]
    rows.append("|---|---|---|---|---|")
    for count in LINES:
        if f"ids, {count}" not in results["start"]:
            continue
        theirs, ours = (results["start"][f"{name}, {count}"] for name in ("reference", "ids"))
        totals = [[whole for whole, _ in one] for one in (theirs, ours)]
        middle, low, high = ratio(*totals)
        work = statistics.median(work for _, work in ours)
        rows.append(
            f"| to {count:,} line{'s' * (count > 1)} of English | "
            f"{statistics.median(totals[0]):.2f} s | {statistics.median(totals[1]):.2f} s "
            f"| {middle:.1f} × ({low:.1f}–{high:.1f}) | {work:.2f} s |"
        )
    return "\n".join(rows)


def text_of(lang: str, options: argparse.Namespace) -> Path:
    """Return the file with the text of a language."""
    folders = [folder for folder in (options.text, options.data / "text") if folder]
    files = [folder / f"{lang}.txt" for folder in folders]
    return next((file for file in files if file.exists()), files[-1])


def measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    results: dict[str, Any] = {"languages": {}}
    for lang in options.langs.split(","):
        file = text_of(lang, options)
        lines = file.read_text(encoding="utf-8").splitlines()[: options.lines]
        passes: dict[str, list[Any]] = {name: [] for name in COMPETITORS}
        for _ in range(options.rounds):
            for name in COMPETITORS:
                arguments = ["--pass", name, "--folder", str(folder), "--langs", lang]
                arguments += ["--file", str(file)]
                if options.lines:
                    arguments += ["--lines", str(options.lines)]
                passes[name].append(in_process("benchmarks.new_text", *arguments))
        results["languages"][lang] = {
            "lines": len(lines),
            "characters": sum(map(len, lines)),
            "passes": passes,
        }
        print(f"{lang} measured", file=sys.stderr)
    results["start"] = measure_start(folder, text_of("en", options), options.rounds)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--text", type=Path, help="folder with LANG.txt")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--langs", default=",".join(LANGUAGES))
    parser.add_argument("--lines", type=int, help="at most so many lines of each")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--compare", action="store_true", help="compare ids, measure nothing")
    parser.add_argument("--output", type=Path, help="folder for the table and figures")
    # What one pass of a measurement is told.
    parser.add_argument("--pass", dest="competitor", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    if options.competitor:
        lines = options.file.read_text(encoding="utf-8").splitlines()[: options.lines]
        found = one_pass(options.competitor, options.langs, options.folder, lines)
        print(json.dumps(found))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(options.data, folder)
        if options.compare:
            for lang in options.langs.split(","):
                file = text_of(lang, options)
                lines = file.read_text(encoding="utf-8").splitlines()[: options.lines]
                count = differences(lang, folder, lines)
                print(f"{lang}: {len(lines):,} lines, {count} differences", flush=True)
            return
        results = measure(options, folder)
    table = report(results)
    print(table)
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)
        (options.output / "new-text.md").write_text(table + "\n")
        (options.output / "new-text.json").write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
