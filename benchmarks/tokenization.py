"""How fast the tokenizer is beside the reference and beside a pipeline wholly in Rust.

    python -m benchmarks.tokenization --data ../shared/data --output docs/benchmarks

Everything is measured in one run on one core, the competitors in turn, each several times; the
table and the picture give medians, and ratios whose medians are of ratios taken pair by pair.
The seconds are the process's own CPU time, so that other work on the machine counts little; those
of whole processes, and of two workers on two cores, are the clock's.
"""

from __future__ import annotations

import argparse
import gc
import gzip
import json
import os
import platform
import random
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

from benchmarks.picture import bars

LANGUAGES = ("en", "fr", "de", "es", "ru", "ar", "zh", "th", "ja")
VOCAB_SIZE = 95000

Run = Callable[[list[str]], Any]


def mended_reference(folder: Path, kytea_model: Path) -> Callable[[], Any]:
    """Build transformers' tokenizer with a `tokenize` that passes `lang` on."""
    from xlm_text.segmenters import load_segmenter

    load_segmenter("jieba")  # ours has the true `rjieba`, which is another one from here on
    make = reference_maker(folder)
    load_for_reference("zh", kytea_model)
    kytea = load_for_reference("ja", kytea_model)
    return lambda: make(kytea)


def load_for_reference(lang: str, kytea_model: Path) -> Any:
    """Load the segmenter of a language, as the reference does with its first text; return KyTea."""
    if lang == "zh":
        import jieba

        jieba.setLogLevel(60)
        jieba.initialize()
    if lang == "ja":
        import Mykytea

        return Mykytea.Mykytea(f"-model {kytea_model} -notags")
    return None


def reference_maker(folder: Path) -> Callable[[Any], Any]:
    """Return what makes such a tokenizer; its argument is KyTea for those that need it."""
    import jieba
    from transformers import XLMTokenizer

    class Jieba:  # stands for the module `rjieba`: the same steps with jieba's own words
        cut = staticmethod(jieba.cut)

    sys.modules["rjieba"] = Jieba  # type: ignore[assignment]

    class Mended(XLMTokenizer):
        lang = "en"

        def tokenize(self, text: str, lang: str = "en", **kwargs: Any) -> list[str]:
            self.lang = lang
            return super().tokenize(text, **kwargs)

        def _tokenize(self, text: str) -> list[str]:
            return super()._tokenize(text, lang=self.lang)

    def make(kytea: Any) -> Any:
        tokenizer = Mended(str(folder / "vocab.json"), str(folder / "merges.txt"))
        tokenizer.ja_word_tokenizer = kytea
        return tokenizer

    return make


def rust_pipeline(folder: Path) -> Any:
    """Build a BERT-style pipeline (clean, split at punctuation, WordPiece) inside `tokenizers`."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    vocab = {"[UNK]": 0}
    for piece in json.loads((folder / "vocab.json").read_text()):
        text = piece.removesuffix("</w>")
        for entry in (text, f"##{text}"):
            if entry not in vocab and len(vocab) < VOCAB_SIZE:
                vocab[entry] = len(vocab)
    tokenizer = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def seconds(run: Run, lines: list[str], times: int = 1) -> float:
    """Return the CPU seconds of one run, without garbage collection, as timeit does."""
    gc.collect()
    gc.disable()
    start = time.process_time()
    for _ in range(times):
        run(lines)
    taken = time.process_time() - start
    gc.enable()
    return taken / times


def in_turn(runs: dict[str, Callable[[], tuple[Run, Run]]], lines: list[str], rounds: int) -> Any:
    """Measure each competitor's first pass and warm pass, one after another, round by round."""
    taken: dict[str, dict[str, list[float]]] = {name: {"first": [], "warm": []} for name in runs}
    for _ in range(rounds):
        for name, make in runs.items():
            first, warm = make()
            taken[name]["first"].append(seconds(first, lines))
            warm(lines)
            # A fast pass is repeated until it takes a time that can be measured.
            once = seconds(warm, lines)
            times = max(1, int(0.1 / max(once, 1e-4)))
            taken[name]["warm"].append(seconds(warm, lines, times))
    return taken


def ratio(slow: list[float], fast: list[float]) -> tuple[float, float, float]:
    ratios = [a / b for a, b in zip(slow, fast, strict=True)]
    return statistics.median(ratios), min(ratios), max(ratios)


def measure_language(lang: str, data: Path, made: dict[str, Any], rounds: int) -> dict[str, Any]:
    lines = (data / "text" / f"{lang}.txt").read_text(encoding="utf-8").splitlines()
    from xlm_text import Settings, XLMTokenizer

    settings = Settings(kytea_model=str(made["kytea_model"]))

    def ours(**options: Any) -> Callable[[], tuple[Run, Run]]:
        def make() -> tuple[Run, Run]:
            tokenizer = XLMTokenizer(made["vocabulary"], settings=settings)

            def run(texts: list[str]) -> Any:
                return tokenizer(texts, lang=lang, **options)["input_ids"]

            # What is loaded on demand is loaded now, as the reference's is by its constructor: the
            # rules and segmenters of the language, and the Rust model of the merges.
            run([f"zqx{n}" for n in range(1000)])
            return run, run

        return make

    def reference() -> tuple[Run, Run]:
        tokenizer = made["reference"]()

        def run(texts: list[str]) -> Any:
            return tokenizer(texts, lang=lang)["input_ids"]

        run(["1"])
        return run, run

    def rust() -> tuple[Run, Run]:
        def run(texts: list[str]) -> Any:
            return [encoding.ids for encoding in made["rust"].encode_batch(texts)]

        run(["1"])
        return run, run

    runs = {
        "reference": reference,
        "all Rust": rust,
        "ids": ours(),
        "ids and offsets": ours(return_offsets_mapping=True),
    }
    return {"lines": len(lines), "seconds": in_turn(runs, lines, rounds)}


def measure_segmenters(data: Path, rounds: int) -> dict[str, Any]:
    """Measure our searches for words beside those of the packages whose words they give."""
    import jieba
    from pythainlp.tokenize import word_tokenize

    from xlm_text.segmenters import load_segmenter

    peers: dict[str, tuple[str, Callable[[str], Any], Callable[[str], Any]]] = {
        "Jieba": ("zh", lambda text: list(jieba.cut(text)), load_segmenter("jieba")),
        "newmm": ("th", word_tokenize, load_segmenter("newmm")),
    }
    taken: dict[str, Any] = {}
    for name, (lang, *cut) in peers.items():
        lines = (data / "text" / f"{lang}.txt").read_text(encoding="utf-8").splitlines()
        runs = [lambda texts, one=one: [one(text) for text in texts] for one in cut]
        theirs, ours = (run(lines) for run in runs)  # what is loaded on demand is loaded now
        assert theirs == ours
        seconds_of = [[seconds(run, lines) for run in runs] for _ in range(rounds)]
        taken[name] = {"theirs": [a for a, _ in seconds_of], "ours": [b for _, b in seconds_of]}
    return taken


def measure_start(folder: Path, rounds: int) -> dict[str, Any]:
    """Measure a whole process: import, load the real vocabulary, tokenize the first line."""
    line = "Hello, world! It's “the first line” of many (or so they say)."
    vocab, merges = folder / "vocab.json", folder / "merges.txt"
    programs = {
        "reference": "from transformers import XLMTokenizer\n"
        f"XLMTokenizer({str(vocab)!r}, {str(merges)!r})({line!r})",
        "ids": "from xlm_text import XLMTokenizer\n"
        f"XLMTokenizer.from_files({str(vocab)!r}, {str(merges)!r})({line!r}, lang='en')",
    }
    taken: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(rounds + 1):
        for name, program in programs.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
            taken[name].append(time.perf_counter() - start)
    # The first of each fills the file cache and is not counted.
    return {name: values[1:] for name, values in taken.items()}


def measure_workers(data: Path, made: dict[str, Any], folder: Path, rounds: int) -> dict[str, Any]:
    """Measure the command on a file of a million lines, in one process and in two.

    What two cores can do at most is seen from two commands at once, with half of the file each.
    """
    from xlm_text import XLMTokenizer

    words = (data / "text" / "en.txt").read_text(encoding="utf-8").split()
    choose = random.Random(0)
    starts = [choose.randrange(len(words) - 20) for _ in range(1_000_000)]
    lines = [" ".join(words[start : start + 20]) + "\n" for start in starts]
    whole, *halves = (folder / name for name in ("lines", "first", "second"))
    middle = len(lines) // 2
    for path, part in ((whole, lines), (halves[0], lines[:middle]), (halves[1], lines[middle:])):
        path.write_text("".join(part), encoding="utf-8")
    XLMTokenizer(made["vocabulary"]).save_pretrained(folder / "model")
    xlm_tok = Path(sys.executable).with_name("xlm-tok")
    program = [str(xlm_tok), "encode", "--lang", "en", "--model", str(folder / "model")]
    commands = {
        "one worker": [[*program, str(whole)]],
        "two workers": [[*program, "--workers", "2", str(whole)]],
        "two commands": [[*program, str(half)] for half in halves],
    }
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, together in commands.items():
            start = time.perf_counter()
            running = [subprocess.Popen(one, stdout=subprocess.DEVNULL) for one in together]
            assert not any(process.wait() for process in running)
            taken[name].append(time.perf_counter() - start)
    return taken


def prepare(data: Path, folder: Path) -> dict[str, Any]:
    from xlm_text import Vocabulary

    source = data / "vocab" / "xnli15"
    vocabulary = Vocabulary.from_original(
        source / "codes_xnli_15", source / "vocab_xnli_15", VOCAB_SIZE
    )
    vocabulary.save(folder)
    model = folder / "kytea.bin"
    model.write_bytes(gzip.decompress((data / "kytea" / "wiki-words.bin.gz").read_bytes()))
    return {
        "vocabulary": vocabulary,
        "kytea_model": model,
        "reference": mended_reference(folder, model),
        "rust": rust_pipeline(folder),
    }


def report(results: dict[str, Any]) -> str:
    rows = [
        "| | reference, lines/s | first pass | warm "
        "| with offsets, first | warm | all Rust, warm |",
        "|---|---|---|---|---|---|---|",
    ]
    for lang, result in results["languages"].items():
        taken = result["seconds"]
        reference = taken["reference"]
        rate = result["lines"] / statistics.median(reference["warm"])
        cells = [f"{rate:,.0f}"]
        for name, phase in (
            ("ids", "first"),
            ("ids", "warm"),
            ("ids and offsets", "first"),
            ("ids and offsets", "warm"),
            ("all Rust", "warm"),
        ):
            middle, low, high = ratio(reference[phase], taken[name][phase])
            cells.append(f"{middle:.1f} × ({low:.1f}–{high:.1f})")
        rows.append(f"| {lang} | " + " | ".join(cells) + " |")
    for name, taken in results["segmenters"].items():
        middle, low, high = ratio(taken["theirs"], taken["ours"])
        rows += ["", f"Words alone: {middle:.1f} × as quick as {name} ({low:.1f}–{high:.1f})."]
    middle, low, high = ratio(results["start"]["reference"], results["start"]["ids"])
    ours = statistics.median(results["start"]["ids"])
    rows.append("")
    rows.append(
        f"Import, load the real vocabulary, first line: {ours:.2f} s, "
        f"{middle:.1f} × quicker than the reference ({low:.1f}–{high:.1f})."
    )
    if "workers" in results:
        taken = results["workers"]
        one = taken["one worker"]
        middle, low, high = ratio(one, taken["two workers"])
        most, _, _ = ratio(one, taken["two commands"])
        rows.append("")
        rows.append(
            f"A file of a million lines: {statistics.median(one):.1f} s, with two workers "
            f"{middle:.2f} × as quick ({low:.2f}–{high:.2f}); two commands at once, with half of "
            f"the file each, are {most:.2f} × as quick."
        )
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--langs", default=",".join(LANGUAGES))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--output", type=Path, help="folder for the table, figures and picture")
    options = parser.parse_args()
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_setaffinity") else set()
    if cores:
        os.sched_setaffinity(0, {min(cores)})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = prepare(options.data, folder)
        results: dict[str, Any] = {"python": platform.python_version(), "languages": {}}
        for lang in options.langs.split(","):
            results["languages"][lang] = measure_language(lang, options.data, made, options.rounds)
            print(f"{lang} measured", file=sys.stderr)
        results["segmenters"] = measure_segmenters(options.data, options.rounds)
        results["start"] = measure_start(folder, options.rounds)
        if len(cores) > 1:
            os.sched_setaffinity(0, cores)
            results["workers"] = measure_workers(options.data, made, folder, options.rounds)
    table = report(results)
    print(table)
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)
        (options.output / "tokenization.md").write_text(table + "\n")
        (options.output / "tokenization.json").write_text(json.dumps(results, indent=1) + "\n")
        (options.output / "tokenization.svg").write_text(picture(results))


def picture(results: dict[str, Any]) -> str:
    groups = {}
    for lang, result in results["languages"].items():
        rate = {
            name: result["lines"] / statistics.median(taken["warm"])
            for name, taken in result["seconds"].items()
        }
        groups[lang] = rate
    return bars("Lines per second on one core, warm (logarithmic)", groups)


if __name__ == "__main__":
    main()
