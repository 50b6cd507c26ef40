"""The linear layer gives PyTorch's results whichever library it takes."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from xlm_model.linear import Linear


def layers() -> tuple[Linear, nn.Linear]:
    torch.manual_seed(0)
    plain = nn.Linear(48, 20)
    ours = Linear(48, 20)
    ours.load_state_dict(plain.state_dict())
    return ours, plain


@pytest.mark.parametrize("shape", [(1, 48), (5, 48), (300, 48), (2, 7, 48), (0, 48), (48,)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_results_are_pytorchs(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    ours, plain = (layer.to(dtype) for layer in layers())
    given = torch.randn(shape, dtype=dtype)
    for context in (torch.no_grad, torch.inference_mode, torch.enable_grad):
        with context():
            torch.testing.assert_close(ours(given), plain(given))


def test_parts_of_other_tensors_can_be_given() -> None:
    ours, plain = layers()
    wide = torch.randn(9, 96)
    with torch.inference_mode():
        for given in (wide[:, 48:], wide[::2, :48], wide.view(18, 48).t().contiguous().t()):
            torch.testing.assert_close(ours(given), plain(given))


def test_gradients_are_pytorchs() -> None:
    ours, plain = layers()
    given = torch.randn(5, 48)
    for layer in (ours, plain):
        layer(given).square().sum().backward()
    torch.testing.assert_close(ours.weight.grad, plain.weight.grad)
    torch.testing.assert_close(ours.bias.grad, plain.bias.grad)


def test_autocast_decides_the_type() -> None:
    ours, plain = layers()
    given = torch.randn(5, 48)
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        assert ours(given).dtype == plain(given).dtype == torch.bfloat16
