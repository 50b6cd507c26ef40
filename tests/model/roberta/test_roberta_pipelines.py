"""`xlm_model.pipeline` over XLM-RoBERTa against transformers' pipelines over the same folder."""

from __future__ import annotations

import warnings
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

import xlm_model
from xlm_model import pipeline
from xlm_text import InputError, XLMTokenizer

from ..helpers import TEXTS
from ..test_pipelines import close
from .conftest import folder_of
from .support import TOLERANCE

MASKED = ["The river <mask> through the old town.", "<mask> said: no!"]
ENTAILMENT = ["contradiction", "neutral", "entailment"]
ENTITIES = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
CLASSES = "XLMRobertaForSequenceClassification"
TAGS = "XLMRobertaForTokenClassification"


def named(labels: list[str]) -> dict[str, Any]:
    """Return the settings of a model with these classes."""
    names = dict(enumerate(labels))
    return {"id2label": names, "label2id": {name: i for i, name in names.items()}}


def both(
    task: str, head: str, tokenizer: Any, folder: Path, settings: Any = None, **options: Any
) -> tuple[Any, Any]:
    """Return our pipeline and transformers', of the same folder."""
    folder_of(head, tokenizer, folder, **(settings or {}))
    # Some pipelines change their tokenizer.
    theirs = transformers.pipeline(task, str(folder), tokenizer=deepcopy(tokenizer), **options)
    return pipeline(task, folder, device="cpu", **options), theirs


@pytest.mark.parametrize(
    ("given", "options"),
    [
        (MASKED, {}),
        (MASKED[0], {}),
        (MASKED[:1], {}),
        ("A <mask> and a <mask>.", {"top_k": 2}),
        (["A <mask> and a <mask>.", MASKED[0]], {}),
        (MASKED[0], {"tokenizer_kwargs": {"truncation": True}}),
        (MASKED, {"batch_size": 1}),
    ],
)
def test_masks_are_filled_as_in_the_reference(
    given: Any, options: dict[str, Any], roberta_tokenizer: Any, tmp_path: Path
) -> None:
    ours, theirs = both("fill-mask", "XLMRobertaForMaskedLM", roberta_tokenizer, tmp_path)
    close(ours(given, **options), theirs(given, **options))


def test_words_and_pieces_to_choose_from_are_those_of_the_reference(
    roberta_tokenizer: Any, tmp_path: Path
) -> None:
    ours, theirs = both("fill-mask", "XLMRobertaForMaskedLM", roberta_tokenizer, tmp_path)
    # In order: a vocabulary comes in another one in each process.
    special = set(roberta_tokenizer.all_special_tokens)
    vocabulary = sorted(roberta_tokenizer.get_vocab().keys() - special)
    pieces = [piece for piece in vocabulary if len(piece) > 1][8:12]
    word = next(p[1:] for p in vocabulary if p[0] == "▁" and p[1:] and p[1:] not in vocabulary)
    for targets in (pieces, pieces[0], [word, pieces[1]]):
        close(ours(MASKED[0], targets=targets), theirs(MASKED[0], targets=targets))
    with pytest.raises(InputError, match="expected one piece of the vocabulary"):
        ours(MASKED[0], targets=["photosynthesis"])


@pytest.mark.parametrize(
    ("settings", "made", "given", "options"),
    [
        ({"num_labels": 3}, {}, TEXTS, {}),
        ({"num_labels": 3}, {}, TEXTS[0], {}),
        ({"num_labels": 3}, {}, TEXTS[0], {"top_k": 2}),
        ({"num_labels": 3}, {}, TEXTS, {"top_k": 1}),
        ({"num_labels": 3}, {}, TEXTS, {"top_k": None}),
        ({"num_labels": 3}, {"top_k": None}, TEXTS[0], {}),
        ({"num_labels": 3}, {}, {"text": TEXTS[0], "text_pair": TEXTS[1]}, {}),
        ({"num_labels": 3}, {}, [{"text": TEXTS[0], "text_pair": TEXTS[1]}], {}),
        ({"num_labels": 3}, {}, TEXTS, {"function_to_apply": "none"}),
        ({"num_labels": 3}, {}, TEXTS, {"function_to_apply": "sigmoid"}),
        ({"num_labels": 1}, {}, TEXTS, {}),
        ({"num_labels": 1, "problem_type": "regression"}, {}, TEXTS, {}),
        ({"problem_type": "multi_label_classification"}, {}, TEXTS, {"top_k": None}),
        ({"num_labels": 3}, {}, ["the river " * 200], {"truncation": True}),
        ({"num_labels": 3}, {}, TEXTS, {"truncation": True, "max_length": 7}),
    ],
)
def test_texts_are_classified_as_in_the_reference(
    settings: dict[str, Any],
    made: dict[str, Any],
    given: Any,
    options: dict[str, Any],
    roberta_tokenizer: Any,
    tmp_path: Path,
) -> None:
    ours, theirs = both(
        "text-classification", CLASSES, roberta_tokenizer, tmp_path, settings, **made
    )
    if "truncation" in options:
        theirs.tokenizer.model_max_length = 128
    close(ours(given, **options), theirs(given, **options))


@pytest.mark.parametrize(
    "options",
    [
        {"candidate_labels": ["river", "bread", "rain"]},
        {"candidate_labels": "river, bread,rain"},
        {"candidate_labels": ["river", "bread"], "multi_label": True},
        {"candidate_labels": "river"},
        {"candidate_labels": ["river", "bread"], "hypothesis_template": "Le sujet: {}."},
    ],
)
def test_labels_follow_from_texts_as_in_the_reference(
    options: dict[str, Any], roberta_tokenizer: Any, tmp_path: Path
) -> None:
    ours, theirs = both(
        "zero-shot-classification", CLASSES, roberta_tokenizer, tmp_path, named(ENTAILMENT)
    )
    for text in (TEXTS[0], TEXTS[:2]):
        close(ours(text, **options), theirs(text, **options))
    labels = options["candidate_labels"]
    rest = {k: v for k, v in options.items() if k != "candidate_labels"}
    close(ours(TEXTS[0], labels, **rest), theirs(TEXTS[0], labels, **rest))


@pytest.mark.filterwarnings("ignore:Tokenizer does not support real words")
@pytest.mark.parametrize("strategy", ["none", "simple", "first", "average", "max"])
def test_tokens_are_labelled_as_in_the_reference(
    strategy: str, roberta_tokenizer: Any, tmp_path: Path
) -> None:
    # What the vocabulary lacks is among it.
    texts = [*TEXTS, "Ωmega came to the öld town, said 東京."]
    settings = named(ENTITIES)
    ours, theirs = both(
        "ner", TAGS, roberta_tokenizer, tmp_path, settings, aggregation_strategy=strategy
    )
    ignored = {"ignore_labels": ["PER", "B-PER", "I-LOC"]}
    for given, options in ((texts, {}), (texts[0], {}), (texts[0], ignored)):
        got, expected = flat(ours(given, **options)), flat(theirs(given, **options))
        if strategy in ("first", "average", "max"):
            # The reference loses the spaces between the words of an entity.
            for one in got:
                one["word"] = one["word"].replace(" ", "")
        close(got, expected)


def test_states_are_those_of_the_reference(roberta_tokenizer: Any, tmp_path: Path) -> None:
    ours, theirs = both("feature-extraction", "XLMRobertaModel", roberta_tokenizer, tmp_path)
    for expected, got in zip(theirs(TEXTS), ours(TEXTS), strict=True):
        torch.testing.assert_close(torch.tensor(got), torch.tensor(expected), **TOLERANCE)
    expected, got = (one(TEXTS[0], return_tensors=True) for one in (theirs, ours))
    torch.testing.assert_close(got, expected, **TOLERANCE)


def test_questions_are_answered_with_the_likeliest_spans_of_the_context(
    roberta_tokenizer: Any, tmp_path: Path
) -> None:
    head = "XLMRobertaForQuestionAnswering"
    theirs = folder_of(head, roberta_tokenizer, tmp_path)
    answer = pipeline("question-answering", tmp_path, device="cpu")
    found = answer(question="Who came?", context=TEXTS[0])
    assert sorted(found) == ["answer", "end", "score", "start"]
    assert found["answer"] == TEXTS[0][found["start"] : found["end"]]
    assert answer([{"question": "Who came?", "context": TEXTS[0]}]) == [found]
    assert len(answer(question="Who came?", context=TEXTS[0], top_k=3)) == 3
    encoded = roberta_tokenizer("Who came?", TEXTS[0], return_tensors="pt")
    with torch.no_grad():
        output = theirs(**encoded)
    ids = encoded.sequence_ids(0)
    inner = [i for i, which in enumerate(ids) if which == 1]
    best = max(
        (float(output.start_logits[0, s] + output.end_logits[0, e]), s, e)
        for s in inner
        for e in inner
        if s <= e < s + 15
    )
    offsets = roberta_tokenizer("Who came?", TEXTS[0], return_offsets_mapping=True)
    offsets = offsets["offset_mapping"]
    assert (found["start"], found["end"]) == (offsets[best[1]][0], offsets[best[2]][1])
    with pytest.raises(InputError, match="expected a dictionary of a question and a context"):
        answer([{"question": "Who came?"}])


def test_prompts_are_continued_in_the_references_dictionaries(
    roberta_tokenizer: Any, tmp_path: Path
) -> None:
    causal = {"is_decoder": True}
    go_on, theirs = both(
        "text-generation", "XLMRobertaForCausalLM", roberta_tokenizer, tmp_path, causal
    )
    for given in (TEXTS[0], TEXTS[:2]):
        got, expected = go_on(given, max_new_tokens=3), theirs(given, max_new_tokens=3)
        assert len(got) == len(expected)
        for one, other in zip(flat(got), flat(expected), strict=True):
            assert one.keys() == other.keys()
    model, text = go_on.model, "The river"
    with_space, without = set(), set()
    for token, piece in enumerate(roberta_tokenizer.convert_ids_to_tokens(range(4, 100))):
        # The likeliest word at every place is this one.
        with torch.no_grad():
            model.lm_head.proj.bias.zero_()[token + 4] = 1e4
        [full], [new] = (
            go_on(text, max_new_tokens=2, return_full_text=kept) for kept in (True, False)
        )
        decoded = roberta_tokenizer.decode(
            roberta_tokenizer(text)["input_ids"][1:-1] + [token + 4] * 2
        )
        assert full["generated_text"] == decoded
        assert new["generated_text"] == decoded.removeprefix(text).removeprefix(" ")
        (with_space if piece.startswith("▁") else without).add(piece)
    assert min(len(with_space), len(without)) > 3


def flat(found: Any) -> list[Any]:
    return [found] if isinstance(found, dict) else [each for one in found for each in flat(one)]


def test_options_that_are_not_there_are_one_error(roberta_tokenizer: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="task is 'summarization': expected one of fill-mask"):
        pipeline("summarization", tmp_path)
    with pytest.raises(InputError, match="tokenizer is missing"):
        pipeline("fill-mask", object())
    ours, _ = both("fill-mask", "XLMRobertaForMaskedLM", roberta_tokenizer, tmp_path)
    expected = "top_n is no option of a FillMaskPipeline: expected one of targets, tokenizer_kwargs"
    with pytest.raises(InputError, match=expected):
        ours(MASKED[0], top_n=3)
    with pytest.raises(InputError, match="top_n is no option"):
        pipeline("fill-mask", ours.model, ours.tokenizer, top_n=3)
    with pytest.raises(InputError, match="tokenizer_kwargs has padding: expected truncation alone"):
        ours(MASKED[0], tokenizer_kwargs={"padding": True})
    with pytest.raises(InputError, match="no mask"):
        ours("There is none here.")
    with pytest.raises(ValueError, match="dtype is 'int8'"):
        pipeline("fill-mask", ours.model, ours.tokenizer, dtype="int8")


def test_arguments_of_loading_are_taken(roberta_tokenizer: Any, tmp_path: Path) -> None:
    folder_of("XLMRobertaForMaskedLM", roberta_tokenizer, tmp_path)
    options = {"trust_remote_code": False, "use_fast": True, "revision": "main", "top_k": 2}
    for where in ({"device": -1}, {"device_map": "cpu"}, {"device": torch.device("cpu")}):
        fill = pipeline("fill-mask", tmp_path, torch_dtype="bfloat16", **where, **options)
        assert fill.model.dtype == torch.bfloat16
        assert fill.model.device.type == "cpu"
        assert len(fill(MASKED[0])) == 2
    again = pipeline("fill-mask", fill.model, tmp_path, top_k=2)
    assert again(MASKED[0]) == fill(MASKED[0])


def test_a_language_has_no_effect_and_one_notice(roberta_tokenizer: Any, tmp_path: Path) -> None:
    fill, _ = both("fill-mask", "XLMRobertaForMaskedLM", roberta_tokenizer, tmp_path)
    with pytest.warns(UserWarning, match="lang has no effect") as told:
        found = fill(MASKED, lang="fr")
    assert len(told) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert fill(MASKED, lang="de") == fill(MASKED) == found


def test_pipelines_work_over_xlm_models() -> None:
    english = XLMTokenizer.from_pretrained()
    settings = {"vocab_size": len(english), "emb_dim": 32, "n_layers": 2, "n_heads": 4}
    model = xlm_model.XLMWithLMHeadModel(xlm_model.XLMConfig(**settings)).eval()
    [first, *_] = pipeline("fill-mask", model, english, lang="en")("The <special1> flows.")
    assert first["sequence"].startswith("the ")
    causal = xlm_model.XLMWithLMHeadModel(xlm_model.XLMConfig(**settings, causal=True)).eval()
    go_on = pipeline("text-generation", causal, english, lang="en", max_new_tokens=3)
    [found] = go_on("The river")
    assert found["generated_text"].startswith("The river ")
