"""What the tests of the Keras models share: PyTorch's inputs in, and NumPy arrays out, by name.

A module that imports this is skipped where Keras, or its backend, is not installed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import xlm_model
from xlm_model import XLMConfig
from xlm_model.checkpoints.formats import tensorflow_name
from xlm_model.outputs import ModelOutput

from .helpers import TINY

# Before the import that reads them: no messages about this machine's processor.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

tf_models: Any = pytest.importorskip(
    "xlm_model.tf",
    reason="Keras 3 and a backend are not installed: pip install '.[tensorflow]'",
    exc_type=ImportError,
)
keras: Any = pytest.importorskip("keras")
BACKEND: str = keras.backend.backend()

NAMES = (
    "XLMModel",
    "XLMWithLMHeadModel",
    "XLMForSequenceClassification",
    "XLMForMultipleChoice",
    "XLMForTokenClassification",
    "XLMForQuestionAnsweringSimple",
)


def pytorch(name: str, **settings: Any) -> Any:
    """Build a PyTorch model of ours, no parameter at a value that hides a mistake."""
    model = getattr(xlm_model, name)(XLMConfig(**{**TINY, **settings})).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return model


def both(name: str, folder: Path, **settings: Any) -> tuple[Any, Any]:
    """Return a PyTorch model, and the Keras model that loads what it saved."""
    theirs = pytorch(name, **settings)
    theirs.save_pretrained(folder)
    return theirs, getattr(tf_models, f"TF{name}").from_pretrained(folder)


def arrays(values: Any) -> Any:
    """Return PyTorch's tensors in a dictionary as NumPy arrays."""
    return {n: v.numpy() if isinstance(v, torch.Tensor) else v for n, v in values.items()}


def fields(output: ModelOutput) -> dict[str, np.ndarray]:
    """Return an output's tensors by name, of either framework."""
    found = {}
    for key, value in output.items():
        for i, tensor in enumerate(value if isinstance(value, tuple) else (value,)):
            if isinstance(tensor, torch.Tensor):
                found[f"{key}.{i}"] = tensor.detach().numpy()
            elif tensor is not None:
                found[f"{key}.{i}"] = keras.ops.convert_to_numpy(tensor)
    return found


def assert_close(
    expected: dict[str, np.ndarray], got: dict[str, np.ndarray], tolerance: float = 1e-5
) -> None:
    assert got.keys() == expected.keys()
    for name, right in expected.items():
        np.testing.assert_allclose(
            got[name], right, rtol=tolerance, atol=tolerance, err_msg=name, equal_nan=True
        )


def published(variables: list[Any], values: list[Any]) -> dict[str, np.ndarray]:
    """Return values of variables by the published names, in PyTorch's layout."""
    found = {}
    for variable, value in zip(variables, values, strict=True):
        name, is_kernel = tensorflow_name(variable.path)
        array = keras.ops.convert_to_numpy(value)
        found[name] = array.T if is_kernel else array
    return found


def loss_and_gradients(model: Any, inputs: dict[str, Any]) -> tuple[float, dict[str, np.ndarray]]:
    """Return a Keras model's loss in training, and its gradients by the published names."""
    variables = model.trainable_variables
    if BACKEND == "tensorflow":
        import tensorflow

        with tensorflow.GradientTape() as tape:
            loss = model(inputs, training=True).loss
        values = [v.value for v in variables]
        gradients = tape.gradient(loss, values, unconnected_gradients="zero")
        gradients = [tensorflow.convert_to_tensor(gradient) for gradient in gradients]
    else:
        import jax

        states = [v.value for v in model.non_trainable_variables]

        def loss_of(values: list[Any]) -> Any:
            return model.stateless_call(values, states, inputs, training=True)[0].loss

        loss, gradients = jax.value_and_grad(loss_of)([v.value for v in variables])
    return float(loss), published(variables, gradients)


def pytorch_gradients(model: Any, inputs: dict[str, Any]) -> tuple[float, dict[str, np.ndarray]]:
    """Return a PyTorch model's loss in training, and its gradients; 0 where there is none."""
    model.train()
    model.zero_grad()
    loss = model(**inputs).loss
    loss.backward()
    model.eval()
    gradients = {
        name: (torch.zeros_like(p) if p.grad is None else p.grad).float().numpy()
        for name, p in model.named_parameters()
    }
    return loss.item(), gradients
