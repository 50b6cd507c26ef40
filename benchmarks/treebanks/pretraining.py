"""Masked words guessed by their neighbours, and by their translation."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from benchmarks.treebanks.commands import Shell, last_scores
from benchmarks.treebanks.data import LANGUAGES, PARALLEL, PARTS, Treebanks, pairs_of
from xlm_model import XLMWithLMHeadModel
from xlm_model.attention import PackedLayout
from xlm_text import XLMTokenizer, corpora

VOCABULARY = 5000
ROW = 128
SMALL = {"emb_dim": 128, "n_layers": 3, "n_heads": 4}
STEPS = 4000
SHARE = 0.15


def prepare(shell: Shell, treebanks: Treebanks) -> None:
    """Learn a vocabulary, and make corpora of streams and pairs."""
    texts = {
        part: {lang: treebanks.texts(lang, part).name for lang in LANGUAGES} for part in PARTS
    }
    alone = {part: [f"{lang}={name}" for lang, name in texts[part].items()] for part in PARTS}
    pairs = {
        part: [f"{a}-{b}={texts[part][a]},{texts[part][b]}" for a, b in pairs_of(PARALLEL)]
        for part in PARTS
    }
    shell.run("xlm-tok", "train", *alone["train"], "--vocab-size", str(VOCABULARY), "-o", "model")
    for part in PARTS:
        options = ("--model", "model", "--blocks", str(ROW), "-o", part)
        shell.run("xlm-tok", "prepare", *alone[part], *pairs[part], *options)
    (shell.folder / "small.json").write_text(json.dumps(SMALL), encoding="utf-8")


def pretrain(shell: Shell) -> None:
    """Train on all languages; then twice as long, alone and with pairs on top."""
    mlm = ("--objective", "mlm:" + ",".join(LANGUAGES))
    tlm = ("--objective", "tlm:" + ",".join(f"{a}-{b}" for a, b in pairs_of(PARALLEL)))
    how = (
        *("--data", "train", "--held-out", "valid", "--steps", str(STEPS), "--every", "1000"),
        *("--batch-tokens", "1024", "--schedule", "linear"),
    )
    new = ("--config", "small.json", "--learning-rate", "1.5e-3")
    more = ("--from", "mlm/last", "--learning-rate", "1e-3")
    shell.run("xlm-model", "pretrain", *how, *mlm, *new, "-o", "mlm")
    shell.run("xlm-model", "pretrain", *how, *mlm, *more, "-o", "mlm-mlm")
    shell.run("xlm-model", "pretrain", *how, *mlm, *tlm, *more, "-o", "mlm-tlm")


def unigram_perplexity(folder: Path, lang: str) -> float:
    """Return the perplexity of counting: of each piece as often as in the text trained on.

    A tenth is added to each count, so that what never occurred has a probability.
    """
    counts = {part: _counts(folder, part, lang) for part in PARTS}
    likely = np.log((counts["train"] + 0.1) / (counts["train"] + 0.1).sum())
    return math.exp(-float(counts["valid"] @ likely) / counts["valid"].sum())


def _counts(folder: Path, part: str, lang: str) -> np.ndarray:
    corpus = corpora.open(folder / part)
    tokenizer = corpus.tokenizer()
    rows = corpus.dataset(lang=lang).to_table(columns=["input_ids"]).column("input_ids")
    ids = rows.combine_chunks().flatten().to_numpy()
    counts = np.bincount(ids, minlength=len(tokenizer))
    counts[tokenizer.all_special_ids] = 0
    return counts


class Guesses:
    """Guesses masked words of held-out sentences: alone, beside their translation, or another's.

    Args:
        checkpoint: A language model.
        treebanks: Where the sentences are.
    """

    def __init__(self, checkpoint: Path, treebanks: Treebanks) -> None:
        self._model = XLMWithLMHeadModel.from_pretrained(checkpoint)
        self._tokenizer = XLMTokenizer.from_pretrained(checkpoint)
        self._ids = {
            lang: self._tokenizer.batch_encode(
                [s.text for s in treebanks.part(lang, "valid")], False, lang=lang
            )
            for lang in PARALLEL
        }

    def scores(self, first: str, second: str) -> dict[str, list[float]]:
        """Return loss and accuracy for the same masked words of the first language.

        Returns:
            By what stands beside the sentence, "nothing", "translation" or "another": the mean
            loss, and the share of words that are guessed.
        """
        ours, theirs = self._ids[first], self._ids[second]
        rng = np.random.default_rng(0)
        masked = [
            np.sort(rng.permutation(len(row))[: max(1, round(SHARE * len(row)))]) for row in ours
        ]
        beside: dict[str, Sequence[list[int] | None]] = {
            "nothing": [None] * len(ours),
            "translation": theirs,
            "another": [*theirs[1:], theirs[0]],
        }
        return {
            name: self._score(ours, masked, rows, first, second) for name, rows in beside.items()
        }

    def _score(
        self,
        ours: Sequence[list[int]],
        masked: Sequence[np.ndarray],
        beside: Sequence[list[int] | None],
        first: str,
        second: str,
    ) -> list[float]:
        lang2id = self._tokenizer.lang2id
        end = self._tokenizer.sep_token_id
        ids: list[int] = []
        positions: list[int] = []
        langs: list[int] = []
        kept: list[int] = []
        labels: list[int] = []
        lengths = []
        for row, chosen, other in zip(ours, masked, beside, strict=True):
            kept += [len(ids) + 1 + int(i) for i in chosen]
            labels += [row[i] for i in chosen]
            hidden = [
                self._tokenizer.mask_token_id if i in set(chosen.tolist()) else x
                for i, x in enumerate(row)
            ]
            begin = len(ids)
            for part, lang in ((hidden, first), (other, second)):
                if part is not None:
                    ids += [end, *part, end]
                    positions += range(len(part) + 2)
                    langs += [lang2id[lang]] * (len(part) + 2)
            lengths.append(len(ids) - begin)
        with torch.no_grad():
            found = self._model(
                torch.tensor(ids),
                langs=torch.tensor(langs),
                position_ids=torch.tensor(positions),
                layout=PackedLayout(lengths, torch.device("cpu"), False),
                labels=torch.tensor(labels),
                logits_to_keep=torch.tensor(kept),
            )
        right = (found.logits.argmax(-1) == torch.tensor(labels)).float().mean()
        return [float(found.loss), float(right)]


def unpack_kytea(data: Path, folder: Path) -> Path:
    """Return KyTea's model for Japanese, unpacked."""
    path = folder / "kytea.bin"
    path.write_bytes(gzip.decompress((data / "kytea" / "wiki-words.bin.gz").read_bytes()))
    return path
