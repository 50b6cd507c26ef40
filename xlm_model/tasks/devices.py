"""Where a model works, and with what numbers."""

from __future__ import annotations

import warnings

import torch

from xlm_model.linear import Linear
from xlm_text.errors import Argument, InputError


def find_device(device: torch.device | str | None) -> torch.device:
    """Return the device, or the best one there is.

    Raises:
        InputError: it is not there.
    """
    if device is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        found = torch.device(device)
        torch.empty(1, device=found)
    # A device that PyTorch was built without raises an AssertionError.
    except (RuntimeError, AssertionError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(
            f"is {str(device)!r}: expected one that this machine has, such as 'cpu' ({reason})",
            argument="device",
        ) from None
    return found


def quantize(model: torch.nn.Module) -> None:
    """Replace each linear layer by one with 8-bit weights, which quantises its input as it comes.

    Weights are scaled by output channel, inputs by tensor: PyTorch's dynamic quantisation.

    Raises:
        InputError: this PyTorch no longer has it.
    """
    try:
        from torch.ao import quantization
    except ImportError:
        raise InputError(
            Argument("int8", True),
            f" needs torch.ao.quantization, which PyTorch {torch.__version__} does not have: "
            "expected a release that does, such as 2.13",
        ) from None

    for module in model.modules():
        if isinstance(module, Linear):
            # The quantisation knows PyTorch's own class alone.
            module.__class__ = torch.nn.Linear  # type: ignore[assignment]
    layers = {torch.nn.Linear: quantization.per_channel_dynamic_qconfig}
    with warnings.catch_warnings():
        # PyTorch announces a successor in another package.
        warnings.filterwarnings("ignore", message=".*deprecated")
        quantization.quantize_dynamic(model, layers, inplace=True)  # type: ignore[no-untyped-call]
