"""Speed of training against transformers' Trainer with its own collators, on the same rows.

    python -m benchmarks.training --data ../shared/data --output docs/benchmarks

Both train a model of the same size from random weights on the CPU, with Adam, dropout and a
gradient's norm that is clipped, each through its own public call. The Trainer has its defaults:
its collator masks the rows and pads those of a batch to the longest, and its model scores all
positions.
Batches hold the same number of rows for both. Rows are real sentences in the real vocabulary:

- MLM: streams of 256 tokens.
- TLM: pairs `</s> A </s> </s> B </s>` of the lengths that they have.
- Fine-tuning: texts of sentences that follow each other, each with a class; half of the texts have
  one or two sentences, few have ten, as reviews do. And the pairs, each with a class.

Each measurement is a process of its own, so that its peak memory is its own; the competitors take
turns, round by round, and the table has the medians of the rounds. The first update is not counted.
Speeds are tokens of text per second: of the wall clock, or with one thread of the process' own CPU
time, which other work on the machine changes little.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import torch

STREAM = 256
# Vocabulary entries that the published checkpoint keeps.
ENTRIES = 95_000
CASES = {
    "mlm": ("MLM, streams of 256 tokens", 4, 1.5),
    "tlm": ("TLM, pairs of mixed length", 16, 2.5),
    "texts": ("fine-tuning, texts of mixed length", 8, 2.0),
    "pairs": ("fine-tuning, pairs of mixed length", 8, 2.0),
}


FINETUNING = ("texts", "pairs")


def rows_of(data: Path, case: str, folder: Path) -> list[list[list[int]]]:
    """Return the rows of a case: one text each, or two; and save the vocabulary in a folder."""
    from xlm_text import Vocabulary, XLMTokenizer

    source = data / "vocab" / "xnli15"
    Vocabulary.from_original(source / "codes_xnli_15", source / "vocab_xnli_15", ENTRIES).save(
        folder
    )
    tokenizer = XLMTokenizer.from_pretrained(folder, any_language=True)
    texts = {
        lang: (data / "text" / f"{lang}.txt").read_text(encoding="utf-8").splitlines()
        for lang in ("en", "fr", "de", "es")
    }
    ids = {
        lang: tokenizer(lines, lang=lang, add_special_tokens=False)["input_ids"]
        for lang, lines in texts.items()
    }
    if case == "mlm":
        stream = [i for rows in ids.values() for row in rows for i in (*row, 1)]
        rows = [[stream[i : i + STREAM]] for i in range(0, len(stream) - STREAM, STREAM)]
    elif case == "texts":
        rows = [[text] for sentences in ids.values() for text in texts_of(sentences)]
    else:
        others = [ids[lang] for lang in ("fr", "de", "es")]
        pairs = [list(pair) for other in others for pair in zip(ids["en"], other, strict=True)]
        rows = [pair for pair in pairs if all(len(text) <= 100 for text in pair)]
    random.Random(0).shuffle(rows)
    return rows


def texts_of(sentences: list[list[int]]) -> Iterator[list[int]]:
    """Give texts of one to ten sentences, so many that half of them have one or two."""
    counts = np.random.default_rng(0).geometric(0.35, len(sentences)).clip(max=10)
    at = 0
    for count in counts[counts.cumsum() < len(sentences)]:
        text = [i for sentence in sentences[at : at + count] for i in sentence]
        yield [1, *text[: STREAM - 2], 1]
        at += count


class Watch:
    """What is counted while a competitor trains."""

    def __init__(self) -> None:
        self.tokens: list[int] = []
        self._moments: list[tuple[float, float]] = []

    def done(self, *_: Any) -> None:
        """Take the time: an update is done."""
        self._moments.append((time.perf_counter(), time.process_time()))

    def result(self) -> dict[str, float]:
        """Return the speeds after the first update, and the peak memory of this process."""
        wall, cpu = (b - a for a, b in zip(self._moments[0], self._moments[-1], strict=True))
        # A loader may have made a batch more than there were updates.
        tokens = sum(self.tokens[1 : len(self._moments)])
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        seconds = cpu if torch.get_num_threads() == 1 else wall
        return {"speed": tokens / seconds, "memory": memory}


Sizes = dict[str, int]
Rows = list[list[list[int]]]


def ours(case: str, rows: Rows, sizes: Sizes, steps: int, watch: Watch) -> None:
    """Train with this project's loop."""
    from xlm_model import XLMConfig, XLMForSequenceClassification, XLMWithLMHeadModel
    from xlm_model.training import Training, TrainingSettings

    config = XLMConfig(**sizes)
    model: Any
    if case in FINETUNING:
        model = XLMForSequenceClassification(config)
        batches = examples(case, rows, model, watch)
    else:
        model, batches = XLMWithLMHeadModel(config), masked(case, rows, config, watch)
    # No weight decay, as the Trainer's default is; nor has `finetune` any.
    settings = TrainingSettings(steps=steps, every=steps, log_every=steps, weight_decay=0.0)
    with tempfile.TemporaryDirectory() as folder:
        Training(model, batches, settings, Path(folder, "run"), on_step=watch.done).run()


def examples(case: str, rows: Rows, model: Any, watch: Watch) -> Any:
    """Return batches for classification, for a model that learns as `finetune` has it learn."""
    from xlm_model.finetuning import ClassifyTask
    from xlm_model.finetuning.batches import ExampleBatch, Item, ShuffledBatches
    from xlm_model.finetuning.seen_words import train_seen_words
    from xlm_model.tasks.sequences import TokenSequence
    from xlm_text import XLMTokenizer

    task, tokenizer = ClassifyTask(), XLMTokenizer.from_pretrained()
    items = []
    for number, row in enumerate(rows):
        ids, first = joined(row), len(row[0]) + 2
        langs = [0] * len(ids) if len(row) == 1 else [0] * first + [1] * (len(ids) - first)
        items.append(Item((TokenSequence(ids, langs),), number % 2))

    train_seen_words(model.transformer, items)

    def collate(chosen: Sequence[Item]) -> ExampleBatch:
        watch.tokens.append(sum(item.tokens for item in chosen))
        return task.collate(chosen, tokenizer)

    return ShuffledBatches(items, CASES[case][1], collate, seed=0)


def masked(case: str, rows: Rows, config: Any, watch: Watch) -> Any:
    """Return batches for a language model."""
    from xlm_model.pretraining import MaskedLM, TranslationLM

    batch = CASES[case][1]
    objective = MaskedLM(config) if case == "mlm" else TranslationLM(config)
    langs = (0,) if case == "mlm" else (0, 1)
    arrays = [tuple(map(np.array, row)) for row in rows]

    class Batches:
        def __getitem__(self, number: int) -> Any:
            first = number * batch % (len(arrays) - batch + 1)
            chosen = arrays[first : first + batch]
            watch.tokens.append(sum(len(joined(row)) for row in rows[first : first + batch]))
            return objective(chosen, langs, np.random.default_rng(number))

    return Batches()


def theirs(case: str, rows: Rows, sizes: Sizes, steps: int, watch: Watch, folder: Path) -> None:
    """Train with transformers' Trainer."""
    import transformers

    batch = CASES[case][1]
    tokenizer = transformers.XLMTokenizer.from_pretrained(folder)
    collator: Any = transformers.DataCollatorForLanguageModeling(tokenizer, mlm_probability=0.15)
    model = transformers.XLMWithLMHeadModel
    if case in FINETUNING:
        collator = transformers.DataCollatorWithPadding(tokenizer)
        model = transformers.XLMForSequenceClassification
    config = transformers.XLMConfig(**sizes)
    assert (tokenizer.pad_token_id, tokenizer.mask_token_id) == (
        config.pad_index,
        config.mask_index,
    )

    def collate(features: list[dict[str, list[int]]]) -> Any:
        watch.tokens.append(sum(len(feature["input_ids"]) for feature in features))
        if case in FINETUNING:
            features = [{**one, "label": n % 2} for n, one in enumerate(features)]
        return collator(features)

    class Callback(transformers.TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, *arguments: Any, **named: Any) -> None:
            watch.done()

    with tempfile.TemporaryDirectory() as output:
        arguments = transformers.TrainingArguments(
            output_dir=output,
            per_device_train_batch_size=batch,
            max_steps=steps,
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            logging_strategy="no",
            use_cpu=True,
            max_grad_norm=5.0,
        )
        data = [
            {"input_ids": joined(row), "attention_mask": [1] * len(joined(row))} for row in rows
        ]
        transformers.Trainer(
            model(config),
            arguments,
            train_dataset=data,
            data_collator=collate,
            callbacks=[Callback()],
        ).train()


def joined(row: Sequence[list[int]]) -> list[int]:
    """Return a row as one sequence."""
    return row[0] if len(row) == 1 else [i for text in row for i in (1, *text, 1)]


def measure(who: str, case: str, options: argparse.Namespace) -> dict[str, float]:
    """Train in this process, and return speed and peak memory."""
    torch.set_num_threads(options.threads)
    # Its batches are small, and differ more from each other.
    steps = options.steps * (4 if case in FINETUNING else 1)
    watch = Watch()
    with tempfile.TemporaryDirectory() as folder:
        rows = rows_of(options.data, case, Path(folder))
        if who == "ours":
            ours(case, rows, sizes_of(options), steps, watch)
        else:
            theirs(case, rows, sizes_of(options), steps, watch, Path(folder))
    return watch.result()


def sizes_of(options: argparse.Namespace) -> Sizes:
    """Return the model's sizes."""
    return {
        "emb_dim": options.dim,
        "n_layers": options.layers,
        "n_heads": options.dim // 64,
        "n_langs": 2,
        "vocab_size": ENTRIES,
    }


def alone(who: str, case: str, options: argparse.Namespace) -> dict[str, float]:
    """Measure in a process of its own."""
    names = ("data", "steps", "threads", "dim", "layers")
    given = [str(x) for name in names for x in (f"--{name}", getattr(options, name))]
    command = [sys.executable, "-m", "benchmarks.training", "--alone", who, "--case", case, *given]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    print(f"{case} {who}: {found}", file=sys.stderr, flush=True)
    return found


def compare(case: str, options: argparse.Namespace) -> dict[str, Any]:
    """Measure both competitors in turn, and return medians and the median of the ratios."""
    rounds = [
        {who: alone(who, case, options) for who in ("ours", "theirs")}
        for _ in range(options.rounds)
    ]
    found: dict[str, Any] = {"case": case, "rounds": rounds}
    for who in ("ours", "theirs"):
        for name in ("speed", "memory"):
            found[f"{who}_{name}"] = statistics.median(one[who][name] for one in rounds)
    found["ratio"] = statistics.median(
        one["ours"]["speed"] / one["theirs"]["speed"] for one in rounds
    )
    return found


HEAD = "\n".join(
    [
        "| what | goal | Trainer | ours | ratio | peak memory: Trainer, ours |",
        "|---|---|---|---|---|---|",
    ]
)


def line(found: dict[str, Any]) -> str:
    """Return a row of the table."""
    what, rows, goal = CASES[found["case"]]
    return (
        f"| {what}, {rows} a batch | {goal} × | {found['theirs_speed']:,.0f} tokens/s "
        f"| {found['ours_speed']:,.0f} tokens/s | {found['ratio']:.1f} × "
        f"| {found['theirs_memory']:,.0f} MiB, {found['ours_memory']:,.0f} MiB |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--steps", type=int, default=5, help="updates, the first is not counted")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2, help="1: by CPU time")
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--case", choices=CASES, action="append", help="all unless given")
    parser.add_argument("--output", type=Path, help="folder for the table and the figures")
    parser.add_argument("--alone", choices=["ours", "theirs"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    cases = options.case or list(CASES)
    if options.alone:
        found = measure(options.alone, cases[0], options)
        print(json.dumps(found))
        return
    results = [compare(case, options) for case in cases]
    table = "\n".join([HEAD, *map(line, results)]) + "\n"
    print(table)
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)
        (options.output / "training.md").write_text(table, encoding="utf-8")
        facts = {
            "machine": platform.processor() or platform.machine(),
            "threads": options.threads,
            "torch": torch.__version__,
            "steps": options.steps,
            "model": sizes_of(options),
            "results": results,
        }
        text = json.dumps(facts, indent=1) + "\n"
        (options.output / "training.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
