"""FlauBERT against transformers' own models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

import xlm_model
import xlm_text
from xlm_model import FlaubertConfig, FlaubertModel, pipeline
from xlm_model.tasks import SentenceEmbedding
from xlm_text import XLMTokenizer

from ..helpers import TINY
from ..test_pipelines import close
from .support import TOLERANCE, perturbed, same_outputs

MODELS = (
    "FlaubertModel",
    "FlaubertWithLMHeadModel",
    "FlaubertForSequenceClassification",
    "FlaubertForTokenClassification",
    "FlaubertForQuestionAnsweringSimple",
    "FlaubertForMultipleChoice",
)
SETTINGS = {k: v for k, v in TINY.items() if k not in ("start_n_top", "end_n_top")}
IDS = torch.tensor([[0, 14, 15, 16, 1], [0, 20, 1, 2, 2]])


@pytest.fixture(autouse=True)
def _one_cache_for_all_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    # With pre_norm the reference asks its cache for each layer's part, as it once could, and fails.
    cache = transformers.EncoderDecoderCache
    monkeypatch.setattr(cache, "__getitem__", lambda self, layer: self, raising=False)


def load_both(name: str, folder: Path, **settings: Any) -> tuple[Any, Any]:
    config = transformers.FlaubertConfig(**{**SETTINGS, **settings})
    theirs = perturbed(getattr(transformers, name)(config)).eval()
    theirs.save_pretrained(folder)
    return theirs, getattr(xlm_model, name).from_pretrained(folder)


@pytest.mark.parametrize("settings", [{}, {"pre_norm": True}, {"pre_norm": True, "causal": True}])
@pytest.mark.parametrize("name", MODELS)
def test_outputs_losses_and_gradients_are_the_references(
    name: str, settings: dict[str, Any], tmp_path: Path
) -> None:
    theirs, ours = load_both(name, tmp_path, **settings)
    inputs: dict[str, Any] = {"input_ids": IDS[:, None] if "Choice" in name else IDS}
    same_outputs(theirs, ours, {**inputs, "output_hidden_states": True})
    if name in ("FlaubertModel", "FlaubertForQuestionAnsweringSimple"):
        return
    is_by_token = name in ("FlaubertWithLMHeadModel", "FlaubertForTokenClassification")
    inputs["labels"] = IDS % 2 if is_by_token else torch.tensor([0, 0])
    losses = [model.train()(**inputs).loss for model in (theirs, ours)]
    torch.testing.assert_close(losses[1], losses[0], **TOLERANCE)
    for loss in losses:
        loss.backward()
    gradients = {n: p.grad for n, p in ours.named_parameters()}
    for parameter_name, parameter in theirs.named_parameters():
        torch.testing.assert_close(gradients[parameter_name], parameter.grad, **TOLERANCE)


def test_training_leaves_the_same_layers_out(tmp_path: Path) -> None:
    theirs, ours = load_both("FlaubertModel", tmp_path, layerdrop=0.5, n_layers=6)
    seen = set()
    for seed in range(4):
        outputs = []
        for model in (theirs.train(), ours.train()):
            torch.manual_seed(seed)
            outputs.append(model(IDS).last_hidden_state)
        torch.testing.assert_close(outputs[1], outputs[0], **TOLERANCE)
        seen.add(float(outputs[0].detach().sum()))
    assert len(seen) > 1
    assert ours.eval()(IDS).last_hidden_state.equal(ours(IDS).last_hidden_state)


def test_a_saved_model_is_one_of_the_references(tmp_path: Path) -> None:
    config = FlaubertConfig(**SETTINGS, pre_norm=True, layerdrop=0.1)
    ours = FlaubertModel(config).eval()
    ours.save_pretrained(tmp_path)
    theirs = transformers.AutoModel.from_pretrained(tmp_path).eval()
    assert type(theirs) is transformers.FlaubertModel
    assert (theirs.config.pre_norm, theirs.config.layerdrop) == (True, 0.1)
    same_outputs(theirs, ours, {"input_ids": IDS})


def test_tasks_read_french_as_the_reference_does(tmp_path: Path) -> None:
    XLMTokenizer.from_pretrained().save_vocabulary(tmp_path)
    files = (tmp_path / "vocab.json", tmp_path / "merges.txt")
    tokenizer = transformers.FlaubertTokenizer(*map(str, files), do_lowercase=True)
    settings = {**SETTINGS, "vocab_size": len(tokenizer), "max_position_embeddings": 64}
    config = transformers.FlaubertConfig(**settings)
    model = perturbed(transformers.FlaubertWithLMHeadModel(config)).eval()
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    fill = pipeline("fill-mask", tmp_path, device="cpu")
    assert type(fill.tokenizer) is xlm_text.FlaubertTokenizer
    theirs = transformers.pipeline("fill-mask", model=model, tokenizer=tokenizer)
    text = "``L’Été'' est <special1>, dit-il."
    with pytest.warns(UserWarning, match="lang has no effect"):
        close(fill(text, lang="fr"), theirs(text))
    vectors = SentenceEmbedding(FlaubertModel.from_pretrained(tmp_path), fill.tokenizer)([text])
    with torch.no_grad():
        states = model.transformer(**tokenizer(text, return_tensors="pt")).last_hidden_state
    torch.testing.assert_close(vectors[0], states[0].mean(0), **TOLERANCE)
