"""XLM-RoBERTa's outputs, losses, gradients and files against transformers' own models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

import xlm_model
from xlm_model.attention import pack

from .support import ALL, CAUSAL, CHOICE, LM, QA, TOLERANCE, reference, same_gradients, same_outputs

VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "one token type, as published": {"type_vocab_size": 1},
    "causal": {"is_decoder": True},
    "untied": {"tie_word_embeddings": False},
    "another padding id": {"pad_token_id": 7},
    "coarse layer norm": {"layer_norm_eps": 1e-2},
    "another activation": {"hidden_act": "gelu_new"},
    "narrow layers": {"intermediate_size": 24},
}
RIGHT = torch.tensor([[1] * 9, [1] * 6 + [0] * 3, [1] * 2 + [0] * 7])
LEFT = RIGHT.flip(1)
TOKENS = "XLMRobertaForTokenClassification"

pytestmark = pytest.mark.filterwarnings("ignore:is_decoder is false")


def load_both(name: str, folder: Path, **settings: Any) -> tuple[Any, Any]:
    theirs = reference(name, **settings)
    theirs.save_pretrained(folder)
    return theirs.eval(), getattr(xlm_model, name).from_pretrained(folder)


def ids_for(mask: torch.Tensor, padding: int = 1) -> torch.Tensor:
    return torch.randint(10, 60, mask.shape).masked_fill(mask == 0, padding)


def inputs_for(name: str, padding: int = 1, mask: torch.Tensor = RIGHT) -> dict[str, Any]:
    inputs = {"input_ids": ids_for(mask, padding), "attention_mask": mask}
    if name == CHOICE:
        return {key: value[:2].unsqueeze(0) for key, value in inputs.items()}
    return inputs


def labels_for(name: str, inputs: dict[str, Any]) -> dict[str, torch.Tensor]:
    ids = inputs["input_ids"]
    if name in (LM, CAUSAL):
        return {"labels": ids.masked_fill(inputs["attention_mask"] == 0, -100)}
    if name == TOKENS:
        return {"labels": torch.randint(0, 2, ids.shape)}
    if name == QA:
        starts, ends = torch.tensor([1, 0, 1]), torch.tensor([2, 3, 1])
        return {"start_positions": starts, "end_positions": ends}
    return {"labels": torch.randint(0, 2, (len(ids),))}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", ALL)
def test_outputs_are_the_references(name: str, variant: str, tmp_path: Path) -> None:
    settings = VARIANTS[variant]
    theirs, ours = load_both(name, tmp_path, **settings)
    inputs = inputs_for(name, settings.get("pad_token_id", 1))
    asked = {"output_hidden_states": True, "output_attentions": True}
    same_outputs(theirs, ours, {**inputs, **asked})


@pytest.mark.parametrize("settings", [{}, {"is_decoder": True}, {"tie_word_embeddings": False}])
@pytest.mark.parametrize("name", ALL[1:])
def test_losses_and_gradients_are_the_references(
    name: str, settings: dict[str, Any], tmp_path: Path
) -> None:
    theirs, ours = load_both(name, tmp_path, **settings)
    inputs = inputs_for(name)
    same_gradients(theirs, ours, {**inputs, **labels_for(name, inputs)})


@pytest.mark.parametrize(
    ("labels", "settings"),
    [
        (torch.rand(3), {"num_labels": 1}),
        (torch.rand(3, 4), {"num_labels": 4, "problem_type": "regression"}),
        (torch.tensor([[0.0, 1, 1], [1, 0, 0], [0, 0, 0]]), {"num_labels": 3}),
        (torch.tensor([2, 0, 1]), {"num_labels": 3}),
    ],
    ids=["regression", "several values", "several labels", "classes"],
)
def test_each_problem_type_has_the_references_loss(
    labels: torch.Tensor, settings: dict[str, Any], tmp_path: Path
) -> None:
    theirs, ours = load_both("XLMRobertaForSequenceClassification", tmp_path, **settings)
    same_gradients(theirs, ours, {**inputs_for(""), "labels": labels})
    assert ours.config.problem_type == theirs.config.problem_type


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("given", ["left padding", "no mask", "positions", "types", "embeddings"])
def test_each_input_does_what_it_does_in_the_reference(
    given: str, causal: bool, tmp_path: Path
) -> None:
    theirs, ours = load_both("XLMRobertaModel", tmp_path, is_decoder=causal)
    inputs = inputs_for("", mask=LEFT if given == "left padding" else RIGHT)
    if given == "no mask":
        del inputs["attention_mask"]  # then padding is seen, too, but has no position
    elif given == "positions":
        inputs["position_ids"] = torch.randint(0, 24, (3, 9))
    elif given == "types":
        inputs["token_type_ids"] = torch.randint(0, 2, (3, 9))
    elif given == "embeddings":
        del inputs["input_ids"]
        inputs["inputs_embeds"] = torch.randn(3, 9, 32)
    if given == "left padding":
        # What stands at padding is nobody's, and where it sees nothing at all undefined.
        expected, got = (model(**inputs).last_hidden_state for model in (theirs, ours))
        torch.testing.assert_close(got[LEFT == 1], expected[LEFT == 1], **TOLERANCE)
    else:
        same_outputs(theirs, ours, inputs)


@pytest.mark.parametrize("name", ["XLMRobertaModel", LM])
def test_the_third_argument_is_not_taken_for_something_else(name: str, tmp_path: Path) -> None:
    _, ours = load_both(name, tmp_path)
    types = torch.ones_like(RIGHT)
    with pytest.raises(ValueError, match="give token_type_ids by name"):
        ours(ids_for(RIGHT), RIGHT, types)
    with pytest.raises(ValueError, match="langs are given"):
        ours(ids_for(RIGHT), RIGHT, langs=types)


def test_the_pooling_layer_may_be_left_out(tmp_path: Path) -> None:
    settings = reference("XLMRobertaModel").config
    theirs = transformers.XLMRobertaModel(settings, add_pooling_layer=False).eval()
    theirs.save_pretrained(tmp_path)
    with pytest.warns(UserWarning, match="has no pooling layer"):
        ours = xlm_model.XLMRobertaModel.from_pretrained(tmp_path)
    same_outputs(theirs, ours, inputs_for(""))
    without = xlm_model.XLMRobertaModel.from_pretrained(tmp_path, add_pooling_layer=False)
    assert without.pooler is None
    with pytest.warns(UserWarning, match=r"roberta\.pooler\.dense\.weight"):
        new = xlm_model.XLMRobertaModel.from_pretrained(
            tmp_path, add_pooling_layer=True, new_head=True
        )
    assert new(**inputs_for("")).pooler_output.shape == (3, 32)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("settings", [{}, {"tie_word_embeddings": False}])
@pytest.mark.parametrize("kind", ["safetensors", "bin"])
def test_checkpoints_go_there_and_back(
    name: str, settings: dict[str, Any], kind: str, tmp_path: Path
) -> None:
    theirs = reference(name, **settings).eval()
    if kind == "bin":
        theirs.config.save_pretrained(tmp_path)
        torch.save(theirs.state_dict(), tmp_path / "pytorch_model.bin")
    else:
        theirs.save_pretrained(tmp_path)
    ours = getattr(xlm_model, name).from_pretrained(tmp_path)
    ours.save_pretrained(tmp_path / "ours")
    again, report = getattr(transformers, name).from_pretrained(
        tmp_path / "ours", output_loading_info=True
    )
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    inputs = inputs_for(name)
    same_outputs(theirs, ours, inputs)
    same_outputs(theirs, again.eval(), inputs)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("name", ALL[:-1])
def test_packed_sequences_give_what_padded_ones_give(
    name: str, causal: bool, tmp_path: Path
) -> None:
    _, ours = load_both(name, tmp_path, is_decoder=causal)
    inputs = inputs_for("")
    # Padding counts where an answer is looked for, as in the reference.
    labels = {} if name in ("XLMRobertaModel", QA) else labels_for(name, inputs)
    if name == TOKENS:
        labels = {"labels": labels["labels"].masked_fill(RIGHT == 0, -100)}
    rows = [row[seen == 1].tolist() for row, seen in zip(inputs["input_ids"], RIGHT, strict=True)]
    packed = {k: v[RIGHT == 1] if v.dim() == 2 else v for k, v in labels.items()}
    expected, got = ours(**inputs, **labels), ours(**pack(rows).inputs, **packed)
    assert list(expected) == list(got)
    for key, value in expected.items():
        is_by_token = value.dim() >= 2 and value.shape[:2] == RIGHT.shape
        torch.testing.assert_close(
            got[key], value[RIGHT == 1] if is_by_token else value, **TOLERANCE
        )


def test_packed_choices_give_what_padded_ones_give(tmp_path: Path) -> None:
    _, ours = load_both(CHOICE, tmp_path)
    ids = torch.randint(10, 60, (4, 5))
    got = ours(**pack(ids.tolist()).inputs, choices=2).logits
    torch.testing.assert_close(got, ours(ids.view(2, 2, 5)).logits, **TOLERANCE)


def test_generation_goes_on_with_the_references_likeliest_words(tmp_path: Path) -> None:
    theirs, ours = load_both(CAUSAL, tmp_path, is_decoder=True)
    prompts = ids_for(LEFT)
    got = ours.generate(
        prompts, attention_mask=LEFT, max_new_tokens=6, eos_token_id=[], do_sample=False
    )
    assert got[:, :9].equal(prompts)
    # By its forward pass: its `generate` gives positions that begin at 0, and not behind padding's.
    for row, seen, found in zip(prompts, LEFT, got, strict=True):
        ids = row[seen == 1][None]
        for _ in range(6):
            best = theirs(ids).logits[:, -1].argmax(-1)
            ids = torch.cat([ids, best[None]], 1)
        assert found[9:].tolist() == ids[0, -6:].tolist()


def test_a_model_that_is_not_causal_says_so() -> None:
    with pytest.warns(UserWarning, match="is_decoder=True"):
        xlm_model.XLMRobertaForCausalLM(xlm_model.XLMRobertaConfig(hidden_size=24, vocab_size=60))


def test_sequences_end_with_the_positions_that_are_not_the_paddings(tmp_path: Path) -> None:
    _, ours = load_both("XLMRobertaModel", tmp_path)
    assert ours(torch.full((1, 22), 20)).last_hidden_state.shape == (1, 22, 32)
    with pytest.raises(ValueError, match="expected at most 22, the model's 24 positions"):
        ours(torch.full((1, 23), 20))
