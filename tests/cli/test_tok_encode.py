"""`xlm-tok encode` gives what the library gives, one line for each line."""

from __future__ import annotations

import functools
import json
import string
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st
from xlm_cli.tok import main

from xlm_text import XLMTokenizer

Tok = Callable[..., Result]

SENTENCES = {
    "ar": "ذهبتُ إلى السوق، واشتريتُ خبزًا.",
    "de": "Die Straße ist gesperrt (seit 3. Mai).",
    "en": "Isn't this the U.S. “embassy”, Dr. Smith?",
    "es": "¿Dónde está la biblioteca?",
    "fr": "C'est l'été; l'eau est à 25,5 °C.",
    "ru": "Он сказал: «Ёлка стоит 1 000 рублей».",
    "th": "ฉันไปโรงเรียนทุกวัน",
    "zh": "我来到北京清华大学，学了3年。",
}


@pytest.mark.parametrize("lang", SENTENCES)
def test_every_format_says_what_the_library_says(
    lang: str, tok: Tok, tokenizer: XLMTokenizer
) -> None:
    text = SENTENCES[lang]
    expected = tokenizer(text, lang=lang, return_offsets_mapping=True)

    def run(format_: str) -> str:
        result = tok("encode", "--lang", lang, "--format", format_, given=f"{text}\n")
        assert (result.exit_code, result.stderr) == (0, "")
        return result.stdout

    assert run("ids") == " ".join(map(str, expected["input_ids"])) + "\n"
    assert run("tokens") == " ".join(expected.tokens()) + "\n"
    found = json.loads(run("jsonl"))
    assert found == {
        "ids": expected["input_ids"],
        "tokens": expected.tokens(),
        "offsets": [list(span) for span in expected["offset_mapping"]],
        "word_ids": expected.word_ids(),
    }


def test_ids_is_the_format_without_a_wish(tok: Tok) -> None:
    wished = tok("encode", "--lang", "en", "--format", "ids", given="Hello\n")
    assert tok("encode", "--lang", "en", given="Hello\n").stdout == wished.stdout != ""


def test_offsets_are_the_characters_of_the_line(tok: Tok) -> None:
    line = "Wörter, Ёлка und Straße"
    found = json.loads(tok("encode", "--lang", "de", "--format", "jsonl", given=line).stdout)
    words: dict[int, str] = {}
    for (start, end), word in zip(found["offsets"], found["word_ids"], strict=True):
        if word is not None:
            words[word] = words.get(word, "") + line[start:end]
    assert list(words.values()) == ["Wörter", ",", "Ёлка", "und", "Straße"]


def test_special_tokens_can_be_text(tok: Tok, tokenizer: XLMTokenizer) -> None:
    line = "was <s>10 $</s>, now <special1>"
    for format_, arguments, split in (
        ("tokens", ("--split-special-tokens",), True),
        ("tokens", (), False),
    ):
        result = tok("encode", "--lang", "en", "--format", format_, *arguments, given=line)
        expected = tokenizer(line, lang="en", split_special_tokens=split).tokens()
        assert result.stdout.split() == expected
        assert ("<special1>" in expected) is not split


def test_languages_for_files_that_name_none(tok: Tok, tokenizer: XLMTokenizer) -> None:
    arguments = ("encode", "--lang", "fr", "--format", "jsonl", "--languages")
    row = json.loads(tok(*arguments, "en,fr", given="Oui.\n").stdout)
    assert row["langs"] == [1] * len(row["ids"])
    assert "langs" not in json.loads(tok(*arguments, "fr", given="Oui.\n").stdout)
    refused = tok(*arguments, "en,de", given="Oui.\n")
    assert refused.exit_code == 1
    assert "'fr'" in refused.stderr


# Lines ---------------------------------------------------------------------------------------


def test_only_line_feeds_end_lines(tok: Tok, tokenizer: XLMTokenizer) -> None:
    lines = ["a\u2028b", "c\x0bd\x0ce", "f\x85g\x1ch", "", " ", "\rx", "no end"]
    result = tok("encode", "--lang", "en", given="\n".join(lines))
    expected = tokenizer(lines, lang="en")["input_ids"]
    assert result.stdout.split("\n") == [*(" ".join(map(str, row)) for row in expected), ""]


def test_an_empty_line_is_an_empty_sequence(tok: Tok) -> None:
    assert tok("encode", "--lang", "en", given="\n\n").stdout == "0 1\n0 1\n"
    assert tok("encode", "--lang", "en", "--no-special-tokens", given="\n\n").stdout == "\n\n"


def test_nothing_in_is_nothing_out(tok: Tok, tmp_path: Path) -> None:
    empty = tmp_path / "empty.txt"
    empty.touch()
    for arguments in ([], [empty]):
        result = tok("encode", "--lang", "en", *arguments)
        assert (result.exit_code, result.stdout_bytes, result.stderr) == (0, b"", "")


def test_line_ends_of_windows_and_byte_order_marks_are_no_text(tok: Tok) -> None:
    # Without its preprocessing the tokenizer would take the mark for a letter.
    arguments = ("encode", "--lang", "en", "--bypass", "--format", "jsonl")
    plain = tok(*arguments, given="one\ntwo\n").stdout
    assert tok(*arguments, given="\ufeffone\r\ntwo\r\n").stdout == plain
    assert tok(*arguments, given="one\n\ufefftwo\n").stdout != plain


def test_every_file_has_its_own_byte_order_mark(tok: Tok, tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_text("\ufeffone\n", encoding="utf-8")
    result = tok("encode", "--lang", "en", "--bypass", tmp_path / "a", tmp_path / "b")
    first, second = result.stdout.splitlines()
    assert first == second == tok("encode", "--lang", "en", given="one\n").stdout.strip()


def test_nul_is_text_like_any_control_character(tok: Tok, tokenizer: XLMTokenizer) -> None:
    result = tok("encode", "--lang", "en", given=b"ab\x00cd\n")
    assert result.stdout == " ".join(map(str, tokenizer.encode("ab\x00cd", lang="en"))) + "\n"


def test_files_and_standard_input_follow_each_other(tok: Tok, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one\nno end", encoding="utf-8")
    (tmp_path / "b").write_text("last\n", encoding="utf-8")
    result = tok("encode", "--lang", "en", tmp_path / "a", "-", tmp_path / "b", given="middle\n")
    assert (
        result.stdout == tok("encode", "--lang", "en", given="one\nno end\nmiddle\nlast\n").stdout
    )


_tokenizer = functools.cache(XLMTokenizer.from_pretrained)

LINES = st.lists(
    st.text(
        st.one_of(
            st.characters(exclude_characters="\n", exclude_categories=["Cs"]),
            st.sampled_from(string.ascii_letters + " .,'’\t\r\x00"),
        ),
        max_size=20,
    ),
    max_size=8,
)


@settings(deadline=None, max_examples=40)
@given(LINES)
def test_any_text_gives_a_line_for_each_line(lines: list[str]) -> None:
    data = "".join(f"{line}\n" for line in lines).encode()
    result = CliRunner().invoke(main, ["encode", "--lang", "fr"], input=data)
    rows = [list(map(int, line.split())) for line in result.stdout.split("\n")[:-1]]
    assert rows == _tokenizer().batch_encode([line.removesuffix("\r") for line in lines], lang="fr")


# Options -------------------------------------------------------------------------------------


def test_pairs(tok: Tok, tokenizer: XLMTokenizer) -> None:
    result = tok(
        "encode", "--lang", "en", "--pair", "--pair-lang", "zh", given="Hi there\t我来到\n\t\n"
    )
    pair = tokenizer.encode("Hi there", "我来到", lang="en", lang_pair="zh")
    assert result.stdout == " ".join(map(str, pair)) + "\n0 1 1\n"


def test_the_second_text_of_a_pair_has_the_language_of_the_first(
    tok: Tok, tokenizer: XLMTokenizer
) -> None:
    result = tok("encode", "--lang", "zh", "--pair", given="北京\t清华大学\n")
    assert list(map(int, result.stdout.split())) == tokenizer.encode("北京", "清华大学", lang="zh")


def test_pairs_in_jsonl_tell_their_texts_apart(tok: Tok) -> None:
    result = tok("encode", "--lang", "en", "--pair", "--format", "jsonl", given="a b\tc\n")
    found = json.loads(result.stdout)
    assert found["sequence_ids"] == [None, 0, 0, None, 1, None]
    assert found["offsets"] == [[0, 0], [0, 1], [2, 3], [0, 0], [0, 1], [0, 0]]
    result = tok("encode", "--lang", "en", "--pair", "--format", "jsonl", given="a\t\n")
    assert json.loads(result.stdout)["sequence_ids"] == [None, 0, None, None]


@pytest.mark.parametrize(
    ("line", "tabs"), [("one", "no tab"), ("a\tb\tc", "2 tabs"), ("", "no tab")]
)
def test_a_pair_needs_one_tab(line: str, tabs: str, fails: Callable[..., str], tok: Tok) -> None:
    good = tok("encode", "--lang", "en", "--pair", given="a\tb\n").stdout_bytes
    message = fails("encode", "--lang", "en", "--pair", given=f"a\tb\n{line}\nc\td\n", printed=good)
    assert message.startswith("standard input: line 2: ")
    assert message.endswith(tabs)


def test_pair_lang_without_pair_is_misuse(fails: Callable[..., str]) -> None:
    assert "--pair" in fails("encode", "--lang", "en", "--pair-lang", "de", code=2)


def test_bypass_only_cuts_words_into_pieces(tok: Tok, tokenizer: XLMTokenizer) -> None:
    result = tok("encode", "--lang", "en", "--bypass", given="isn't Hello.\n")
    expected = tokenizer.encode("isn't Hello.", lang="en", bypass_tokenizer=True)
    assert list(map(int, result.stdout.split())) == expected
    assert expected != tokenizer.encode("isn't Hello.", lang="en")


def test_first_token_of_the_original_implementation(tok: Tok) -> None:
    assert tok("encode", "--lang", "en", "--bos-token", "</s>", given="\n").stdout == "1 1\n"


def test_max_length_counts_special_tokens(tok: Tok, tokenizer: XLMTokenizer) -> None:
    text = "one two three four five"
    whole = tokenizer.encode(text, lang="en")
    result = tok("encode", "--lang", "en", "--max-length", 4, given=text)
    assert list(map(int, result.stdout.split())) == [*whole[:3], 1]


def test_truncation_chooses_the_text_to_cut(tok: Tok) -> None:
    arguments = ("encode", "--lang", "en", "--pair", "--format", "tokens", "--max-length", 6)
    result = tok(*arguments, "--truncation", "only_second", given="a b\tc d e\n")
    assert result.stdout == "<s> a</w> b</w> </s> c</w> </s>\n"


def test_a_line_that_cannot_be_cut_is_named(fails: Callable[..., str], tok: Tok) -> None:
    arguments = ("encode", "--lang", "en", "--pair", "--max-length", 5)
    good = tok(*arguments, given="a\tb c\n").stdout_bytes
    options = (*arguments, "--truncation", "only_second")
    message = fails(*options, given="a\tb c\na b c d\te\nf\tg\n", printed=good)
    assert message.startswith("standard input: line 2: ")
    assert "only_second" in message


def test_there_is_no_second_text_to_cut_without_pairs(fails: Callable[..., str]) -> None:
    arguments = ("encode", "--lang", "en", "--max-length", 5, "--truncation", "only_second")
    assert "--pair" in fails(*arguments, code=2)


def test_a_length_without_room_for_special_tokens(fails: Callable[..., str]) -> None:
    assert "--max-length" in fails("encode", "--lang", "en", "--max-length", 1, given="a\n")


def test_langs_come_where_the_checkpoint_has_language_embeddings(
    tok: Tok, tokenizer: XLMTokenizer, tmp_path: Path
) -> None:
    tokenizer.save_pretrained(tmp_path)
    config = json.loads((tmp_path / "tokenizer_config.json").read_text())
    config["use_lang_emb"] = True
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    arguments = ("encode", "--lang", "en", "--pair", "--pair-lang", "fr", "--format", "jsonl")
    result = tok(*arguments, "--model", tmp_path, given="a\tb\n")
    en, fr = config["lang2id"]["en"], config["lang2id"]["fr"]
    assert json.loads(result.stdout)["langs"] == [en, en, en, fr, fr]
    for format_ in ("ids", "tokens", "jsonl"):
        arguments = ("encode", "--lang", "sw", "--any-language", "--format", format_)
        result = tok(*arguments, "--model", tmp_path, given="a\n")
        assert (result.exit_code, "langs" in result.stdout) == (0, False)
    assert tok("show", "--lang", "sw", "--any-language", "--model", tmp_path).exit_code == 0


def test_any_language_is_taken_on_request(tok: Tok, fails: Callable[..., str]) -> None:
    message = fails("encode", "--lang", "sw", given="habari\n")
    assert "'sw'" in message
    assert "ar, de, en, es, fr, ja, ru, th, zh" in message
    assert "--any-language" in message
    assert tok("encode", "--lang", "sw", "--any-language", given="habari\n").exit_code == 0


def test_sentences_in_every_language(tok: Tok, kytea_model: Path) -> None:
    for lang in ("ar", "de", "en", "es", "fr", "ja", "ru", "th", "zh"):
        text = kytea_model.with_name("sentences") / f"{lang}.txt"
        lines = text.read_text(encoding="utf-8").splitlines()
        tokenizer = XLMTokenizer.from_pretrained(kytea_model=str(kytea_model))
        result = tok("encode", "--lang", lang, "--kytea-model", kytea_model, given="\n".join(lines))
        found = [list(map(int, line.split())) for line in result.stdout.splitlines()]
        assert found == tokenizer.batch_encode(lines, lang=lang)
