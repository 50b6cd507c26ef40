"""Transformers' pipelines over our models and tokenizer give what they give over transformers' own.

The same weights and the same vocabulary; the reference's tokenizer takes no language in a pipeline,
so that both take English.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from transformers import pipeline

import xlm_model
from xlm_text import XLMTokenizer

from .helpers import TEXTS, folder_of, small

ENTAILMENT = {"entailment": 0, "neutral": 1, "contradiction": 2}


@pytest.fixture
def english() -> XLMTokenizer:
    return XLMTokenizer.from_pretrained(lang="en")


def close(got: Any, right: Any) -> None:
    if isinstance(right, dict):
        assert got.keys() == right.keys()
        for key in right:
            close(got[key], right[key])
    elif isinstance(right, list | tuple):
        assert len(got) == len(right)
        for one, other in zip(got, right, strict=True):
            close(one, other)
    elif isinstance(right, str | int | None):
        assert got == right
    else:
        assert float(got) == pytest.approx(float(right), rel=1e-4, abs=1e-5)


def pipelines(task: str, head: str, tokenizer: XLMTokenizer, folder: Path, **settings: Any) -> Any:
    """Return the pipeline over our model and over transformers', of the same checkpoint."""
    theirs = folder_of(head, tokenizer, folder, **settings)
    ours = getattr(xlm_model, head).from_pretrained(folder)
    return (
        pipeline(task, model=ours, tokenizer=XLMTokenizer.from_pretrained(folder)),
        pipeline(task, model=theirs, tokenizer=transformers.XLMTokenizer.from_pretrained(folder)),
    )


@pytest.mark.parametrize(
    ("task", "head", "settings", "given", "options"),
    [
        ("fill-mask", "XLMWithLMHeadModel", {}, "The <special1> flows.", {"top_k": 3}),
        ("fill-mask", "XLMWithLMHeadModel", {}, ["A <special1>.", "<special1>?"], {}),
        ("fill-mask", "XLMWithLMHeadModel", {}, "<special1> and <special1>", {}),
        ("text-classification", "XLMForSequenceClassification", {}, TEXTS, {}),
        ("text-classification", "XLMForSequenceClassification", {}, TEXTS, {"top_k": None}),
        ("text-classification", "XLMForSequenceClassification", {}, TEXTS, {"batch_size": 3}),
        (
            "text-classification",
            "XLMForSequenceClassification",
            {"label2id": ENTAILMENT, "id2label": {i: name for name, i in ENTAILMENT.items()}},
            {"text": TEXTS[0], "text_pair": TEXTS[3]},
            {},
        ),
        (
            "text-classification",
            "XLMForSequenceClassification",
            {"problem_type": "multi_label_classification"},
            TEXTS[0],
            {"top_k": None},
        ),
        (
            "zero-shot-classification",
            "XLMForSequenceClassification",
            {"label2id": ENTAILMENT, "id2label": {i: name for name, i in ENTAILMENT.items()}},
            TEXTS[:2],
            {"candidate_labels": ["rivers", "bread"]},
        ),
        ("token-classification", "XLMForTokenClassification", {"num_labels": 3}, TEXTS, {}),
        (
            "token-classification",
            "XLMForTokenClassification",
            {"num_labels": 3},
            TEXTS[0],
            {"aggregation_strategy": "simple"},
        ),
        ("feature-extraction", "XLMModel", {"return_dict": False}, TEXTS, {}),
    ],
)
def test_a_pipeline(
    task: str,
    head: str,
    settings: dict[str, Any],
    given: Any,
    options: dict[str, Any],
    english: XLMTokenizer,
    tmp_path: Path,
) -> None:
    ours, theirs = pipelines(task, head, english, tmp_path, **settings)
    close(ours(given, **options), theirs(given, **options))


def test_an_unpaired_language_reaches_the_model(tokenizer: XLMTokenizer, tmp_path: Path) -> None:
    """What the reference's tokenizer cannot: the text's language, for the pieces and the model."""
    folder_of("XLMForSequenceClassification", tokenizer, tmp_path)
    model = xlm_model.XLMForSequenceClassification.from_pretrained(tmp_path)
    classify = pipeline("text-classification", model=model, tokenizer=tokenizer)
    text = "Der Fluß fließt."
    for lang in ("de", "fr"):
        with torch.no_grad():
            logits = model(**tokenizer([text], lang=lang, return_tensors="pt")).logits
        right = logits.softmax(-1)[0].max().item()
        assert classify(text, lang=lang)[0]["score"] == pytest.approx(right, rel=1e-4)


def test_a_tagger_in_the_language_of_its_tokenizer(tmp_path: Path) -> None:
    tokenizer = XLMTokenizer.from_pretrained(use_lang_emb=True, lang="zh")
    model = small(xlm_model.XLMForTokenClassification, tokenizer, n_langs=9)
    found = pipeline("token-classification", model=model, tokenizer=tokenizer)("我来到北京。")
    assert [one["word"] for one in found] == tokenizer.tokenize("我来到北京。", lang="zh")
