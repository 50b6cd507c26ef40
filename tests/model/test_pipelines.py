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


def test_the_language_of_a_call_reaches_the_model(tokenizer: XLMTokenizer, tmp_path: Path) -> None:
    """What the reference's pipelines cannot: the language, for the pieces and for the model."""
    folder_of("XLMForSequenceClassification", tokenizer, tmp_path)
    model = xlm_model.XLMForSequenceClassification.from_pretrained(tmp_path)
    classify = pipeline("text-classification", model=model, tokenizer=tokenizer)
    text = "Der Fluß fließt."
    for lang in ("de", "fr"):
        with torch.no_grad():
            logits = model(**tokenizer([text], lang=lang, return_tensors="pt")).logits
        right = logits.softmax(-1)[0].max().item()
        assert classify(text, lang=lang)[0]["score"] == pytest.approx(right, rel=1e-4)
    alone = [classify(one, lang="de")[0] for one in TEXTS]
    close(classify(TEXTS, lang="de", batch_size=3), alone)


def test_a_tagger_in_the_language_of_its_tokenizer(tmp_path: Path) -> None:
    tokenizer = XLMTokenizer.from_pretrained(use_lang_emb=True, lang="zh")
    model = small(xlm_model.XLMForTokenClassification, tokenizer, n_langs=9)
    found = pipeline("token-classification", model=model, tokenizer=tokenizer)("我来到北京。")
    assert [one["word"] for one in found] == tokenizer.tokenize("我来到北京。", lang="zh")


def test_generation_is_that_of_the_model(english: XLMTokenizer) -> None:
    """The reference's XLM appends a mask at every step; ours reads the next token as it learnt."""
    model = small(xlm_model.XLMWithLMHeadModel, english, causal=True, embed_init_std=0.3)
    model.generation_config = transformers.GenerationConfig()
    go_on = pipeline("text-generation", model=model, tokenizer=english)
    for prompt in ("The river", "Where is it"):
        options = {"do_sample": False, "max_new_tokens": 5}
        [found] = go_on(prompt, return_full_text=False, **options)
        ids = torch.tensor([english(prompt)["input_ids"]])
        with torch.no_grad():
            for _ in range(5):
                best = model(ids).logits[0, -1].argmax()
                ids = torch.cat([ids, best.view(1, 1)], 1)
        new = ids[0, len(english(prompt)["input_ids"]) :]
        assert found["generated_text"] == english.decode(new, skip_special_tokens=True)
    two = go_on(
        ["The river", "Where is it"], batch_size=2, num_return_sequences=2, max_new_tokens=3
    )
    assert [len(each) for each in two] == [2, 2]


def test_a_pipeline_says_what_it_is(english: XLMTokenizer) -> None:
    tagger = small(xlm_model.XLMForTokenClassification, english)
    found = pipeline("token-classification", model=tagger, tokenizer=english)
    assert "'model': 'XLMForTokenClassification'" in repr(found)
    assert "'dtype': 'float32'" in repr(found)
