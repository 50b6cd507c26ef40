"""How fast XLM-RoBERTa is here, beside transformers, sentence-transformers and onnxruntime.

    python -m benchmarks.roberta --size base --output docs/benchmarks

All competitors have the same random weights and the same ids, of sentences of mixed length, and are
measured in turn, round by round; the table gives medians of the rounds' ratios. The others pad:
sorted by length, in batches of --batch sentences, as sentence-transformers does. onnxruntime runs
transformers' model, exported with lengths that may vary. Tokenization is nobody's part.

The seconds are those of the wall clock: measure on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
import transformers
from torch import Tensor

from benchmarks.inference import products, sentences
from benchmarks.measuring import HEAD, Runs, Table, in_turn, medians, ratio
from xlm_model import (
    XLMRobertaForMaskedLM,
    XLMRobertaForTokenClassification,
    XLMRobertaModel,
)
from xlm_model.attention import pack
from xlm_model.tasks.batching import CPU, Batcher

BASE = {
    "vocab_size": 250002,
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "max_position_embeddings": 514,
    "type_vocab_size": 1,
    "layer_norm_eps": 1e-5,
}
LARGE = {
    **BASE,
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
}
TINY = {
    **BASE,
    "vocab_size": 1000,
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 256,
}
SIZES: dict[str, dict[str, Any]] = {"base": BASE, "large": LARGE, "tiny": TINY}
PADDING = 1

Batch = dict[str, Tensor]


def build(name: str, ours_class: Any, settings: dict[str, Any], folder: Path) -> tuple[Any, Any]:
    """Return our model and the reference's, on the same random weights."""
    config = transformers.XLMRobertaConfig(**settings, attn_implementation="sdpa")
    theirs = getattr(transformers, name)(config).eval()
    theirs.save_pretrained(folder / name)
    return ours_class.from_pretrained(folder / name), theirs


def batches(rows: list[list[int]], size: int) -> Iterator[Batch]:
    """Give padded batches, of sentences of similar length."""
    ordered = sorted(rows, key=len, reverse=True)
    for start in range(0, len(ordered), size):
        part = ordered[start : start + size]
        longest = len(part[0])
        ids = torch.tensor([[*row, *[PADDING] * (longest - len(row))] for row in part])
        yield {"input_ids": ids, "attention_mask": (ids != PADDING).long()}


def packed(rows: list[list[int]], compute: Callable[[Any], Sequence[Any]]) -> list[Any]:
    """Return what our tasks compute of each row: sorted, batched, packed."""
    return Batcher(CPU).run(rows, len, lambda part: compute(pack(part)))


def encoder(table: Table, settings: dict[str, Any], rows: Any, options: Any, folder: Path) -> None:
    ours, theirs = build("XLMRobertaModel", XLMRobertaModel, settings, folder)
    tokens = sum(map(len, rows))

    def encode(batch: Any) -> Sequence[Tensor]:
        return batch.layout.split(ours(**batch.inputs).last_hidden_state)  # type: ignore[no-any-return]

    def embed(batch: Any) -> Sequence[Tensor]:
        vectors = batch.layout.mean(ours(**batch.inputs).last_hidden_state)
        return torch.nn.functional.normalize(vectors, dim=-1).unbind()  # type: ignore[no-any-return]

    def reference() -> list[Tensor]:
        return [theirs(**b).last_hidden_state for b in batches(rows, options.batch)]

    work = type("Work", (), {"config": ours.config, "transformer": ours})()
    work.get_input_embeddings = ours.get_input_embeddings
    session = exported(theirs, folder)

    def onnx() -> list[Any]:
        return [
            session.run(None, {name: value.numpy() for name, value in batch.items()})
            for batch in batches(rows, options.batch)
        ]

    runs: Runs = {
        "reference": reference,
        "ours": lambda: packed(rows, encode),
        "onnxruntime": onnx,
        "products": products(work, tokens, "cpu"),
    }
    for run in runs.values():
        run()
    ordered = sorted(rows, key=len, reverse=True)
    right = torch.cat([s[: len(r)] for r, s in zip(ordered, flat(reference()), strict=True)])
    gap = (torch.cat(packed(ordered, encode)) - right).abs().max().item()
    taken = in_turn(runs, options.rounds, "cpu")
    table.add("encoder", "≥ 3 × transformers", ratio(taken["reference"], taken["ours"]), "×",
              f"{medians(taken)}; {tokens} tokens; largest difference {gap:.1e}")  # fmt: skip
    table.add("encoder", "ahead of onnxruntime", ratio(taken["onnxruntime"], taken["ours"]), "×")
    table.add("encoder, to its matrix products alone", "≤ 1.3 ×",
              ratio(taken["ours"], taken["products"]), "×")  # fmt: skip
    sentence = sentence_model(theirs, settings["hidden_size"])
    runs = {
        "sentence-transformers": lambda: [sentence(b) for b in batches(rows, options.batch)],
        "ours": lambda: packed(rows, embed),
    }
    for run in runs.values():
        run()
    taken = in_turn(runs, options.rounds, "cpu")
    gain = ratio(taken["sentence-transformers"], taken["ours"])
    table.add("embedding", "≥ 3 × sentence-transformers", gain, "×", medians(taken))


def flat(states: list[Tensor]) -> list[Tensor]:
    return [row for batch in states for row in batch]


def sentence_model(theirs: Any, dim: int) -> Callable[[Batch], Tensor]:
    """Return sentence-transformers' own pooling and normalization behind the reference."""
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling

    pool, normalize = Pooling(dim, pooling_mode="mean"), Normalize()

    def run(batch: Batch) -> Tensor:
        states = theirs(**batch).last_hidden_state
        features = {"token_embeddings": states, "attention_mask": batch["attention_mask"]}
        vectors: Tensor = normalize(pool(features))["sentence_embedding"]
        return vectors

    return run


def exported(theirs: Any, folder: Path) -> Any:
    """Return a session of onnxruntime over the reference's model."""
    import onnxruntime

    class States(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = theirs

        def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
            states: Tensor = self.model(input_ids, attention_mask).last_hidden_state
            return states

    ids = torch.full((2, 8), 5)
    size = {0: torch.export.Dim("batch"), 1: torch.export.Dim("length")}
    file = folder / "model.onnx"
    torch.onnx.export(
        States().eval(),
        (ids, torch.ones_like(ids)),
        str(file),
        input_names=["input_ids", "attention_mask"],
        dynamic_shapes=(size, size),
        dynamo=True,
        verbose=False,
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def heads(table: Table, settings: dict[str, Any], rows: Any, options: Any, folder: Path) -> None:
    mask = settings["vocab_size"] - 1
    masked = [[*row[: len(row) // 2], mask, *row[len(row) // 2 + 1 :]] for row in rows]
    ours, theirs = build("XLMRobertaForMaskedLM", XLMRobertaForMaskedLM, settings, folder)

    def fill(batch: Any) -> Sequence[Tensor]:
        kept = (batch.input_ids == mask).nonzero().squeeze(-1)
        return ours(**batch.inputs, logits_to_keep=kept).logits.unbind()  # type: ignore[no-any-return]

    def fill_all() -> list[Tensor]:
        return [
            theirs(**batch).logits[batch["input_ids"] == mask]
            for batch in batches(masked, options.batch)
        ]

    compare(table, "fill-mask", fill_all, lambda: packed(masked, fill), options.rounds)
    name = "XLMRobertaForTokenClassification"
    labels = {**settings, "num_labels": 9}
    tagger, other = build(name, XLMRobertaForTokenClassification, labels, folder)

    def tag(batch: Any) -> Sequence[Tensor]:
        return batch.layout.split(tagger(**batch.inputs).logits)  # type: ignore[no-any-return]

    def tag_all() -> list[Tensor]:
        return [other(**batch).logits for batch in batches(rows, options.batch)]

    compare(table, "tagging", tag_all, lambda: packed(rows, tag), options.rounds)


def compare(table: Table, what: str, theirs: Any, ours: Any, rounds: int) -> None:
    runs: Runs = {"reference": theirs, "ours": ours}
    for run in runs.values():
        run()
    taken = in_turn(runs, rounds, "cpu")
    table.add(what, "≥ 3 × transformers", ratio(taken["reference"], taken["ours"]), "×",
              medians(taken))  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="base")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--sentences", type=int, default=64)
    parser.add_argument("--batch", type=int, default=32, help="sentences of a padded batch")
    parser.add_argument("--output", type=Path, help="folder for the table and figures")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    transformers.utils.logging.set_verbosity_error()
    settings, table = SIZES[options.size], Table()
    drawn = sentences(settings["vocab_size"] - 1, options.sentences)
    rows = [[*row[:-1], 2] for row in drawn]  # the end here, which is padding's id there
    print(HEAD)
    with TemporaryDirectory() as folder, torch.no_grad():
        encoder(table, settings, rows, options, Path(folder))
        heads(table, settings, rows, options, Path(folder))
    if options.output:
        machine = {
            "processor": platform.processor() or platform.machine(),
            "threads": options.threads,
            "torch": torch.__version__,
            "transformers": transformers.__version__,
            "rounds": options.rounds,
            "batch": options.batch,
            "settings": settings,
        }
        text = json.dumps({"machine": machine, "rows": table.rows}, indent=2, ensure_ascii=False)
        options.output.mkdir(parents=True, exist_ok=True)
        stem = f"roberta-{options.size}"
        (options.output / f"{stem}.json").write_text(text + "\n", encoding="utf-8")
        (options.output / f"{stem}.md").write_text(table.markdown(), encoding="utf-8")


if __name__ == "__main__":
    main()
