"""Translation or not, the right translation of four, and questions answered by a word."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.treebanks.commands import Shell
from benchmarks.treebanks.data import CHOICES, LANGUAGES, PARTS, Question, Treebanks
from benchmarks.treebanks.pretraining import TRANSLATED, TRANSLATIONS, pretrain
from benchmarks.treebanks.report import Report

_RATE = ("--batch-size", "16", "--learning-rate", "1e-3", "-q", "--truncation")
_CLASSIFY = (*_RATE, "--epochs", "6")
_CHOOSE = (*_RATE, "--epochs", "4")
_ANSWER = (*_RATE[:-1], "--epochs", "4")


def run(shell: Shell, treebanks: Treebanks, report: Report) -> None:
    """Teach the model that learnt translations each task, and score it beside its baselines."""
    pretrain(shell, treebanks)
    _translations(shell, treebanks, report)
    _choices(shell, treebanks, report)
    _questions(shell, treebanks, report)


def _translations(shell: Shell, treebanks: Treebanks, report: Report) -> None:
    files = _files({f"{a}-{b}": _of(treebanks.pairs, a, b) for a, b in TRANSLATIONS})
    scores = _finetune(shell, "classify", files, _CLASSIFY)
    count = 2 * len(treebanks.part("en", "test"))
    report.add(
        "Whether one sentence is the translation of another, in percent. The others are of about "
        "the same length.",
        ["languages", "pairs", "baseline:1", "right:1", "±:1"],
        [
            _row(name, count if name != "mean" else count * len(TRANSLATIONS), 50.0, found)
            for name, found in scores.items()
        ],
    )


def _choices(shell: Shell, treebanks: Treebanks, report: Report) -> None:
    files = _files({f"{a}-{b}": _of(treebanks.choices, a, b) for a, b in TRANSLATIONS})
    scores = _finetune(shell, "choose", files, _CHOOSE)
    count = len(treebanks.part("en", "test"))
    report.add(
        f"Which of {CHOICES} sentences of about the same length is the translation, in percent.",
        ["languages", "sentences", "baseline:1", "right:1", "±:1"],
        [
            _row(
                *(name, count if name != "mean" else count * len(TRANSLATIONS)),
                *(100 / CHOICES, found),
            )
            for name, found in scores.items()
        ],
    )


def _questions(shell: Shell, treebanks: Treebanks, report: Report) -> None:
    files = _files({lang: _of(treebanks.questions, lang) for lang in LANGUAGES})
    scores = _finetune(shell, "answer", files, _ANSWER)
    rows = []
    for lang in LANGUAGES:
        questions = treebanks.questions_of(lang, "test")
        chance, nearest = baselines(treebanks.questions_of(lang, "train"), questions)
        found = {"accuracy": scores[lang]["exact_match"]}
        name, count, best, right, error = _row(lang, len(questions), 100 * nearest, found)
        rows.append([name, count, 100 * chance, best, right, error])
    report.add(
        "Which word depends on another in a certain way, in percent of exact matches: a word drawn "
        "by chance, the word where the answers to questions after this relation most often stood "
        "in the language's sentences that are trained on, counted from the other word, and the "
        "model.",
        ["language", "questions", "chance:1", "usual place:1", "right:1", "±:1"],
        rows,
    )


def baselines(train: list[Question], test: list[Question]) -> tuple[float, float]:
    """Return the shares that chance would answer, and the most frequent place of an answer.

    Args:
        train: Where the places are counted, by relation, from the word that is asked about.
        test: What is answered.
    """
    places: dict[str, Counter[int]] = defaultdict(Counter)
    for question in train:
        places[question.relation][question.answer - question.head] += 1
    chance = right = 0.0
    for question in test:
        forms = [word.form for word in question.sentence.words]
        answer = forms[question.answer]
        # Exact matches ask for the right words, not for the right place.
        chance += forms.count(answer) / len(forms)
        usual = question.head + places[question.relation].most_common(1)[0][0]
        right += 0 <= usual < len(forms) and forms[usual] == answer
    return chance / len(test), right / len(test)


def _of(make: Callable[..., str], *langs: str) -> dict[str, str]:
    return {part: make(*langs, part) for part in PARTS}


def _files(found: Mapping[str, Mapping[str, str]]) -> tuple[str, ...]:
    """Return what is trained on, and the options with the rest."""
    train, valid, test = (
        [f"{name}={files[part]}" for name, files in found.items()] for part in PARTS
    )
    return (*train, "--valid", ",".join(valid), "--test", ",".join(test))


def _finetune(shell: Shell, task: str, files: tuple[str, ...], how: tuple[str, ...]) -> Any:
    command = ("xlm-model", "finetune", task, f"{TRANSLATED}/best")
    shell.make(f"task-{task}", *command, *files, *how)
    return shell.read_json(f"task-{task}/scores.json")["test"]


def _row(name: str, count: int, baseline: float, scores: Mapping[str, float]) -> list[Any]:
    """Return the baseline, the score and its standard error, in percent."""
    right = scores["accuracy"]
    return [name, count, baseline, 100 * right, 100 * (right * (1 - right) / count) ** 0.5]
