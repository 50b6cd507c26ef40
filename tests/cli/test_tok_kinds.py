"""xlm-tok works with every kind of tokenizer, and says what an option has no meaning for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from xlm_text import FlaubertTokenizer, UnigramVocabulary, XLMRobertaTokenizer

FIXTURES = Path(__file__).parents[2] / "fixtures"

Tok = Callable[..., Result]
TEXT = "Les plantes créent <mask> grâce à l’été."


@pytest.fixture(scope="module")
def roberta(tmp_path_factory: pytest.TempPathFactory) -> Path:
    special = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    pieces = [(f"▁{word}", -2.0) for word in ("Les", "plantes", "créent", "à")]
    pieces += [(letter, -5.0) for letter in "▁abcdefghijklmnopqrstuvwxyzàâéL.’"]
    folder = tmp_path_factory.mktemp("kinds") / "roberta"
    XLMRobertaTokenizer(UnigramVocabulary([*special, *pieces, ("<mask>", 0.0)])).save_pretrained(
        folder
    )
    return folder


@pytest.fixture(scope="module")
def flaubert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    files = (FIXTURES / "vocabulary" / name for name in ("vocab.json", "merges.txt"))
    folder = tmp_path_factory.mktemp("kinds") / "flaubert"
    FlaubertTokenizer(*files, do_lowercase=True).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("workers", [1, 2])
def test_a_line_of_xlm_roberta(workers: int, roberta: Path, tok: Tok) -> None:
    ours = XLMRobertaTokenizer.from_pretrained(roberta)
    row = ours(TEXT, return_offsets_mapping=True)
    given = f"{TEXT}\n" * 3

    def run(format_: str) -> list[str]:
        options = ("-m", roberta, "--format", format_, "--workers", workers)
        result = tok("encode", *options, given=given)
        assert (result.exit_code, result.stderr) == (0, "")
        return result.stdout.splitlines()

    assert run("ids") == [" ".join(map(str, row["input_ids"]))] * 3
    assert run("tokens") == [" ".join(row.tokens())] * 3
    found = json.loads(run("jsonl")[0])
    assert found["ids"] == row["input_ids"]
    assert found["offsets"] == [list(span) for span in row["offset_mapping"]]
    assert "langs" not in found


def test_ids_and_tokens_become_text_again(roberta: Path, tok: Tok) -> None:
    for format_ in ("ids", "tokens", "jsonl"):
        lines = tok("encode", "-m", roberta, "--format", format_, given=f"{TEXT}\n").stdout
        options = ("--format", format_, "--skip-special-tokens")
        result = tok("decode", "-m", roberta, *options, given=lines)
        assert (result.exit_code, result.stdout) == (0, "Les plantes créent grâce à l’été.\n")


def test_a_pair_is_cut_to_a_length(roberta: Path, tok: Tok) -> None:
    ours = XLMRobertaTokenizer.from_pretrained(roberta)
    options = ("--pair", "--max-length", 12, "--truncation", "longest_first")
    result = tok("encode", "-m", roberta, *options, given="Les plantes\tcréent à\n")
    ids = ours("Les plantes", "créent à", max_length=12, truncation="longest_first")["input_ids"]
    assert result.stdout == " ".join(map(str, ids)) + "\n"


def test_a_language_that_nothing_depends_on_is_told_of(roberta: Path, tok: Tok) -> None:
    result = tok("encode", "-m", roberta, "--lang", "fr", given="Les\n")
    assert result.exit_code == 0
    assert result.stderr == "--lang has no effect: the tokenizer reads all languages alike\n"


def test_xlms_own_tokenizer_needs_a_language(fails: Callable[..., str], tmp_path: Path) -> None:
    for command in ("encode", "show", "explain"):
        for model in ((), ("-m", FIXTURES / "vocabulary")):
            assert "Missing option '--lang'" in fails(command, *model, code=2, given="a\n")


def test_tokens_are_drawn(roberta: Path, tok: Tok, tmp_path: Path) -> None:
    result = tok("show", "-m", roberta, "--color", "never", given="plantes à\n")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[:2] == [f"{roberta}: any language", "plantes à"]
    assert "▁plantes(5)" in result.stdout
    page = tmp_path / "page.html"
    assert tok("show", "-m", roberta, "--html", page, given="plantes à\n").exit_code == 0
    assert "▁plantes" in page.read_text(encoding="utf-8")


def test_what_has_no_meaning_is_one_error(roberta: Path, fails: Callable[..., str]) -> None:
    def said(*arguments: object, code: int = 1) -> str:
        return fails(*arguments[:1], "-m", roberta, *arguments[1:], given="0 2\n", code=code)

    assert "and XLMRobertaTokenizer has none" in said("explain", "a")
    assert "has no languages to list" in said("languages")
    assert "--detokenize is for words" in said("decode", "--detokenize", "fr")
    assert "--bypass has no meaning here" in said("encode", "--bypass")
    for option in (("--rules", "moses"), ("--protect", "urls"), ("--faithful",)):
        message = said("encode", *option, code=2)
        assert f"{option[0]} is for XLM's tokenizer: leave it out" in message


def test_flaubert(flaubert: Path, tok: Tok) -> None:
    ours = FlaubertTokenizer.from_pretrained(flaubert)
    line = "``L’Été'' commence."
    result = tok("encode", "-m", flaubert, given=f"{line}\n")
    assert result.stdout == " ".join(map(str, ours(line)["input_ids"])) + "\n"
    again = tok("decode", "-m", flaubert, "--skip-special-tokens", given=result.stdout)
    assert again.stdout == ours.decode(ours(line)["input_ids"], skip_special_tokens=True) + "\n"
    explained = tok("explain", "-m", flaubert, line).stdout
    assert explained.startswith("fr, words by moses")
    assert "one quote for two" in explained
