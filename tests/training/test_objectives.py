"""Objectives: the original's loss and gradients, and the paper's shares."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from xlm_model import XLMConfig, XLMWithLMHeadModel
from xlm_model.pretraining import CausalLM, LanguageModelBatch, MaskedLM, Masking, TranslationLM

GOLDEN = json.loads(
    (Path(__file__).parents[2] / "fixtures" / "training.json").read_text(encoding="utf-8")
)
CONFIG = XLMConfig(
    vocab_size=30,
    emb_dim=8,
    n_layers=2,
    n_heads=2,
    n_langs=2,
    max_position_embeddings=16,
    dropout=0.0,
    attention_dropout=0.0,
)
LARGE = XLMConfig(vocab_size=1000, emb_dim=8, n_layers=1, n_heads=2, n_langs=2)


@pytest.fixture
def model() -> XLMWithLMHeadModel:
    """A model with the weights of the formula in `fixtures/make_training_golden.py`."""
    model = XLMWithLMHeadModel(CONFIG)
    named = {n.removeprefix("transformer."): p for n, p in model.named_parameters()}
    assert sorted(named) == GOLDEN["parameters"]
    with torch.no_grad():
        for number, name in enumerate(GOLDEN["parameters"]):
            weight = named[name]
            count = torch.arange(weight.numel(), dtype=torch.float64)
            angles = count * (0.7 + 0.1 * number) + number
            weight.copy_((angles.sin() * 0.5 + 0.1).float().view(weight.shape))
        model.transformer.embeddings.weight[CONFIG.pad_token_id] = 0
    return model


def batch_of(case: dict[str, Any], causal: bool) -> LanguageModelBatch:
    positions = case["position_ids"]
    return LanguageModelBatch(
        input_ids=torch.tensor(case["input_ids"]),
        langs=torch.tensor(case["langs"]),
        position_ids=None if positions is None else torch.tensor(positions),
        lengths=case["lengths"],
        kept=torch.tensor(case["kept"]),
        labels=torch.tensor(case["labels"]),
        causal=causal,
    )


@pytest.mark.parametrize("name", ["mlm", "tlm", "clm"])
def test_loss_and_gradients_are_those_of_the_original(name: str, model: XLMWithLMHeadModel) -> None:
    case = GOLDEN[name]
    output = model(**batch_of(case, causal=name == "clm").inputs)
    output.loss.backward()
    assert output.logits.shape == (len(case["labels"]), 30)
    assert output.loss.item() == pytest.approx(case["loss"], abs=1e-5)
    for full_name, parameter in model.named_parameters():
        expected = torch.tensor(case["gradients"][full_name.removeprefix("transformer.")])
        torch.testing.assert_close(
            parameter.grad.flatten(), expected, rtol=1e-4, atol=1e-5, msg=full_name
        )


def rows_of(case: dict[str, Any]) -> list[tuple[np.ndarray]]:
    parts = np.split(np.array(case["words"]), np.cumsum(case["lengths"])[:-1])
    return [(part,) for part in parts]


def unmasked(batch: LanguageModelBatch) -> list[int]:
    words = batch.input_ids.clone()
    words[batch.kept] = batch.labels
    return words.tolist()


def test_clm_predicts_what_the_original_does() -> None:
    case = GOLDEN["clm"]
    batch = CausalLM(CONFIG, context_size=2)(rows_of(case), (0,), np.random.default_rng(0))
    assert (batch.kept.tolist(), batch.labels.tolist()) == (case["kept"], case["labels"])
    assert (batch.input_ids.tolist(), batch.langs.tolist()) == (case["input_ids"], case["langs"])
    assert batch.causal


def test_tlm_lays_pairs_out_as_the_original_does() -> None:
    case, sentences = GOLDEN["tlm"], GOLDEN["sentences"]
    pairs = [tuple(map(np.array, pair)) for pair in zip(*sentences, strict=True)]
    order = sorted(range(2), key=lambda i: sum(map(len, pairs[i])))
    seen = set()
    for seed in range(50):
        batch = TranslationLM(CONFIG)(pairs, (0, 1), np.random.default_rng(seed))
        words, langs = unmasked(batch), batch.langs.tolist()
        border = batch.lengths[0]
        turned = (langs[0] == 1, langs[border] == 1)
        seen.add(turned)
        if not any(turned):
            parts = [slice(0, case["lengths"][0]), slice(case["lengths"][0], None)]
            for name, found in (
                ("words", words),
                ("langs", langs),
                ("position_ids", batch.position_ids.tolist()),
            ):
                assert found == [x for i in order for x in case[name][parts[i]]]
    assert len(seen) == 4  # each pair comes in both orders


def test_a_million_masked_positions_have_the_papers_shares() -> None:
    rng = np.random.default_rng(0)
    rows = [(rng.integers(14, 1000, 256),) for _ in range(256)]
    objective = MaskedLM(LARGE)
    tokens = masked = kept = chosen = 0
    while chosen < 1_000_000:
        batch = objective(rows, (0,), rng)
        found = batch.input_ids[batch.kept]
        tokens += batch.tokens - len(rows)
        chosen += len(found)
        masked += int((found == LARGE.mask_index).sum())
        kept += int((found == batch.labels).sum())
        assert bool((batch.kept % 256 != 0).all())
        assert unmasked(batch) == [i for row in rows for i in row[0].tolist()]
    # Four standard errors; a random word is the mask, or the word itself, once in 1000.
    assert chosen / tokens == pytest.approx(0.15, abs=4 * (0.15 * 0.85 / tokens) ** 0.5)
    assert masked / chosen == pytest.approx(0.8001, abs=4 * (0.16 / chosen) ** 0.5)
    assert kept / chosen == pytest.approx(0.1001, abs=4 * (0.09 / chosen) ** 0.5)


def test_padding_and_first_positions_are_never_predicted() -> None:
    masking = Masking(LARGE, share=1.0)
    ids = np.array([1, 20, 2, 21, 1, 2, 22])
    _, positions = masking(ids, np.array([0, 4]), np.random.default_rng(0))
    assert positions.tolist() == [1, 3, 6]


def test_something_is_predicted_in_every_batch() -> None:
    masking = Masking(LARGE, share=1e-9)
    _, positions = masking(np.array([1, 20, 21]), np.array([0]), np.random.default_rng(0))
    assert len(positions) == 1


def test_sample_alpha_draws_rare_words_more_often() -> None:
    counts = np.zeros(1000, np.int64)
    counts[20], counts[21], counts[1] = 100, 1, 0
    masking = Masking(LARGE, share=0.01, sample_alpha=0.5, counts=counts)
    ids = np.array([1, 1, *[20, 21] * 500])
    rng = np.random.default_rng(0)
    found = np.concatenate([ids[masking(ids, np.array([0]), rng)[1]] for _ in range(200)])
    # One in ten, by the root of one in a hundred; sentence ends have no count.
    assert set(found.tolist()) == {20, 21}
    assert (found == 20).mean() == pytest.approx(1 / 11, abs=0.025)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"share": 0}, "share is 0: expected a number above 0, 1 at most"),
        ({"mask": 0.9, "keep": 0.2}, "mask is 0.9 and keep is 0.2"),
        ({"sample_alpha": 0.5}, "expected a count of each of the 1000 words"),
    ],
)
def test_wrong_shares_are_refused(options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Masking(LARGE, **options)  # type: ignore[arg-type]


def test_a_causal_batch_is_causal_whatever_the_model_says(model: XLMWithLMHeadModel) -> None:
    rows = rows_of(GOLDEN["clm"])
    batch = CausalLM(CONFIG)(rows, (0,), np.random.default_rng(0))
    loss = model(**batch.inputs).loss.item()
    model.config.causal = True
    assert model(**batch.inputs).loss.item() == pytest.approx(loss)
    masked = MaskedLM(CONFIG)(rows, (0,), np.random.default_rng(0))
    inside = model(**masked.inputs).loss.item()
    model.config.causal = False
    assert model(**masked.inputs).loss.item() == pytest.approx(inside)
