"""Streams through tasks, options, and what is refused."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from xlm_model import (
    XLMConfig,
    XLMForQuestionAnswering,
    XLMForQuestionAnsweringSimple,
    XLMForSequenceClassification,
    XLMForTokenClassification,
    XLMModel,
    XLMWithLMHeadModel,
    tasks,
)
from xlm_text import InputError, XLMTokenizer

from .helpers import LANGS_OF_TEXTS as LANGS
from .helpers import TEXTS, folder_of, small


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


@pytest.mark.parametrize("head", [XLMForQuestionAnsweringSimple, XLMForQuestionAnswering])
def test_answers_do_not_depend_on_the_batch(head: Any, tokenizer: XLMTokenizer) -> None:
    model = small(head, tokenizer, embed_init_std=0.3, init_std=0.2)
    examples = [("Which river?", text) for text in (TEXTS[2], TEXTS[1], TEXTS[0], " ".join(TEXTS))]
    options: dict[str, Any] = {"n_best": 5, "window": 24, "stride": 4}
    together = tasks.QuestionAnswering(model, tokenizer, **options)(examples, "en")
    alone = tasks.QuestionAnswering(model, tokenizer, batch_size=1, **options)(examples, "en")
    for got, expected in zip(together, alone, strict=True):
        assert {(a.start, a.end) for a in got} == {(a.start, a.end) for a in expected}
        assert [a.score for a in got] == pytest.approx([a.score for a in expected], rel=1e-4)


def test_what_a_configuration_asks_for_beside_is_not_computed(tokenizer: XLMTokenizer) -> None:
    plain = small(XLMForTokenClassification, tokenizer)
    asking = small(
        XLMForTokenClassification, tokenizer, output_attentions=True, output_hidden_states=True,
        return_dict=False,
    )  # fmt: skip
    asking.load_state_dict(plain.state_dict())
    found = [tasks.TokenClassification(model, tokenizer)(TEXTS, LANGS) for model in (plain, asking)]
    assert found[0] == found[1]


def test_a_bad_text_is_named_after_the_results_before_it(tokenizer: XLMTokenizer) -> None:
    embed = tasks.SentenceEmbedding(small(XLMModel, tokenizer), tokenizer)
    seen = []
    with pytest.raises(tasks.TextError, match=r"^text 300: the text is empty") as error:
        seen.extend(embed.stream(["river"] * 300 + [" "] + ["town"] * 300, "en"))
    assert len(seen) == error.value.index == 300


def test_texts_that_cannot_be_used_are_left_out_in_their_place(tokenizer: XLMTokenizer) -> None:
    embed = tasks.SentenceEmbedding(small(XLMModel, tokenizer), tokenizer)
    good = [f"river {i}" for i in range(600)]
    texts: list[Any] = list(good)
    for place in (0, 300, 301, 603):
        texts.insert(place, " " if place else None)
    seen: list[Any] = []
    for vector in embed.stream(texts, "en", skipped=seen.append):
        seen.append(vector)
    errors = {i: one for i, one in enumerate(seen) if isinstance(one, tasks.TextError)}
    assert [(i, error.number) for i, error in errors.items()] == [
        (i, i) for i in (0, 300, 301, 603)
    ]
    assert str(errors[0]) == "text[0] must be a string, not None"
    assert errors[300].reason.startswith("the text is empty")
    vectors = [one for i, one in enumerate(seen) if i not in errors]
    for vector, right in zip(vectors, embed(good, "en"), strict=True):
        torch.testing.assert_close(vector, right, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("texts", "lang", "message"),
    [
        (["no mask"], "en", "text 0: the text has no mask: expected <special1>"),
        (["<special1> " * 3], "en", "text 0: the text has 3 masks: expected at most 2"),
        (["<special1>", "a " * 63], "en", "text 1: the text has 65 tokens: expected at most 64"),
        (["<special1>"], "xx", "text 0: no language 'xx'"),
        (["<special1>", 5], "en", r"text\[1\] must be a string, not int"),
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
        (lambda m, t: tasks.SentenceEmbedding(m.transformer, t, pooling="sum"), "pooling is 'sum'"),
        (lambda m, t: tasks.SentenceEmbedding(m.transformer, t, layer=3), "layer is 3: expected 0"),
        (lambda m, t: tasks.TokenEmbedding(m.transformer, t, layer=-4), "layer is -4: expected 0"),
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


@pytest.mark.slow
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
    with pytest.raises(InputError, match="int8=True works on a CPU only"):
        tasks.SentenceEmbedding.from_pretrained(tmp_path, device="meta", int8=True)
