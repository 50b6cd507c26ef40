"""The examples in the README and in the documentation of the modules print what they say."""

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

import xlm_text

MODULES = ["xlm_text", *(m.name for m in pkgutil.walk_packages(xlm_text.__path__, "xlm_text."))]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_the_documentation_run(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0


def test_there_are_examples() -> None:
    found = [doctest.DocTestFinder().find(importlib.import_module(name)) for name in MODULES]
    assert sum(bool(test.examples) for tests in found for test in tests) > 20


def test_the_examples_in_the_readme_run() -> None:
    readme = Path(__file__).parents[2] / "README.md"
    result = doctest.testfile(str(readme), module_relative=False)
    assert result.attempted > 0
    assert result.failed == 0
