"""Only the words of the examples are trained, and nothing else comes out than if all were."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from xlm_model import XLMForSequenceClassification
from xlm_model.finetuning import ClassifyTask, FinetuningSettings, finetune
from xlm_model.finetuning import run as run_module
from xlm_model.finetuning.batches import Item
from xlm_model.finetuning.seen_words import SeenWords, train_seen_words
from xlm_model.tasks.sequences import TokenSequence
from xlm_model.training import TrainingSettings

pytestmark = pytest.mark.xdist_group("finetuning")

SETTINGS = TrainingSettings(learning_rate=0.01, log_every=1000, gradient_norm=0.1, every=3)


def weights_of(
    checkpoint: Path, data: Path, output: Path, settings: TrainingSettings
) -> dict[str, Any]:
    result = finetune(
        ClassifyTask(),
        checkpoint,
        {"en": str(data / "classify.train.en.tsv")},
        output,
        valid={"fr": str(data / "classify.dev.fr.tsv")},
        settings=settings,
        finetuning_settings=FinetuningSettings(epochs=2),
    )
    model = XLMForSequenceClassification.from_pretrained(result.training.checkpoint)
    return {**model.state_dict(), "scores": result.valid}


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_the_weights_are_those_of_training_all_words(
    decay: float, checkpoint: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[str] = []
    replaced = train_seen_words

    def watched(encoder: Any, items: Any) -> None:
        replaced(encoder, items)
        trained.append(type(encoder.embeddings).__name__)

    settings = replace(SETTINGS, weight_decay=decay)
    monkeypatch.setattr(run_module, "train_seen_words", watched)
    some = weights_of(checkpoint, data, tmp_path / "some", settings)
    # With weight decay all rows change, seen or not.
    assert trained == ([] if decay else ["SeenWords"])
    monkeypatch.setattr(run_module, "train_seen_words", lambda *_: None)
    every = weights_of(checkpoint, data, tmp_path / "all", settings)
    assert some.pop("scores") == every.pop("scores")
    assert list(some) == list(every)
    for name, weight in every.items():
        torch.testing.assert_close(some[name], weight, rtol=0, atol=1e-6)
    before = XLMForSequenceClassification.from_pretrained(checkpoint, new_head=True)
    words = before.transformer.embeddings.weight
    changed = (some["transformer.embeddings.weight"] != words).any(1).sum()
    assert 0 < changed < len(words) / 2 or decay


def test_rows_and_their_gradients() -> None:
    torch.manual_seed(0)
    whole = nn.Embedding(7, 3, padding_idx=2)
    seen = SeenWords(
        nn.Embedding.from_pretrained(whole.weight.clone(), False, 2), torch.tensor([1, 2, 5])
    )
    ids = torch.tensor([[1, 5, 2], [5, 5, 2]])
    assert seen(ids).equal(whole(ids))
    for module in (whole, seen):
        module(ids).pow(2).sum().backward()
    assert seen.rows.grad is not None
    assert whole.weight.grad is not None
    assert seen.rows.grad.equal(whole.weight.grad[[1, 2, 5]])
    with torch.no_grad():
        seen.rows += 1
        whole.weight[[1, 2, 5]] += 1
    everything = torch.arange(7)
    assert seen.state_dict()["weight"].equal(whole.weight)
    assert seen.eval()(everything).equal(whole(everything))
    other = SeenWords(nn.Embedding(7, 3), torch.tensor([0, 6]))
    other.load_state_dict(seen.state_dict())
    assert other.rows.equal(whole.weight[[0, 6]])
    with pytest.raises(RuntimeError, match="weight"):
        other.load_state_dict({})


def test_a_frozen_or_a_small_vocabulary_stays_as_it_is(checkpoint: Path) -> None:
    model = XLMForSequenceClassification.from_pretrained(checkpoint, new_head=True)
    encoder = model.transformer
    size = encoder.embeddings.num_embeddings
    train_seen_words(encoder, [Item((TokenSequence(list(range(size - 1)), None),), 0)])
    assert type(encoder.embeddings) is nn.Embedding
    encoder.embeddings.requires_grad_(False)
    few = [Item((TokenSequence([1, 2, 1], None),), 0)]
    train_seen_words(encoder, few)
    assert type(encoder.embeddings) is nn.Embedding
    encoder.embeddings.requires_grad_(True)
    train_seen_words(encoder, few)
    assert isinstance(encoder.embeddings, SeenWords)
    assert encoder.embeddings.rows.shape == (2, model.config.emb_dim)
