"""Evaluation mode for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch import nn


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Put a model into evaluation mode, each of its modules back into its own mode afterwards.

    What `Module.compile` compiled runs as it was written: sequences of any lengths would have it
    compiled again for every batch.
    """
    modules = list(model.modules())
    training = [module for module in modules if module.training]
    compiled = any(module._compiled_call_impl is not None for module in modules)
    for module in training:
        module.training = False
    try:
        with torch.compiler.set_stance("force_eager") if compiled else nullcontext():
            yield
    finally:
        for module in training:
            module.training = True
