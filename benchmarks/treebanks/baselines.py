"""What can be reached by chance, by lengths, by usual places, and by counting shared pieces."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.treebanks.data import Question
from xlm_text import XLMTokenizer

Rows = Sequence[Mapping[str, Any]]
# How far a text is from what may be its translation.
Distance = Callable[[str, str], float]


def pairs_by(distance: Distance, train: Rows, test: Rows) -> float:
    """Return the share of pairs that a distance tells: translations are near.

    Args:
        distance: The smaller, the nearer.
        train: Where the largest distance is learnt that is taken for a translation's.
        test: What is told; rows as `Treebanks.pair_rows` gives them.
    """
    learnt, told = ([_distance_and_label(distance, row) for row in rows] for rows in (train, test))
    largest = max((found for found, _ in learnt), key=lambda limit: _right(learnt, limit))
    return _right(told, largest)


def _distance_and_label(distance: Distance, row: Mapping[str, Any]) -> tuple[float, bool]:
    return distance(row["text"], row["pair"]), row["label"] == "yes"


def _right(found: Sequence[tuple[float, bool]], limit: float) -> float:
    return sum((value <= limit) == is_right for value, is_right in found) / len(found)


def choices_by(distance: Distance, test: Rows) -> float:
    """Return the share of choices that a distance tells: the translation is nearest."""
    right = 0
    for row in test:
        distances = [distance(row["text"], choice) for choice in row["choices"]]
        right += distances.index(min(distances)) == row["label"]
    return right / len(test)


def unshared_pieces(tokenizer: XLMTokenizer, first: str, second: str) -> Distance:
    """Return the distance that is 0 for texts of the same pieces, and 1 if they share none.

    Args:
        tokenizer: Cuts both.
        first: The text's language.
        second: That of its translation.
    """

    def distance(one: str, other: str) -> float:
        ours = set(tokenizer.tokenize(one, lang=first))
        theirs = set(tokenizer.tokenize(other, lang=second))
        return float(1 - len(ours & theirs) / (len(ours) * len(theirs)) ** 0.5)

    return distance


def usual_places(train: Sequence[Question]) -> dict[str, int]:
    """Return how far from the word that is asked about most answers stand, by relation."""
    places: dict[str, Counter[int]] = defaultdict(Counter)
    for question in train:
        places[question.relation][question.answer - question.head] += 1
    return {relation: found.most_common(1)[0][0] for relation, found in places.items()}


def is_at_usual_place(question: Question, places: Mapping[str, int]) -> bool:
    """Whether the word that stands there is the answer."""
    words = question.sentence.words
    usual = question.head + places[question.relation]
    # Exact matches ask for the right words, not for the right place.
    return 0 <= usual < len(words) and words[usual].form == words[question.answer].form


def answers(train: Sequence[Question], test: Sequence[Question]) -> tuple[float, float]:
    """Return the shares that chance would answer, and the usual place of an answer.

    Args:
        train: Where the places are counted, by relation, from the word that is asked about.
        test: What is answered.
    """
    places = usual_places(train)
    chance = 0.0
    for question in test:
        forms = [word.form for word in question.sentence.words]
        chance += forms.count(forms[question.answer]) / len(forms)
    usual = sum(is_at_usual_place(question, places) for question in test)
    return chance / len(test), usual / len(test)
