"""XLM models (Lample & Conneau 2019) in PyTorch: the encoder, every head, every checkpoint format.

Example:
    >>> import torch
    >>> config = XLMConfig(vocab_size=100, emb_dim=32, n_layers=2, n_heads=4)
    >>> model = XLMWithLMHeadModel(config).eval()
    >>> model(torch.tensor([[1, 14, 15, 1]])).logits.shape
    torch.Size([1, 4, 100])
"""

from xlm_model.config import XLMConfig
from xlm_model.encoder import XLMModel
from xlm_model.errors import CheckpointError, ConfigError
from xlm_model.heads import (
    XLMForMultipleChoice,
    XLMForQuestionAnswering,
    XLMForQuestionAnsweringSimple,
    XLMForSequenceClassification,
    XLMForTokenClassification,
    XLMWithLMHeadModel,
)
from xlm_model.outputs import XLMForQuestionAnsweringOutput

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
