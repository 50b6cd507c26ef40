"""sentence-transformers: an encoder of ours as its first module, in any language."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from xlm_model import XLMModel
from xlm_model.tasks import SentenceEmbedding
from xlm_text import InputError, XLMTokenizer

from ..helpers import LANGS_OF_TEXTS, TEXTS, folder_of, small

sentence_transformers = pytest.importorskip(
    "sentence_transformers", reason="sentence-transformers is not installed"
)

losses = pytest.importorskip("sentence_transformers.sentence_transformer.losses")
Pooling = pytest.importorskip("sentence_transformers.sentence_transformer.modules").Pooling
XLMTransformer = pytest.importorskip("xlm_model.sentence_transformers").XLMTransformer


@pytest.fixture
def embed(tokenizer: XLMTokenizer) -> Any:
    words = XLMTransformer(small(XLMModel, tokenizer, n_langs=9), tokenizer, lang="en")
    return sentence_transformers.SentenceTransformer(modules=[words, Pooling(32)], device="cpu")


@pytest.mark.parametrize("lang", ["en", "de", "zh"])
def test_vectors_are_those_of_the_task(embed: Any, lang: str) -> None:
    task = SentenceEmbedding(embed[0].model, embed[0].tokenizer)
    expected = torch.stack(task(TEXTS, lang)).numpy()
    np.testing.assert_allclose(embed.encode(TEXTS, lang=lang), expected, atol=1e-5)
    embed[0].lang = lang
    np.testing.assert_allclose(embed.encode(TEXTS), expected, atol=1e-5)


def test_vectors_are_those_of_the_references_model(tokenizer: XLMTokenizer, tmp_path: Path) -> None:
    theirs = folder_of("XLMModel", tokenizer, tmp_path)
    words = XLMTransformer(XLMModel.from_pretrained(tmp_path), tokenizer)
    embed = sentence_transformers.SentenceTransformer(modules=[words, Pooling(32)], device="cpu")
    for text, lang in zip(TEXTS, LANGS_OF_TEXTS, strict=True):
        given = tokenizer(text, lang=lang, return_tensors="pt")
        with torch.no_grad():
            expected = theirs(**given).last_hidden_state.mean(1)
        got = embed.encode([text], lang=lang)
        np.testing.assert_allclose(got, expected.numpy(), atol=1e-5)


def test_a_model_is_saved_and_loaded(embed: Any, tmp_path: Path) -> None:
    embed.max_seq_length = 9
    embed.save_pretrained(str(tmp_path))
    # Only its own modules are loaded without being asked to.
    again = sentence_transformers.SentenceTransformer(
        str(tmp_path), device="cpu", trust_remote_code=True
    )
    assert type(again[0]) is XLMTransformer
    assert (again[0].lang, again.max_seq_length) == ("en", 9)
    assert again.get_embedding_dimension() == 32
    np.testing.assert_allclose(again.encode(TEXTS), embed.encode(TEXTS), atol=1e-6)
    # The folder is a checkpoint like any other.
    task = SentenceEmbedding.from_pretrained(tmp_path, device="cpu")
    np.testing.assert_allclose(task(TEXTS, "en"), embed.encode(TEXTS), atol=1e-5)
    assert transformers.XLMModel.from_pretrained(tmp_path).config.emb_dim == 32


def test_long_texts_are_cut_and_prompts_put_before_them(embed: Any) -> None:
    long = "river " * 200
    task = SentenceEmbedding(embed[0].model, embed[0].tokenizer, truncation=True)
    np.testing.assert_allclose(embed.encode(long), task([long], "en")[0], atol=1e-5)
    [expected] = task(["query: river"], "en")
    np.testing.assert_allclose(embed.encode("river", prompt="query: "), expected, atol=1e-5)


def test_what_is_no_text_is_refused(embed: Any) -> None:
    with pytest.raises(InputError, match="expected a text"):
        embed[0].preprocess([("one", "two")])
    with pytest.raises(InputError, match="no language 'xx'"):
        embed.encode(TEXTS, lang="xx")


def test_the_encoder_is_trained(embed: Any, tmp_path: Path) -> None:
    import datasets

    pairs = datasets.Dataset.from_dict({"anchor": TEXTS[:4], "positive": TEXTS[:4][::-1]})
    before = embed.encode(TEXTS)
    trainer = sentence_transformers.SentenceTransformerTrainer(
        embed,
        sentence_transformers.SentenceTransformerTrainingArguments(
            str(tmp_path),
            max_steps=5,
            learning_rate=1e-3,
            per_device_train_batch_size=4,
            use_cpu=True,
            disable_tqdm=True,
            report_to=[],
            save_strategy="no",
            logging_steps=1,
        ),
        train_dataset=pairs,
        loss=losses.MultipleNegativesRankingLoss(embed),
    )
    trainer.remove_callback(transformers.PrinterCallback)
    trainer.train()
    history = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert history[-1] < history[0]
    assert not np.allclose(embed.encode(TEXTS), before, atol=1e-3)
