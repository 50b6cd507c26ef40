"""Graphs that PyTorch makes of a model: exported, compiled and traced."""

from __future__ import annotations

import io
import shutil
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.export import Dim

from .support import MODELS, assert_same, build, inputs, labels


def any_size(given: dict[str, Tensor]) -> dict[str, Any]:
    """Say that batch and length, the first and last dimension, may change."""
    batch, length = Dim("batch", max=64), Dim("length", min=4, max=24)
    return {name: {0: batch, value.dim() - 1: length} for name, value in given.items()}


@pytest.mark.parametrize("name", MODELS)
def test_an_exported_model_is_saved_and_loaded(name: str) -> None:
    model, given = build(name), inputs(name)
    program = torch.export.export(model, (), given, dynamic_shapes=any_size(given))
    file = io.BytesIO()
    torch.export.save(program, file)
    file.seek(0)
    loaded = torch.export.load(file).module()
    with torch.no_grad():
        for batch in (given, inputs(name, batch=5, length=12)):
            expected, got = model(**batch), loaded(**batch)
            assert type(got) is type(expected)
            assert_same(got, expected)


# That every model compiles into one graph is tested beside the models; this is the rest of the way.
@pytest.mark.parametrize("name", ["XLMWithLMHeadModel", "XLMForQuestionAnswering"])
def test_a_compiled_model_gives_the_same_and_learns_the_same(name: str) -> None:
    model, given = build(name, n_layers=1), inputs(name)
    given |= labels(name, given)
    # As torch.compile does by default, but for the code that is made of the graph in the end.
    compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
    gradients = []
    for call in (compiled, model):
        model.zero_grad()
        call(**given).loss.backward()
        gradients.append({key: parameter.grad for key, parameter in model.named_parameters()})
    got, expected = gradients
    for key, gradient in expected.items():
        if gradient is None:
            assert got[key] is None or not got[key].any()
        else:
            torch.testing.assert_close(got[key], gradient, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("c++"), reason="no C++ compiler on this machine")
def test_code_is_made_of_the_graph() -> None:
    model, given = build("XLMForTokenClassification", n_layers=1), inputs("XLMModel")
    compiled = torch.compile(model, fullgraph=True)
    with torch.no_grad():
        assert_same(compiled(**given), model(**given))


class Named(nn.Module):
    """Gives each input a name of its own in the signature, as the tracer wants them."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        langs: Tensor,
        p_mask: Tensor | None = None,
    ) -> Any:
        more = {} if p_mask is None else {"p_mask": p_mask}
        return self.model(input_ids, attention_mask, langs, **more)


@pytest.mark.filterwarnings(
    "ignore::torch.jit.TracerWarning", "ignore:.torch.jit:DeprecationWarning"
)
@pytest.mark.parametrize("name", MODELS)
def test_a_traced_model_is_right_for_other_sizes(name: str) -> None:
    model, given = build(name), inputs(name)
    traced = torch.jit.trace(Named(model), example_kwarg_inputs=given)
    file = io.BytesIO()
    torch.jit.save(traced, file)
    file.seek(0)
    loaded = torch.jit.load(file)
    with torch.no_grad():
        for batch in (given, inputs(name, batch=5, length=12)):
            assert_same(loaded(**batch), model(**batch))
