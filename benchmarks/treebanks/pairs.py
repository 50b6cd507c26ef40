"""Translation or not, the right translation of four, and questions answered by a word."""

from __future__ import annotations

from collections import Counter
from typing import Any

from benchmarks.treebanks.baselines import (
    Distance,
    answers,
    choices_by,
    is_at_usual_place,
    pairs_by,
    unshared_pieces,
    usual_places,
)
from benchmarks.treebanks.commands import Shell
from benchmarks.treebanks.comparing import (
    COMPARED,
    FOUND_WORDS,
    LANGS,
    MODEL,
    PAIRS,
    arguments,
    learn_to_compare,
)
from benchmarks.treebanks.data import CHOICES, PARTS, Treebanks, difference
from benchmarks.treebanks.report import Report
from xlm_model.tasks import QuestionAnswering
from xlm_text import XLMTokenizer

_HOW = ("--learning-rate", "5e-4", "-q")
_CLASSIFY = ("--epochs", "2", "--batch-size", "16", "--truncation", *_HOW)
_CHOOSE = ("--epochs", "2", "--batch-size", "8", "--truncation", *_HOW)
_COUNTED = (
    "by how many pieces both share, and by the model. The wrong ones are about as long as the "
    "right one."
)
_ANSWER = ("--epochs", "3", "--batch-size", "16", *_HOW)


def run(shell: Shell, treebanks: Treebanks, report: Report) -> None:
    """Teach a model that compares texts each task, and score it beside its baselines."""
    learn_to_compare(shell, treebanks)
    _translations(shell, treebanks, report)
    _choices(shell, treebanks, report)
    _questions(shell, treebanks, report)
    _questions_by_relation(shell, treebanks, report)


def _translations(shell: Shell, treebanks: Treebanks, report: Report) -> None:
    files = arguments(PAIRS, treebanks.pairs, PARTS)
    scores = _finetune(shell, "classify", COMPARED, files, _CLASSIFY)
    found = []
    for name, langs in PAIRS.items():
        train, test = (treebanks.pair_rows(*langs, part) for part in ("train", "test"))
        unread = [1 / 2, pairs_by(difference, train, test)]
        counted = pairs_by(_unshared(shell, *langs), train, test)
        found.append([name, len(test), *unread, counted, scores[name]["accuracy"]])
    report.add(
        "Whether one sentence is the translation of another or not, in percent: by chance, by "
        f"nothing but the lengths of the two, {_COUNTED}",
        ["languages", "pairs", "chance:1", "by length:1", "by pieces:1", "the model:1", "±:1"],
        _rows(found),
    )


def _choices(shell: Shell, treebanks: Treebanks, report: Report) -> None:
    files = arguments(PAIRS, treebanks.choices, PARTS)
    scores = _finetune(shell, "choose", COMPARED, files, _CHOOSE)
    found = []
    for name, langs in PAIRS.items():
        test = treebanks.choice_rows(*langs, "test")
        unread = [1 / CHOICES, choices_by(difference, test)]
        counted = choices_by(_unshared(shell, *langs), test)
        found.append([name, len(test), *unread, counted, scores[name]["accuracy"]])
    report.add(
        f"Which of {CHOICES} sentences is the translation, in percent: by chance, by nothing but "
        f"the lengths, {_COUNTED}",
        ["languages", "sentences", "chance:1", "by length:1", "by pieces:1", "the model:1", "±:1"],
        _rows(found),
    )


def _questions(shell: Shell, treebanks: Treebanks, report: Report) -> None:
    files = arguments(LANGS, treebanks.questions, PARTS)
    scores = _finetune(shell, "answer", FOUND_WORDS, files, _ANSWER)
    found = []
    for lang in LANGS:
        train, test = (treebanks.questions_of(lang, part) for part in ("train", "test"))
        chance, usual = answers(train, test)
        found.append([lang, len(test), chance, usual, scores[lang]["exact_match"]])
    report.add(
        "Which word depends on another in a certain way, in percent of exact matches: any word of "
        "the sentence, the word where the answers after this relation stand most often, counted "
        "from the word that is asked about, and the model.",
        ["language", "questions", "chance:1", "usual place:1", "the model:1", "±:1"],
        _rows(found),
    )


def _questions_by_relation(shell: Shell, treebanks: Treebanks, report: Report) -> None:
    task = QuestionAnswering.from_pretrained(shell.folder / "task-answer" / "best")
    asked: Counter[str] = Counter()
    usual: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for lang in LANGS:
        train, test = (treebanks.questions_of(lang, part) for part in ("train", "test"))
        places = usual_places(train)
        rows = [question.row for question in test]
        found = task([(row["question"], row["context"]) for row in rows], lang=lang)
        for question, row, (answer, *_) in zip(test, rows, found, strict=True):
            asked[question.relation] += 1
            usual[question.relation] += is_at_usual_place(question, places)
            right[question.relation] += answer.text == row["answer"]
    report.add(
        "The same questions by relation, all languages together.",
        ["relation", "questions", "usual place:1", "the model:1"],
        [[one, asked[one], *(100 * n[one] / asked[one] for n in (usual, right))] for one in asked],
    )


def _unshared(shell: Shell, first: str, second: str) -> Distance:
    return unshared_pieces(XLMTokenizer.from_pretrained(shell.folder / MODEL), first, second)


def _finetune(
    shell: Shell, task: str, start: str, files: tuple[str, ...], how: tuple[str, ...]
) -> Any:
    command = ("xlm-model", "finetune", task, f"{start}/best")
    shell.make(f"task-{task}", *command, *files, *how)
    return shell.read_json(f"task-{task}/scores.json")["test"]


def _rows(found: list[list[Any]]) -> list[list[str | float]]:
    """Return the scores in percent, with standard errors, and their means.

    The sentences are the same in each row, so that the mean is taken to be no surer than a row.
    """
    count = len(found)
    mean = [sum(column) / count for column in list(zip(*found, strict=True))[2:]]
    each = [*found, ["mean", found[0][1], *mean]]
    return [
        [*row[:2], *(100 * x for x in row[2:]), 100 * (row[-1] * (1 - row[-1]) / row[1]) ** 0.5]
        for row in each
    ]
