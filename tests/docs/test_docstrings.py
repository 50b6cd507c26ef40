"""The examples in the documentation of the code print what they show."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest
import xlm_cli

import xlm_model
import xlm_text

# Without Keras what is in it is not found.
KERAS = "xlm_model.tf"
# What cannot be imported without a library that not everybody has.
OPTIONAL = {
    KERAS: "Keras 3 and a backend are not installed",
    "xlm_model.pretraining": "the extra train is not installed",
    "xlm_model.training": "the extra train is not installed",
    "xlm_model.trainer": "transformers or accelerate is not installed",
    "xlm_model.sentence_transformers": "sentence-transformers is not installed",
}
MODULES = [
    name
    for package in (xlm_text, xlm_model, xlm_cli)
    for name in (
        package.__name__,
        *(m.name for m in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")),
    )
]


@pytest.mark.parametrize(
    "name", [pytest.param(x, marks=pytest.mark.slow) if x == KERAS else x for x in MODULES]
)
def test_the_examples_of_a_module_run(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What they write is in nobody's way.
    monkeypatch.chdir(tmp_path)
    if name in OPTIONAL:
        pytest.importorskip(name, reason=OPTIONAL[name], exc_type=ImportError)
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_examples() -> None:
    names = [name for name in MODULES if name not in OPTIONAL]
    found = [doctest.DocTestFinder().find(importlib.import_module(name)) for name in names]
    assert sum(bool(test.examples) for tests in found for test in tests) > 40
