"""XLM models (Lample & Conneau 2019) in PyTorch: the encoder, every head, every checkpoint format.

The same models on Keras 3 are in `xlm_model.tf`.

Example:
    >>> import torch
    >>> from xlm_model import XLMConfig, XLMWithLMHeadModel
    >>> config = XLMConfig(vocab_size=100, emb_dim=32, n_layers=2, n_heads=4)
    >>> model = XLMWithLMHeadModel(config).eval()
    >>> model(torch.tensor([[1, 14, 15, 1]])).logits.shape
    torch.Size([1, 4, 100])
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from xlm_model.config import XLMConfig
from xlm_model.errors import CheckpointError, ConfigError
from xlm_model.outputs import XLMForQuestionAnsweringOutput

if TYPE_CHECKING:
    from xlm_model.encoder import XLMModel
    from xlm_model.heads import (
        XLMForMultipleChoice,
        XLMForQuestionAnswering,
        XLMForQuestionAnsweringSimple,
        XLMForSequenceClassification,
        XLMForTokenClassification,
        XLMWithLMHeadModel,
    )

__all__ = [
    "CheckpointError",
    "ConfigError",
    "XLMConfig",
    "XLMForMultipleChoice",
    "XLMForQuestionAnswering",
    "XLMForQuestionAnsweringOutput",
    "XLMForQuestionAnsweringSimple",
    "XLMForSequenceClassification",
    "XLMForTokenClassification",
    "XLMModel",
    "XLMWithLMHeadModel",
]


def __getattr__(name: str) -> Any:
    """Import the models when they are asked for, and PyTorch with them.

    What is in `xlm_model.tf` does without PyTorch.
    """
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    room = "encoder" if name == "XLMModel" else "heads"
    return getattr(import_module(f"{__name__}.{room}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
