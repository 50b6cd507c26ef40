"""How fast XLM-RoBERTa is here, beside transformers, sentence-transformers and onnxruntime.

    python -m benchmarks.roberta --data ../shared/data --size base --output docs/benchmarks

All competitors have the same random weights, which times do not depend on, and the same sentences
of news, Wikipedia and help pages in 26 languages, cut into tokens by a Unigram model that is
trained on them first. They are measured in turn, round by round; the table gives medians of the
rounds' ratios. The others pad, in batches of --batch sentences: in the order of the text, as a
pipeline of transformers with a batch size does, or sorted by length, as sentence-transformers does.
onnxruntime runs transformers' encoder, exported with lengths that may vary.

Only the embeddings are measured from text on, by sentence-transformers' own `encode`.

The seconds are those of the wall clock: measure on a machine that does nothing else. With
--threads 1 they are the process's own CPU time, so that other work on the machine counts little.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"
# Tokenizing in as many threads as the model has.
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from torch import Tensor

from benchmarks.inference import products
from benchmarks.measuring import HEAD, Runs, Table, in_turn, medians, ratio
from xlm_model import XLMRobertaForMaskedLM, XLMRobertaForTokenClassification
from xlm_model.attention import pack
from xlm_model.tasks import SentenceEmbedding
from xlm_model.tasks.batching import CPU, Batcher
from xlm_text import XLMRobertaTokenizer

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
    "vocab_size": 8010,
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 256,
}
SIZES: dict[str, dict[str, Any]] = {"base": BASE, "large": LARGE, "tiny": TINY}
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]
PADDING, LABELS, PIECES = 1, 9, 8000

Rows = list[list[int]]
Batch = dict[str, Tensor]


# What is measured ---------------------------------------------------------------------------------


def sentences(data: Path) -> list[str]:
    """Return the real sentences of the shared data, in 26 languages."""
    files = sorted((data / "perl").glob("*.txt"))
    if not files:
        raise SystemExit(f"{data}: expected the folder of the shared data, with perl/*.txt")
    return [line for file in files for line in file.read_text("utf-8").splitlines()[:400]]


def write_tokenizer(texts: Sequence[str], folder: Path) -> None:
    """Train a Unigram model, and save it as transformers' tokenizer of XLM-RoBERTa."""
    made = Tokenizer(models.Unigram())
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=PIECES, special_tokens=SPECIAL, unk_token="<unk>", show_progress=False
    )
    made.train_from_iterator(texts, trainer)
    scores = json.loads(made.to_str())["model"]["vocab"]
    vocab = [(piece, score) for piece, score in [*scores, ["<mask>", 0.0]]]
    transformers.XLMRobertaTokenizer(vocab=vocab).save_pretrained(folder)


class Models:
    """Our model and the reference's with every head on one encoder, on the same random weights."""

    def __init__(self, settings: dict[str, Any], folder: Path) -> None:
        config = transformers.XLMRobertaConfig(
            **settings, num_labels=LABELS, attn_implementation="sdpa"
        )
        self.theirs = transformers.XLMRobertaForMaskedLM(config).eval()
        self.theirs.save_pretrained(folder)
        self.ours = XLMRobertaForMaskedLM.from_pretrained(folder)
        with torch.device("meta"):
            self.their_tagger = transformers.XLMRobertaForTokenClassification(config).eval()
            self.our_tagger = XLMRobertaForTokenClassification(self.ours.config).eval()
        classifier = torch.nn.Linear(config.hidden_size, LABELS)
        self.their_tagger.roberta, self.our_tagger.transformer = self.theirs.roberta, self.encoder
        self.their_tagger.classifier = self.our_tagger.classifier = classifier

    @property
    def encoder(self) -> Any:
        return self.ours.transformer


# How the others do it -----------------------------------------------------------------------------


def batches(rows: Rows, size: int) -> list[Batch]:
    """Return padded batches, of the rows in their order."""
    made = []
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        longest = max(map(len, part))
        ids = torch.tensor([[*row, *[PADDING] * (longest - len(row))] for row in part])
        made.append({"input_ids": ids, "attention_mask": (ids != PADDING).long()})
    return made


def by_length(rows: Rows) -> Rows:
    return sorted(rows, key=len, reverse=True)


def exported(encoder: Any, folder: Path) -> Any:
    """Return a session of onnxruntime over the reference's encoder."""
    import onnxruntime

    class States(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = encoder

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


# How we do it -------------------------------------------------------------------------------------


def packed(rows: Rows, compute: Callable[[Any], Sequence[Any]]) -> list[Any]:
    """Return what our tasks compute of each row: sorted, batched, packed."""
    return Batcher(CPU).run(rows, len, lambda part: compute(pack(part)))


def states(encoder: Any) -> Callable[[Any], Sequence[Tensor]]:
    def compute(batch: Any) -> Sequence[Tensor]:
        return batch.layout.split(encoder(**batch.inputs).last_hidden_state)  # type: ignore[no-any-return]

    return compute


# The table ----------------------------------------------------------------------------------------


def encoder(table: Table, made: Models, rows: Rows, options: Any, folder: Path) -> None:
    theirs, tokens = made.theirs.roberta, sum(map(len, rows))
    session = exported(theirs, folder)

    def reference(rows: Rows) -> list[Tensor]:
        return [theirs(**batch).last_hidden_state for batch in batches(rows, options.batch)]

    def onnx(rows: Rows) -> list[Any]:
        return [
            session.run(None, {name: value.numpy() for name, value in batch.items()})[0]
            for batch in batches(rows, options.batch)
        ]

    ordered, compute = by_length(rows), states(made.encoder)
    runs: Runs = {
        "reference": lambda: reference(rows),
        "reference, sorted": lambda: reference(ordered),
        "onnxruntime": lambda: onnx(rows),
        "onnxruntime, sorted": lambda: onnx(ordered),
        "ours": lambda: packed(rows, compute),
        "products": products(made.ours, tokens, "cpu"),
    }
    right = torch.cat([s[: len(r)] for r, s in zip(rows, flat(reference(rows)), strict=True)])
    other = torch.cat(
        [torch.from_numpy(s)[: len(r)] for r, s in zip(rows, flat(onnx(rows)), strict=True)]
    )
    mine = torch.cat(packed(rows, compute))
    runs["products"]()
    taken = in_turn(runs, options.rounds, "cpu")
    padded = sum(batch["input_ids"].numel() for batch in batches(rows, options.batch))
    sorted_ = sum(batch["input_ids"].numel() for batch in batches(ordered, options.batch))
    note = f"{medians(taken)}; {tokens} tokens, {padded} padded, {sorted_} sorted and padded"
    gaps = [(one - right).abs().max().item() for one in (mine, other)]
    note += f"; largest difference {gaps[0]:.1e}, of onnxruntime {gaps[1]:.1e}"
    ours = taken["ours"]
    table.add("encoder", "≥ 3 × transformers", ratio(taken["reference"], ours), "×", note)
    table.add("the same, its batches sorted by length", "",
              ratio(taken["reference, sorted"], ours), "×")  # fmt: skip
    table.add("encoder", "ahead of onnxruntime", ratio(taken["onnxruntime"], ours), "×")
    table.add("the same, its batches sorted by length", "ahead",
              ratio(taken["onnxruntime, sorted"], ours), "×")  # fmt: skip
    table.add("encoder, to its matrix products alone", "≤ 1.3 ×",
              ratio(ours, taken["products"]), "×")  # fmt: skip


def flat(states: list[Any]) -> list[Any]:
    return [row for batch in states for row in batch]


def fill_mask(table: Table, made: Models, rows: Rows, mask: int, options: Any) -> None:
    masked = [[*row[: len(row) // 2], mask, *row[len(row) // 2 + 1 :]] for row in rows]

    def fill(batch: Any) -> Sequence[Tensor]:
        kept = (batch.input_ids == mask).nonzero().squeeze(-1)
        return made.ours(**batch.inputs, logits_to_keep=kept).logits.unbind()  # type: ignore[no-any-return]

    def fill_all() -> list[Tensor]:
        return [
            made.theirs(**batch).logits[batch["input_ids"] == mask]
            # The scores of all words at all places fill the memory.
            for batch in batches(masked, max(1, options.batch // 4))
        ]

    compare(table, "fill-mask, one mask a sentence", fill_all, lambda: packed(masked, fill),
            options.rounds)  # fmt: skip


def tagging(table: Table, made: Models, rows: Rows, options: Any) -> None:
    def tag(batch: Any) -> Sequence[Tensor]:
        return batch.layout.split(made.our_tagger(**batch.inputs).logits)  # type: ignore[no-any-return]

    def tag_all() -> list[Tensor]:
        return [made.their_tagger(**batch).logits for batch in batches(rows, options.batch)]

    compare(table, "tagging", tag_all, lambda: packed(rows, tag), options.rounds)


def compare(table: Table, what: str, theirs: Any, ours: Any, rounds: int) -> None:
    runs: Runs = {"reference": theirs, "ours": ours}
    for run in runs.values():
        run()
    taken = in_turn(runs, rounds, "cpu")
    table.add(what, "≥ 3 × transformers", ratio(taken["reference"], taken["ours"]), "×",
              medians(taken))  # fmt: skip


def embedding(table: Table, made: Models, texts: list[str], options: Any, folder: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

    words = Transformer(str(folder))
    width = made.ours.config.emb_dim
    theirs = SentenceTransformer(
        modules=[words, Pooling(width, pooling_mode="mean"), Normalize()], device="cpu"
    )
    ours = SentenceEmbedding(
        made.encoder, XLMRobertaTokenizer.from_pretrained(folder), normalize=True, truncation=True
    )
    runs: Runs = {
        "sentence-transformers": lambda: theirs.encode(
            texts, batch_size=options.batch, show_progress_bar=False
        ),
        "ours": lambda: ours(texts),
    }
    right = torch.from_numpy(runs["sentence-transformers"]())
    gap = (torch.stack(runs["ours"]()) - right).abs().max().item()
    taken = in_turn(runs, options.rounds, "cpu")
    gain = ratio(taken["sentence-transformers"], taken["ours"])
    table.add("embedding, from text on", "≥ 3 × sentence-transformers", gain, "×",
              f"{medians(taken)}; largest difference {gap:.1e}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--size", choices=SIZES, default="base")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--sentences", type=int, default=64)
    parser.add_argument("--batch", type=int, default=32, help="sentences of a padded batch")
    parser.add_argument("--output", type=Path, help="folder for the table and figures")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    settings, table = SIZES[options.size], Table()
    known = sentences(options.data)
    texts = random.Random(7).sample(known, options.sentences)
    print(HEAD)
    with TemporaryDirectory() as name, torch.inference_mode():
        folder = Path(name)
        write_tokenizer(known, folder)
        tokenizer = XLMRobertaTokenizer.from_pretrained(folder)
        rows: Rows = tokenizer(texts, truncation=True, max_length=512)["input_ids"]
        made = Models(settings, folder)
        encoder(table, made, rows, options, folder)
        fill_mask(table, made, rows, tokenizer.mask_token_id, options)
        tagging(table, made, rows, options)
        embedding(table, made, texts, options, folder)
    if options.output:
        write(table, settings, options)


def write(table: Table, settings: dict[str, Any], options: Any) -> None:
    machine = {
        "processor": platform.processor() or platform.machine(),
        "threads": options.threads,
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "rounds": options.rounds,
        "sentences": options.sentences,
        "batch": options.batch,
        "settings": settings,
    }
    text = json.dumps({"machine": machine, "rows": table.rows}, indent=2, ensure_ascii=False)
    options.output.mkdir(parents=True, exist_ok=True)
    stem = "roberta" if options.size == "base" else f"roberta-{options.size}"
    (options.output / f"{stem}.json").write_text(text + "\n", encoding="utf-8")
    (options.output / f"{stem}.md").write_text(table.markdown(), encoding="utf-8")


if __name__ == "__main__":
    main()
