"""accelerate: bf16, accumulated gradients, saved states, as with the reference's models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.utils.data import DataLoader

from .support import HEADS, assert_same, build, examples, inputs, reference_of

accelerate = pytest.importorskip("accelerate", reason="accelerate is not installed")


@pytest.fixture(autouse=True)
def _fresh() -> Any:
    """Each Accelerator is as the first one of a process, whatever was trained in it before."""
    _forget()
    yield
    _forget()


def _forget() -> None:
    accelerate.state.AcceleratorState._reset_state(reset_partial_state=True)
    accelerate.state.GradientState._reset_state()


def learn(
    model: Any,
    rows: list[dict[str, Tensor]],
    *,
    batch_size: int,
    accumulated: int = 1,
    precision: str = "no",
) -> tuple[list[float], Any]:
    """Train one epoch with the usual loop; return the losses and the prepared model."""
    accelerator = accelerate.Accelerator(
        cpu=True, mixed_precision=precision, gradient_accumulation_steps=accumulated
    )
    loader = DataLoader(rows, batch_size=batch_size)  # type: ignore[arg-type]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model, optimizer, loader = accelerator.prepare(model.train(), optimizer, loader)
    losses = []
    for batch in loader:
        with accelerator.accumulate(model):
            loss = model(**batch).loss
            losses.append(loss.item())
            accelerator.backward(loss)
            optimizer.step()
            optimizer.zero_grad()
    return losses, accelerator.unwrap_model(model)


def in_order(model: Any, like: Any) -> Any:
    """Return the parameters of a model in the order of another's."""
    return [dict(model.named_parameters())[name] for name, _ in like.named_parameters()]


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize("settings", [{"batch_size": 4}, {"batch_size": 2, "accumulated": 2}])
def test_a_loop_learns_as_with_the_reference(name: str, settings: dict[str, int]) -> None:
    ours = build(name)
    theirs = reference_of(name, ours)
    rows = examples(name)
    expected, theirs = learn(theirs, rows, **settings)
    got, ours = learn(ours, rows, **settings)
    assert got == pytest.approx(expected, abs=2e-6)
    torch.testing.assert_close(list(ours.parameters()), in_order(theirs, ours), rtol=0, atol=2e-6)


@pytest.mark.parametrize("name", HEADS)
def test_outputs_of_bf16_come_back_in_fp32(name: str) -> None:
    accelerator = accelerate.Accelerator(cpu=True, mixed_precision="bf16")
    ours = build(name)
    theirs = reference_of(name, ours)
    given = inputs(name)
    outputs = []
    for model in (ours, theirs):
        model = accelerator.prepare(model)
        with torch.no_grad():
            outputs.append(model(**given))
    got, expected = outputs
    for key, value in expected.items():
        assert got[key].dtype == value.dtype, key
        if value.is_floating_point():
            assert value.dtype == torch.float32
            torch.testing.assert_close(got[key], value, rtol=0.1, atol=0.1)


@pytest.mark.parametrize("name", HEADS)
def test_bf16_learns_as_with_the_reference(name: str) -> None:
    ours = build(name)
    rows = examples(name)
    expected, _ = learn(reference_of(name, ours), rows, batch_size=4, precision="bf16")
    got, _ = learn(ours, rows, batch_size=4, precision="bf16")
    assert got == pytest.approx(expected, rel=0.02)


def test_a_state_is_saved_and_loaded(tmp_path: Path) -> None:
    name = "XLMWithLMHeadModel"
    accelerator = accelerate.Accelerator(cpu=True)
    rows = examples(name)
    given = {key: torch.stack([row[key] for row in rows]) for key in rows[0]}

    def prepare(model: Any) -> Any:
        return accelerator.prepare(model, torch.optim.Adam(model.parameters()))

    def step(model: Any, optimizer: Any) -> None:
        accelerator.backward(model(**given).loss)
        optimizer.step()
        optimizer.zero_grad()

    model, optimizer = prepare(build(name))
    step(model, optimizer)
    accelerator.save_state(tmp_path / "state")
    step(model, optimizer)
    accelerator.free_memory()
    again, its_optimizer = prepare(build(name))
    accelerator.load_state(tmp_path / "state")
    assert again.pred_layer.proj.weight is again.get_input_embeddings().weight
    step(again, its_optimizer)
    torch.testing.assert_close(list(again.parameters()), list(model.parameters()), rtol=0, atol=0)
    accelerator.save_model(model, tmp_path / "model")
    state = load_file(tmp_path / "model" / "model.safetensors")
    with torch.no_grad():
        expected = model.eval()(**given)
        fresh = build(name)
        fresh.load_state_dict(state, strict=False)
        assert_same(fresh(**given), expected)
