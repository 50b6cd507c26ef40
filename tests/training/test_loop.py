"""The loop by itself: each update, what may change when it goes on, and what stops it."""

from __future__ import annotations

import fcntl
import math
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from xlm_model import XLMConfig, XLMWithLMHeadModel
from xlm_model.pretraining import LanguageModelBatch, MaskedLM
from xlm_model.training import (
    StepDone,
    Training,
    TrainingError,
    TrainingResult,
    TrainingSettings,
    read_log,
)
from xlm_model.training.loading import load
from xlm_model.training.run_folder import Progress, RunFolder
from xlm_text.errors import InputError

CONFIG = XLMConfig(
    vocab_size=60, emb_dim=16, n_layers=1, n_heads=2, dropout=0.0, attention_dropout=0.0
)


class Counting:
    """Batches of numbers that follow each other."""

    def __getitem__(self, number: int) -> LanguageModelBatch:
        row = 20 + (number + np.arange(16)) % 30
        batch = MaskedLM(CONFIG)([(row,)], None, np.random.default_rng(number))
        return batch.named(f"count:{number % 2}")


class Falling:
    """Scores that are what the test says, one after another."""

    default_metric = "text/accuracy"
    metrics = ("text/accuracy", "text/loss")

    def __init__(self, *accuracies: float) -> None:
        self._left = list(accuracies)

    def __call__(self, model: nn.Module, accelerator: Any) -> dict[str, dict[str, float]]:
        assert not model.training
        return {"text": {"accuracy": self._left.pop(0), "loss": 1.0}}


def new_model() -> XLMWithLMHeadModel:
    torch.manual_seed(0)
    return XLMWithLMHeadModel(CONFIG)


def train(folder: Path, model: XLMWithLMHeadModel | None = None, **options: Any) -> TrainingResult:
    model = model or new_model()
    resume = options.pop("resume", False)
    extra = {n: options.pop(n) for n in list(options) if n not in TrainingSettings.__annotations__}
    settings = TrainingSettings(**{"steps": 4, "every": 2, "learning_rate": 1e-2, **options})
    return Training(model, Counting(), settings, folder, resume=resume, **extra).run()


def weights_of(folder: Path) -> dict[str, Tensor]:
    return XLMWithLMHeadModel.from_pretrained(folder).state_dict()


def test_an_update_is_that_of_adam_on_the_mean_of_its_batches(tmp_path: Path) -> None:
    """The same written out in plain PyTorch."""
    options = {"weight_decay": 0.1, "gradient_norm": 0.5, "warmup_steps": 2}
    train(tmp_path / "run", accumulate=3, **options)
    model = new_model().train()
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.1, betas=(0.9, 0.999))
    for step, rate in enumerate([0.005, 0.01, 0.01 * (2 / 3) ** 0.5, 0.01 * (2 / 4) ** 0.5]):
        losses = [model(**Counting()[3 * step + i].inputs).loss for i in range(3)]
        (sum(losses) / 3).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
        optimizer.zero_grad()
    for name, weight in weights_of(tmp_path / "run/last").items():
        torch.testing.assert_close(weight, model.state_dict()[name], atol=2e-6, rtol=0, msg=name)


def test_bf16_multiplies_in_bf16_and_keeps_weights_in_fp32(tmp_path: Path) -> None:
    seen = []

    def watch(module: nn.Module, inputs: Any, output: Tensor) -> None:
        seen.append(output.dtype)

    model = new_model()
    model.transformer.attentions[0].q_lin.register_forward_hook(watch)
    train(tmp_path / "bf16", model, precision="bf16")
    train(tmp_path / "fp32")
    assert set(seen) == {torch.bfloat16}
    losses = {}
    for name in ("bf16", "fp32"):
        assert {w.dtype for w in weights_of(tmp_path / name / "last").values()} == {torch.float32}
        losses[name] = [x for entry in read_log(tmp_path / name) for x in entry["losses"].values()]
    assert losses["bf16"] == pytest.approx(losses["fp32"], rel=0.03)
    assert losses["bf16"] != losses["fp32"]


def test_groups_have_their_own_rates_and_the_rest_stays(tmp_path: Path) -> None:
    model = new_model()
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    encoder = model.transformer
    groups = [
        {"params": [encoder.attentions[0].q_lin.weight], "learning_rate": 1e-3},
        {"params": [encoder.attentions[0].k_lin.weight], "learning_rate": 1e-2},
    ]
    options: dict[str, Any] = {"steps": 1, "warmup_steps": 0, "weight_decay": 0.0}
    train(tmp_path / "run", model, groups=groups, **options)
    changes = {
        name: (weight - before[name]).abs().max().item()
        for name, weight in weights_of(tmp_path / "run/last").items()
    }
    moved = {name: change for name, change in changes.items() if change}
    # Adam's first step is as large as the rate.
    assert moved == {
        "transformer.attentions.0.q_lin.weight": pytest.approx(1e-3, rel=1e-2),
        "transformer.attentions.0.k_lin.weight": pytest.approx(1e-2, rel=1e-2),
    }


@pytest.mark.parametrize("workers", [1, 2])
def test_any_number_of_workers_makes_the_same_batches(workers: int) -> None:
    numbers = range(3, 11, 2)
    ours = load(Counting(), numbers, 0)
    theirs = load(Counting(), numbers, workers)
    for (number, one), (same_number, two) in zip(ours, theirs, strict=True):
        assert (number, one.name) == (same_number, two.name)
        assert isinstance(one, LanguageModelBatch)
        assert isinstance(two, LanguageModelBatch)
        assert one.input_ids.equal(two.input_ids)
        assert one.kept.equal(two.kept)


def test_each_step_is_told(tmp_path: Path) -> None:
    told: list[StepDone] = []
    train(tmp_path / "run", on_step=told.append, log_every=2)
    assert [(done.step, done.steps) for done in told] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    log = [sum(e["losses"].values()) / len(e["losses"]) for e in read_log(tmp_path / "run")]
    assert [done.loss for done in told] == pytest.approx([log[0], log[1], log[1], log[2]], 1e-4)


def test_tensorboard_has_what_the_log_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # TensorBoard would load TensorFlow where it is installed, which takes seconds.
    monkeypatch.setitem(sys.modules, "tensorboard.compat.notf", ModuleType("notf"))
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    train(tmp_path / "run", tensorboard=True, log_every=2, evaluate=Falling(0.25, 0.5))
    events = accumulator.EventAccumulator(str(tmp_path / "run/tensorboard"))
    events.Reload()
    log = read_log(tmp_path / "run")

    def scalars(tag: str) -> list[tuple[int, float]]:
        return [(event.step, pytest.approx(event.value, rel=1e-4)) for event in events.Scalars(tag)]

    losses = [(e["step"], e["losses"]["count:1"]) for e in log if "count:1" in e.get("losses", {})]
    rates = [(e["step"], e["learning_rate"]) for e in log if "losses" in e]
    assert losses == scalars("loss/count:1")
    assert rates == scalars("training/learning_rate")
    assert scalars("accuracy/text") == [(2, 0.25), (4, 0.5)]


# Going on ---------------------------------------------------------------------------------------


def test_more_patience_goes_on_with_a_training_that_had_stopped(tmp_path: Path) -> None:
    options: dict[str, Any] = {"steps": 6, "every": 1}
    scores = Falling(0.5, 0.4, 0.3, 0.6, 0.5, 0.4)
    first = train(tmp_path / "run", evaluate=scores, patience=2, **options)
    assert (first.step, first.finished, first.best_step) == (3, "patience", 1)
    again = train(tmp_path / "run", evaluate=scores, patience=2, resume=True, **options)
    assert again == first
    more = train(tmp_path / "run", evaluate=scores, patience=3, resume=True, **options)
    assert (more.step, more.finished, more.best_step) == (6, "steps", 4)
    assert more.best_scores == {"text": {"accuracy": 0.6, "loss": 1.0}}


def test_scores_that_are_no_numbers_are_never_the_best() -> None:
    progress = Progress()
    assert not progress.evaluated({"text": {"loss": math.nan}}, "text/loss")
    assert progress.evaluated({"text": {"loss": 3.0}}, "text/loss")
    assert not progress.evaluated({"text": {"loss": math.nan}}, "text/loss")
    assert progress.evaluated({"text": {"loss": 2.0}}, "text/loss")
    assert (progress.best, progress.missed) == (2.0, 0)


def test_more_steps_are_those_of_a_longer_training(tmp_path: Path) -> None:
    """Except for a linear schedule, whose rates follow from the last step."""
    train(tmp_path / "run", steps=2, warmup_steps=1)
    train(tmp_path / "run", steps=4, warmup_steps=1, resume=True)
    train(tmp_path / "whole", steps=4, warmup_steps=1)
    expected = weights_of(tmp_path / "whole/last")
    for name, weight in weights_of(tmp_path / "run/last").items():
        torch.testing.assert_close(weight, expected[name], atol=1e-6, rtol=0, msg=name)
    train(tmp_path / "linear", steps=2, schedule="linear")
    with pytest.raises(InputError, match="steps was 2 and is 4; repeat what was"):
        train(tmp_path / "linear", steps=4, schedule="linear", resume=True)


# What stops it ----------------------------------------------------------------------------------


def test_a_loss_that_is_no_number_stops_it_at_the_last_checkpoint(tmp_path: Path) -> None:
    calls = 0

    def loss(model: nn.Module, batch: Any) -> Tensor:
        nonlocal calls
        calls += 1
        factor = math.nan if calls == 4 else 1.0
        return model(**batch.inputs).loss * factor

    with pytest.raises(TrainingError, match=r"step 4: .*last has the state of step 2: begin from"):
        train(tmp_path / "run", steps=9, loss=loss, warmup_steps=1)
    train(tmp_path / "two", steps=2, warmup_steps=1)
    expected = weights_of(tmp_path / "two/last")
    assert all(w.equal(expected[name]) for name, w in weights_of(tmp_path / "run/last").items())


def test_two_trainings_in_one_folder_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xlm_model.training.run_folder._WAIT_SECONDS", 0.05)
    folder = tmp_path / "run"
    train(folder, steps=2)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)  # as another process does
        with pytest.raises(InputError, match="run: another run is at work on it: wait for its end"):
            train(folder, steps=4, resume=True)
    finally:
        os.close(handle)
    assert train(folder, steps=4, resume=True).step == 4


def test_what_is_refused_leaves_no_folder(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    with pytest.raises(InputError, match="no"), folder.locked(resume=False):
        raise InputError("no")
    assert not folder.path.exists()
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(InputError, match="file: is not a folder"):
        train(file)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").write_text("")
    with pytest.raises(InputError, match="other: is not empty, and holds no training"):
        train(tmp_path / "other")


def test_batches_are_shared_evenly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Four:
        num_processes = 4

    monkeypatch.setattr("xlm_model.training.loop.processes", Four)
    with pytest.raises(InputError, match="accumulate is 6: expected a multiple of 4"):
        train(tmp_path / "run", accumulate=6)
