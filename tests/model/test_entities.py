"""Tags joined to entities, against seqeval and the reference's pipeline."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics.sequence_labeling import get_entities
from transformers.pipelines.token_classification import TokenClassificationPipeline

from xlm_model import XLMForTokenClassification
from xlm_model.tasks import Tag, TokenClassification
from xlm_model.tasks.entities import find_entities
from xlm_model.tasks.tagging import join_words
from xlm_text import InputError, XLMTokenizer

from .helpers import small

TAGS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
WORDS = ["Anna", "Quetzalcoatl", "lives", "in", "Berlin", "Mitte", "."]


@given(st.lists(st.sampled_from([*TAGS, "E-PER", "S-LOC", "E-LOC", "S-PER"])))
def test_entities_are_those_of_seqeval(tags: list[str]) -> None:
    assert [tuple(entity) for entity in find_entities(tags)] == get_entities(tags)


@given(st.lists(st.sampled_from([*TAGS, "NOUN"])))
def test_entities_and_scores_are_those_of_the_reference(tags: list[str]) -> None:
    words = [Tag(tag, 1 / (i + 1), 3 * i, 3 * i + 2) for i, tag in enumerate(tags)]
    pipeline = TokenClassificationPipeline.__new__(TokenClassificationPipeline)
    pipeline.tokenizer = SimpleNamespace(convert_tokens_to_string=" ".join)
    theirs = pipeline.group_entities(
        [
            {"entity": w.label, "score": w.score, "word": "x", "start": w.start, "end": w.end}
            for w in words
        ]
    )
    right = [
        (one["entity_group"], pytest.approx(one["score"]), one["start"], one["end"])
        for one in theirs
        if one["entity_group"] != "O"
    ]
    assert [(e.label, e.score, e.start, e.end) for e in join_words(words)] == right


def tagger(tokenizer: XLMTokenizer, **options: Any) -> TokenClassification:
    model = small(XLMForTokenClassification, tokenizer, num_labels=5, init_std=0.5)
    return TokenClassification(model, tokenizer, labels=TAGS, **options)


def test_entities_of_a_text_are_its_words_joined(tokenizer: XLMTokenizer) -> None:
    task = tagger(tokenizer)
    text = "Anna and Quetzalcoatl live in Berlin, Mitte, or in Paris."
    [words] = task([text], lang="en")
    joined = TokenClassification(task.model, tokenizer, labels=TAGS, aggregation="entities")
    [entities] = joined([text], lang="en")
    right = get_entities([word.label for word in words])
    assert right
    assert [(e.label, e.start, e.end) for e in entities] == [
        (kind, words[first].start, words[last].end) for kind, first, last in right
    ]


@pytest.mark.parametrize("aggregation", ["none", "first", "average"])
def test_words_get_what_their_pieces_get_in_the_tokenizers_call(
    aggregation: Any, tokenizer: XLMTokenizer
) -> None:
    task = tagger(tokenizer, aggregation=aggregation)
    sentences = [WORDS, ["Hm\u200b", "\u200b", "l’été"]]
    found = task(sentences, lang=["en", "fr"])
    for sentence, lang, tags in zip(sentences, ["en", "fr"], found, strict=True):
        batch = tokenizer([sentence], lang=lang, is_split_into_words=True, return_tensors="pt")
        with torch.no_grad():
            scores = task.model(batch["input_ids"], langs=batch.get("langs")).logits[0].softmax(-1)
        numbers = batch.word_ids(0)
        pieces: dict[Any, list[int]] = {}
        for at, number in enumerate(numbers):
            if number is not None:
                pieces.setdefault(at if aggregation == "none" else number, []).append(at)
        assert len(tags) == len(pieces)
        joined = " ".join(sentence)
        for tag, ats in zip(tags, pieces.values(), strict=True):
            mean = scores[ats].mean(0) if aggregation == "average" else scores[ats[0]]
            assert tag.score == pytest.approx(mean.max().item(), rel=1e-4)
            word = sentence[numbers[ats[0]]]
            if aggregation != "none" and "\u200b" not in word:
                assert joined[tag.start : tag.end] == word
            assert joined[tag.start : tag.end] in word


def test_texts_and_words_may_come_in_one_stream(tokenizer: XLMTokenizer) -> None:
    task = tagger(tokenizer)
    mixed = task(["Anna lives.", ["Anna", "lives", "."]], lang="en")
    assert [tag.label for tag in mixed[0]] == [tag.label for tag in mixed[1]]
    with pytest.raises(InputError, match="must be a list of words, but word 1 is int: 3"):
        task([["Anna", 3]], lang="en")  # type: ignore[list-item]
