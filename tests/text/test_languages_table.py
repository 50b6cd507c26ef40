"""One row says all that is needed of a language; a new one works everywhere."""

from __future__ import annotations

import json
import multiprocessing
import re
from collections.abc import Callable
from importlib.metadata import version

import pytest
from click.testing import CliRunner
from xlm_cli.tok import main

from xlm_text import MissingComponentError, Settings, XLMTokenizer
from xlm_text.languages.table import (
    COMPONENTS,
    LANGUAGES,
    RULE_SETS,
    Component,
    Language,
    choose_segmenter,
    find,
    language,
    require,
    segmenter_choices,
)

from .support import FIXTURES

TEXT = "Ein Wörterbuch, bitte… Danke!"


def load_threes() -> Callable[[str], list[str]]:
    """Load a toy that cuts a text into words of three characters."""
    return re.compile(".{1,3}", re.DOTALL).findall


@pytest.fixture
def _toy(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = version("xlm-toolkit")
    row = Component("xlm-toolkit", (installed,), f"{__name__}:load_threes")
    monkeypatch.setitem(COMPONENTS, "threes", row)
    monkeypatch.setitem(LANGUAGES, "toy", Language(("threes",)))


# What the toy makes of the text.  Normalisation has turned one character into three by then; the
# second rule set knows no words with white space inside.
NORMAL = "Ein Wörterbuch, bitte... Danke!"
THREES = [NORMAL[i : i + 3] for i in range(0, len(NORMAL), 3)]
SPANS = {"sacremoses": THREES, "moses": " ".join(THREES).split()}


@pytest.mark.usefixtures("_toy")
@pytest.mark.parametrize("rules", RULE_SETS)
def test_a_toy_segmenter_works_everywhere(rules: str) -> None:
    tokenizer = XLMTokenizer.from_pretrained(
        any_language=True, rules=rules, do_lowercase_and_remove_accent=False
    )
    assert tokenizer.words(TEXT, lang="toy") == SPANS[rules]

    batch = tokenizer(TEXT, lang="toy", return_offsets_mapping=True, add_special_tokens=False)
    words: dict[int, tuple[int, int]] = {}
    for number, (start, end) in zip(batch.word_ids(), batch["offset_mapping"], strict=True):
        words[number] = words.get(number, (start, end))[0], end
    # Of each word its characters in the text as it was given.
    origin = [*range(22), 21, 21, *range(22, len(TEXT))]
    position, expected = 0, []
    for word in SPANS[rules]:
        position = NORMAL.index(word, position)
        end = position + len(word)
        expected.append((origin[position], origin[end - 1] + 1))
        position = end
    if rules == "moses":
        assert list(words.values()) == expected
    else:  # a word with a space inside falls apart in its pieces, as in the reference
        assert words.keys() == set(range(len(expected)))

    texts = [TEXT, "zwei", ""] * 50
    workers = 2 if multiprocessing.get_start_method() == "fork" else 1
    rows = list(tokenizer.encode_iterator(texts, lang="toy", workers=workers, batch_size=7))
    assert rows == tokenizer(texts, lang="toy")["input_ids"]
    assert rows[0][1:-1] == batch["input_ids"]


@pytest.mark.usefixtures("_toy")
def test_the_command_line_knows_it_too() -> None:
    tokenizer = XLMTokenizer.from_pretrained(any_language=True)
    options = ["--lang", "toy", "--any-language", "--format", "jsonl", "--no-special-tokens"]
    result = CliRunner().invoke(main, ["encode", *options], input=f"{TEXT}\n")
    assert result.exit_code == 0, result.output
    batch = tokenizer(TEXT, lang="toy", return_offsets_mapping=True, add_special_tokens=False)
    found = json.loads(result.stdout)
    assert found["ids"] == batch["input_ids"]
    assert found["offsets"] == [list(span) for span in batch["offset_mapping"]]


@pytest.mark.usefixtures("_toy")
def test_a_segmenter_that_changes_its_text_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "load_threes", lambda: lambda text: text.lower().split())
    tokenizer = XLMTokenizer.from_pretrained(any_language=True)
    with pytest.raises(RuntimeError, match="must only cut its text"):
        tokenizer("No Toy", lang="toy", return_offsets_mapping=True)


def test_everything_that_the_table_names_is_there() -> None:
    rows = [*LANGUAGES.values(), language("en")]
    assert len(rows) == 4
    for row in rows:
        assert tuple(row.pipelines) == RULE_SETS
        for where in row.pipelines.values():
            assert {"cut", "words", "align", "chunks", "begins_sentence"} <= set(dir(find(where)))
        assert all(name in COMPONENTS for name in row.segmenters)
        assert (row.setting is not None) == (len(row.segmenters) > 1)
    loaders = {name: find(row.load) for name, row in COMPONENTS.items() if row.load}
    assert loaders.keys() == {"jieba", "rjieba", "newmm", "nlpo3", "kytea"}
    assert all(map(callable, loaders.values()))


def test_every_choice_is_a_setting_and_an_option() -> None:
    command = main.commands["encode"]
    options = {option.name: option for option in command.params}
    for setting, choices in segmenter_choices().items():
        assert getattr(Settings(), setting) == choices[0]
        assert hasattr(XLMTokenizer, setting)
        assert options[setting].opts == [f"--{setting.replace('_', '-')}"]
        refused = CliRunner().invoke(main, ["encode", *options[setting].opts, "none"])
        assert refused.exit_code == 2
        assert all(repr(choice) in refused.output for choice in choices)
        for choice in choices:
            assert choose_segmenter(setting.removesuffix("_segmenter"), choice) == choice


def test_a_package_that_is_missing_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(COMPONENTS, "toy", Component("no-such-toy", ("1",), extra="fast"))
    with pytest.raises(MissingComponentError, match=r"pip install no-such-toy.*'\.\[fast\]'"):
        require("toy")


def test_the_bounds_of_the_packages_are_the_verified_versions() -> None:
    project = (FIXTURES.parent / "pyproject.toml").read_text(encoding="utf-8")
    for row in COMPONENTS.values():
        assert f'"{row.package}>={row.verified[0]},<' in project
        assert row.is_verified(), row.package
