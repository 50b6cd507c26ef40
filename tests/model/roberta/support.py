"""Tiny models of the reference, and comparing them with ours."""

from __future__ import annotations

from typing import Any

import torch
import transformers
from torch import Tensor

LM, CAUSAL = "XLMRobertaForMaskedLM", "XLMRobertaForCausalLM"
CHOICE, QA = "XLMRobertaForMultipleChoice", "XLMRobertaForQuestionAnswering"
ALL = (
    "XLMRobertaModel",
    LM,
    CAUSAL,
    "XLMRobertaForSequenceClassification",
    "XLMRobertaForTokenClassification",
    QA,
    CHOICE,
)
TINY: dict[str, Any] = {
    "vocab_size": 60,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 24,
    "initializer_range": 0.2,
    "layer_norm_eps": 1e-5,
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
    "attn_implementation": "eager",
}
TOLERANCE = {"rtol": 1e-5, "atol": 1e-5}


def reference(name: str, **settings: Any) -> Any:
    """Build the reference's model of this name, no parameter at a value that hides a mistake."""
    return perturbed(getattr(transformers, name)(transformers.XLMRobertaConfig(**TINY | settings)))


def perturbed(model: Any) -> Any:
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return model


def values(output: Any) -> dict[str, Tensor]:
    """Return an output's tensors by name, whichever library made it."""
    found = {}
    for key, value in output.items():
        if isinstance(value, tuple):
            found.update({f"{key}.{i}": tensor for i, tensor in enumerate(value)})
        elif isinstance(value, Tensor):
            found[key] = value
    return found


def same_outputs(
    theirs: Any, ours: Any, inputs: dict[str, Any], only: Tensor | None = None
) -> None:
    """Compare all that two models return; of tokens `only` those where this is 1."""
    expected, got = values(theirs(**inputs)), values(ours(**inputs))
    assert got.keys() == expected.keys()
    for key, value in expected.items():
        other = got[key]
        if only is not None and value.shape[:2] == only.shape:
            value, other = value[only == 1], other[only == 1]
        torch.testing.assert_close(other, value, **TOLERANCE, msg=lambda m, key=key: f"{key}: {m}")


def same_gradients(theirs: Any, ours: Any, inputs: dict[str, Any]) -> None:
    """Compare the loss in training mode and the gradient of each parameter."""
    theirs.train()
    ours.train()
    expected, got = theirs(**inputs).loss, ours(**inputs).loss
    torch.testing.assert_close(got, expected, **TOLERANCE)
    expected.backward()
    got.backward()
    names = ours.config.names
    gradients = {names.published(name): p.grad for name, p in ours.named_parameters()}
    for name, parameter in theirs.named_parameters():
        if name == "lm_head.bias" and not theirs.config.tie_word_embeddings:
            continue  # the reference does not use it then
        name = "lm_head.bias" if name == "lm_head.decoder.bias" else name
        if name == "lm_head.decoder.weight" and theirs.config.tie_word_embeddings:
            name = names.words
        torch.testing.assert_close(
            gradients[name], parameter.grad, **TOLERANCE, msg=lambda m, name=name: f"{name}: {m}"
        )
