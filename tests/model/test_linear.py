"""Linear layers give PyTorch's results, and nobody who watches them sees anything but PyTorch's."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
import torch
from torch import nn
from torch.autograd import forward_ad
from torch.nn.utils import parametrize
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from xlm_model import linear
from xlm_model.linear import apply_linear


@pytest.fixture(autouse=True)
def _onednn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the other operator be used on every processor."""
    is_there = torch._C._has_mkldnn and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    monkeypatch.setattr(linear, "_ONEDNN", is_there)


def takes_onednn(call: Callable[[], Any]) -> bool:
    """Whether a call goes through the other operator, as PyTorch's profiler sees it."""
    with torch.profiler.profile() as profile:
        call()
    names = {event.key for event in profile.key_averages()}
    assert names & {"aten::linear", "aten::addmm", "mkldnn::_linear_pointwise"}, names
    return "mkldnn::_linear_pointwise" in names


@pytest.mark.parametrize("shape", [(1, 48), (5, 48), (300, 48), (2, 7, 48), (0, 48), (48,)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("bias", [True, False])
def test_results_are_pytorchs(shape: tuple[int, ...], dtype: torch.dtype, bias: bool) -> None:
    layer = nn.Linear(48, 20, bias=bias, dtype=dtype)
    given = torch.randn(shape, dtype=dtype)
    for context in (torch.no_grad, torch.inference_mode, torch.enable_grad):
        with context():
            torch.testing.assert_close(apply_linear(layer, given), layer(given))


def test_parts_of_other_tensors_can_be_given() -> None:
    layer = nn.Linear(48, 20)
    wide = torch.randn(9, 96)
    with torch.inference_mode():
        for given in (wide[:, 48:], wide[::2, :48], wide.view(18, 48).t().contiguous().t()):
            torch.testing.assert_close(apply_linear(layer, given), layer(given))


def test_gradients_are_pytorchs() -> None:
    layer = nn.Linear(48, 20)
    given = torch.randn(5, 48)
    gradients = []
    for call in (lambda: apply_linear(layer, given), lambda: layer(given)):
        gradients.append(torch.autograd.grad(call().square().sum(), [layer.weight, layer.bias]))
    torch.testing.assert_close(*gradients)


def test_autocast_decides_the_type() -> None:
    layer = nn.Linear(48, 20)
    given = torch.randn(5, 48)
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        assert apply_linear(layer, given).dtype == layer(given).dtype == torch.bfloat16


@pytest.mark.skipif(
    not hasattr(torch.ops.mkldnn, "_linear_pointwise"), reason="this PyTorch has no oneDNN"
)
@pytest.mark.filterwarnings("ignore:TF32 acceleration")
def test_inference_that_nobody_watches_is_quick() -> None:
    layer, given = nn.Linear(48, 20), torch.randn(5, 48)
    with torch.inference_mode():
        assert takes_onednn(lambda: apply_linear(layer, given))
        with torch.backends.mkldnn.flags(enabled=False):
            assert not takes_onednn(lambda: apply_linear(layer, given))


class Dispatched(TorchDispatchMode):
    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        return function(*args, **(kwargs or {}))


class Functions(TorchFunctionMode):
    def __torch_function__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        return function(*args, **(kwargs or {}))


def counting_flops() -> FlopCounterMode:
    return FlopCounterMode(display=False)


class Subclass(torch.Tensor):
    pass


@contextmanager
def hook_on_everything() -> Any:
    handle = nn.modules.module.register_module_forward_hook(lambda *_: None)
    yield
    handle.remove()


def hooked(layer: nn.Linear) -> None:
    layer.register_forward_hook(lambda *_: None)


def hooked_before(layer: nn.Linear) -> None:
    layer.register_forward_pre_hook(lambda *_: None)


def with_forward_replaced(layer: nn.Linear) -> None:
    original = layer.forward
    layer.forward = lambda given: original(given)  # type: ignore[method-assign]


def parametrized(layer: nn.Linear) -> None:
    parametrize.register_parametrization(layer, "weight", nn.Identity())


def with_subclass(layer: nn.Linear) -> None:
    layer.weight = nn.Parameter(layer.weight.detach().as_subclass(Subclass))


@pytest.mark.parametrize(
    "watcher",
    [Dispatched, Functions, counting_flops, hook_on_everything, forward_ad.dual_level],
)
def test_a_watcher_sees_the_plain_operator(
    watcher: Callable[[], AbstractContextManager[Any]],
) -> None:
    layer, given = nn.Linear(48, 20), torch.randn(5, 48)
    with torch.no_grad(), watcher():
        assert not takes_onednn(lambda: apply_linear(layer, given))


@pytest.mark.parametrize(
    "change", [hooked, hooked_before, with_forward_replaced, parametrized, with_subclass]
)
def test_a_layer_that_was_changed_is_called_as_it_is(change: Callable[[nn.Linear], None]) -> None:
    layer, given = nn.Linear(48, 20), torch.randn(5, 48)
    change(layer)
    with torch.no_grad():
        assert not takes_onednn(lambda: apply_linear(layer, given))


def test_whatever_stands_for_a_layer_is_called() -> None:
    given = torch.randn(5, 48)
    with torch.no_grad():
        assert apply_linear(nn.Identity(), given) is given


def test_operators_that_are_watched_are_all_seen() -> None:
    seen = []

    class Seen(TorchDispatchMode):
        def __torch_dispatch__(
            self, function: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            seen.append(str(function))
            return function(*args, **(kwargs or {}))

    layer, given = nn.Linear(48, 20), torch.randn(5, 48)
    with torch.no_grad(), Seen():
        apply_linear(layer, given)
    assert "aten.addmm.default" in seen


def test_transforms_and_tangents_go_through() -> None:
    layer, given = nn.Linear(48, 20), torch.randn(5, 48)
    with torch.no_grad():
        rows = torch.func.vmap(lambda row: apply_linear(layer, row))(given)
        torch.testing.assert_close(rows, layer(given))
        _, tangent = torch.func.jvp(lambda x: apply_linear(layer, x), (given,), (given,))
        torch.testing.assert_close(tangent, given @ layer.weight.T)
        with forward_ad.dual_level():
            dual = apply_linear(layer, forward_ad.make_dual(given, given))
            torch.testing.assert_close(forward_ad.unpack_dual(dual).tangent, tangent)
