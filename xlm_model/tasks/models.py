"""The model inside whatever wraps it."""

from __future__ import annotations

import sys
from typing import Any

from torch import nn

from xlm_text import InputError


def unwrap(model: Any) -> Any:
    """Return the model that `torch.compile`, PEFT or data parallelism has wrapped.

    PEFT's adapters are layers of that model, so that they stay in effect.

    Raises:
        InputError: what PEFT added is no layer of it (prompt and prefix tuning), and would be lost.

    Example:
        >>> model = nn.Linear(2, 2)
        >>> unwrap(nn.DataParallel(model)) is model
        True
    """
    while True:
        if isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel):
            model = model.module
        elif isinstance(compiled := getattr(model, "_orig_mod", None), nn.Module):
            model = compiled
        elif _is_from_peft(model):
            model = _without_peft(model)
        else:
            return model


def _is_from_peft(model: Any) -> bool:
    # If there is a model of PEFT, somebody imported it.
    peft = sys.modules.get("peft")
    return peft is not None and isinstance(model, peft.PeftModel | peft.PeftMixedModel)


def _without_peft(model: Any) -> nn.Module:
    for name in model.active_adapters:
        config = model.peft_config[name]
        if config.is_prompt_learning:
            raise InputError(
                f"has the adapter {name!r} of PEFT's type {config.peft_type.value}, whose virtual "
                "tokens come before the text: expected one of layers, such as LORA",
                argument="model",
            )
    base: nn.Module = model.base_model.model
    return base
