"""Compare the Keras models with the last TFXLM classes of transformers, 4.57.6, once.

Those classes need Keras 2 and cannot be installed beside transformers 5, so that there are two
steps, each in a virtual environment of its own; docs/tensorflow.md has the commands.

    python benchmarks/tfxlm.py write FOLDER      where transformers 4.57.6 and tf-keras are
    python -m benchmarks.tfxlm compare FOLDER    where this project is, with [model,tensorflow]
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

HEADS = (
    "XLMModel",
    "XLMWithLMHeadModel",
    "XLMForSequenceClassification",
    "XLMForMultipleChoice",
    "XLMForTokenClassification",
    "XLMForQuestionAnsweringSimple",
)
VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "languages": {"n_langs": 3},
    "causal": {"causal": True, "n_langs": 3},
    "relu": {"gelu_activation": False},
    "mean": {"summary_type": "mean"},
    "last": {"summary_type": "last"},
}
TINY = {
    "vocab_size": 60,
    "emb_dim": 32,
    "n_layers": 2,
    "n_heads": 4,
    "max_position_embeddings": 24,
    "embed_init_std": 0.3,
    "init_std": 0.2,
    "initializer_range": 0.2,  # the old class for multiple choice fails without
    "dropout": 0.0,
    "attention_dropout": 0.0,
    "summary_first_dropout": 0.0,
}


def inputs_of(head: str, variant: str) -> dict[str, np.ndarray]:
    """Return three padded sequences with labels, the same in both steps."""
    random = np.random.default_rng(0)
    ids = random.integers(14, 60, (3, 9)).astype(np.int32)
    ids[1, 6:] = ids[2, 2:] = 2
    inputs = {"input_ids": ids}
    if "causal" not in VARIANTS[variant]:  # the old classes fail on a causal model with a mask
        inputs["attention_mask"] = (ids != 2).astype(np.int32)
    if "n_langs" in VARIANTS[variant]:
        inputs["langs"] = np.broadcast_to(np.arange(3, dtype=np.int32)[:, None], (3, 9)).copy()
    if head == "XLMForMultipleChoice":
        inputs = {name: np.stack([x, x[::-1]], 1) for name, x in inputs.items()}
    spans = {"start_positions": np.array([1, 0, 1]), "end_positions": np.array([3, 2, 1])}
    labels: dict[str, dict[str, np.ndarray]] = {
        "XLMModel": {},
        "XLMWithLMHeadModel": {},  # the old class takes none
        "XLMForSequenceClassification": {"labels": np.array([1, 0, 1])},
        "XLMForMultipleChoice": {"labels": np.array([1, 0, 1])},
        "XLMForTokenClassification": {"labels": np.where(ids == 2, -100, ids % 2)},
        "XLMForQuestionAnsweringSimple": spans,
    }
    return {**inputs, **labels[head]}


def results(output: Any) -> dict[str, np.ndarray]:
    """Return an output's fields as arrays; the loss's mean, as the old classes give one each."""
    found = {}
    for name in ("loss", "logits", "start_logits", "end_logits", "last_hidden_state"):
        value = getattr(output, name, None)
        if value is not None:
            found[name] = np.asarray(value).mean() if name == "loss" else np.asarray(value)
    found |= {f"hidden_{i}": np.asarray(x) for i, x in enumerate(output.hidden_states)}
    return found | {f"attention_{i}": np.asarray(x) for i, x in enumerate(output.attentions)}


def write(folder: Path) -> None:
    """Save a checkpoint of every class and variant, and what the old class makes of the inputs."""
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    import tensorflow
    import transformers

    tensorflow.random.set_seed(0)
    for head in HEADS:
        for variant, settings in VARIANTS.items():
            model = getattr(transformers, f"TF{head}")(
                transformers.XLMConfig(**{**TINY, **settings})
            )
            inputs = {n: tensorflow.constant(x) for n, x in inputs_of(head, variant).items()}
            model(inputs)
            for weight in model.weights:  # no value that hides a mistake
                weight.assign_add(tensorflow.random.normal(weight.shape) * 0.1)
            output = model(inputs, output_hidden_states=True, output_attentions=True)
            model.save_pretrained(folder / head / variant)
            np.savez(folder / head / f"{variant}.npz", **results(output))


def compare(folder: Path) -> None:
    """Print each class's largest difference from the old class in any field and variant."""
    from xlm_model import tf as models

    for head in HEADS:
        worst = (0.0, "")
        for variant in VARIANTS:
            model = getattr(models, f"TF{head}").from_pretrained(folder / head / variant)
            output = model(
                inputs_of(head, variant), output_hidden_states=True, output_attentions=True
            )
            got = results(output)
            with np.load(folder / head / f"{variant}.npz") as expected:
                assert got.keys() == set(expected), got.keys() ^ set(expected)
                worst = max(
                    worst,
                    *((float(np.abs(got[n] - expected[n]).max()), f"{variant} {n}") for n in got),
                )
        print(f"TF{head}: {worst[0]:.1e} ({worst[1]})")


if __name__ == "__main__":
    {"write": write, "compare": compare}[sys.argv[1]](Path(sys.argv[2]))
