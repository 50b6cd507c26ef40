"""Loading a checkpoint takes little more memory than its weights."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from .helpers import dictionary, original, reference, save_as_bin, write_keras

# 240 MB of weights: far more than what PyTorch takes beside them.
BIG = {"vocab_size": 60_000, "emb_dim": 768, "n_heads": 12, "n_langs": 2}

MEASURE = """
import json, sys, torch
from xlm_model import XLMWithLMHeadModel

def memory(key):
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(key))

def use(folder):
    model = XLMWithLMHeadModel.from_pretrained(folder)
    with torch.inference_mode():
        model(torch.tensor([[1, 14, 1]]))
        for parameter in model.parameters():
            parameter.sum()
    return model

torch.set_num_threads(1)
use(sys.argv[1])  # what is loaded with the first model is no part of the second
before = memory("VmRSS")
model = use(sys.argv[2])
weights = sum(parameter.nbytes for parameter in model.parameters())
print(json.dumps({"peak": memory("VmHWM") - before, "weights": weights}))
"""


def write(model: Any, layout: str, folder: Path) -> None:
    if layout == "safetensors":
        model.save_pretrained(folder)
    elif layout == "h5":
        write_keras(model, folder)
    elif layout == "pth":
        folder.mkdir()
        torch.save(original(model, dictionary(model.config.vocab_size)), folder / "x.pth")
    else:
        save_as_bin(model, folder, legacy=layout == "legacy bin")


@pytest.fixture(scope="module")
def models() -> dict[str, Any]:
    """Return the reference's model, tiny and big."""
    return {
        name: reference("XLMWithLMHeadModel", **settings)
        for name, settings in (("tiny", {"n_langs": 2}), ("big", BIG))
    }


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc to measure")
@pytest.mark.parametrize("layout", ["safetensors", "bin", "legacy bin", "pth", "h5"])
def test_loading_and_using_takes_a_fifth_more_than_the_weights(
    layout: str, models: dict[str, Any], tmp_path: Path
) -> None:
    for name, model in models.items():
        write(model, layout, tmp_path / name)
    run = subprocess.run(
        [sys.executable, "-c", MEASURE, tmp_path / "tiny", tmp_path / "big"],
        capture_output=True,
        text=True,
        check=True,
    )
    measured = json.loads(run.stdout)
    assert measured["weights"] > 200e6
    assert measured["peak"] < 1.2 * measured["weights"]
