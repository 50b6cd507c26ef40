"""From text to hidden states, with the tokenizer of this toolkit."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from xlm_model import XLMWithLMHeadModel

from .helpers import reference


def test_text_in_two_languages_gives_what_the_reference_gives(tmp_path: Path) -> None:
    xlm_text = pytest.importorskip("xlm_text", reason="xlm_text is not importable here")
    tokenizer = xlm_text.XLMTokenizer.from_pretrained()
    texts = {
        "en": "The committee's report was published on Tuesday.",
        "fr": "L'été dernier, elle est allée à Paris avec ses trois frères.",
    }
    lang2id = {"en": 0, "fr": 1}
    rows = {lang: tokenizer.encode(text, lang=lang) for lang, text in texts.items()}
    length = max(map(len, rows.values()))
    ids = torch.full((2, length), tokenizer.pad_token_id)
    langs = torch.zeros(2, length, dtype=torch.long)
    for i, (lang, row) in enumerate(rows.items()):
        ids[i, : len(row)] = torch.tensor(row)
        langs[i] = lang2id[lang]
    assert len(set(map(len, rows.values()))) == 2, "one of the texts is to be padded"
    theirs = reference(
        "XLMWithLMHeadModel",
        vocab_size=tokenizer.vocab_size,
        max_position_embeddings=64,
        n_langs=2,
        lang2id=lang2id,
    ).eval()
    theirs.save_pretrained(tmp_path)
    ours = XLMWithLMHeadModel.from_pretrained(tmp_path)
    assert ours.config.lang2id == lang2id
    expected = theirs(ids, langs=langs, output_hidden_states=True)
    got = ours(ids, langs=langs, output_hidden_states=True)
    torch.testing.assert_close(got.logits, expected.logits, rtol=1e-5, atol=1e-5)
    for state, right in zip(got.hidden_states, expected.hidden_states, strict=True):
        torch.testing.assert_close(state, right, rtol=1e-5, atol=1e-5)
