"""Speed of pretraining against transformers' Trainer with its own collators, on the same rows.

    python -m benchmarks.training --steps 4

Both train a model of the same size, with Adam and dropout, on the CPU. The Trainer's collator masks
on the fly and pads to the longest row, and all positions go through its output layer. A pair is
`</s> A </s> </s> B </s>` for both. Speeds are tokens of real text per second.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import numpy as np
import torch
import transformers

from xlm_model import XLMConfig, XLMWithLMHeadModel
from xlm_model.training import MaskedLM, Training, TrainingSettings, TranslationLM

STREAM = 256


def batches_of_pairs(rng: np.random.Generator, words: int, batch: int, steps: int) -> list[Any]:
    """Return batches of pairs, of as many tokens as sentences have: many short, few long."""
    lengths = np.clip(rng.lognormal(3.2, 0.6, (steps * batch, 2)).astype(int), 4, 100)
    pairs = [tuple(rng.integers(14, words, n) for n in pair) for pair in lengths]
    return [pairs[i * batch : (i + 1) * batch] for i in range(steps)]


def ours(config: XLMConfig, objective: Any, batches: list[Any], langs: Any) -> float:
    class Batches:
        def __getitem__(self, number: int) -> Any:
            return objective(batches[number], langs, np.random.default_rng(number))

    settings = TrainingSettings(steps=len(batches), every=len(batches), log_every=len(batches))
    with tempfile.TemporaryDirectory() as folder:
        training = Training(XLMWithLMHeadModel(config), Batches(), settings, Path(folder, "run"))
        window = SimpleNamespace(add=lambda *_: None)
        loader = training._loader(0)
        training._step(0, loader, window)  # type: ignore[arg-type]
        begin = time.perf_counter()
        for step in range(1, len(batches)):
            training._step(step, loader, window)  # type: ignore[arg-type]
        return time.perf_counter() - begin


def theirs(config: XLMConfig, rows: list[list[int]], batch: int) -> float:
    pad, mask = config.pad_token_id, config.mask_index
    tokenizer = transformers.XLMTokenizer.from_pretrained(
        Path(__file__).parents[1] / "xlm_text/default"
    )
    collator = transformers.DataCollatorForLanguageModeling(tokenizer, mlm_probability=0.15)
    assert (tokenizer.pad_token_id, tokenizer.mask_token_id) == (pad, mask)
    model = transformers.XLMWithLMHeadModel(transformers.XLMConfig(**config.to_dict()))
    times: list[float] = []

    class Watch(transformers.TrainerCallback):
        def on_step_end(self, *arguments: Any, **named: Any) -> None:
            times.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as folder:
        arguments = transformers.TrainingArguments(
            output_dir=folder,
            per_device_train_batch_size=batch,
            max_steps=len(rows) // batch,
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            logging_strategy="no",
            use_cpu=True,
            max_grad_norm=5.0,
        )
        data = [{"input_ids": row, "attention_mask": [1] * len(row)} for row in rows]
        trainer = transformers.Trainer(
            model, arguments, train_dataset=data, data_collator=collator, callbacks=[Watch()]
        )
        trainer.train()
    return times[-1] - times[0]


@click.command()
@click.option("--words", default=64_000, help="Entries of the vocabulary.")
@click.option("--dim", default=256)
@click.option("--layers", default=4)
@click.option("--batch", default=16, help="Rows, or pairs.")
@click.option("--steps", default=4)
@click.option("--threads", default=2)
def main(words: int, dim: int, layers: int, batch: int, steps: int, threads: int) -> None:
    torch.set_num_threads(threads)
    config = XLMConfig(
        vocab_size=words, emb_dim=dim, n_layers=layers, n_heads=max(1, dim // 64), n_langs=2
    )
    rng = np.random.default_rng(0)
    streams = [[(rng.integers(14, words, STREAM),) for _ in range(batch)] for _ in range(steps)]
    pairs = batches_of_pairs(rng, words, batch, steps)
    flat = [row[0].tolist() for group in streams for row in group]
    joined = [[1, *a, 1, 1, *b, 1] for group in pairs for a, b in group]
    for name, objective, batches, rows, langs in (
        ("MLM streams", MaskedLM(config), streams, flat, (0,)),
        ("TLM pairs", TranslationLM(config), pairs, [list(map(int, r)) for r in joined], (0, 1)),
    ):
        tokens = sum(map(len, rows[batch:]))
        fast = tokens / ours(config, objective, batches, langs)
        slow = tokens / theirs(config, rows, batch)
        click.echo(f"{name}: {fast:,.0f} tokens/s, Trainer {slow:,.0f}: {fast / slow:.2f} x")


if __name__ == "__main__":
    main()
