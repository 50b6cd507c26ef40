"""Tiny models of the reference, and every layout that a checkpoint can have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import save_file
from torch import Tensor

from xlm_model import XLMConfig
from xlm_text import XLMTokenizer

IDS = torch.tensor([[1, 14, 15, 16, 1], [1, 20, 1, 2, 2]])
LANGS = torch.tensor([[0] * 5, [1] * 5])
TEXTS = [
    "The river flows through the old town.",
    "Where?",
    "In the morning the committee published its report on the price of bread and of milk.",
    "She said: no!",
]
LANGS_OF_TEXTS = ["en", "en", "en", "de"]

# Every dropout off: with the two implementations' random numbers drawn in different orders, losses
# and gradients are comparable in training mode only without.
TINY = {
    "vocab_size": 60,
    "emb_dim": 32,
    "n_layers": 2,
    "n_heads": 4,
    "max_position_embeddings": 24,
    "embed_init_std": 0.3,
    "init_std": 0.2,
    "dropout": 0.0,
    "attention_dropout": 0.0,
    "summary_first_dropout": 0.0,
    "start_n_top": 3,
    "end_n_top": 2,
}


def reference(name: str, **settings: object) -> torch.nn.Module:
    """Build the reference's model of this name, no parameter at a value that hides a mistake."""
    model = getattr(transformers, name)(transformers.XLMConfig(**{**TINY, **settings}))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return model


def assert_best(values: Tensor, indices: Tensor, scores: Tensor, tolerance: float = 1e-5) -> None:
    """Hold the best that were found, best first, against all of the reference's scores.

    Which of two scores that rounding cannot tell apart comes first differs between processors.  So
    the values have to be the best ones, and each index has to be one of a score of that value.

    Args:
        values: The best scores found. *Shape:* (…, k)
        indices: Where they were found. *Shape:* (…, k)
        scores: The reference's. *Shape:* (…, n)
        tolerance: The largest difference that counts as rounding, absolute and relative.
    """
    close = {"rtol": tolerance, "atol": tolerance}
    torch.testing.assert_close(values, scores.topk(values.shape[-1]).values, **close)
    torch.testing.assert_close(scores.gather(-1, indices), values, **close)
    assert all(len({*row}) == len(row) for row in indices.flatten(0, -2).tolist())


def save_as_bin(model: Any, folder: Path, *, legacy: bool = False) -> None:
    model.config.save_pretrained(folder)
    torch.save(
        model.state_dict(),
        folder / "pytorch_model.bin",
        _use_new_zipfile_serialization=not legacy,
    )


def save_as_shards(model: Any, folder: Path, *, pickled: bool = False) -> None:
    """Write the layout of a sharded checkpoint: an index, and each tensor in one of its files."""
    model.config.save_pretrained(folder)
    tensors = {n: t for n, t in model.state_dict().items() if n != "pred_layer.proj.weight"}
    stem, suffix = ("pytorch_model", "bin") if pickled else ("model", "safetensors")
    weight_map = {}
    for i, start in enumerate(("transformer.a", "transformer.", "pred_layer.")):
        file = f"{stem}-{i + 1:05}-of-00003.{suffix}"
        part = {n: t for n, t in tensors.items() if n.startswith(start) and n not in weight_map}
        weight_map |= dict.fromkeys(part, file)
        if pickled:
            torch.save(part, folder / file)
        else:
            save_file(part, folder / file, metadata={"format": "pt"})
    index = {"metadata": {}, "weight_map": weight_map}
    (folder / f"{stem}.{suffix}.index.json").write_text(json.dumps(index))


SPECIAL = ["<s>", "</s>", "<pad>", "<unk>", *(f"<special{i}>" for i in range(10))]


def dictionary(size: int) -> list[str]:
    """Return an original dictionary: the special words first, half of the rest unfinished."""
    return [*SPECIAL, *(f"word{i}@@" if i % 2 else f"word{i}" for i in range(size - 14))]


WORDS = dictionary(60)


def original(theirs: Any, words: list[str] = WORDS, **params: Any) -> dict[str, Any]:
    """Return what the original trainer saves for the reference's model.

    Its names are the reference's without `transformer.`; beside the model's settings its parameters
    hold what it was trained with, NumPy arrays and tensors among it.
    """
    config = theirs.config
    return {
        "epoch": 3,
        "n_total_iter": 1000,
        "best_metrics": {"valid_mlm_ppl": np.float64(7.5)},
        "model": {n.removeprefix("transformer."): t for n, t in theirs.state_dict().items()},
        "dico_id2word": dict(enumerate(words)),
        "dico_word2id": {word: i for i, word in enumerate(words)},
        "dico_counts": dict.fromkeys(words, 1),
        "params": {
            "emb_dim": config.emb_dim,
            "n_layers": config.n_layers,
            "n_heads": config.n_heads,
            "dropout": 0.1,
            "attention_dropout": 0.1,
            "gelu_activation": config.gelu_activation,
            "sinusoidal_embeddings": False,
            "asm": False,
            "asm_cutoffs": "8000,20000",
            "n_langs": 2,
            "lang2id": {"en": 0, "fr": 1},
            "id2lang": {0: "en", 1: "fr"},
            "share_inout_emb": True,
            "clm_steps": [],
            "mlm_steps": [("en", None), ("en", "fr")],
            "dump_path": "/checkpoint/somebody/dumped",
            "is_master": True,
            "word_pred": 0.15,
            "mask_scores": np.ones(60) ** -0.5,
            "pred_probs": torch.FloatTensor([0.8, 0.1, 0.1]),
            **params,
        },
    }


# What TensorFlow calls a parameter of this kind, and whether it stores the transposed matrix.
KERAS_LEAVES = {
    ("Linear", "weight"): ("kernel", True),
    ("Linear", "bias"): ("bias", False),
    ("LayerNorm", "weight"): ("gamma", False),
    ("LayerNorm", "bias"): ("beta", False),
    ("Embedding", "weight"): ("embeddings", False),
}


def write_keras(model: Any, folder: Path) -> None:
    """Write the layout in which Keras 2 saved the TFXLM classes: a group for each top layer.

    The names were read from files that transformers 4.40 wrote with TensorFlow 2.15: list items are
    `name_._0`; the shared word embeddings are called `weight`, and come again in the head's group.
    """
    h5py = pytest.importorskip("h5py", reason="h5py is not installed: no tf_model.h5 to be had")
    model.config.save_pretrained(folder)
    variables: dict[str, dict[str, Any]] = {}
    for path, module in model.named_modules():
        for leaf, value in module.named_parameters(recurse=False):
            if f"{path}.{leaf}" == "pred_layer.proj.weight":
                continue
            name, transposed = KERAS_LEAVES[type(module).__name__, leaf]
            if path == "transformer.embeddings":
                name = "weight"
            keras = path.replace("pred_layer.proj", "pred_layer_._proj")
            for item in range(model.config.n_layers):
                keras = keras.replace(f".{item}", f"_._{item}")
            keras = (
                f"tfxlm_some_model/{keras.replace('._', '#').replace('.', '/').replace('#', '._')}"
            )
            stored = value.detach().numpy()
            group = variables.setdefault(keras.split("/")[1], {})
            group[f"{keras}/{name}:0"] = stored.T if transposed else stored
    if "pred_layer_._proj" in variables:
        shared = "tfxlm_some_model/transformer/embeddings/weight:0"
        variables["pred_layer_._proj"][shared] = variables["transformer"][shared]
    with h5py.File(folder / "tf_model.h5", "w") as file:
        file.attrs["layer_names"] = [layer.encode() for layer in variables]
        for layer, values in variables.items():
            group = file.create_group(layer)
            group.attrs["weight_names"] = [name.encode() for name in values]
            for name, value in values.items():
                group.create_dataset(name, data=value)


def folder_of(name: str, tokenizer: XLMTokenizer, folder: Path, **settings: Any) -> Any:
    """Write a checkpoint of the reference with our vocabulary; return the reference's model."""
    known = tokenizer.lang2id or {}
    model = reference(
        name,
        vocab_size=len(tokenizer),
        max_position_embeddings=64,
        n_langs=len(known),
        lang2id=known,
        id2lang={i: lang for lang, i in known.items()},
        **settings,
    )
    with torch.no_grad():
        # Large enough that probabilities differ from each other well above rounding.
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return model.eval()


def small(cls: Any, tokenizer: XLMTokenizer, **settings: Any) -> Any:
    """Build one of our models with the tokenizer's vocabulary and random weights."""
    config = {"emb_dim": 32, "n_layers": 2, "n_heads": 4, "max_position_embeddings": 64}
    return cls(XLMConfig(vocab_size=len(tokenizer), **(config | settings))).eval()
