"""What is kept on disk between processes: computed once, and never trusted when it is damaged."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import huggingface_hub.constants
import pytest

from xlm_text.errors import InputError
from xlm_text.files import vocabulary_cache
from xlm_text.files.disk_cache import cached, digest
from xlm_text.files.vocabulary import Vocabulary
from xlm_text.rules.sacremoses.source import punctuation_expressions, word_expressions


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(huggingface_hub.constants, "HF_ASSETS_CACHE", str(tmp_path))
    return tmp_path / "xlm_text"


class Count:
    """Computes a value, and counts how often."""

    def __init__(self, value: object) -> None:
        self.value = value
        self.calls = 0

    def __call__(self) -> object:
        self.calls += 1
        return self.value


def test_a_value_is_computed_once_for_its_sources(folder: Path) -> None:
    compute = Count([["ä</w>", 1], True])
    for _ in range(3):
        assert cached("name", digest(["a", "b"]), compute) == [["ä</w>", 1], True]
    assert compute.calls == 1
    assert cached("name", digest(["a", "c"]), Count(2)) == 2
    assert cached("other", digest(["a", "b"]), Count(3)) == 3
    assert len(list(folder.iterdir())) == 3


@pytest.mark.parametrize("damage", [b"", b"x", b"\xff\n[1]", None])
def test_a_damaged_file_is_computed_and_written_again(folder: Path, damage: bytes | None) -> None:
    cached("name", digest("a"), Count([1, 2]))
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole.replace(b"2]", b"3]") if damage is None else damage)
    compute = Count([1, 2])
    assert [cached("name", digest("a"), compute) for _ in range(2)] == [[1, 2]] * 2
    assert compute.calls == 1
    assert file.read_bytes() == whole


def test_a_folder_that_cannot_be_written_is_no_error(folder: Path) -> None:
    folder.write_text("a file in the folder's place")
    assert cached("name", digest("a"), Count(7)) == 7


@pytest.mark.parametrize(
    ("vocab", "merges", "ids"),
    [
        # A line of one field, one of none, and a piece that only a merge has.
        ('{"a": 0, "b</w>": 1}', "a b</w> 9\nx\n\na y 7\n", {"a": 0, "b</w>": 1}),
        ('{"": 0, "\u2028": 1, "ä": 2}', "ä \U0001f600 1\n", {"": 0, "\u2028": 1, "ä": 2}),
        # These do not go into lines in the order of their ids.
        ('{"b": 1, "a": 0}', "a b 1\n", {"b": 1, "a": 0}),
        ('{"a\\n": 0, "b": 1}', "", {"a\n": 0, "b": 1}),
    ],
)
def test_a_vocabulary_from_the_cache_is_that_of_its_files(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    vocab: str,
    merges: str,
    ids: dict[str, int],
) -> None:
    files = tmp_path / "vocab.json", tmp_path / "merges.txt"
    for file, text in zip(files, (vocab, merges), strict=True):
        file.write_text(text, encoding="utf-8")
    read = Vocabulary.from_files(*files)
    assert not folder.exists()
    monkeypatch.setattr(vocabulary_cache, "_SMALL", 0)
    for _ in range(3):
        cached_ = Vocabulary.from_files(*files)
        assert cached_ == read
        assert list(cached_.ids.items()) == list(ids.items())
    assert len(list(folder.iterdir())) == 1
    assert cached_.key is not None
    # What is derived from the files is not derived from a copy with other merges.
    assert replace(cached_, merges=[]).key is None
    files[1].write_text("a b 1\nb a 1\n", encoding="utf-8")
    assert Vocabulary.from_files(*files).merges == [("a", "b"), ("b", "a")]


def test_files_that_cannot_be_used_are_not_kept(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vocabulary_cache, "_SMALL", 0)
    files = tmp_path / "vocab.json", tmp_path / "merges.txt"
    files[0].write_text('{"a": 0, "b": 0}', encoding="utf-8")
    files[1].write_text("", encoding="utf-8")
    for _ in range(2):
        with pytest.raises(InputError, match="the id 0 is given to more than one piece"):
            Vocabulary.from_files(*files)
    assert not folder.exists()


@pytest.mark.parametrize("lang", ["ar", "en", "fr", "hi", "it", "ko", "ro"])
def test_the_expressions_are_those_of_sacremoses(folder: Path, lang: str) -> None:
    from sacremoses import MosesPunctNormalizer, MosesTokenizer

    moses = MosesTokenizer(lang=lang)
    theirs = [moses.DEDUPLICATE_SPACE, moses.ASCII_JUNK, moses.PAD_NOT_ISALNUM]
    theirs += [moses.COMMA_SEPARATE_1, moses.COMMA_SEPARATE_2, moses.COMMA_SEPARATE_3]
    theirs += {
        "en": moses.ENGLISH_SPECIFIC_APOSTROPHE,
        "fr": moses.FR_IT_SPECIFIC_APOSTROPHE,
        "it": moses.FR_IT_SPECIFIC_APOSTROPHE,
    }.get(lang, [moses.NON_SPECIFIC_APOSTROPHE])
    theirs.append(moses.TRAILING_DOT_APOSTROPHE)
    # Where sets of characters begin and end, in each place that a rule sees.
    sets = [{*map(ord, chars)} for chars in (moses.IsAlnum, moses.IsAlpha, moses.IsN)]
    edges = {c + by for chars in sets for by in (-1, 1) for c in chars if c + by not in chars}
    inside = {c - by for c in edges for by in (-1, 1)}
    lines = [f"{c}'{c}, {c},{c}'a'{c}1,{c}.'" for c in map(chr, sorted(edges | inside))]
    for _ in range(2):  # asked of sacremoses, and read from the cache
        ours = word_expressions(lang)
        flat = [ours.one_space, ours.controls, ours.marks, *ours.commas, *ours.apostrophes]
        flat.append(ours.dot_apostrophe)
        assert len(flat) == len(theirs)
        for (pattern, template), (their_pattern, their_template) in zip(flat, theirs, strict=True):
            assert template == their_template
            text = "\n".join(lines)
            assert re.sub(pattern, template, text) == their_pattern.sub(their_template, text)
        punctuation = MosesPunctNormalizer(lang=lang).substitutions
        assert [tuple(rule) for rule in punctuation_expressions(lang)] == punctuation


@pytest.mark.parametrize(("module", "langs"), [("sacremoses", "en zh"), ("pythainlp", "th")])
def test_the_second_process_does_not_import(module: str, langs: str, tmp_path: Path) -> None:
    program = f"""
import sys
from xlm_text import XLMTokenizer
tokenizer = XLMTokenizer.from_pretrained()
for lang in {langs.split()}:
    print(tokenizer.tokenize("Isn't it (“so”) — ' 3,5 %…  文字。 เวลา 12:30 น. ตากลม", lang=lang))
print({module!r} in sys.modules, file=sys.stderr)
"""
    done = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "HF_ASSETS_CACHE": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        )
        for _ in range(2)
    ]
    assert [run.stderr.strip().splitlines()[-1] for run in done] == ["True", "False"]
    assert done[0].stdout == done[1].stdout
