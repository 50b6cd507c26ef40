"""The objective that a language model was trained with decides what it can do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from xlm_model.auto import fitting
from xlm_model.checkpoints.reading import is_named_causal
from xlm_model.heads import XLMWithLMHeadModel
from xlm_text.errors import Argument, InputError


def is_causal(model: XLMWithLMHeadModel) -> bool:
    """Tell whether a model was trained with the CLM objective."""
    return model.config.causal


def refuse(what: str, objective: str, reason: str) -> InputError:
    """Return the error for a checkpoint of the wrong objective."""
    return InputError(
        f"cannot {what} a {objective} checkpoint: it {reason}",
        advice=(Argument("any_objective", True), " does it anyway"),
    )


def load_language_model(where: str | Path, **options: Any) -> XLMWithLMHeadModel:
    """Load a language model, causal if its name says that it was trained as one."""
    if is_named_causal(where):
        options["causal"] = True
    model = fitting(XLMWithLMHeadModel, where, **options)
    assert isinstance(model, XLMWithLMHeadModel)
    return model
