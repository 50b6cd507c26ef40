"""XLM-RoBERTa with more words and positions, against transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

import xlm_model

from .support import LM, TOLERANCE, reference

IDS = torch.tensor([[0, 20, 21, 22, 2], [0, 23, 2, 1, 1]])
MASK = (IDS != 1).long()
TOKENS = "XLMRobertaForTokenClassification"


def load_both(name: str, folder: Path, **settings: Any) -> tuple[Any, Any]:
    theirs = reference(name, **settings)
    theirs.save_pretrained(folder)
    return theirs.eval(), getattr(xlm_model, name).from_pretrained(folder)


@pytest.mark.parametrize("tied", [True, False])
def test_new_words_are_as_likely_as_the_reference_makes_them(tied: bool, tmp_path: Path) -> None:
    theirs, ours = load_both(LM, tmp_path, tie_word_embeddings=tied)
    for model in (theirs, ours):
        model.resize_token_embeddings(80)
    with torch.no_grad():
        got, expected = (model(IDS, attention_mask=MASK).logits for model in (ours, theirs))
    torch.testing.assert_close(got[..., :60], expected[..., :60], **TOLERANCE)
    # Both are within rounding of the mean word's score.
    torch.testing.assert_close(got, expected, atol=1e-3, rtol=1e-3)
    ours.save_pretrained(tmp_path / "larger")
    again = transformers.XLMRobertaForMaskedLM.from_pretrained(tmp_path / "larger").eval()
    torch.testing.assert_close(again(IDS, attention_mask=MASK).logits, got, **TOLERANCE)


def test_sizes_are_those_of_the_reference(tmp_path: Path) -> None:
    theirs, ours = load_both(TOKENS, tmp_path)
    for arguments in ((None, 64), (65, 32), (61,)):
        rows = [model.resize_token_embeddings(*arguments).weight.shape for model in (theirs, ours)]
        assert rows[0] == rows[1]
        assert ours.config.vocab_size == theirs.config.vocab_size


@pytest.mark.parametrize("how", ["copy", "interpolate"])
def test_more_positions_leave_short_sequences_or_ends_as_they_were(
    how: str, tmp_path: Path
) -> None:
    theirs, ours = load_both("XLMRobertaModel", tmp_path)
    # 22 positions of tokens become 43, behind the two of padding.
    longer = xlm_model.XLMRobertaModel.from_pretrained(
        tmp_path, max_position_embeddings=45, new_positions=how
    )
    assert longer.config.max_tokens == 43
    old, new = ours.position_embeddings.weight, longer.position_embeddings.weight
    torch.testing.assert_close(new[:2], old[:2])
    torch.testing.assert_close(new[2], old[2])
    if how == "copy":
        torch.testing.assert_close(new[:24], old)
        torch.testing.assert_close(new[24:], old[2:23])
        expected = theirs(IDS, attention_mask=MASK).last_hidden_state
        got = longer(IDS, attention_mask=MASK).last_hidden_state
        torch.testing.assert_close(got[MASK == 1], expected[MASK == 1], **TOLERANCE)
    else:
        torch.testing.assert_close(new[44], old[23])
        # Halfway: each second one is an old one.
        torch.testing.assert_close(new[2::2], old[2:])
    longer.save_pretrained(tmp_path / "longer")
    assert transformers.XLMRobertaModel.from_pretrained(tmp_path / "longer")(
        torch.full((1, 43), 20)
    ).last_hidden_state.shape == (1, 43, 32)
