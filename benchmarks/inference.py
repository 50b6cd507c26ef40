"""How fast whole models are, beside transformers on the same random checkpoint.

    python -m benchmarks.inference --output docs/benchmarks

Everything is measured in one run, the competitors in turn, round by round; the table gives medians
of the rounds' ratios. Without --tiny the checkpoint has the size of xlm-mlm-xnli15-1024 (12 layers,
1,024 wide, 95,000 words); its weights are random, which times do not depend on.

The seconds are those of the wall clock: measure on a machine that does nothing else. With
--threads 1 they are the process's own CPU time, so that other work on the machine counts little.
--device cuda measures the same on a GPU.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
import transformers

from benchmarks.measuring import HEAD, Runs, Table, in_turn, medians, now, ratio, seconds
from xlm_model import XLMConfig, XLMWithLMHeadModel
from xlm_model.attention import pack
from xlm_model.generation import CachedDecoder, Sampling, sample
from xlm_model.tasks.batching import CPU, Batcher
from xlm_model.tasks.devices import quantize

REAL = {"vocab_size": 95000, "emb_dim": 1024, "n_layers": 12, "n_heads": 8, "n_langs": 15}
TINY = {"vocab_size": 1000, "emb_dim": 64, "n_layers": 2, "n_heads": 4, "n_langs": 15}
MASK = 5
NEW_TOKENS = 128


def build(
    settings: dict[str, int], device: str, causal: bool = False
) -> tuple[XLMWithLMHeadModel, Any]:
    """Build our model and the reference's on the same random weights."""
    ours = XLMWithLMHeadModel(XLMConfig(**settings, causal=causal))
    with torch.device("meta"):
        theirs = transformers.XLMWithLMHeadModel(transformers.XLMConfig(**settings, causal=causal))
    theirs.load_state_dict(ours.state_dict(), assign=True, strict=False)
    theirs.tie_weights()
    # What the reference keeps beside its weights, and a model built without storage lacks.
    for name, buffer in theirs.named_buffers():
        if buffer.is_meta:
            owner, _, leaf = name.rpartition(".")
            places = torch.arange(ours.config.max_position_embeddings)[None]
            theirs.get_submodule(owner).register_buffer(leaf, places, persistent=False)
    return ours.eval().to(device), theirs.eval().to(device)


def sentences(vocab_size: int, count: int, length: int | None = None) -> list[list[int]]:
    """Return random ids; without a length, of natural ones.

    Lengths of sentences are about log-normal; these have a median of 24 tokens, as the sentences
    of 110 characters in this project's other measurements, and a few of more than 100.
    """
    chance = random.Random(7)
    lengths = [
        length or min(256, max(4, round(chance.lognormvariate(3.2, 0.7)))) for _ in range(count)
    ]
    return [[0, *(chance.randrange(14, vocab_size) for _ in range(n - 2)), 1] for n in lengths]


def padded(rows: Sequence[Sequence[int]], device: str) -> dict[str, torch.Tensor]:
    longest = max(map(len, rows))
    ids = torch.tensor([[*row, *[2] * (longest - len(row))] for row in rows], device=device)
    mask = torch.tensor([[1] * len(r) + [0] * (longest - len(r)) for r in rows], device=device)
    return {"input_ids": ids, "attention_mask": mask, "langs": torch.zeros_like(ids)}


def encode_all(model: XLMWithLMHeadModel, rows: list[list[int]], device: str) -> list[torch.Tensor]:
    """Return the states of each row, as the tasks get them: sorted, batched, packed."""

    def compute(batch: list[list[int]]) -> Sequence[torch.Tensor]:
        packed = pack(batch, [[0] * len(row) for row in batch], device)
        return packed.layout.split(model.transformer(**packed.inputs).last_hidden_state)

    return Batcher(CPU).run(rows, len, compute)


def fill_all(model: XLMWithLMHeadModel, rows: list[list[int]], device: str) -> list[torch.Tensor]:
    """Return the scores at each row's mask."""

    def compute(batch: list[list[int]]) -> Sequence[torch.Tensor]:
        packed = pack(batch, [[0] * len(row) for row in batch], device)
        kept = (packed.input_ids == MASK).nonzero().squeeze(-1)
        return model(**packed.inputs, logits_to_keep=kept).logits.unbind()  # type: ignore[no-any-return]

    return Batcher(CPU).run(rows, len, compute)


def products(model: XLMWithLMHeadModel, tokens: int, device: str) -> Callable[[], None]:
    """Return what does the encoder's matrix products on so many tokens, and nothing else."""
    dim = model.config.emb_dim
    dtype = model.get_input_embeddings().weight.dtype
    narrow, wide = (torch.randn(tokens, n * dim, device=device, dtype=dtype) for n in (1, 4))
    layers = [
        (given, linear)
        for layer in range(model.config.n_layers)
        for given, linear in (
            *((narrow, getattr(model.transformer.attention(layer), n)) for n in _PROJECTIONS),
            (narrow, model.transformer.ffns[layer].lin1),
            (wide, model.transformer.ffns[layer].lin2),
        )
    ]

    def run() -> None:
        for given, linear in layers:
            linear(given)

    return run


_PROJECTIONS = ("q_lin", "k_lin", "v_lin", "out_lin")


def encoder(table: Table, ours: Any, theirs: Any, rounds: int, device: str) -> None:
    size = ours.config.vocab_size
    for what, rows, goal in (
        ("encoder, 64 sentences of mixed length", sentences(size, 64), "≥ 3"),
        ("encoder, 64 sentences of length 128", sentences(size, 64, 128), "≥ 1.2"),
    ):
        batch = padded(rows, device)
        tokens = sum(map(len, rows))
        runs: Runs = {
            "reference": lambda batch=batch: theirs.transformer(**batch),
            "ours": lambda rows=rows: encode_all(ours, rows, device),
            "products": products(ours, tokens, device),
        }
        right = theirs.transformer(**batch).last_hidden_state[batch["attention_mask"].bool()]
        runs["products"]()
        gap = (torch.cat(encode_all(ours, rows, device)) - right).abs().max().item()
        taken = in_turn(runs, rounds, device)
        note = f"{medians(taken)}; {tokens} tokens, {batch['input_ids'].numel()} padded"
        table.add(what, f"{goal} × the reference", ratio(taken["reference"], taken["ours"]), "×",
                  f"{note}; largest difference {gap:.1e}")  # fmt: skip
        if what.endswith("mixed length"):
            table.add("the same, to its matrix products alone", "≤ 1.3 ×",
                      ratio(taken["ours"], taken["products"]), "×")  # fmt: skip


def fill_mask(table: Table, ours: Any, theirs: Any, rounds: int, device: str) -> None:
    rows = masked(ours.config.vocab_size)
    batch = padded(rows, device)
    runs: Runs = {
        "reference": lambda: theirs(**batch).logits[batch["input_ids"] == MASK],
        "ours": lambda: fill_all(ours, rows, device),
    }
    gap = (torch.stack(runs["ours"]()) - runs["reference"]()).abs().max().item()
    taken = in_turn(runs, rounds, device)
    table.add("fill-mask, one mask a sentence", "≥ 4 × the reference",
              ratio(taken["reference"], taken["ours"]), "×",
              f"{medians(taken)}; largest difference {gap:.1e}")  # fmt: skip


def masked(vocab_size: int) -> list[list[int]]:
    rows = sentences(vocab_size, 64)
    for row in rows:
        row[len(row) // 2] = MASK
    return rows


def smaller_numbers(
    table: Table, settings: dict[str, int], state: Any, rounds: int, device: str
) -> None:
    """Measure bf16 and int8 beside fp32, on our own side, by the masks' best words."""
    rows = masked(settings["vocab_size"])
    exact = load(settings, state).to(device)
    right = torch.stack(fill_all(exact, rows, device)).argmax(-1)
    kinds: list[tuple[str, str, Callable[[], Any]]] = [
        ("bf16", "≥ 4 × our fp32", lambda: load(settings, state).to(device).bfloat16())
    ]
    if device == "cpu":
        kinds.append(
            ("int8 linear layers", "≥ 1.5 × our fp32", lambda: in_eight_bits(settings, state))
        )
    for what, goal, make in kinds:
        model = make()
        runs: Runs = {
            "fp32": lambda: encode_all(exact, rows, device),
            what: lambda model=model: encode_all(model, rows, device),
        }
        if what == "bf16":
            # What the processor gains by the type alone.
            tokens = sum(map(len, rows))
            runs["its products"] = products(model, tokens, device)
            runs["fp32 products"] = products(exact, tokens, device)
            runs["its products"]()
        same = (torch.stack(fill_all(model, rows, device)).argmax(-1) == right).float().mean()
        taken = in_turn(runs, rounds, device)
        table.add(f"{what}, encoder, 64 sentences of mixed length", goal,
                  ratio(taken["fp32"], taken[what]), "×",
                  f"{medians(taken)}; {same:.0%} of the masks' best words equal")  # fmt: skip
        if what == "bf16":
            table.add("bf16, matrix products alone", "–",
                      ratio(taken["fp32 products"], taken["its products"]), "×")  # fmt: skip
        del model, runs


def load(settings: dict[str, int], state: Any) -> XLMWithLMHeadModel:
    with torch.device("meta"):
        model = XLMWithLMHeadModel(XLMConfig(**settings))
    model.load_state_dict(state, assign=True)
    model.tie_weights()
    return model.eval()


def in_eight_bits(settings: dict[str, int], state: Any) -> XLMWithLMHeadModel:
    model = load(settings, state)
    quantize(model)
    return model


def generation(table: Table, ours: Any, theirs: Any, rounds: int, device: str) -> None:
    prompts = [row[:-1] for row in sentences(ours.config.vocab_size, 4, 9)]
    steps: list[float] = []
    # No id ends a sequence: all have the same number of tokens.
    nothing = ours.config.vocab_size

    def continue_them() -> None:
        stepper = Timed(ours, pack(prompts, [[0] * len(p) for p in prompts], device), NEW_TOKENS)
        sample(stepper, prompts, Sampling(), new_tokens=NEW_TOKENS, end=nothing, seeds=[0] * 4)
        steps[:] = stepper.steps

    batch = padded(prompts, device)
    runs: Runs = {
        "reference": lambda: theirs.generate(
            batch["input_ids"], attention_mask=batch["attention_mask"], do_sample=False,
            min_new_tokens=NEW_TOKENS, max_new_tokens=NEW_TOKENS, pad_token_id=2,
        ),
        "ours": continue_them,
    }  # fmt: skip
    every: list[list[float]] = []
    taken: dict[str, list[float]] = {name: [] for name in runs}
    continue_them()
    for _ in range(rounds):
        for name, run in runs.items():
            taken[name].append(seconds(run, device))
        every.append(list(steps))
    table.add("generation, 128 new tokens, batch of 4", "≥ 5 × `generate`",
              ratio(taken["reference"], taken["ours"]), "×", medians(taken))  # fmt: skip
    median = [statistics.median(times) for times in zip(*every, strict=True)]
    early, late = statistics.median(median[15:31]), statistics.median(median[-16:])
    table.add("a step at token 128 to one at token 16", "≤ 1.1 ×", late / early, "×",
              f"{early * 1000:.0f} ms and {late * 1000:.0f} ms, attention included")  # fmt: skip


class Timed(CachedDecoder):
    """Notes how long each step takes."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.steps: list[float] = []

    def step(self, ids: torch.Tensor) -> torch.Tensor:
        start = now(ids.device.type)
        scores = super().step(ids)
        self.steps.append(now(ids.device.type) - start)
        return scores


def memory(table: Table, sentences_count: int) -> None:
    """Measure what a stream adds to the process's memory, with a small model: it is quick."""
    import resource

    from xlm_model import XLMModel
    from xlm_model.tasks import SentenceEmbedding
    from xlm_text import XLMTokenizer

    tokenizer = XLMTokenizer.from_pretrained()
    config = XLMConfig(
        vocab_size=len(tokenizer), emb_dim=16, n_layers=1, n_heads=2, max_position_embeddings=128
    )
    embed = SentenceEmbedding(XLMModel(config).eval(), tokenizer)
    chance = random.Random(7)
    words = "the river flows through old town and nobody knows who gave it that name".split()
    texts = (
        " ".join(chance.choices(words, k=chance.randint(3, 30))) for _ in range(sentences_count)
    )
    early = 0
    for number, _ in enumerate(embed.stream(texts, "en"), 1):
        if number == sentences_count // 10:
            early = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    growth = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - early) / 1024
    what = f"peak memory, from {sentences_count // 10:,} to {sentences_count:,} sentences"
    table.add(what, "flat", growth, "MiB more")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tiny", action="store_true", help="a small model, to try the script")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--sentences", type=int, default=1_000_000, help="for the memory's row")
    parser.add_argument("--output", type=Path, help="folder for the table and figures")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    transformers.utils.logging.set_verbosity_error()
    table = Table()
    settings = TINY if arguments.tiny else REAL
    print(HEAD)
    # First, while the process is small: its peak is what is looked at.
    memory(table, arguments.sentences)
    with torch.inference_mode():
        ours, theirs = build(settings, arguments.device)
        options = (arguments.rounds, arguments.device)
        encoder(table, ours, theirs, *options)
        fill_mask(table, ours, theirs, *options)
        state = {name: tensor.cpu() for name, tensor in ours.state_dict().items()}
        del ours, theirs
        smaller_numbers(table, settings, state, *options)
        ours, theirs = build(settings, arguments.device, causal=True)
        generation(table, ours, theirs, *options)
    if arguments.output:
        machine = {
            "processor": platform.processor() or platform.machine(),
            "threads": arguments.threads,
            "device": arguments.device,
            "torch": torch.__version__,
            "transformers": transformers.__version__,
            "rounds": arguments.rounds,
            "settings": settings,
        }
        text = json.dumps({"machine": machine, "rows": table.rows}, indent=2, ensure_ascii=False)
        arguments.output.mkdir(parents=True, exist_ok=True)
        (arguments.output / "inference.json").write_text(text + "\n", encoding="utf-8")
        (arguments.output / "inference.md").write_text(table.markdown(), encoding="utf-8")


if __name__ == "__main__":
    main()
