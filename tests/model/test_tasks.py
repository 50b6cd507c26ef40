"""Each task against transformers' forward pass on the same text, padded, and against arithmetic."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from xlm_model import XLMModel, XLMWithLMHeadModel, tasks
from xlm_text import XLMTokenizer

from .helpers import LANGS_OF_TEXTS as LANGS
from .helpers import TEXTS, assert_best, folder_of, small

QUESTION = "Which river flows through the old town?"
CONTEXT = (
    "Many towns lie on rivers. The river Spree, not the Elbe, flows through the old town of Berlin "
    "and turns to the north."
)


def inputs(tokenizer: XLMTokenizer, *texts: Any, **options: Any) -> dict[str, torch.Tensor]:
    return dict(tokenizer(*texts, padding=True, return_tensors="pt", return_langs=True, **options))


@torch.no_grad()
def test_fill_mask(tokenizer: XLMTokenizer, tmp_path: Path) -> None:
    theirs = folder_of("XLMWithLMHeadModel", tokenizer, tmp_path)
    texts = ["The <special1> flows.", "<special1>, she said, <special1> the old town!", TEXTS[2]]
    texts[2] += " <special1>"
    fill = tasks.FillMask.from_pretrained(tmp_path, top_k=4, device="cpu")
    found = fill(texts, ["en", "de", "en"])
    batch = inputs(tokenizer, texts, lang=["en", "de", "en"])
    scores = theirs(**batch).logits.softmax(-1)
    for row, (text, masks) in enumerate(zip(texts, found, strict=True)):
        places = (batch["input_ids"][row] == 5).nonzero().squeeze(-1)
        assert len(masks) == len(places) == text.count("<special1>")
        assert [m.start for m in masks] == [
            i for i in range(len(text)) if text.startswith("<special1>", i)
        ]
        for mask, place in zip(masks, places, strict=True):
            assert text[mask.start : mask.end] == "<special1>"
            found_scores = torch.tensor([[f.score for f in mask.fills]])
            ids = torch.tensor([[f.id for f in mask.fills]])
            assert len(mask.fills) == 4
            assert_best(found_scores, ids, scores[row, place][None])
            for one in mask.fills:
                assert one.token == tokenizer.convert_ids_to_tokens(one.id)
                assert one.text == one.token.removesuffix("</w>")


@torch.no_grad()
def test_fill_mask_among_candidates(tokenizer: XLMTokenizer, tmp_path: Path) -> None:
    theirs = folder_of("XLMWithLMHeadModel", tokenizer, tmp_path)
    words = ["city", "river", "Of"]
    fill = tasks.FillMask.from_pretrained(tmp_path, candidates=words, device="cpu")
    [[mask]] = fill(["The <special1> flows."], "en")
    ids = tokenizer.convert_tokens_to_ids(["city</w>", "river</w>", "of</w>"])
    batch = inputs(tokenizer, ["The <special1> flows."], lang="en")
    scores = theirs(**batch).logits.softmax(-1)[0, batch["input_ids"][0] == 5][0]
    right = sorted((scores[i].item() for i in ids), reverse=True)
    assert {f.id for f in mask.fills} == set(ids)
    assert [f.score for f in mask.fills] == pytest.approx(right, rel=1e-4)
    assert [scores[f.id].item() for f in mask.fills] == pytest.approx(right, rel=1e-4)


def test_fill_mask_scores_only_the_masks(tokenizer: XLMTokenizer) -> None:
    fill = tasks.FillMask(small(XLMWithLMHeadModel, tokenizer), tokenizer)
    seen = []
    fill.model.pred_layer.register_forward_hook(lambda _, given, __: seen.append(given[0].shape))
    fill(["The <special1> flows <special1>.", "A <special1>."], "en")
    assert seen == [(3, 32)]


@pytest.mark.parametrize(
    ("settings", "function"),
    [
        ({}, lambda x: x.softmax(-1)),
        ({"problem_type": "multi_label_classification"}, torch.sigmoid),
        ({"problem_type": "regression"}, lambda x: x),
        ({"summary_type": "last"}, lambda x: x.softmax(-1)),
        ({"summary_type": "mean", "summary_activation": "tanh"}, lambda x: x.softmax(-1)),
    ],
)
@torch.no_grad()
def test_text_classification(
    settings: dict[str, Any], function: Any, tokenizer: XLMTokenizer, tmp_path: Path
) -> None:
    theirs = folder_of(
        "XLMForSequenceClassification",
        tokenizer,
        tmp_path,
        id2label={0: "entails", 1: "neutral", 2: "contradicts"},
        label2id={"entails": 0, "neutral": 1, "contradicts": 2},
        **settings,
    )
    classify = tasks.TextClassification.from_pretrained(tmp_path, device="cpu")
    pairs = [*itertools.pairwise(TEXTS), TEXTS[3]]
    langs, lang_pairs = LANGS, ["de", "fr", "en", "en"]
    for number, found in enumerate(classify(pairs, langs, lang_pairs)):
        # One by one: the reference's `last` and `mean` count padding.
        pair = pairs[number]
        both = (pair,) if isinstance(pair, str) else pair
        other = {"lang_pair": lang_pairs[number]} if len(both) == 2 else {}
        batch = inputs(tokenizer, *([text] for text in both), lang=langs[number], **other)
        right = function(theirs(**batch).logits[0]).tolist()
        assert list(found.scores) == ["entails", "neutral", "contradicts"]
        assert list(found.scores.values()) == pytest.approx(right, rel=1e-4, abs=1e-5)
        assert found.score == max(found.scores.values())
        assert found.scores[found.label] == found.score


@torch.no_grad()
def test_multiple_choice(tokenizer: XLMTokenizer, tmp_path: Path) -> None:
    theirs = folder_of("XLMForMultipleChoice", tokenizer, tmp_path)
    choose = tasks.MultipleChoice.from_pretrained(tmp_path, device="cpu")
    examples = [("It rained.", TEXTS[:3]), ("Nobody came.", TEXTS[1:3])]
    for (text, choices), found in zip(examples, choose(examples, "en"), strict=True):
        batch = inputs(tokenizer, [text] * len(choices), choices, lang="en")
        right = theirs(**{k: v[None] for k, v in batch.items()}).logits.softmax(-1)[0]
        assert found.scores == pytest.approx(right.tolist(), rel=1e-4)
        assert right[found.index].item() == pytest.approx(right.max().item(), rel=1e-4)
        assert found.text == choices[found.index]


@pytest.mark.parametrize("aggregation", ["none", "first", "average", "max"])
@torch.no_grad()
def test_token_classification(aggregation: Any, tokenizer: XLMTokenizer, tmp_path: Path) -> None:
    theirs = folder_of("XLMForTokenClassification", tokenizer, tmp_path, num_labels=3)
    tag = tasks.TokenClassification.from_pretrained(
        tmp_path, aggregation=aggregation, labels=["O", "PLACE", "PERSON"], device="cpu"
    )
    texts = ["Unbelievably, Quetzalcoatl flew.", "Où est Jean-François ?"]
    found = tag(texts, ["en", "fr"])
    batch = tokenizer(
        texts, lang=["en", "fr"], padding=True, return_tensors="pt", return_offsets_mapping=True
    )
    scores = theirs(
        batch["input_ids"], langs=batch["langs"], attention_mask=batch["attention_mask"]
    ).logits.softmax(-1)
    for row, tags in enumerate(found):
        words: dict[Any, list[int]] = {}
        for i, word in enumerate(batch.word_ids(row)):
            if word is not None:
                words.setdefault(i if aggregation == "none" else word, []).append(i)
        assert len(tags) == len(words)
        assert aggregation == "none" or any(len(tokens) > 1 for tokens in words.values())
        for one, tokens in zip(tags, words.values(), strict=True):
            inner = scores[row, tokens]
            # Of all labels of all tokens, the best; else of all labels, that of one row.
            word_scores = {
                "none": inner[0],
                "first": inner[0],
                "average": inner.sum(0) / len(tokens),
                "max": inner.amax(0),
            }[aggregation]
            assert one.score == pytest.approx(word_scores.max().item(), rel=1e-4)
            label = ["O", "PLACE", "PERSON"].index(one.label)
            assert word_scores[label].item() == pytest.approx(one.score, rel=1e-4)
            assert one.start == batch["offset_mapping"][row][tokens[0]][0]
            assert one.end == batch["offset_mapping"][row][tokens[-1]][1]


@pytest.mark.parametrize("layer", [None, 0, 1, 2, -2])
@torch.no_grad()
def test_embeddings_are_the_states_without_padding(
    layer: int | None, tokenizer: XLMTokenizer, tmp_path: Path
) -> None:
    # A checkpoint with a language-model head, which embeddings do not use: no warning either.
    theirs = folder_of("XLMWithLMHeadModel", tokenizer, tmp_path)
    batch = inputs(tokenizer, TEXTS, lang=LANGS)
    mask = batch["attention_mask"][..., None]
    output = theirs.transformer(**batch, output_hidden_states=True)
    states = output.hidden_states[-1 if layer is None else layer]
    mean = (states * mask).sum(1) / mask.sum(1)
    largest = states.masked_fill(mask == 0, -torch.inf).amax(1)
    for pooling, right in (("mean", mean), ("first", states[:, 0]), ("max", largest)):
        options: dict[str, Any] = {"pooling": pooling, "layer": layer, "device": "cpu"}
        embed = tasks.SentenceEmbedding.from_pretrained(tmp_path, **options)
        got = torch.stack(embed(TEXTS, LANGS))
        torch.testing.assert_close(got, right, rtol=1e-5, atol=1e-5)
        for text, lang, vector in zip(TEXTS, LANGS, right, strict=True):
            torch.testing.assert_close(embed([text], lang)[0], vector, rtol=1e-5, atol=1e-5)
        embed = tasks.SentenceEmbedding.from_pretrained(tmp_path, normalize=True, **options)
        unit = right / right.norm(dim=1, keepdim=True)
        torch.testing.assert_close(torch.stack(embed(TEXTS, LANGS)), unit, rtol=1e-5, atol=1e-5)
    units = tasks.TokenEmbedding.from_pretrained(tmp_path, layer=layer, normalize=True)
    by_token = tasks.TokenEmbedding.from_pretrained(tmp_path, layer=layer, device="cpu")
    for one, other in zip(units(TEXTS, LANGS), by_token(TEXTS, LANGS), strict=True):
        unit = other.vectors / other.vectors.norm(dim=1, keepdim=True)
        torch.testing.assert_close(one.vectors, unit, rtol=1e-5, atol=1e-5)
    for i, found in enumerate(by_token(TEXTS, LANGS)):
        count = int(mask[i].sum()) - 2
        torch.testing.assert_close(found.vectors, states[i, 1 : count + 1], rtol=1e-5, atol=1e-5)
        pieces = tokenizer.tokenize(TEXTS[i], lang=LANGS[i])
        assert found.tokens == pieces
        for (start, end), piece in zip(found.offsets, pieces, strict=True):
            assert TEXTS[i][start:end].lower() == piece.removesuffix("</w>")


def test_layers_behind_the_one_that_is_asked_for_do_not_run(tokenizer: XLMTokenizer) -> None:
    model = small(XLMModel, tokenizer)
    ran: list[int] = []
    for i, layer in enumerate(model.ffns):
        layer.register_forward_hook(lambda *_, number=i: ran.append(number))
    tasks.SentenceEmbedding(model, tokenizer, layer=1)(TEXTS, LANGS)
    assert ran == [0]


# Question answering -----------------------------------------------------------------------


def windows_of(tokenizer: XLMTokenizer, window: int, stride: int) -> Any:
    return tokenizer(
        [QUESTION], [CONTEXT], lang="en", truncation="only_second", max_length=window,
        stride=stride, return_overflowing_tokens=True, return_offsets_mapping=True,
        return_langs=True,
    )  # fmt: skip


@pytest.mark.parametrize("no_answer", [False, True])
@pytest.mark.parametrize(("window", "stride"), [(64, 8), (30, 5)])
@torch.no_grad()
def test_answers_of_the_simple_head(
    no_answer: bool, window: int, stride: int, tokenizer: XLMTokenizer, tmp_path: Path
) -> None:
    theirs = folder_of("XLMForQuestionAnsweringSimple", tokenizer, tmp_path)
    answer = tasks.QuestionAnswering.from_pretrained(
        tmp_path, n_best=6, max_answer_tokens=4, no_answer=no_answer, window=window,
        stride=stride, device="cpu",
    )  # fmt: skip
    [found] = answer([(QUESTION, CONTEXT)], "en")
    batch = windows_of(tokenizer, window, stride)
    assert (len(batch["input_ids"]) > 1) == (window < 64)
    # Every span of every window, one by one.
    spans: dict[tuple[int, int], float] = {}
    total, nothing = 0.0, math.inf
    for row, ids in enumerate(batch["input_ids"]):
        output = theirs(torch.tensor([ids]), langs=torch.tensor([batch["langs"][row]]))
        start, end = output.start_logits[0].tolist(), output.end_logits[0].tolist()
        nothing = min(nothing, start[0] + end[0])
        inner = [i for i, text in enumerate(batch.sequence_ids(row)) if text == 1]
        for i, j in itertools.product(inner, inner):
            if 0 <= j - i < 4:
                score = math.exp(start[i] + end[j])
                total += score
                place = (batch["offset_mapping"][row][i][0], batch["offset_mapping"][row][j][1])
                spans[place] = max(spans.get(place, 0.0), score)
    total += math.exp(nothing) if no_answer else 0.0
    right = {place: score / total for place, score in spans.items()}
    ranked = sorted([*right.values(), *([math.exp(nothing) / total] if no_answer else [])])[::-1]
    assert [a.score for a in found] == pytest.approx(ranked[:6], rel=1e-4)
    for one in found:
        if one.start is None or one.end is None:
            assert no_answer
            assert (one.text, one.end) == ("", None)
            assert one.score == pytest.approx(math.exp(nothing) / total, rel=1e-4)
        else:
            assert one.text == CONTEXT[one.start : one.end]
            assert one.score == pytest.approx(right[one.start, one.end], rel=1e-4)


@pytest.mark.parametrize("window", [64, 30])
@torch.no_grad()
def test_answers_of_the_beam_search_head(
    window: int, tokenizer: XLMTokenizer, tmp_path: Path
) -> None:
    theirs = folder_of("XLMForQuestionAnswering", tokenizer, tmp_path)
    options: dict[str, Any] = {"n_best": 9, "max_answer_tokens": 64, "window": window, "stride": 5}
    answer = tasks.QuestionAnswering.from_pretrained(tmp_path, device="cpu", **options)
    assert type(answer.model).__name__ == "XLMForQuestionAnswering"
    batch = windows_of(tokenizer, window, 5)
    right: dict[tuple[int, int], float] = {}
    nothing = math.inf
    for row, ids in enumerate(batch["input_ids"]):
        cls = ids.index(1)
        p_mask = [float(text != 1 and i != cls) for i, text in enumerate(batch.sequence_ids(row))]
        output = theirs(
            torch.tensor([ids]),
            langs=torch.tensor([batch["langs"][row]]),
            cls_index=torch.tensor([cls]),
            p_mask=torch.tensor([p_mask]),
        )
        nothing = min(nothing, float(output.cls_logits[0]))
        for i, (end, at) in enumerate(
            zip(output.end_top_log_probs[0], output.end_top_index[0], strict=True)
        ):
            beam = i % 3  # start_n_top
            first, last = int(output.start_top_index[0, beam]), int(at)
            if cls in (first, last) or last < first:
                continue
            offsets = batch["offset_mapping"][row]
            place = (offsets[first][0], offsets[last][1])
            score = float(end * output.start_top_log_probs[0, beam])
            right[place] = max(score, right.get(place, 0.0))
    [found] = answer([(QUESTION, CONTEXT)], "en")
    assert len(found) == min(9, len(right)) > 0
    for one in found:
        assert one.start is not None
        assert one.end is not None
        assert one.text == CONTEXT[one.start : one.end]
        assert one.score == pytest.approx(right[one.start, one.end], rel=1e-4)
    assert [a.score for a in found] == pytest.approx(sorted(right.values())[::-1][:9], rel=1e-4)
    none = 1 / (1 + math.exp(-nothing))
    ranked = tasks.QuestionAnswering(answer.model, tokenizer, no_answer=True, **options)
    [with_none] = ranked([(QUESTION, CONTEXT)], "en")
    scores = {a.start: a.score for a in with_none if a.start is None}
    assert scores == {None: pytest.approx(none, rel=1e-4)}
    spans = sorted((s * (1 - none) for s in right.values()), reverse=True)
    assert [a.score for a in with_none if a.start is not None] == pytest.approx(
        spans[: len(with_none) - 1], rel=1e-4
    )
