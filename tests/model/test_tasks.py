"""Each task against transformers' forward pass on the same text, padded, and against arithmetic."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from xlm_model import (
    XLMConfig,
    XLMForSequenceClassification,
    XLMForTokenClassification,
    XLMModel,
    XLMWithLMHeadModel,
    tasks,
)
from xlm_text import InputError, XLMTokenizer

from .helpers import reference

TEXTS = [
    "The river flows through the old town.",
    "Where?",
    "In the morning the committee published its report on the price of bread and of milk.",
    "She said: no!",
]
LANGS = ["en", "en", "en", "de"]
QUESTION = "Which river flows through the old town?"
CONTEXT = (
    "Many towns lie on rivers. The river Spree, not the Elbe, flows through the old town of Berlin "
    "and turns to the north."
)


@pytest.fixture(scope="module")
def tokenizer() -> XLMTokenizer:
    return XLMTokenizer.from_pretrained(use_lang_emb=True)


def folder_of(name: str, tokenizer: XLMTokenizer, folder: Path, **settings: Any) -> Any:
    """Write a checkpoint of the reference with our vocabulary; return the reference's model."""
    known = tokenizer.lang2id or {}
    model = reference(
        name,
        vocab_size=len(tokenizer),
        max_position_embeddings=64,
        n_langs=len(known),
        lang2id=known,
        id2lang={i: lang for lang, i in known.items()},
        **settings,
    )
    with torch.no_grad():
        # Large enough that probabilities differ from each other well above rounding.
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return model.eval()


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
            best = scores[row, place].topk(4)
            assert [f.id for f in mask.fills] == best.indices.tolist()
            assert [f.score for f in mask.fills] == pytest.approx(best.values.tolist(), rel=1e-4)
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
    right = sorted(((scores[i].item(), i) for i in ids), reverse=True)
    assert [f.id for f in mask.fills] == [i for _, i in right]
    assert [f.score for f in mask.fills] == pytest.approx([s for s, _ in right], rel=1e-4)


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
        assert found.index == right.argmax()
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
            word_scores = {
                "none": inner[0],
                "first": inner[0],
                "average": inner.sum(0) / len(tokens),
                "max": inner[int(inner.max(1).values.argmax())],
            }[aggregation]
            assert one.score == pytest.approx(word_scores.max().item(), rel=1e-4)
            assert one.label == ["O", "PLACE", "PERSON"][word_scores.argmax()]
            assert one.start == batch["offset_mapping"][row][tokens[0]][0]
            assert one.end == batch["offset_mapping"][row][tokens[-1]][1]


@torch.no_grad()
def test_embeddings_are_the_states_without_padding(tokenizer: XLMTokenizer, tmp_path: Path) -> None:
    # A checkpoint with a language-model head, which embeddings do not use: no warning either.
    theirs = folder_of("XLMWithLMHeadModel", tokenizer, tmp_path)
    batch = inputs(tokenizer, TEXTS, lang=LANGS)
    states, mask = theirs.transformer(**batch).last_hidden_state, batch["attention_mask"][..., None]
    mean = (states * mask).sum(1) / mask.sum(1)
    for pooling, right in (("mean", mean), ("first", states[:, 0])):
        embed = tasks.SentenceEmbedding.from_pretrained(tmp_path, pooling=pooling, device="cpu")
        got = torch.stack(embed(TEXTS, LANGS))
        torch.testing.assert_close(got, right, rtol=1e-5, atol=1e-5)
        for text, lang, vector in zip(TEXTS, LANGS, right, strict=True):
            torch.testing.assert_close(embed([text], lang)[0], vector, rtol=1e-5, atol=1e-5)
    embed = tasks.TokenEmbedding.from_pretrained(tmp_path, device="cpu")
    for i, found in enumerate(embed(TEXTS, LANGS)):
        count = int(mask[i].sum()) - 2
        torch.testing.assert_close(found.vectors, states[i, 1 : count + 1], rtol=1e-5, atol=1e-5)
        pieces = tokenizer.tokenize(TEXTS[i], lang=LANGS[i])
        assert found.tokens == pieces
        for (start, end), piece in zip(found.offsets, pieces, strict=True):
            assert TEXTS[i][start:end].lower() == piece.removesuffix("</w>")


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


# Streams, and bad input ---------------------------------------------------------------------


def small(cls: Any, tokenizer: XLMTokenizer, **settings: Any) -> Any:
    config = {"emb_dim": 32, "n_layers": 2, "n_heads": 4, "max_position_embeddings": 64}
    return cls(XLMConfig(vocab_size=len(tokenizer), **config, **settings)).eval()


def test_a_stream_gives_results_in_order_whatever_the_batches(tokenizer: XLMTokenizer) -> None:
    model = small(XLMModel, tokenizer)
    texts = [" ".join(["river"] * (1 + i * 7 % 13)) for i in range(600)]
    one = tasks.SentenceEmbedding(model, tokenizer, batch_size=1)
    many = tasks.SentenceEmbedding(model, tokenizer)
    alone = {text: one([text], "en")[0] for text in dict.fromkeys(texts)}
    read = 0

    def source() -> Iterator[str]:
        nonlocal read
        for text in texts:
            read += 1
            yield text

    for text, vector in zip(texts, many.stream(source(), itertools.repeat("en")), strict=True):
        torch.testing.assert_close(vector, alone[text], rtol=1e-5, atol=1e-5)
    assert read == 600


def test_a_bad_text_is_named_after_the_results_before_it(tokenizer: XLMTokenizer) -> None:
    embed = tasks.SentenceEmbedding(small(XLMModel, tokenizer), tokenizer)
    seen = []
    with pytest.raises(tasks.TextError, match=r"^text 300: the text is empty") as error:
        seen.extend(embed.stream(["river"] * 300 + [" "] + ["town"] * 300, "en"))
    assert len(seen) == error.value.index == 300


@pytest.mark.parametrize(
    ("texts", "lang", "message"),
    [
        (["no mask"], "en", "text 0: the text has no mask: expected <special1>"),
        (["<special1> " * 3], "en", "text 0: the text has 3 masks: expected at most 2"),
        (["<special1>", "a " * 63], "en", "text 1: the text has 65 tokens: expected at most 64"),
        (["<special1>"], "xx", "text 0: no language 'xx'"),
        (["<special1>", 5], "en", "text 1: must be a string, not int"),
        (["<special1>", "a"], ["en"], "lang has 1 languages: expected one for each text"),
        ("<special1>", "en", "examples is the string '<special1>': expected a list"),
    ],
)
def test_bad_texts(texts: Any, lang: Any, message: str, tokenizer: XLMTokenizer) -> None:
    fill = tasks.FillMask(small(XLMWithLMHeadModel, tokenizer), tokenizer, max_masks=2)
    with pytest.raises(InputError, match=message.replace("(", r"\(")):
        fill(texts, lang)


def test_what_is_too_long_is_cut_on_request(tokenizer: XLMTokenizer) -> None:
    model = small(XLMWithLMHeadModel, tokenizer)
    fill = tasks.FillMask(model, tokenizer, truncation=True)
    [masks] = fill(["<special1> " + "word " * 200], "en")
    assert len(masks) == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda m, t: tasks.FillMask(m, t, top_k=0), "top_k is 0: expected at least 1"),
        (lambda m, t: tasks.FillMask(m, t, batch_size=0), "batch_size is 0"),
        (lambda m, t: tasks.FillMask(m, t, candidates="word"), "candidates is 'word'"),
        (lambda m, t: tasks.FillMask(m.transformer, t), "model is a XLMModel: expected XLMWith"),
        (lambda m, t: tasks.SentenceEmbedding(m.transformer, t, pooling="max"), "pooling is 'max'"),
        (
            lambda m, t: tasks.FillMask(m, t, candidates=["counterrevolutionaries"])(
                ["<special1>"], "en"
            ),
            "the candidate 'counterrevolutionaries' is .*: expected one piece of the vocabulary",
        ),
    ],
)
def test_bad_options(make: Any, message: str, tokenizer: XLMTokenizer) -> None:
    with pytest.raises(InputError, match=message):
        make(small(XLMWithLMHeadModel, tokenizer), tokenizer)


def test_wrong_label_counts(tokenizer: XLMTokenizer) -> None:
    classifier = small(XLMForSequenceClassification, tokenizer, num_labels=3)
    with pytest.raises(InputError, match="labels has 2 names: expected 3"):
        tasks.TextClassification(classifier, tokenizer, labels=["a", "b"])
    tagger = small(XLMForTokenClassification, tokenizer, num_labels=3)
    with pytest.raises(InputError, match="labels has 4 names: expected 3"):
        tasks.TokenClassification(tagger, tokenizer, labels="abcd")
    with pytest.raises(InputError, match="aggregation is 'sum': expected one of none, first"):
        tasks.TokenClassification(tagger, tokenizer, aggregation="sum")


def test_a_tokenizer_of_another_checkpoint(tokenizer: XLMTokenizer) -> None:
    few = XLMModel(XLMConfig(vocab_size=100, emb_dim=32, n_layers=1, n_heads=4))
    with pytest.raises(InputError, match="the tokenizer has 16000 tokens and the model 100"):
        tasks.SentenceEmbedding(few, tokenizer)
    with pytest.raises(InputError, match="language ids up to 8 and the model 2 languages"):
        tasks.SentenceEmbedding(small(XLMModel, tokenizer, n_langs=2), tokenizer)


def test_a_causal_checkpoint_does_not_fill_masks(tokenizer: XLMTokenizer, tmp_path: Path) -> None:
    model = small(XLMWithLMHeadModel, tokenizer, causal=True)
    with pytest.raises(
        InputError, match=r"cannot fill masks with a CLM checkpoint: .*any_objective"
    ):
        tasks.FillMask(model, tokenizer)
    assert tasks.FillMask(model, tokenizer, any_objective=True)(["<special1>"], "en")
    # As published: `causal: false` in the configuration, and only the name to go by.
    folder_of("XLMWithLMHeadModel", tokenizer, tmp_path / "xlm-clm-ende-1024")
    with pytest.raises(InputError, match="cannot fill masks"):
        tasks.FillMask.from_pretrained(tmp_path / "xlm-clm-ende-1024", device="cpu")


@pytest.mark.parametrize("device", ["cuda:7", "nonsense"])
def test_a_device_that_is_not_there(device: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"device is '{device}': expected one that this machine"):
        tasks.FillMask.from_pretrained(tmp_path, device=device)


def test_eight_bit_and_sixteen_bit_weights_say_nearly_the_same(
    tokenizer: XLMTokenizer, tmp_path: Path
) -> None:
    folder_of("XLMModel", tokenizer, tmp_path)
    exact = tasks.SentenceEmbedding.from_pretrained(tmp_path, device="cpu")
    for options in ({"int8": True}, {"dtype": torch.bfloat16}):
        embed = tasks.SentenceEmbedding.from_pretrained(tmp_path, device="cpu", **options)
        for right, got in zip(exact(TEXTS, LANGS), embed(TEXTS, LANGS), strict=True):
            assert got.dtype == torch.float32
            assert not torch.equal(got, right)
            assert torch.cosine_similarity(got, right, dim=0) > 0.98
    with pytest.raises(InputError, match="int8 is True and device is"):
        tasks.SentenceEmbedding.from_pretrained(tmp_path, device="meta", int8=True)


def test_transformers_reads_the_same_folder(tokenizer: XLMTokenizer, tmp_path: Path) -> None:
    folder_of("XLMWithLMHeadModel", tokenizer, tmp_path)
    assert transformers.XLMConfig.from_pretrained(tmp_path).vocab_size == len(tokenizer)
