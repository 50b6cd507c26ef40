"""Transformers' collators with this tokenizer give what they give with transformers' own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch.utils.data import DataLoader

from xlm_text import XLMTokenizer

TEXTS = [
    "The river flows through the old town.",
    "Where?",
    "She said: no! ☃ And then <special1> all.",
    "In the morning the committee published its report on bread and milk.",
]


@pytest.fixture(params=["right", "left"])
def ours(request: pytest.FixtureRequest) -> XLMTokenizer:
    return XLMTokenizer.from_pretrained(use_lang_emb=True, padding_side=request.param)


@pytest.fixture
def theirs(ours: XLMTokenizer, tmp_path: Path) -> Any:
    ours.save_pretrained(tmp_path)
    return transformers.XLMTokenizer.from_pretrained(tmp_path)


def rows(tokenizer: XLMTokenizer, **columns: list[Any]) -> list[dict[str, Any]]:
    batch = tokenizer(TEXTS, lang="en")
    return [
        {name: batch[name][i] for name in batch} | {name: columns[name][i] for name in columns}
        for i in range(len(TEXTS))
    ]


def compare(
    collator: Any, ours: XLMTokenizer, theirs: Any, given: list[dict[str, Any]], **options: Any
) -> Any:
    """Collate with both tokenizers, theirs without languages, which it cannot pad."""
    without = [{name: row[name] for name in row if name != "langs"} for row in given]
    torch.manual_seed(5)
    right = collator(theirs, **options)([dict(row) for row in without])
    torch.manual_seed(5)
    got = collator(ours, **options)([dict(row) for row in given])
    assert got.keys() == {*right, "langs"}
    for name in right:
        torch.testing.assert_close(got[name], right[name])
    assert got["langs"].shape == got["input_ids"].shape
    assert got["langs"].unique().tolist() == [ours.lang2id["en"]]
    return got


@pytest.mark.parametrize("multiple", [None, 8])
def test_padding(multiple: int | None, ours: XLMTokenizer, theirs: Any) -> None:
    given = rows(ours, label=[0, 1, 2, 0])
    collator = transformers.DataCollatorWithPadding
    got = compare(collator, ours, theirs, given, pad_to_multiple_of=multiple)
    assert got["labels"].tolist() == [0, 1, 2, 0]


def test_token_classification(ours: XLMTokenizer, theirs: Any) -> None:
    labels = [[i % 3 for i in range(len(row["input_ids"]))] for row in rows(ours)]
    given = rows(ours, labels=labels)
    got = compare(transformers.DataCollatorForTokenClassification, ours, theirs, given)
    assert (got["labels"] == -100).sum() == (got["input_ids"] == ours.pad_token_id).sum() > 0


# Without masks the column of special tokens would be one that no model takes.
@pytest.mark.parametrize(("mlm", "with_mask"), [(True, False), (True, True), (False, False)])
def test_language_modelling(mlm: bool, with_mask: bool, ours: XLMTokenizer, theirs: Any) -> None:
    special = ours(TEXTS, lang="en", return_special_tokens_mask=True)["special_tokens_mask"]
    given = rows(ours, **({"special_tokens_mask": special} if with_mask else {}))
    options: dict[str, Any] = {"mlm": mlm, "mlm_probability": 0.5 if mlm else None}
    collator = transformers.DataCollatorForLanguageModeling
    got = compare(collator, ours, theirs, given, **options)
    if mlm:
        assert (got["input_ids"] == ours.mask_token_id).sum() > 3
    if mlm and not with_mask:
        # A special token in the text is none to predict, either.
        kept = got["labels"][got["labels"] != -100]
        assert not set(kept.tolist()) & {*ours.all_special_ids}


def test_multiple_choice(ours: XLMTokenizer, theirs: Any) -> None:
    given = []
    for i, text in enumerate(TEXTS):
        batch = ours([text] * 3, ["Yes.", "No, never.", text], lang="en", lang_pair="en")
        given.append({**{name: batch[name] for name in batch}, "label": i % 3})
    got = compare(transformers.DataCollatorForMultipleChoice, ours, theirs, given)
    assert got["input_ids"].shape[:2] == (4, 3)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader(workers: int, ours: XLMTokenizer) -> None:
    given = rows(ours, label=[0, 1, 2, 0])
    batches = list(
        DataLoader(
            given,  # type: ignore[arg-type]
            batch_size=3,
            collate_fn=transformers.DataCollatorWithPadding(ours),
            num_workers=workers,
        )
    )
    assert [len(batch["input_ids"]) for batch in batches] == [3, 1]
    right = ours(TEXTS[:3], lang="en", padding=True, return_tensors="pt")
    for name in right:
        assert torch.equal(batches[0][name], right[name])


def in_their_language(tokenizer: XLMTokenizer, rows: list[tuple[str, str]]) -> Any:
    texts, langs = zip(*rows, strict=True)
    return tokenizer(list(texts), lang=list(langs), padding=True, return_tensors="pt")


def test_a_loader_that_tokenizes_itself(ours: XLMTokenizer) -> None:
    given = [(text, lang) for text, lang in zip(TEXTS, ("en", "de", "fr", "zh"), strict=True)]
    for workers in (0, 1):
        loader = DataLoader(
            given,  # type: ignore[arg-type]
            batch_size=2,
            collate_fn=lambda rows: in_their_language(ours, rows),
            num_workers=workers,
        )
        ids = [batch["input_ids"] for batch in loader]
        assert torch.equal(ids[1], in_their_language(ours, given[2:])["input_ids"])
