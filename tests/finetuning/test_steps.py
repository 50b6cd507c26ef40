"""Losses and gradients of a step are the reference's on the same examples, padded."""

from __future__ import annotations

import pickle
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor

from xlm_model.finetuning import (
    AnswerTask,
    ChooseTask,
    ClassifyTask,
    FinetuningTask,
    TagTask,
)
from xlm_model.finetuning.batches import Item, ShuffledBatches
from xlm_model.finetuning.evaluation import LanguageScores
from xlm_model.finetuning.examples import read_examples
from xlm_model.finetuning.task import prepare
from xlm_model.finetuning.weights import class_weights, weighted_loss
from xlm_text import XLMTokenizer

# By the problem, or the task.
LABELS = {
    "single": ["no", "yes"],
    "multi": ["cold", "new", "old"],
    "tag": ["B-LOC", "B-PER", "I-PER", "O"],
}
PAIRS = [
    {"text": "The river flows.", "pair": "Le fleuve coule.", "label": "yes"},
    {"text": "Where?", "pair": "La ville est vieille, et la maison aussi.", "label": "no"},
    {"text": "She said no.", "pair": "Oui !", "label": "no"},
]
SENTENCES = [
    {"words": ["Unbelievably", "Quetzalcoatl", "flew", "."], "tags": ["O", "B-PER", "O", "O"]},
    {"words": ["Paris", "!"], "tags": ["B-LOC", "O"]},
    {"words": ["Anna", "Karenina"], "tags": ["B-PER", "I-PER"]},
]
CONTEXT = "Many towns lie on rivers. The river Spree, not the Elbe, flows through the old town."
QUESTIONS = [
    {"question": "Which river?", "context": CONTEXT,
     "answers": [{"text": "Spree", "answer_start": CONTEXT.index("Spree")}]},
    {"question": "Who?", "context": "Anna came.", "answers": []},
    {"question": "Where do towns lie?", "context": CONTEXT,
     "answers": [{"text": "on rivers", "answer_start": CONTEXT.index("on rivers")}]},
]  # fmt: skip
CHOICES = [
    {"text": "It rained.", "choices": ["We got wet.", "We got rich."], "label": 0},
    {"text": "Why?", "choices": ["No.", "Because she said so in the morning."], "label": 1},
]
CASES: list[Any] = [
    pytest.param(ClassifyTask(), "XLMForSequenceClassification", "en-fr", PAIRS, id="pairs"),
    pytest.param(
        ClassifyTask(problem="multi"),
        "XLMForSequenceClassification",
        "en",
        [{"text": "a", "label": "old,new"}, {"text": "the town", "label": "cold"}],
        id="several labels",
    ),
    pytest.param(
        ClassifyTask(problem="regression"),
        "XLMForSequenceClassification",
        "en",
        [{"text": "a", "label": 0.5}, {"text": "the old town", "label": -1}],
        id="values",
    ),
    pytest.param(TagTask(), "XLMForTokenClassification", "en", SENTENCES, id="tags"),
    pytest.param(AnswerTask(), "XLMForQuestionAnsweringSimple", "en", QUESTIONS, id="simple"),
    pytest.param(
        AnswerTask(window=20, stride=4),
        "XLMForQuestionAnsweringSimple",
        "en",
        QUESTIONS,
        id="simple, windows",
    ),
    pytest.param(
        AnswerTask(head="beam", window=20), "XLMForQuestionAnswering", "en", QUESTIONS, id="beam"
    ),
    pytest.param(ChooseTask(), "XLMForMultipleChoice", "en-fr", CHOICES, id="choices"),
]


def models(
    name: str, task: FinetuningTask, labels: Any, tokenizer: XLMTokenizer, folder: Path
) -> Any:
    """Return the reference's model and ours with its weights, without dropout."""
    names = {"id2label": dict(enumerate(labels))} if labels else {"num_labels": 2}
    settings: dict[str, Any] = {
        "vocab_size": len(tokenizer), "emb_dim": 32, "n_layers": 2, "n_heads": 4, "n_langs": 9,
        "max_position_embeddings": 64, "dropout": 0.0, "attention_dropout": 0.0,
        "summary_first_dropout": 0.0, "init_std": 0.2, "embed_init_std": 0.3,
        **names, **task.config(labels),
    }  # fmt: skip
    torch.manual_seed(1)
    theirs = getattr(transformers, name)(transformers.XLMConfig(**settings))
    theirs.save_pretrained(folder)
    return theirs.train(), task.model_class.from_pretrained(folder).train()


def items_of(
    task: FinetuningTask, ours: Any, label: str, rows: Any, labels: Any, tokenizer: XLMTokenizer
) -> list[Item]:
    [examples] = read_examples({label: rows}, task.column_names, task.read, tokenizer).values()
    inference = task.inference(ours, tokenizer, examples)
    numbers = {name: i for i, name in enumerate(labels or ())}
    made: list[Item] = []
    for example, sequences in zip(examples, prepare(inference, examples), strict=True):
        made += task.items(example, sequences, numbers)
    return made


def padded(sequences: Any, values: Any, fill: float) -> Tensor:
    """Return a list for each sequence side by side, filled up at the end."""
    rows = [torch.tensor(one) for one in values]
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=fill)


def their_inputs(
    task: FinetuningTask, items: list[Item], tokenizer: XLMTokenizer
) -> dict[str, Tensor]:
    """Return a padded batch as the reference's own examples make it."""
    sequences = [one for item in items for one in item.sequences]
    ids = padded(sequences, [one.ids for one in sequences], 2)
    inputs = {
        "input_ids": ids,
        "langs": padded(sequences, [one.langs for one in sequences], 0),
        "attention_mask": padded(sequences, [[1] * len(one) for one in sequences], 0),
    }
    targets = [item.target for item in items]
    if isinstance(task, TagTask):
        inputs["labels"] = padded(sequences, targets, -100)
    elif isinstance(task, AnswerTask):
        cls = torch.tensor([one.ids.index(1) for one in sequences])
        none = torch.zeros_like(cls) if task.head == "simple" else cls
        for i, name in enumerate(("start_positions", "end_positions")):
            found = [none[n] if one is None else one[i] for n, one in enumerate(targets)]
            inputs[name] = torch.tensor(found)
        if task.head == "beam":
            inputs["cls_index"] = cls
            inputs["is_impossible"] = torch.tensor([float(one is None) for one in targets])
            p_mask = torch.ones(ids.shape)
            for n, one in enumerate(sequences):
                assert one.second is not None
                p_mask[n, one.second : len(one) - 1] = 0
                p_mask[n, cls[n]] = 0
            inputs["p_mask"] = p_mask
    else:
        dtype = torch.float if task == ClassifyTask(problem="multi") else None
        inputs["labels"] = torch.tensor(targets, dtype=dtype)
    if isinstance(task, ChooseTask):
        for name in ("input_ids", "langs", "attention_mask"):
            inputs[name] = inputs[name].view(len(items), -1, ids.shape[1])
    return inputs


def their_loss(
    theirs: Any, task: FinetuningTask, items: list[Item], tokenizer: XLMTokenizer
) -> Tensor:
    if isinstance(task, AnswerTask) and task.head == "simple":
        # The reference's simple head takes padding for places where an answer may be.
        each = [theirs(**their_inputs(task, [item], tokenizer)).loss for item in items]
        return torch.stack(each).mean()
    loss: Tensor = theirs(**their_inputs(task, items, tokenizer)).loss
    return loss


@pytest.mark.parametrize(("task", "name", "label", "rows"), CASES)
def test_a_step_is_the_references_on_a_padded_batch(
    task: FinetuningTask, name: str, label: str, rows: Any, tokenizer: XLMTokenizer, tmp_path: Path
) -> None:
    labels = LABELS.get(getattr(task, "problem", task.name))
    theirs, ours = models(name, task, labels, tokenizer, tmp_path)
    items = items_of(task, ours, label, rows, labels, tokenizer)
    assert len({item.tokens for item in items}) > 1
    batch = ShuffledBatches(items, len(items), lambda drawn: task.collate(drawn, tokenizer), 0)[0]
    assert batch.tokens == sum(item.tokens for item in items)
    loss = task.loss(ours, batch)
    loss.backward()
    right = their_loss(theirs, task, items, tokenizer)
    right.backward()
    torch.testing.assert_close(loss, right, rtol=1e-5, atol=1e-5)
    gradients = {n: p.grad for n, p in theirs.named_parameters() if p.grad is not None}
    found = {n: p.grad for n, p in ours.named_parameters() if p.grad is not None}
    assert found.keys() == gradients.keys()
    for parameter, gradient in gradients.items():
        torch.testing.assert_close(found[parameter], gradient, rtol=1e-5, atol=1e-5)


def test_answers_are_where_their_characters_are(tokenizer: XLMTokenizer, tmp_path: Path) -> None:
    task = AnswerTask(window=20, stride=4)
    _, ours = models("XLMForQuestionAnsweringSimple", task, None, tokenizer, tmp_path)
    items = items_of(task, ours, "en", QUESTIONS, None, tokenizer)
    assert len(items) > len(QUESTIONS)
    found = []
    for [sequence], target in items:
        if target is not None:
            first, last = (sequence.offsets[at] for at in target)
            found.append(CONTEXT[first[0] : last[1]])
    # Windows overlap: an answer may be in two of them.
    assert set(found) == {"Spree", "on rivers"}
    assert sum(target is None for _, target in items) >= 1


def test_questions_may_have_different_numbers_of_choices(
    tokenizer: XLMTokenizer, tmp_path: Path
) -> None:
    task = ChooseTask()
    theirs, ours = models("XLMForMultipleChoice", task, None, tokenizer, tmp_path)
    three = {"text": "Where?", "choices": ["There.", "In the old town.", "No."], "label": 2}
    items = items_of(task, ours, "en", [*CHOICES, three], None, tokenizer)
    loss = task.loss(ours, task.collate(items, tokenizer))
    alone = [theirs(**their_inputs(task, [item], tokenizer)).loss for item in items]
    torch.testing.assert_close(loss, torch.stack(alone).mean(), rtol=1e-5, atol=1e-5)


def test_weights_of_classes_are_those_of_the_references_logits(
    tokenizer: XLMTokenizer, tmp_path: Path
) -> None:
    task, labels = ClassifyTask(), ["no", "yes"]
    theirs, ours = models("XLMForSequenceClassification", task, labels, tokenizer, tmp_path)
    items = items_of(task, ours, "en-fr", PAIRS, labels, tokenizer)
    weights = class_weights("balanced", labels, ["yes", "no", "no"])
    assert weights.tolist() == [0.75, 1.5]
    loss = weighted_loss(weights)(ours, task.collate(items, tokenizer))
    inputs = their_inputs(task, items, tokenizer)
    right = inputs.pop("labels")
    logits = theirs(**inputs).logits.log_softmax(-1)
    each = -logits[range(3), right] * weights[right]
    torch.testing.assert_close(loss, each.sum() / weights[right].sum(), rtol=1e-5, atol=1e-5)


def test_an_epoch_has_each_item_once_in_an_order_of_its_own() -> None:
    items = [Item((), number) for number in range(10)]
    batches: Any = ShuffledBatches(items, 4, lambda drawn: [one.target for one in drawn], 3)
    assert batches.per_epoch == 3
    epochs = [[x for i in range(3) for x in batches[3 * epoch + i]] for epoch in range(2)]
    assert [sorted(epoch) for epoch in epochs] == [list(range(10))] * 2
    assert epochs[0] != epochs[1]
    again: Any = ShuffledBatches(items, 4, lambda drawn: [one.target for one in drawn], 3)
    assert again[4] == batches[4]  # whatever was drawn before
    other: Any = ShuffledBatches(items, 4, lambda drawn: [one.target for one in drawn], 4)
    assert [other[i] for i in range(3)] != [again[i] for i in range(3)]


@pytest.mark.parametrize("task", [ClassifyTask(), AnswerTask(head="beam")])
def test_batches_reach_other_processes(
    task: FinetuningTask, tokenizer: XLMTokenizer, tmp_path: Path
) -> None:
    is_answer = isinstance(task, AnswerTask)
    name = "XLMForQuestionAnswering" if is_answer else "XLMForSequenceClassification"
    labels = None if is_answer else LABELS["single"]
    _, ours = models(name, task, labels, tokenizer, tmp_path)
    items = items_of(task, ours, "en", QUESTIONS if is_answer else PAIRS, labels, tokenizer)
    batches = ShuffledBatches(items, 2, partial(task.collate, tokenizer=tokenizer), 0)
    batch = pickle.loads(pickle.dumps(batches))[1].to("cpu")
    assert batch.packed.input_ids.tolist() == batches[1].packed.input_ids.tolist()
    for name, target in batches[1].targets.items():
        torch.testing.assert_close(batch.targets[name], target)


def test_processes_share_an_evaluation(tokenizer: XLMTokenizer, tmp_path: Path) -> None:
    task, labels = ClassifyTask(), LABELS["single"]
    _, ours = models("XLMForSequenceClassification", task, labels, tokenizer, tmp_path)
    rows = [dict(PAIRS[i % 3], text=f"{i} the river") for i in range(7)]
    examples = read_examples({"en-fr": rows}, task.column_names, task.read, tokenizer)
    scores = LanguageScores(task, ours, tokenizer, examples, labels)
    parts: list[list[Any]] = []

    def keep(found: list[Any]) -> list[list[Any]]:
        parts.append(found)
        return [found * 4]

    for process in range(3):
        scores.of(ours, slice(process, None, 3), keep)
    assert [len(part) for part in parts] == [3, 2, 2]
    assert scores.of(ours, slice(0, None, 3), lambda _: parts) == scores.of(ours)
