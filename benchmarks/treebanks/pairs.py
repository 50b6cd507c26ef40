"""Translation or not, the right translation of four, and questions answered by a word."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.treebanks import baselines
from benchmarks.treebanks.commands import Shell
from benchmarks.treebanks.data import CHOICES, PARTS, Treebanks
from benchmarks.treebanks.pretraining import MASKED, RELATED, TRANSLATIONS, learn_masked_words
from benchmarks.treebanks.report import Report

_HOW = ("--learning-rate", "5e-4", "-q")
_CLASSIFY = ("--epochs", "2", "--batch-size", "16", "--truncation", *_HOW)
_CHOOSE = ("--epochs", "2", "--batch-size", "8", "--truncation", *_HOW)
_ANSWER = ("--epochs", "5", "--batch-size", "16", *_HOW)


def run(shell: Shell, treebanks: Treebanks, report: Report) -> None:
    """Teach the model that learnt masked words each task, and score it beside its baselines."""
    learn_masked_words(shell, treebanks)
    _translations(shell, treebanks, report)
    _choices(shell, treebanks, report)
    _questions(shell, treebanks, report)


def _translations(shell: Shell, treebanks: Treebanks, report: Report) -> None:
    files = _files({f"{a}-{b}": _of(treebanks.pairs, a, b) for a, b in TRANSLATIONS})
    scores = _finetune(shell, "classify", files, _CLASSIFY)
    found = []
    for a, b in TRANSLATIONS:
        train, test = (treebanks.pair_rows(a, b, part) for part in ("train", "test"))
        by_length = baselines.pairs_by_length(train, test)
        found.append([f"{a}-{b}", len(test), 1 / 2, by_length, scores[f"{a}-{b}"]["accuracy"]])
    report.add(
        "Whether one sentence is the translation of another or not, in percent: by chance, by "
        "nothing but the lengths of the two, and by the model.",
        ["languages", "pairs", "chance:1", "by length:1", "right:1", "±:1"],
        _rows(found),
    )


def _choices(shell: Shell, treebanks: Treebanks, report: Report) -> None:
    files = _files({f"{a}-{b}": _of(treebanks.choices, a, b) for a, b in TRANSLATIONS})
    scores = _finetune(shell, "choose", files, _CHOOSE)
    found = []
    for a, b in TRANSLATIONS:
        test = treebanks.choice_rows(a, b, "test")
        by_length = baselines.choices_by_length(test)
        name = f"{a}-{b}"
        found.append([name, len(test), 1 / CHOICES, by_length, scores[name]["accuracy"]])
    report.add(
        f"Which of {CHOICES} sentences is the translation, in percent: by chance, by nothing but "
        "the lengths, and by the model.",
        ["languages", "sentences", "chance:1", "by length:1", "right:1", "±:1"],
        _rows(found),
    )


def _questions(shell: Shell, treebanks: Treebanks, report: Report) -> None:
    files = _files({lang: _of(treebanks.questions, lang) for lang in RELATED})
    scores = _finetune(shell, "answer", files, _ANSWER)
    found = []
    for lang in RELATED:
        train, test = (treebanks.questions_of(lang, part) for part in ("train", "test"))
        chance, usual = baselines.answers(train, test)
        found.append([lang, len(test), chance, usual, scores[lang]["exact_match"]])
    report.add(
        "Which word depends on another in a certain way, in percent of exact matches: any word of "
        "the sentence, the word where the answers after this relation stand most often, counted "
        "from the word that is asked about, and the model.",
        ["language", "questions", "chance:1", "usual place:1", "right:1", "±:1"],
        _rows(found),
    )


def _of(make: Callable[..., str], *langs: str) -> dict[str, str]:
    return {part: make(*langs, part) for part in PARTS}


def _files(found: Mapping[str, Mapping[str, str]]) -> tuple[str, ...]:
    """Return what is trained on, and the options with the rest."""
    train, valid, test = (
        [f"{name}={files[part]}" for name, files in found.items()] for part in PARTS
    )
    return (*train, "--valid", ",".join(valid), "--test", ",".join(test))


def _finetune(shell: Shell, task: str, files: tuple[str, ...], how: tuple[str, ...]) -> Any:
    command = ("xlm-model", "finetune", task, f"{MASKED}/best")
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
