"""XLM models (Lample & Conneau 2019) in PyTorch: the encoder, every head, every checkpoint format.

>>> import torch
>>> config = XLMConfig(vocab_size=100, emb_dim=32, n_layers=2, n_heads=4)
>>> model = XLMWithLMHeadModel(config).eval()
>>> model(torch.tensor([[1, 14, 15, 1]])).logits.shape
torch.Size([1, 4, 100])
"""

from .config import XLMConfig
from .encoder import XLMModel
from .errors import CheckpointError, ConfigError
from .heads import (
    XLMForMultipleChoice,
    XLMForSequenceClassification,
    XLMForTokenClassification,
    XLMWithLMHeadModel,
)
from .outputs import XLMForQuestionAnsweringOutput
from .question_answering import XLMForQuestionAnswering, XLMForQuestionAnsweringSimple

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
