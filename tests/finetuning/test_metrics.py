"""Scores against sums done by hand."""

from __future__ import annotations

import math

import pytest

from xlm_model.finetuning import score_table
from xlm_model.finetuning.metrics import (
    NO_TAG,
    answer_metrics,
    choice_metrics,
    class_metrics,
    entity_metrics,
    multi_label_metrics,
    regression_metrics,
    tag_metrics,
)


def test_classes() -> None:
    # Of a: one of two is found; of b: two are found among three; of c: all.
    found = class_metrics(["a", "a", "b", "b", "c"], ["a", "b", "b", "b", "c"])
    assert found["accuracy"] == pytest.approx(4 / 5)
    assert found["f1"] == pytest.approx((2 / 3 + 4 / 5 + 1) / 3)
    # One true positive, two true negatives, one false negative.
    two = class_metrics(["1", "1", "0", "0"], ["1", "0", "0", "0"])
    assert two["matthews"] == pytest.approx(2 / math.sqrt(1 * 2 * 2 * 3))
    assert class_metrics(["a"], ["a"]) == {"accuracy": 1.0, "f1": 1.0, "matthews": 0.0}


def test_several_labels() -> None:
    # Of three decisions for a label two are found, and one is found that is none.
    found = multi_label_metrics([[1, 0], [1, 1]], [[1, 1], [0, 1]])
    assert found["f1"] == pytest.approx(2 / 3)
    assert found["macro_f1"] == pytest.approx((2 / 3 + 2 / 3) / 2)
    assert found["accuracy"] == 0.0


def test_values() -> None:
    found = regression_metrics([1, 2, 4], [2, 4, 8])
    assert found == pytest.approx({"pearson": 1, "spearman": 1, "mean_squared_error": 21 / 3})
    constant = regression_metrics([1, 2], [5, 5])
    assert constant == {"pearson": 0.0, "spearman": 0.0, "mean_squared_error": 12.5}


def test_tags_of_words_that_got_none_are_wrong() -> None:
    found = tag_metrics([["X", "Y"], ["X"]], [["X", NO_TAG], ["Y"]])
    assert found == pytest.approx({"accuracy": 1 / 3, "f1": (2 / 3 + 0) / 2})


def test_entities_count_as_a_whole() -> None:
    right = [["B-PER", "I-PER", "O", "B-LOC"], ["B-LOC"]]
    found = entity_metrics(right, [["B-PER", NO_TAG, "O", "B-LOC"], ["O"]])
    # Two are found, one of them right; there are three.
    expected = {"precision": 1 / 2, "recall": 1 / 3, "f1": 2 / 5, "accuracy": 3 / 5}
    assert found == pytest.approx(expected)


def test_answers_as_squads_script_compares_them() -> None:
    right = [["The cat sat."], ["x y", "y z w"], [], ["Ben"]]
    found = answer_metrics(right, ["a Cat  sat", "y z", "", ""])
    # Of the second, two words of two are right, and two of three found.
    assert found == pytest.approx({"exact_match": 2 / 4, "f1": (1 + 4 / 5 + 1 + 0) / 4})


def test_choices() -> None:
    assert choice_metrics([0, 1, 2, 1], [0, 1, 1, 1]) == {"accuracy": 3 / 4}


def test_a_table_has_percentages_and_plain_errors() -> None:
    scores = {
        "en": {"pearson": 0.83251, "mean_squared_error": 12.34567},
        "en-fr": {"pearson": 1.0, "mean_squared_error": 0.5},
    }
    assert score_table(scores).splitlines() == [
        "language  pearson  mean squared error",
        "en           83.3               12.35",
        "en-fr       100.0                 0.5",
    ]
