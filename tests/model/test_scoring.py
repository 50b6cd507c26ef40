"""Scores of texts against transformers' logits, one text and one mask at a time, and arithmetic."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from xlm_model import XLMWithLMHeadModel, tasks
from xlm_text import InputError, XLMTokenizer

from .helpers import LANGS_OF_TEXTS as LANGS
from .helpers import TEXTS, folder_of, small

PAIRS = [("The river flows.", "Der Fluss fließt schnell."), ("Where?", "Wo denn?")]


@torch.no_grad()
def log_probs(theirs: Any, ids: list[int], **inputs: list[int]) -> torch.Tensor:
    """Return the reference's log-probabilities for one sequence; shape `(tokens, vocabulary)`."""
    tensors = {name: torch.tensor([values]) for name, values in inputs.items()}
    return theirs(torch.tensor([ids]), **tensors).logits[0].double().log_softmax(-1)  # type: ignore[no-any-return]


def masked(theirs: Any, ids: list[int], places: list[int], **inputs: list[int]) -> list[float]:
    """Return the reference's log-probability of each of some tokens with a mask in its place."""
    found = []
    for at in places:
        with_mask = [*ids[:at], 5, *ids[at + 1 :]]
        found.append(log_probs(theirs, with_mask, **inputs)[at, ids[at]].item())
    return found


def assert_score(
    score: tasks.Score,
    right: list[float],
    spans: list[tuple[int, int]],
    tokens: list[str],
) -> None:
    assert [one.log_prob for one in score.tokens] == pytest.approx(right, rel=1e-4)
    assert [(one.start, one.end) for one in score.tokens] == spans
    assert [one.token for one in score.tokens] == tokens
    assert score.log_prob == pytest.approx(sum(right), rel=1e-4)
    assert score.perplexity == pytest.approx(math.exp(-sum(right) / len(right)), rel=1e-4)


def test_a_masked_model_scores_each_token_behind_a_mask(
    tokenizer: XLMTokenizer, tmp_path: Path
) -> None:
    theirs = folder_of("XLMWithLMHeadModel", tokenizer, tmp_path)
    score = tasks.TextScoring.from_pretrained(tmp_path, device="cpu")
    for text, lang, found in zip(TEXTS, LANGS, score(TEXTS, LANGS), strict=True):
        batch = tokenizer(text, lang=lang, return_offsets_mapping=True)
        ids, spans = batch["input_ids"], batch["offset_mapping"][1:-1]
        right = masked(theirs, ids, [*range(1, len(ids) - 1)], langs=batch["langs"])
        assert_score(found, right, spans, tokenizer.tokenize(text, lang=lang))
        assert {one.sequence for one in found.tokens} == {0}


def test_a_causal_model_scores_each_token_behind_those_before_it(
    tokenizer: XLMTokenizer, tmp_path: Path
) -> None:
    theirs = folder_of("XLMWithLMHeadModel", tokenizer, tmp_path, causal=True)
    score = tasks.TextScoring.from_pretrained(tmp_path, device="cpu")
    for text, lang, found in zip(TEXTS, LANGS, score(TEXTS, LANGS), strict=True):
        batch = tokenizer(text, lang=lang, return_offsets_mapping=True)
        ids = batch["input_ids"]
        scores = log_probs(theirs, ids, langs=batch["langs"])
        right = [scores[i - 1, ids[i]].item() for i in range(1, len(ids))]
        spans = [*batch["offset_mapping"][1:-1], (len(text), len(text))]
        assert_score(found, right, spans, [*tokenizer.tokenize(text, lang=lang), "</s>"])


@pytest.mark.parametrize("scored", ["both", "first", "second"])
@pytest.mark.parametrize("bos", ["<s>", "</s>"])
def test_a_pair_is_read_as_the_translation_objective_trained_it(
    scored: Any, bos: str, tokenizer: XLMTokenizer, tmp_path: Path
) -> None:
    theirs = folder_of("XLMWithLMHeadModel", tokenizer, tmp_path)
    ours = XLMTokenizer.from_pretrained(use_lang_emb=True, bos_token=bos)
    score = tasks.TextScoring.from_pretrained(tmp_path, tokenizer=ours, scored=scored, device="cpu")
    # A single text between the pairs, in the same batch.
    asked = [PAIRS[0], TEXTS[0], PAIRS[1]]
    found = score(asked, "en", "de")
    assert found[1] == score([TEXTS[0]], "en")[0]
    for (first, second), one in zip(PAIRS, found[::2], strict=True):
        # `bos A </s> bos B </s>`, put together from two texts that know nothing of each other.
        parts = [
            ours(text, lang=lang, return_offsets_mapping=True)
            for text, lang in ((first, "en"), (second, "de"))
        ]
        lengths = [len(part["input_ids"]) for part in parts]
        ids = [id_ for part in parts for id_ in part["input_ids"]]
        inner = [[*range(1, lengths[0] - 1)], [*range(lengths[0] + 1, len(ids) - 1)]]
        wanted = {"both": (0, 1), "first": (0,), "second": (1,)}[scored]
        right = masked(
            theirs,
            ids,
            [place for i in wanted for place in inner[i]],
            langs=[id_ for part in parts for id_ in part["langs"]],
            position_ids=[i for length in lengths for i in range(length)],
        )
        spans = [span for i in wanted for span in parts[i]["offset_mapping"][1:-1]]
        pieces = [ours.tokenize(first, lang="en"), ours.tokenize(second, lang="de")]
        assert_score(one, right, spans, [piece for i in wanted for piece in pieces[i]])
        assert [token.sequence for token in one.tokens] == [i for i in wanted for _ in inner[i]]


def test_an_adaptive_softmax_is_scored(tokenizer: XLMTokenizer) -> None:
    model = small(XLMWithLMHeadModel, tokenizer, asm=True, asm_cutoffs=[1000, 4000])
    [found] = tasks.TextScoring(model, tokenizer)(["Where?"], "en")
    ids = tokenizer("Where?", lang="en")["input_ids"]
    for i, one in enumerate(found.tokens, 1):
        given = torch.tensor([[*ids[:i], 5, *ids[i + 1 :]]])
        with torch.no_grad():
            right = model(given).logits[0, i, ids[i]]
        assert one.log_prob == pytest.approx(right.item(), rel=1e-4)


def test_nothing_is_padded_and_only_masks_are_scored(tokenizer: XLMTokenizer) -> None:
    model = small(XLMWithLMHeadModel, tokenizer)
    tokens, scored = [], []
    model.transformer.layer_norm_emb.register_forward_hook(
        lambda _, given, __: tokens.append(len(given[0]))
    )
    model.pred_layer.register_forward_hook(lambda _, given, __: scored.append(len(given[0])))
    found = tasks.TextScoring(model, tokenizer)(TEXTS, LANGS)
    counts = [len(one.tokens) for one in found]
    assert len(set(counts)) > 2
    assert sum(tokens) == sum(count * (count + 2) for count in counts)
    assert sum(scored) == sum(counts)


def test_scores_do_not_depend_on_the_batch(tokenizer: XLMTokenizer) -> None:
    model = small(XLMWithLMHeadModel, tokenizer, embed_init_std=0.3, init_std=0.2)
    asked = [*TEXTS, *PAIRS, TEXTS[2] + " " + TEXTS[2]]
    together = tasks.TextScoring(model, tokenizer)(asked, "en")
    alone = tasks.TextScoring(model, tokenizer, batch_size=1)(asked, "en")
    for one, other in zip(together, alone, strict=True):
        assert one.log_prob == pytest.approx(other.log_prob, rel=1e-5)


def test_a_likelier_text_has_a_lower_perplexity(tokenizer: XLMTokenizer) -> None:
    """A model that was taught one sentence finds it likelier than its words in another order."""
    torch.manual_seed(1)
    model = small(XLMWithLMHeadModel, tokenizer, causal=True, dropout=0.0, attention_dropout=0.0)
    ids = torch.tensor([tokenizer("the river flows through the town", lang="en")["input_ids"]])
    labels = torch.cat([ids[:, 1:], torch.tensor([[-100]])], 1)
    optimizer = torch.optim.Adam(model.parameters(), 5e-3)
    for _ in range(60):
        model(ids, labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    score = tasks.TextScoring(model, tokenizer)
    right, wrong = score(["the river flows through the town", "town the through flows"], "en")
    assert right.perplexity < 2 < wrong.perplexity


@pytest.mark.parametrize(
    ("asked", "settings", "message"),
    [
        (["Where?", " "], {}, "text 1: the text is empty"),
        ([("Where?", " ")], {}, "text 0: the second text is empty"),
        ([("Where?", "Wo?", "Où ?")], {}, "expected a text, or a pair of texts"),
        ([None], {}, "expected a text, or a pair of texts"),
        (["a " * 63], {}, "the text has 65 tokens: expected at most 64"),
        # The second text has an opening token of its own.
        ([("a " * 30, "a " * 31)], {}, "the text has 65 tokens: expected at most 64"),
        ([("Where?", "Wo?")], {"causal": True}, "trained on single texts: expected a text"),
    ],
)
def test_texts_that_cannot_be_scored(
    asked: list[Any], settings: dict[str, Any], message: str, tokenizer: XLMTokenizer
) -> None:
    model = small(XLMWithLMHeadModel, tokenizer, **settings)
    with pytest.raises(InputError, match=message):
        tasks.TextScoring(model, tokenizer)(asked, "en", "de")


def test_what_is_too_long_is_cut_on_request(tokenizer: XLMTokenizer) -> None:
    model = small(XLMWithLMHeadModel, tokenizer)
    score = tasks.TextScoring(model, tokenizer, truncation=True)
    long = "a " * 100
    assert [len(one.tokens) for one in score([long, (long, long)], "en")] == [62, 60]


def test_an_unknown_part_of_a_pair(tokenizer: XLMTokenizer) -> None:
    with pytest.raises(InputError, match="scored is 'last': expected one of both, first, second"):
        tasks.TextScoring(small(XLMWithLMHeadModel, tokenizer), tokenizer, scored="last")  # type: ignore[arg-type]
