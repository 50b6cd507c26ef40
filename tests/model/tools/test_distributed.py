"""Two processes on the CPU learn together what one learns alone: DDP by accelerate, and FSDP2."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

import xlm_model
from tests.two_processes import run_two_processes

from .distributed_worker import halves, learn
from .support import HEADS, build, examples

pytest.importorskip("accelerate", reason="accelerate is not installed")


@pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="this PyTorch has no gloo")
@pytest.mark.slow
@pytest.mark.parametrize("mode", ["ddp", "fsdp2"])
def test_two_processes_learn_what_one_does(mode: str, tmp_path: Path) -> None:
    worker = "tests.model.tools.distributed_worker"
    run_two_processes("-m", worker, mode, tmp_path, *HEADS, ACCELERATE_USE_CPU="true")
    for name in HEADS:
        torch.manual_seed(0)
        model = build(name).train()
        batches = halves(examples(name))

        def both(model: torch.nn.Module = model, batches: list = batches) -> None:
            (sum(model(**batch).loss for batch in batches) / 2).backward()

        learn(torch.optim.SGD(model.parameters(), lr=0.1), both)
        saved = getattr(xlm_model, name).from_pretrained(tmp_path / name)
        for (key, got), expected in zip(saved.named_parameters(), model.parameters(), strict=True):
            torch.testing.assert_close(got, expected, rtol=0, atol=2e-6, msg=key)
        config = json.loads((tmp_path / name / "config.json").read_text())
        assert config["architectures"] == [name]
        assert config["tie_word_embeddings"] is True
