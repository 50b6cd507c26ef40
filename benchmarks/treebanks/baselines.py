"""What can be reached unread: by chance, by lengths, and by where answers usually stand."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.treebanks.data import Question, difference

Rows = Sequence[Mapping[str, Any]]


def pairs_by_length(train: Rows, test: Rows) -> float:
    """Return the share of pairs that their lengths tell: translations have about the same.

    Args:
        train: Where the largest difference is learnt that is taken for a translation's.
        test: What is told; rows as `Treebanks.pair_rows` gives them.
    """
    largest = max(
        (difference(row["text"], row["pair"]) for row in train),
        key=lambda limit: _told(train, limit),
    )
    return _told(test, largest)


def _told(rows: Rows, limit: float) -> float:
    right = (
        (difference(row["text"], row["pair"]) <= limit) == (row["label"] == "yes") for row in rows
    )
    return float(sum(right) / len(rows))


def choices_by_length(test: Rows) -> float:
    """Return the share of choices that lengths tell: the translation's is nearest to the text's."""
    right = 0
    for row in test:
        differences = [difference(row["text"], choice) for choice in row["choices"]]
        right += differences.index(min(differences)) == row["label"]
    return right / len(test)


def answers(train: Sequence[Question], test: Sequence[Question]) -> tuple[float, float]:
    """Return the shares that chance would answer, and the usual place of an answer.

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
