"""What else PyTorch does with a model: transform, count, copy, spread over devices."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.func import functional_call, grad, vmap
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.parallel import scatter_gather
from torch.utils.flop_counter import FlopCounterMode

from .support import HEADS, MODELS, assert_same, build, inputs, labels, values


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_a_function_of_its_parameters(name: str) -> None:
    model, given = build(name), inputs(name)
    zeros = {key: torch.zeros_like(value) for key, value in model.named_parameters()}
    with torch.no_grad():
        expected = model(**given)
        assert_same(functional_call(model, dict(model.named_parameters()), (), given), expected)
        of_zeros = values(functional_call(model, zeros, (), given))[0]
    assert of_zeros.unique().numel() < values(expected)[0].unique().numel()


@pytest.mark.filterwarnings("ignore:There is a performance drop")
@pytest.mark.parametrize("name", HEADS)
def test_gradients_of_each_example_alone(name: str) -> None:
    model, given = build(name), inputs(name)
    given = {**given, **labels(name, given)}

    def loss(parameters: dict[str, Tensor], example: dict[str, Tensor]) -> Tensor:
        one = {key: value[None] for key, value in example.items()}
        return functional_call(model, parameters, (), one).loss

    parameters = {key: value.detach() for key, value in model.named_parameters()}
    each = vmap(grad(loss), in_dims=(None, 0))(parameters, given)
    for row in range(len(given["input_ids"])):
        model.zero_grad()
        model(**{key: value[row : row + 1] for key, value in given.items()}).loss.backward()
        for key, parameter in model.named_parameters():
            expected = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            torch.testing.assert_close(each[key][row], expected, rtol=1e-5, atol=1e-6)


def test_multiplications_are_counted() -> None:
    model, given = build("XLMForTokenClassification"), inputs("XLMForTokenClassification")
    # PyTorch has no count for its fused attention on CPUs.
    with FlopCounterMode(display=False) as counter, torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
        model(**given)
    tokens, dim, layers, classes = given["input_ids"].numel(), 32, 2, 2
    products = layers * (4 * dim * dim + 2 * dim * 4 * dim) + dim * classes
    attention = layers * 2 * dim * 9  # scores and sums over the 9 positions
    assert counter.get_total_flops() == 2 * tokens * (products + attention)


def test_operators_are_recorded_by_make_fx() -> None:
    model, given = build("XLMForTokenClassification"), inputs("XLMForTokenClassification")
    other = inputs("XLMForTokenClassification")
    with torch.no_grad():
        graph = make_fx(lambda ids, mask: model(ids, mask).logits)(
            given["input_ids"], given["attention_mask"]
        )
        got = graph(other["input_ids"], other["attention_mask"])
        assert_same(got, model(other["input_ids"], other["attention_mask"]).logits)


def test_shapes_are_known_without_computing() -> None:
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode() as mode:
        model = build("XLMWithLMHeadModel")
        given = {k: mode.from_tensor(v) for k, v in inputs("XLMWithLMHeadModel").items()}
        assert model(**given, labels=given["input_ids"]).logits.shape == (3, 9, 60)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("clone", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_are_independent(name: str, clone: Any) -> None:
    model, given = build(name), inputs(name)
    other = clone(model)
    with torch.no_grad():
        expected = model(**given)
        for parameter in model.parameters():
            parameter.zero_()
        assert_same(other(**given), expected)
    assert type(clone(expected)) is type(expected)
    assert_same(clone(expected), expected)
    ties = [
        [id(p) for p in m.parameters()].index(id(m.get_input_embeddings().weight))
        for m in (model, other)
    ]
    assert ties[0] == ties[1]
    assert len(list(other.parameters())) == len(list(model.parameters()))


@pytest.mark.parametrize("name", MODELS)
def test_outputs_of_several_devices_are_gathered(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gather(device: int, dimension: int, *tensors: Tensor) -> Tensor:
        """Stand for the copy from GPUs, which is all that needs some; losses become a vector."""
        return torch.cat([x.view(1) if x.dim() == 0 else x for x in tensors], dimension)

    monkeypatch.setattr(scatter_gather.Gather, "apply", gather)
    model, given = build(name), inputs(name, batch=4)
    if name != "XLMModel":
        given |= labels(name, given)
    whole = model(**given, output_hidden_states=True)
    halves = [
        model(**{k: v[half] for k, v in given.items()}, output_hidden_states=True)
        for half in (slice(2), slice(2, 4))
    ]
    gathered = scatter_gather.gather(halves, 0)
    assert type(gathered) is type(whole)
    assert list(gathered) == list(whole)
    for key in set(whole) - {"loss"}:
        torch.testing.assert_close(gathered[key], whole[key], rtol=1e-5, atol=1e-6)
    assert "loss" not in whole or gathered["loss"].shape == (2,)
