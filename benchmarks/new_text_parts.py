"""Where the time of a pass over new text goes.

    python -m benchmarks.new_text_parts --text FOLDER --data ../shared/data --output docs/benchmarks

The passes are those of `benchmarks.new_text`: a process of its own for each, on one core, in CPU
time from before the tokenizer is made. What is printed are shares of it, as medians.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ["TOKENIZERS_PARALLELISM"] = "false"

from benchmarks.new_text import BLOCK, in_process, text_of
from benchmarks.tokenization import prepare

LANGUAGES = "en,fr,de,ru,zh,ja,th"
REST = "splitting, looking up, rows, keeping what is new"


def parts(lang: str, folder: Path, lines: list[str]) -> dict[str, float]:
    """Encode a text, and return the seconds by what was done."""
    from xlm_text import XLMTokenizer

    taken: dict[str, float] = {}

    def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **options: Any) -> Any:
            start = time.process_time()
            result = function(*arguments, **options)
            # What is only computed when it is asked for is asked for now.
            result = list(result) if isinstance(result, Iterator) else result
            taken[name] = taken.get(name, 0.0) + time.process_time() - start
            return result

        return run

    start = time.process_time()
    files = folder / "vocab.json", folder / "merges.txt"
    load = timed("vocabulary and merges from disk", XLMTokenizer.from_files)
    tokenizer = load(*files, kytea_model=str(folder / "kytea.bin"))
    timed("the Rust model of the merges", lambda: tokenizer._subwords._bpe)()
    begin = "rules and segmenter, loaded"
    analyzer = timed(begin, lambda: tokenizer._cutter(lang)._analyzer)()
    pipeline, words = analyzer._pipeline, analyzer._word_ids
    timed(begin, pipeline.words)(["我"])  # some load with their first text
    pipeline.words = timed("words of what is new", pipeline.words)
    words._compute = timed("case and merges of new words", words._compute)
    for first in range(0, len(lines), BLOCK):
        tokenizer(lines[first : first + BLOCK], lang=lang)
    return {**taken, REST: time.process_time() - start - sum(taken.values())}


def report(results: dict[str, list[dict[str, float]]]) -> str:
    rows = ["| | " + " | ".join(results) + " |", "|---" * (len(results) + 1) + "|"]
    for name in next(iter(results.values()))[0]:
        shares = [
            statistics.median(one[name] / sum(one.values()) for one in passes)
            for passes in results.values()
        ]
        rows.append(f"| {name} | " + " | ".join(f"{share:.0%}" for share in shares) + " |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--text", type=Path, help="folder with LANG.txt")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--langs", default=LANGUAGES)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, help="folder for the table")
    # What one pass is told.
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    if options.one:
        lines = options.file.read_text(encoding="utf-8").splitlines()
        print(json.dumps(parts(options.one, options.folder, lines)))
        return
    with tempfile.TemporaryDirectory() as name:
        prepare(options.data, Path(name))
        results = {}
        for lang in options.langs.split(","):
            arguments = ["--one", lang, "--folder", name, "--file", str(text_of(lang, options))]
            results[lang] = [
                in_process("benchmarks.new_text_parts", *arguments) for _ in range(options.rounds)
            ]
    table = report(results)
    print(table)
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)
        (options.output / "new-text-parts.md").write_text(table + "\n")


if __name__ == "__main__":
    main()
