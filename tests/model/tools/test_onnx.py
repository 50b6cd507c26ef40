"""Models in the ONNX format, run by onnxruntime."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from .support import MODELS, assert_same, build, inputs, values

pytest.importorskip("onnx", reason="onnx is not installed")
pytest.importorskip("onnxscript", reason="onnxscript is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

pytestmark = pytest.mark.slow


def export(model: nn.Module, given: dict[str, torch.Tensor], file: Path) -> None:
    """Export for any batch and length, the first and last dimension."""
    sizes = {name: {0: "batch", value.dim() - 1: "length"} for name, value in given.items()}
    program = torch.onnx.export(
        model, kwargs=given, dynamo=True, dynamic_shapes=sizes, verbose=False
    )
    assert program is not None
    program.save(file)


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("name", MODELS)
def test_onnxruntime_gives_the_same_for_any_batch_and_length(name: str, tmp_path: Path) -> None:
    model, given = build(name), inputs(name)
    export(model, given, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    assert [entry.name for entry in session.get_inputs()] == list(given)
    for batch in (given, inputs(name, batch=5, length=12)):
        got = session.run(None, {key: value.numpy() for key, value in batch.items()})
        with torch.no_grad():
            expected = model(**batch)
        assert len(got) == len(values(expected))
        assert_same([torch.from_numpy(value) for value in got], expected, tolerance=1e-4)
