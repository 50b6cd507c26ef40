"""PEFT: models are adapted with LoRA, merged, saved and loaded as the reference's are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import xlm_model

from .support import (
    assert_same,
    build,
    inputs,
    labels,
    reference_of,
    values,
)

peft = pytest.importorskip("peft", reason="PEFT is not installed")

ATTENTION = ["q_lin", "k_lin", "v_lin", "out_lin"]
# What these are called in the reference's XLM-RoBERTa; here every family has the same layers.
ROBERTA_ATTENTION = ["query", "key", "value", "attention.output.dense"]
# The task types that XLM's heads have, and the modules of the head.
KINDS = [
    ("XLMModel", "FEATURE_EXTRACTION", []),
    ("XLMWithLMHeadModel", "CAUSAL_LM", ["pred_layer.proj"]),
    ("XLMForSequenceClassification", "SEQ_CLS", ["sequence_summary"]),
    ("XLMForTokenClassification", "TOKEN_CLS", ["classifier"]),
    ("XLMForQuestionAnsweringSimple", "QUESTION_ANS", ["qa_outputs"]),
    ("XLMForQuestionAnswering", "QUESTION_ANS", ["qa_outputs"]),
    ("XLMForMultipleChoice", "SEQ_CLS", ["sequence_summary", "logits_proj"]),
    ("XLMRobertaForMaskedLM", "FEATURE_EXTRACTION", []),
    ("XLMRobertaForSequenceClassification", "SEQ_CLS", ["classifier"]),
]


def adapt(model: Any, kind: str, head: list[str]) -> Any:
    is_renamed = type(model).__module__.startswith("transformers.models.xlm_roberta")
    targets = ROBERTA_ATTENTION if is_renamed else ATTENTION
    config = peft.LoraConfig(
        task_type=kind, r=4, target_modules=targets, modules_to_save=head or None
    )
    torch.manual_seed(7)
    return peft.get_peft_model(model, config)


def learn(adapted: Any, name: str, steps: int = 3) -> list[float]:
    """Train on one batch, and return the losses."""
    torch.manual_seed(8)
    given = inputs(name)
    given.pop("p_mask", None)
    if name != "XLMModel":
        given |= labels(name, given)
    optimizer = torch.optim.SGD((p for p in adapted.parameters() if p.requires_grad), lr=0.1)
    losses = []
    for _ in range(steps):
        output = adapted(**given)
        loss = output[0] if name != "XLMModel" else output.last_hidden_state.sin().mean()
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return losses


@pytest.mark.parametrize(("name", "kind", "head"), KINDS)
def test_an_adapter_learns_as_the_references_does(name: str, kind: str, head: list[str]) -> None:
    model = build(name)
    theirs = adapt(reference_of(name, model), kind, head)
    frozen = {key: value.clone() for key, value in model.state_dict().items()}
    ours = adapt(model, kind, head)
    if name == "XLMModel":  # the reference does not clear the states of padding
        assert learn(ours, name)[0] > learn(ours, name)[-1]
    else:
        assert learn(ours, name) == pytest.approx(learn(theirs, name), abs=2e-6)
    assert ours.get_nb_trainable_parameters() == theirs.get_nb_trainable_parameters()
    for key, value in ours.get_base_model().state_dict().items():
        if key in frozen:
            assert torch.equal(value, frozen[key]), key


@pytest.mark.parametrize(("name", "kind", "head"), KINDS)
def test_an_adapter_is_saved_loaded_and_merged(
    name: str, kind: str, head: list[str], tmp_path: Path
) -> None:
    model, given = build(name), inputs(name)
    model.save_pretrained(tmp_path / "base")
    adapted = adapt(model, kind, head)
    learn(adapted, name)
    adapted.save_pretrained(tmp_path / "adapter")
    with torch.no_grad():
        expected = adapted.eval()(**given)
        base = getattr(xlm_model, name).from_pretrained(tmp_path / "base")
        assert not torch.allclose(values(base(**given))[0], values(expected)[0], atol=1e-3)
        loaded = peft.PeftModel.from_pretrained(base, tmp_path / "adapter").eval()
        assert_same(loaded(**given), expected)
        merged = loaded.merge_and_unload()
        assert type(merged) is type(build(name))
        assert_same(merged(**given), expected, tolerance=1e-5)
        merged.save_pretrained(tmp_path / "merged")
        again = getattr(xlm_model, name).from_pretrained(tmp_path / "merged")
        assert_same(again(**given), expected, tolerance=1e-5)


@pytest.mark.filterwarnings("ignore:Model has `tie_word_embeddings=True`")
def test_what_is_merged_into_a_tied_projection_changes_the_embeddings(tmp_path: Path) -> None:
    model, given = build("XLMWithLMHeadModel"), inputs("XLMWithLMHeadModel")
    merged = []
    for each in (reference_of("XLMWithLMHeadModel", model), model):
        config = peft.LoraConfig(r=4, target_modules=["pred_layer.proj"])
        torch.manual_seed(7)
        adapted = peft.get_peft_model(each, config)
        learn(adapted, "XLMWithLMHeadModel")
        merged.append(adapted.merge_and_unload().eval())
    theirs, ours = merged
    ours.save_pretrained(tmp_path)
    again = xlm_model.XLMWithLMHeadModel.from_pretrained(tmp_path)
    with torch.no_grad():
        expected = theirs(**given).logits
        assert_same(ours(**given).logits, expected, tolerance=1e-5)
        assert_same(again(**given).logits, expected, tolerance=1e-5)


def test_adapters_train_with_gradient_checkpointing() -> None:
    losses = []
    for is_checkpointed in (False, True):
        torch.manual_seed(0)
        adapted = adapt(build("XLMForTokenClassification"), "TOKEN_CLS", ["classifier"]).train()
        if is_checkpointed:
            adapted.gradient_checkpointing_enable()
            adapted.enable_input_require_grads()
        losses.append(learn(adapted, "XLMForTokenClassification"))
    assert losses[1] == pytest.approx(losses[0], abs=2e-6)
