"""Scores of answers against the right ones, all from 0 to 1 but for the mean squared error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from xlm_model.tasks.entities import OUTSIDE

Metrics = dict[str, float]
# The placeholder for a word that got no tag.
NO_TAG = ""


def class_metrics(right: Sequence[str], found: Sequence[str]) -> Metrics:
    """Return accuracy, F1 as the mean over the classes, and Matthews' correlation.

    Args:
        right: The right label of each example.
        found: The label that it got.
    """
    from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef

    is_one = len({*right, *found}) == 1  # scikit-learn warns of it
    return {
        "accuracy": float(accuracy_score(right, found)),
        "f1": float(f1_score(right, found, average="macro", zero_division=0)),
        "matthews": 0.0 if is_one else float(matthews_corrcoef(right, found)),
    }


def multi_label_metrics(right: Sequence[Sequence[int]], found: Sequence[Sequence[int]]) -> Metrics:
    """Return F1 over all decisions, as the mean over the labels, and the share of exact sets.

    Args:
        right: 0 or 1 for each label of each example.
        found: Likewise.
    """
    from sklearn.metrics import accuracy_score, f1_score

    one, other = np.asarray(right), np.asarray(found)
    return {
        "f1": float(f1_score(one, other, average="micro", zero_division=0)),
        "macro_f1": float(f1_score(one, other, average="macro", zero_division=0)),
        "accuracy": float(accuracy_score(one, other)),
    }


def regression_metrics(right: Sequence[float], found: Sequence[float]) -> Metrics:
    """Return the correlations of Pearson and Spearman, and the mean squared error.

    Values that are all equal have no correlation: 0.
    """
    from scipy.stats import pearsonr, spearmanr
    from sklearn.metrics import mean_squared_error

    is_constant = len(set(right)) < 2 or len(set(found)) < 2
    return {
        "pearson": 0.0 if is_constant else float(pearsonr(right, found).statistic),
        "spearman": 0.0 if is_constant else float(spearmanr(right, found).statistic),
        "mean_squared_error": float(mean_squared_error(right, found)),
    }


def tag_metrics(right: Sequence[Sequence[str]], found: Sequence[Sequence[str]]) -> Metrics:
    """Return the accuracy over words, and F1 as the mean over the tags.

    Args:
        right: The right tags of each sentence.
        found: Those that it got; `NO_TAG` for words that got none, which count as wrong.
    """
    from sklearn.metrics import f1_score

    tags, others = _flat(right), _flat(found)
    labels = sorted({*tags, *others} - {NO_TAG})
    f1 = f1_score(tags, others, labels=labels, average="macro", zero_division=0)
    return {"accuracy": _accuracy(tags, others), "f1": float(f1)}


def entity_metrics(right: Sequence[Sequence[str]], found: Sequence[Sequence[str]]) -> Metrics:
    """Return F1, precision and recall of whole entities, and the accuracy over words.

    Args:
        right: The right tags of each sentence, such as B-PER, I-PER and O.
        found: As for `tag_metrics`.
    """
    from seqeval.metrics import f1_score, precision_score, recall_score

    one = [list(tags) for tags in right]
    other = [[tag or OUTSIDE for tag in tags] for tags in found]
    scores = {"f1": f1_score, "precision": precision_score, "recall": recall_score}
    entities = {name: float(score(one, other, zero_division=0)) for name, score in scores.items()}
    return {**entities, "accuracy": _accuracy(_flat(right), _flat(found))}


def _flat(sentences: Sequence[Sequence[str]]) -> list[str]:
    return [tag for sentence in sentences for tag in sentence]


def _accuracy(right: Sequence[str], found: Sequence[str]) -> float:
    from sklearn.metrics import accuracy_score

    return float(accuracy_score(right, found))


def answer_metrics(right: Sequence[Sequence[str]], found: Sequence[str]) -> Metrics:
    """Return the share of exact matches, and F1 over words, as SQuAD's script computes them.

    Case, punctuation, English articles and white space do not count.

    Args:
        right: The right answers of each question, any of which counts; none: there is no answer.
        found: The answer that it got; empty: there is none.
    """
    from torchmetrics.functional.text import squad

    answers: list[Any] = [
        {"id": str(i), "answers": {"text": list(texts), "answer_start": [0] * len(texts)}}
        for i, texts in enumerate(map(_or_empty, right))
    ]
    predictions: list[Any] = [
        {"id": str(i), "prediction_text": text} for i, text in enumerate(found)
    ]
    scores = squad(predictions, answers)
    return {name: float(scores[name]) / 100 for name in ("f1", "exact_match")}


def _or_empty(texts: Sequence[str]) -> Sequence[str]:
    return texts or [""]


def choice_metrics(right: Sequence[int], found: Sequence[int]) -> Metrics:
    """Return the share of right choices."""
    from sklearn.metrics import accuracy_score

    return {"accuracy": float(accuracy_score(right, found))}
