"""``--rules`` and ``--faithful``, on the commands that tokenize."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from xlm_text import XLMTokenizer
from xlm_text.pipelines.casing import lowercase_and_remove_accents
from xlm_text.pipelines.words import Words

Tok = Callable[..., Result]
HINDI = "हिन्दी में क़लम"


def test_encode_gives_the_words_of_the_scripts(tok: Tok) -> None:
    fixtures = Path(__file__).parents[2] / "fixtures"
    lines = (fixtures / "sentences" / "hi.txt").read_text(encoding="utf-8")
    words = (fixtures / "perl" / "hi.words").read_text(encoding="utf-8").splitlines()
    options = ("encode", "--lang", "hi", "--any-language", "--format", "tokens")
    result = tok(*options, "--rules", "moses", given=lines)
    # What the scripts printed is text that was cut already.
    ours = XLMTokenizer.from_pretrained()
    for line, printed in zip(result.stdout.splitlines(), words, strict=False):
        cased = " ".join(lowercase_and_remove_accents(Words.of([printed.split()])).flat)
        assert line.split(" ")[1:-1] == ours.tokenize(cased, bypass_tokenizer=True)
    assert result.stdout != tok(*options, given=lines).stdout


def test_encode_faithfully(tok: Tok) -> None:
    result = tok("encode", "--lang", "en", "--faithful", "--format", "tokens", given="Dr. X etc.\n")
    assert result.stdout.split()[0] == "</s>"
    assert result.stdout.split()[-2:] == [".</w>", "</s>"]
    ours = XLMTokenizer.from_pretrained(faithful=True)
    assert result.stdout.split() == ours.convert_ids_to_tokens(ours.encode("Dr. X etc."))


def test_show_draws_the_words_of_the_scripts(tok: Tok) -> None:
    plain = tok("show", "--lang", "hi", "--any-language", given=f"{HINDI}\n").stdout
    moses = tok("show", "--lang", "hi", "--any-language", "--rules", "moses", given=f"{HINDI}\n")
    assert moses.stdout != plain
    assert moses.stdout.split("\n")[1].replace("|", "") == HINDI


@pytest.mark.parametrize("option", [("--rules", "moses"), ("--faithful",)])
def test_train_learns_with_the_rules_and_saves_them(
    tok: Tok, tmp_path: Path, option: tuple[str, ...]
) -> None:
    text = tmp_path / "hi.txt"
    text.write_text(f"{HINDI}\n" * 3, encoding="utf-8")
    tok("train", f"hi={text}", "--vocab-size", "60", "--output", tmp_path / "learnt", *option)
    config = json.loads((tmp_path / "learnt" / "tokenizer_config.json").read_text())
    assert config["rules"] == "moses"
    ours = XLMTokenizer.from_pretrained(tmp_path / "learnt")
    assert ours.tokenize("हिन्दी", lang="hi") == ["हिन</w>", "दी</w>"]


def test_faithful_and_other_rules_are_one_error(fails: Callable[..., str]) -> None:
    error = fails("encode", "--lang", "en", "--faithful", "--rules", "sacremoses", given="x\n")
    assert "faithful=True means rules='moses', not 'sacremoses'" in error
