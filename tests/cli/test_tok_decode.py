"""`xlm-tok decode` is the inverse of `encode` as far as there is one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import Result

from xlm_text import XLMTokenizer

Tok = Callable[..., Result]

TEXT = "hello , world !\n\nthe second line\n"


@pytest.mark.parametrize("format_", ["ids", "tokens", "jsonl"])
def test_words_of_the_vocabulary_come_back_from_every_format(format_: str, tok: Tok) -> None:
    encoded = tok("encode", "--lang", "en", "--format", format_, given=TEXT).stdout
    result = tok("decode", "--format", format_, "--skip-special-tokens", given=encoded)
    assert (result.exit_code, result.stdout, result.stderr) == (0, TEXT, "")


@pytest.mark.parametrize("format_", ["ids", "tokens", "jsonl"])
def test_special_tokens_stay_unless_skipped(
    format_: str, tok: Tok, tokenizer: XLMTokenizer
) -> None:
    encoded = tok("encode", "--lang", "en", "--format", format_, given=TEXT).stdout
    expected = [
        tokenizer.decode(tokenizer.encode(line, lang="en")) for line in TEXT.split("\n")[:3]
    ]
    assert "<s>" in expected[0]
    assert tok("decode", "--format", format_, given=encoded).stdout.split("\n")[:3] == expected


def test_tokens_keep_what_ids_do_not(tok: Tok) -> None:
    arguments = ("--lang", "en", "--no-special-tokens")
    ids = tok("encode", *arguments, given="ⱷ\n").stdout
    assert tok("decode", given=ids).stdout == "<unk>\n"
    tokens = tok("encode", *arguments, "--format", "tokens", given="ⱷ\n").stdout
    assert tok("decode", "--format", "tokens", given=tokens).stdout == "ⱷ\n"


def test_an_empty_line_is_an_empty_line(tok: Tok) -> None:
    for format_ in ("ids", "tokens"):
        assert tok("decode", "--format", format_, given="\n\n").stdout == "\n\n"


def test_detokenized_text_is_written_as_its_language_is(tok: Tok) -> None:
    for lang, text in (
        ("en", "hello, world!"),
        ("fr", "l'eau, c'est bon."),
        ("zh", "北京的大学"),
    ):
        ids = tok("encode", "--lang", lang, given=text).stdout
        arguments = ("decode", "--skip-special-tokens", "--detokenize", lang)
        assert tok(*arguments, given=ids).stdout == text + "\n"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("14 abc 15", "'abc' is not an id"),
        ("14 -1", "'-1' is not an id"),
        ("1_4", "'1_4' is not an id"),
        ("１４", "'１４' is not an id"),
        ("1.0", "'1.0' is not an id"),
        ("9" * 5000, "is not an id"),
        ("999999", "999999"),
    ],
)
def test_lines_that_are_not_ids(line: str, says: str, fails: Callable[..., str], tok: Tok) -> None:
    good = tok("decode", given="14\n").stdout_bytes
    message = fails("decode", given=f"14\n{line}\n15\n", printed=good)
    assert message.startswith("standard input: line 2: ")
    assert says in message
    assert len(message) < 200


@pytest.mark.parametrize(
    "line",
    ["{", "14", "[14]", '{"tokens": []}', '{"ids": 14}', '{"ids": [true]}', '{"ids": ["a"]}', ""],
)
def test_lines_that_are_not_objects_with_ids(line: str, fails: Callable[..., str]) -> None:
    message = fails("decode", "--format", "jsonl", given=f"{line}\n")
    assert message.startswith("standard input: line 1: ")
    assert "JSON" in message
