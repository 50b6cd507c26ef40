"""XLM models (Lample & Conneau 2019) in PyTorch: the encoder, every head, every checkpoint format.

XLM-RoBERTa and FlauBERT are the same encoder with other settings. The same XLM models on Keras 3
are in `xlm_model.tf`.

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
from xlm_model.flaubert.config import FlaubertConfig
from xlm_model.outputs import XLMForQuestionAnsweringOutput
from xlm_model.roberta.config import XLMRobertaConfig

if TYPE_CHECKING:
    from xlm_model.auto import (
        AutoConfig,
        AutoModel,
        AutoModelForCausalLM,
        AutoModelForMaskedLM,
        AutoModelForMultipleChoice,
        AutoModelForQuestionAnswering,
        AutoModelForSequenceClassification,
        AutoModelForTokenClassification,
    )
    from xlm_model.encoder import XLMModel
    from xlm_model.flaubert.models import (
        FlaubertForMultipleChoice,
        FlaubertForQuestionAnswering,
        FlaubertForQuestionAnsweringSimple,
        FlaubertForSequenceClassification,
        FlaubertForTokenClassification,
        FlaubertModel,
        FlaubertWithLMHeadModel,
    )
    from xlm_model.heads import (
        XLMForMultipleChoice,
        XLMForQuestionAnswering,
        XLMForQuestionAnsweringSimple,
        XLMForSequenceClassification,
        XLMForTokenClassification,
        XLMWithLMHeadModel,
    )
    from xlm_model.pipelines import pipeline
    from xlm_model.roberta.encoder import XLMRobertaModel
    from xlm_model.roberta.heads import (
        XLMRobertaForCausalLM,
        XLMRobertaForMaskedLM,
        XLMRobertaForMultipleChoice,
        XLMRobertaForQuestionAnswering,
        XLMRobertaForSequenceClassification,
        XLMRobertaForTokenClassification,
    )

# Where the names are that need PyTorch.
_ROOMS: dict[str, tuple[str, ...]] = {
    "auto": (
        "AutoConfig",
        "AutoModel",
        "AutoModelForCausalLM",
        "AutoModelForMaskedLM",
        "AutoModelForMultipleChoice",
        "AutoModelForQuestionAnswering",
        "AutoModelForSequenceClassification",
        "AutoModelForTokenClassification",
    ),
    "encoder": ("XLMModel",),
    "flaubert.models": (
        "FlaubertForMultipleChoice",
        "FlaubertForQuestionAnswering",
        "FlaubertForQuestionAnsweringSimple",
        "FlaubertForSequenceClassification",
        "FlaubertForTokenClassification",
        "FlaubertModel",
        "FlaubertWithLMHeadModel",
    ),
    "pipelines": ("pipeline",),
    "heads": (
        "XLMForMultipleChoice",
        "XLMForQuestionAnswering",
        "XLMForQuestionAnsweringSimple",
        "XLMForSequenceClassification",
        "XLMForTokenClassification",
        "XLMWithLMHeadModel",
    ),
    "roberta.encoder": ("XLMRobertaModel",),
    "roberta.heads": (
        "XLMRobertaForCausalLM",
        "XLMRobertaForMaskedLM",
        "XLMRobertaForMultipleChoice",
        "XLMRobertaForQuestionAnswering",
        "XLMRobertaForSequenceClassification",
        "XLMRobertaForTokenClassification",
    ),
}

__all__ = [
    "AutoConfig",
    "AutoModel",
    "AutoModelForCausalLM",
    "AutoModelForMaskedLM",
    "AutoModelForMultipleChoice",
    "AutoModelForQuestionAnswering",
    "AutoModelForSequenceClassification",
    "AutoModelForTokenClassification",
    "CheckpointError",
    "ConfigError",
    "FlaubertConfig",
    "FlaubertForMultipleChoice",
    "FlaubertForQuestionAnswering",
    "FlaubertForQuestionAnsweringSimple",
    "FlaubertForSequenceClassification",
    "FlaubertForTokenClassification",
    "FlaubertModel",
    "FlaubertWithLMHeadModel",
    "XLMConfig",
    "XLMForMultipleChoice",
    "XLMForQuestionAnswering",
    "XLMForQuestionAnsweringOutput",
    "XLMForQuestionAnsweringSimple",
    "XLMForSequenceClassification",
    "XLMForTokenClassification",
    "XLMModel",
    "XLMRobertaConfig",
    "XLMRobertaForCausalLM",
    "XLMRobertaForMaskedLM",
    "XLMRobertaForMultipleChoice",
    "XLMRobertaForQuestionAnswering",
    "XLMRobertaForSequenceClassification",
    "XLMRobertaForTokenClassification",
    "XLMRobertaModel",
    "XLMWithLMHeadModel",
    "pipeline",
]


def __getattr__(name: str) -> Any:
    """Import the models when they are asked for, and PyTorch with them.

    What is in `xlm_model.tf` does without PyTorch.
    """
    for room, names in _ROOMS.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{room}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
