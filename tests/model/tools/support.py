"""Every head, small, with a padded batch and labels that it takes."""

from __future__ import annotations

from typing import Any

import torch
import transformers
from torch import Tensor

import xlm_model
from xlm_model import XLMConfig, XLMRobertaConfig
from xlm_model.outputs import ModelOutput

HEADS = [
    "XLMWithLMHeadModel",
    "XLMForSequenceClassification",
    "XLMForTokenClassification",
    "XLMForQuestionAnsweringSimple",
    "XLMForQuestionAnswering",
    "XLMForMultipleChoice",
]
MODELS = ["XLMModel", *HEADS]
# The same for the other family, whose published names are others than its own.
ROBERTA_HEADS = ["XLMRobertaForMaskedLM", "XLMRobertaForSequenceClassification"]
CHOICES = 2

# No dropout: results of two calls can be compared in training mode, too.
SETTINGS: dict[str, Any] = {
    "vocab_size": 60,
    "emb_dim": 32,
    "n_layers": 2,
    "n_heads": 4,
    "n_langs": 2,
    "lang2id": {"en": 0, "fr": 1},
    "max_position_embeddings": 24,
    "embed_init_std": 0.3,
    "init_std": 0.2,
    "start_n_top": 3,
    "end_n_top": 2,
    "dropout": 0.0,
    "attention_dropout": 0.0,
    "summary_first_dropout": 0.0,
}
ROBERTA_SETTINGS: dict[str, Any] = {
    "vocab_size": 60,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 24,
    "initializer_range": 0.2,
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
}


def is_roberta(name: str) -> bool:
    return name.startswith("XLMRoberta")


def build(name: str, **changes: Any) -> Any:
    """Return a model with random weights, in evaluation mode."""
    if is_roberta(name):
        config: XLMConfig = XLMRobertaConfig(**{**ROBERTA_SETTINGS, **changes})
    else:
        config = XLMConfig(**{**SETTINGS, **changes})
    return getattr(xlm_model, name)(config).eval()


def inputs(name: str, batch: int = 3, length: int = 9) -> dict[str, Tensor]:
    """Return a batch of sequences of different lengths, padded; with choices where they are due."""
    shape = (batch, CHOICES, length) if name == "XLMForMultipleChoice" else (batch, length)
    ids = torch.randint(14, 60, shape)
    padding = 1 if is_roberta(name) else 2
    for row in range(1, batch):
        ids[row, ..., length - row :] = padding
    if is_roberta(name):
        return {"input_ids": ids, "attention_mask": (ids != padding).long()}
    langs = torch.arange(batch).remainder(2).view(-1, *[1] * (len(shape) - 1)).expand(shape)
    given = {
        "input_ids": ids,
        "attention_mask": (ids != 2).long(),
        "langs": langs.contiguous(),
    }
    if name == "XLMForQuestionAnswering":
        # Positions of padding have equal scores: which comes first in the search is chance.
        given["p_mask"] = (ids == 2).float()
    return given


def labels(name: str, given: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return what the head learns from, for a batch of `inputs`."""
    ids = given["input_ids"]
    rows = torch.arange(len(ids))
    if name in ("XLMWithLMHeadModel", "XLMRobertaForMaskedLM"):
        return {"labels": ids.masked_fill(given["attention_mask"] == 0, -100)}
    if name == "XLMForTokenClassification":
        return {"labels": ids.remainder(2).masked_fill(ids == 2, -100)}
    if "QuestionAnswering" in name:
        return {"start_positions": rows.remainder(3), "end_positions": rows.remainder(3) + 1}
    return {"labels": rows.remainder(2)}


def values(output: Any) -> list[Tensor]:
    """Return the tensors of an output, or of the tuple that a tool has made of one."""
    if isinstance(output, Tensor):
        return [output]
    return list(output.to_tuple() if isinstance(output, ModelOutput) else output)


def assert_same(got: Any, expected: Any, tolerance: float = 1e-6) -> None:
    torch.testing.assert_close(values(got), values(expected), rtol=tolerance, atol=tolerance)


def examples(name: str, count: int = 8) -> list[dict[str, Tensor]]:
    """Return rows of `inputs` with their `labels`, none of them too short to learn from."""
    given = inputs(name, batch=4)
    given.pop("p_mask", None)
    given |= labels(name, given)
    rows = [{key: value[row] for key, value in given.items()} for row in range(4)]
    return [dict(rows[number % 4]) for number in range(count)]


def reference_of(name: str, model: Any) -> Any:
    """Return the reference's model of the same name and weights."""
    if is_roberta(name):
        config, state = transformers.XLMRobertaConfig(**ROBERTA_SETTINGS), model.published_state()
    else:
        config, state = transformers.XLMConfig(**SETTINGS), model.state_dict()
    theirs = getattr(transformers, name)(config).eval()
    theirs.load_state_dict(state, strict=False)
    theirs.tie_weights()
    return theirs
