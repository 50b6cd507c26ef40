"""Where a model works, and with what numbers."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import torch

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
    """Give each linear layer 8-bit weights; it turns its input into 8 bits as it comes.

    Weights are scaled by output channel, inputs by token, so that a sequence's result does not
    depend on what else is in its batch. The embeddings stay as they are.

    Raises:
        InputError: torchao is not installed.
    """
    with _quiet_imports():
        try:
            from torchao.quantization import Int8DynamicActivationInt8WeightConfig, quantize_
            from torchao.utils import should_reduce_range
        except ImportError as error:
            raise InputError(
                Argument("int8", True),
                f" needs torchao ({error}); in a clone of this project: pip install '.[int8]'",
            ) from None
    # Without the instructions for it (VNNI), sums of 8-bit products may overflow.
    is_reduced = should_reduce_range(torch.device("cpu"))
    quantize_(
        model,
        Int8DynamicActivationInt8WeightConfig(reduce_range=is_reduced, set_inductor_config=False),
    )


@contextmanager
def _quiet_imports() -> Iterator[None]:
    """Keep to itself what torchao logs as it is imported: which kernels for GPUs it lacks."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
