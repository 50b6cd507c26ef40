"""transformers' Trainer: models learn as the reference's do, and what it leaves can be loaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor
from torch.utils.data import Dataset

import xlm_model

from .support import HEADS, ROBERTA_HEADS, assert_same, build, examples, inputs, reference_of

pytest.importorskip("accelerate", reason="accelerate is not installed")

from transformers import TrainingArguments

from xlm_model.trainer import Trainer

# Tensors that a head takes for each example beside the usual ones.
COLUMNS = ("lengths", "token_type_ids", "position_ids", "langs")


class Rows(Dataset[dict[str, Tensor]]):
    def __init__(self, rows: list[dict[str, Tensor]]) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        return self.rows[number]


def trainer(model: Any, rows: list[dict[str, Tensor]], folder: Path, **settings: Any) -> Trainer:
    arguments: dict[str, Any] = {
        "max_steps": 4,
        "per_device_train_batch_size": 4,
        "learning_rate": 1e-2,
        "logging_steps": 1,
        "eval_strategy": "steps",
        "eval_steps": 2,
        "save_strategy": "no",
        "use_cpu": True,
        "seed": 3,
        "report_to": [],
        "disable_tqdm": True,
    }
    data = Rows(rows)
    found = Trainer(
        model.train(),
        TrainingArguments(str(folder), **{**arguments, **settings}),
        train_dataset=data,
        eval_dataset=data,
    )
    found.remove_callback(transformers.PrinterCallback)
    return found


def losses(trained: Trainer) -> list[float]:
    history = trained.state.log_history
    return [each.get("loss", each.get("eval_loss")) for each in history if "train_loss" not in each]


def weights(model: Any) -> dict[str, Tensor]:
    """Return copies of a model's weights, by the reference's names; ours each once."""
    state = model.published_state() if hasattr(model, "published_state") else model.state_dict()
    return {name: tensor.detach().clone() for name, tensor in state.items()}


def close(got: dict[str, Tensor], expected: dict[str, Tensor], tolerance: float = 2e-6) -> None:
    torch.testing.assert_close(got, expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", [*HEADS, *ROBERTA_HEADS])
@pytest.mark.parametrize("settings", [{}, {"label_smoothing_factor": 0.1}])
def test_losses_and_weights_are_the_references(
    name: str, settings: dict[str, Any], tmp_path: Path
) -> None:
    ours, rows = build(name), examples(name)
    both = [ours, reference_of(name, ours)]
    before = weights(ours)
    # Adam divides by a gradient's size: where that is nothing but rounding, so would be its steps.
    runs = [trainer(m, rows, tmp_path, optim="sgd", **settings) for m in both]
    for run in runs:
        run.train()
    got, expected = (losses(run) for run in runs)
    assert len(got) == 6
    assert got == pytest.approx(expected, abs=2e-6)
    got, expected = (weights(model) for model in both)
    close(got, {name: expected[name] for name in got})
    words = ours.config.names.words
    assert not torch.equal(got[words], before[words])
    predictions = [run.predict(Rows(rows)).predictions for run in runs]
    for mine, theirs in zip(*map(_flat, predictions), strict=True):
        assert mine == pytest.approx(theirs, abs=1e-5)


def _flat(predictions: Any) -> Any:
    return predictions if isinstance(predictions, tuple) else [predictions]


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize(
    "settings",
    [{}, {"activation_checkpointing_kwargs": {"every_n_layers": 2}}],
)
def test_gradient_checkpointing_changes_nothing(
    name: str, settings: dict[str, Any], tmp_path: Path
) -> None:
    ours, rows = build(name), examples(name)
    found = []
    for each in ({}, {"gradient_checkpointing": True, **settings}):
        torch.manual_seed(0)
        run = trainer(build(name), rows, tmp_path, optim="sgd", **each)
        run.model.load_state_dict(ours.state_dict())
        run.train()
        found.append((losses(run), weights(run.model)))
    assert found[1][0] == pytest.approx(found[0][0], abs=2e-6)
    close(found[1][1], found[0][1])


@pytest.mark.parametrize("name", HEADS)
def test_small_batches_add_up_to_a_large_one(name: str, tmp_path: Path) -> None:
    ours, rows = build(name), examples(name)
    found = []
    for size in (4, 1):
        run = trainer(
            build(name),
            rows,
            tmp_path,
            optim="sgd",
            max_steps=2,
            per_device_train_batch_size=size,
            gradient_accumulation_steps=4 // size,
        )
        run.model.load_state_dict(ours.state_dict())
        run.train()
        found.append(weights(run.model))
    close(*found, tolerance=1e-5)


@pytest.mark.parametrize("name", HEADS)
def test_the_best_checkpoint_is_loaded_at_the_end(name: str, tmp_path: Path) -> None:
    run = trainer(
        build(name),
        examples(name),
        tmp_path,
        learning_rate=1.0,  # every step makes it worse
        save_strategy="steps",
        save_steps=2,
        load_best_model_at_end=True,
    )
    run.train()
    best = Path(run.state.best_model_checkpoint)
    saved = getattr(xlm_model, name).from_pretrained(best)
    close(weights(run.model), weights(saved), tolerance=0)


@pytest.mark.parametrize("name", HEADS)
def test_bf16_learns_as_the_reference_does(name: str, tmp_path: Path) -> None:
    ours, rows = build(name), examples(name)
    both = [ours, reference_of(name, ours)]
    runs = [trainer(m, rows, tmp_path, optim="sgd", bf16=True) for m in both]
    for run in runs:
        run.train()
    got, expected = (losses(run) for run in runs)
    assert got == pytest.approx(expected, rel=0.02)
    got, expected = (weights(model) for model in both)
    close(got, {name: expected[name] for name in got}, tolerance=0.02)
    for parameter in ours.parameters():
        assert parameter.dtype == torch.float32


@pytest.mark.parametrize("name", [*HEADS, *ROBERTA_HEADS])
def test_the_folder_loads_here_and_in_the_reference(name: str, tmp_path: Path) -> None:
    run = trainer(build(name), examples(name), tmp_path)
    run.train()
    run.save_model()
    assert json.loads((tmp_path / "config.json").read_text())["architectures"] == [name]
    assert (tmp_path / "model.safetensors").is_file()
    given = inputs(name)
    with torch.no_grad():
        expected = run.model.eval()(**given)
        assert_same(getattr(xlm_model, name).from_pretrained(tmp_path)(**given), expected)
        theirs, about = getattr(transformers, name).from_pretrained(
            tmp_path, output_loading_info=True
        )
        assert [about["missing_keys"], about["unexpected_keys"]] == [set(), set()]
        assert_same(theirs(**given).to_tuple(), expected, tolerance=1e-5)


@pytest.mark.parametrize("name", ["XLMWithLMHeadModel", "XLMForSequenceClassification"])
def test_training_goes_on_where_it_stopped(name: str, tmp_path: Path) -> None:
    rows = examples(name)
    started, settings = build(name), {"save_strategy": "steps", "save_steps": 2}
    state = {key: value.clone() for key, value in started.state_dict().items()}
    whole = trainer(started, rows, tmp_path / "run", **settings)
    whole.train()
    again = build(name)
    again.load_state_dict(state)
    resumed = trainer(again, rows, tmp_path / "run", **settings)
    resumed.train(resume_from_checkpoint=str(tmp_path / "run" / "checkpoint-2"))
    assert losses(resumed) == losses(whole)
    close(weights(resumed.model), weights(whole.model), tolerance=0)
    if name == "XLMWithLMHeadModel":
        model = resumed.model
        assert model.pred_layer.proj.weight is model.get_input_embeddings().weight


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize("column", COLUMNS)
def test_no_column_that_the_model_takes_is_removed(name: str, column: str, tmp_path: Path) -> None:
    import datasets

    rows = examples(name)
    for row in rows:
        row.pop("attention_mask")
        ids = row["input_ids"]
        row["lengths"] = (ids != 2).sum(-1)
        row["token_type_ids"] = torch.full_like(ids, 20)
        row["position_ids"] = torch.arange(ids.shape[-1]).expand(ids.shape).flip(-1)
    columns = {key: [row[key].tolist() for row in rows] for key in rows[0]}
    data = datasets.Dataset.from_dict({**columns, "text": ["unused"] * len(rows)})
    run = trainer(build(name), [], tmp_path)
    [batch] = run.get_test_dataloader(data.select(range(3)))
    assert column in batch
    assert "text" not in batch
