"""`xlm-tok train` writes the vocabulary that the library learns."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

import xlm_text
from xlm_text import XLMTokenizer
from xlm_text.files.storage import DEFAULT_FOLDER

Tok = Callable[..., Result]

ENGLISH = ["The lowest of the low.", "Lower and lower they go!"] * 3
FRENCH = ["L'été est à l'été."] * 4


@pytest.fixture
def texts(tmp_path: Path) -> dict[str, Path]:
    paths = {}
    for name, lines in (("en", ENGLISH), ("fr", FRENCH), ("more", ["Widely wild words"] * 3)):
        paths[name] = tmp_path / f"{name}.txt"
        paths[name].write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return paths


def test_files_are_those_of_the_library(tok: Tok, texts: dict[str, Path], tmp_path: Path) -> None:
    result = tok(
        "train", f"fr={texts['fr']}", f"en={texts['en']}", "--vocab-size", 70,
        "--output", tmp_path / "made",
    )  # fmt: skip
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
    expected = xlm_text.train({"fr": FRENCH, "en": ENGLISH}, 70)
    expected.save_pretrained(tmp_path / "expected")
    for path in (tmp_path / "expected").iterdir():
        assert (tmp_path / "made" / path.name).read_bytes() == path.read_bytes()
    made = XLMTokenizer.from_pretrained(tmp_path / "made")
    assert made.lang2id == {"fr": 0, "en": 1}
    assert len(made) <= 70


def test_several_files_are_one_language(tok: Tok, texts: dict[str, Path], tmp_path: Path) -> None:
    both = tmp_path / "both.txt"
    both.write_bytes(texts["en"].read_bytes() + texts["more"].read_bytes())
    arguments = ("--vocab-size", 70, "--output")
    tok("train", f"en={texts['en']}", f"en={texts['more']}", *arguments, tmp_path / "two")
    tok("train", f"en={both}", *arguments, tmp_path / "one")
    assert (tmp_path / "two/vocab.json").read_text() == (tmp_path / "one/vocab.json").read_text()
    assert "wi" in json.loads((tmp_path / "one/vocab.json").read_text())


def test_settings_are_kept_in_the_folder(tok: Tok, texts: dict[str, Path], tmp_path: Path) -> None:
    tok(
        "train", f"en={texts['en']}", "--vocab-size", 70, "--keep-case", "--bos-token", "</s>",
        "--output", tmp_path / "made",
    )  # fmt: skip
    made = XLMTokenizer.from_pretrained(tmp_path / "made")
    assert made.settings.bos_token == "</s>"
    assert not made.settings.do_lowercase_and_remove_accent
    assert made.tokenize("The")[0].startswith("T")


def test_languages_and_their_ids(tok: Tok, texts: dict[str, Path], tmp_path: Path) -> None:
    made = tmp_path / "made"
    arguments = ("train", f"en={texts['en']}", "--vocab-size", 70, "--output", made)
    assert tok(*arguments).exit_code == 0
    alone = XLMTokenizer.from_pretrained(made)
    assert (alone.lang, alone.lang2id, alone.use_lang_emb) == ("en", {"en": 0}, False)
    assert tok(*arguments, "--languages", "de,fr,en").exit_code == 0
    several = XLMTokenizer.from_pretrained(made)
    assert several.lang2id == {"de": 0, "fr": 1, "en": 2}
    assert several("the", lang="en")["langs"] == [2] * len(several("the", lang="en")["input_ids"])
    result = tok("encode", "--lang", "fr", "-m", made, "--format", "jsonl", given="the\n")
    assert set(json.loads(result.stdout)["langs"]) == {1}


def test_every_text_needs_an_id(
    fails: Callable[..., str], texts: dict[str, Path], tmp_path: Path
) -> None:
    arguments = (f"en={texts['en']}", "--vocab-size", 70, "--output", tmp_path / "made")
    assert "'en'" in fails("train", *arguments, "--languages", "de,fr")
    assert "de,,fr" in fails("train", *arguments, "--languages", "de,,fr", code=2)
    assert not (tmp_path / "made").exists()


def test_rare_pairs_are_not_merged(tok: Tok, texts: dict[str, Path], tmp_path: Path) -> None:
    arguments = ("train", f"en={texts['en']}", "--vocab-size", 500, "--output", tmp_path / "made")
    tok(*arguments)
    some = (tmp_path / "made/merges.txt").read_text().splitlines()
    tok(*arguments, "--min-frequency", 1000)
    assert some
    assert (tmp_path / "made/merges.txt").read_text() == ""


@pytest.mark.parametrize(
    ("argument", "code"), [("en", 2), ("=x.txt", 2), ("en=", 2), (None, 2), ("en=nowhere.txt", 1)]
)
def test_texts_need_a_language_and_a_file(
    argument: str | None, code: int, fails: Callable[..., str], tmp_path: Path
) -> None:
    given = [argument] if argument else []
    fails("train", *given, "--vocab-size", 70, "--output", tmp_path / "made", code=code)
    assert list(tmp_path.iterdir()) == []


def test_errors_leave_no_folder(
    fails: Callable[..., str], texts: dict[str, Path], tmp_path: Path
) -> None:
    output = tmp_path / "made"
    bad = tmp_path / "bad.txt"
    bad.write_bytes(b"fine\nbad \xff\n")
    empty = tmp_path / "empty.txt"
    empty.touch()
    before = set(tmp_path.iterdir())
    en = f"en={texts['en']}"
    message = fails("train", en, f"fr={bad}", "--vocab-size", 70, "--output", output)
    assert message.startswith(f"{bad}: line 2, byte 5: ")
    message = fails("train", en, "--vocab-size", 14, "--output", output)
    assert "--vocab-size" in message
    fails("train", f"en={empty}", "--vocab-size", 70, "--output", output)
    assert set(tmp_path.iterdir()) == before


def test_the_embedded_vocabulary_can_be_learnt_again(
    tok: Tok, shared_data: Path, wikipedia_kytea: Path, tmp_path: Path
) -> None:
    languages = ("ar", "de", "en", "es", "fr", "ja", "ru", "th", "zh")
    result = tok(
        "train", *(f"{lang}={shared_data / 'text' / lang}.txt" for lang in languages),
        "--vocab-size", 16000, "--kytea-model", wikipedia_kytea, "--output", tmp_path / "made",
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    for name in ("vocab.json", "merges.txt", "tokenizer_config.json"):
        assert (tmp_path / "made" / name).read_bytes() == (DEFAULT_FOLDER / name).read_bytes()
