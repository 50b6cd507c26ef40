"""`explain` tells every step, and comes to the very pieces that a call gives."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from xlm_cli.tok import main

from xlm_text import XLMTokenizer
from xlm_text.analysis.explanation import Explanation

from .generated import texts
from .support import KYTEA_MODEL, LANGUAGES, examples, sentences

SETTINGS = {
    "sacremoses": {},
    "cased": {"do_lowercase_and_remove_accent": False},
    "moses": {"rules": "moses"},
    "faithful": {"faithful": True},
}
FAMILIES = ["en", "fr", "zh", "th", "ja"]


@pytest.fixture(scope="module")
def tokenizers() -> dict[str, XLMTokenizer]:
    common = {"kytea_model": str(KYTEA_MODEL), "any_language": True}
    return {name: XLMTokenizer.from_pretrained(**common, **own) for name, own in SETTINGS.items()}


def check(tokenizer: XLMTokenizer, text: str, lang: str) -> Explanation:
    explained = tokenizer.explain(text, lang)
    batch = tokenizer(text, lang=lang, add_special_tokens=False, return_offsets_mapping=True)
    assert [piece.token for piece in explained.pieces] == tokenizer.tokenize(text, lang=lang)
    assert [piece.id for piece in explained.pieces] == batch["input_ids"]
    assert [(piece.start, piece.end) for piece in explained.pieces] == batch["offset_mapping"]
    assert [word.text for word in explained.words] == tokenizer.words(text, lang=lang)
    vocabulary = tokenizer.get_vocab()
    for piece in explained.pieces:
        assert piece.unknown == (piece.token not in vocabulary)
    for part in explained.parts:
        assert text[part.start : part.end] == part.text
        for unit in part.units:
            assert text[unit.start : unit.end] == unit.text
            stages = [(unit.text,), *(step.after for step in unit.steps)]
            for step, before in zip(unit.steps, stages, strict=False):
                assert step.before == before, step
                assert step.before != step.after, step
            assert stages[-1] == tuple(word.text for word in unit.words)
        ends = [(unit.start, unit.end) for unit in part.units]
        assert all(end <= start for (_, end), (start, _) in pairwise(ends))
    assert json.loads(json.dumps(explained.to_dict()))["text"] == text
    return explained


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_steps_lead_to_the_pieces_of_a_call(
    tokenizers: dict[str, XLMTokenizer], lang: str, settings: str
) -> None:
    for line in sentences(lang):
        check(tokenizers[settings], line, lang)
    check(tokenizers[settings], "", lang)
    check(tokenizers[settings], "  <special1> a Dr. <s>b ", lang)


@pytest.mark.parametrize("lang", FAMILIES)
@pytest.mark.parametrize("settings", ["sacremoses", "faithful"])
def test_generated_texts(tokenizers: dict[str, XLMTokenizer], lang: str, settings: str) -> None:
    @given(texts(lang))
    @examples(60)
    def on(text: str) -> None:
        check(tokenizers[settings], text, lang)

    on()


@pytest.mark.parametrize("lang", FAMILIES)
def test_real_sentences(
    tokenizers: dict[str, XLMTokenizer], lang: str, real_lines: Callable[[str], list[str]]
) -> None:
    for line in real_lines(lang)[:30]:
        for tokenizer in tokenizers.values():
            check(tokenizer, line, lang)


def names(explained: Explanation) -> list[str]:
    return [step.name for part in explained.parts for unit in part.units for step in unit.steps]


# What must have done it, by the rules as Moses' programs and the preparation of XLM state them.
@pytest.mark.parametrize(
    ("text", "lang", "settings", "step", "after"),
    [
        ("dit：", "fr", "sacremoses", "replace-unicode-punctuation", ("dit:",)),
        ("l'eau", "fr", "sacremoses", "tokenizer: split at an apostrophe", ("l' eau",)),
        ("don't", "en", "moses", "tokenizer: split at an apostrophe", ("don 't",)),
        ("No. it", "en", "sacremoses", None, None),
        ("End.", "en", "sacremoses", "tokenizer: split off a full stop", ("End .",)),
        ("x\x07y", "en", "moses", "remove-non-printing-char", ("x y",)),
        ("x\u200by", "en", "sacremoses", "remove-non-printing-char", ("xy",)),
        ("“a", "de", "sacremoses", "replace-unicode-punctuation", ('"a',)),
        ("nº\u00a05", "es", "moses", r"normalize-punctuation: s/nº\xa0/nº /", ("nº 5",)),
        ("Ş", "ro", "sacremoses", "letters of the Romanian preparation", ("S",)),
        ("我来到北京", "zh", "sacremoses", "segmenter", ("我", "来到", "北京")),
        ("ภาษาไทย ดี", "th", "sacremoses", "segmenter", ("ภาษาไทย", " ")),
        ("É", "fr", "sacremoses", "lower case, no accents", ("e",)),
    ],
)
def test_the_rule_that_did_it_is_named(
    tokenizers: dict[str, XLMTokenizer],
    text: str,
    lang: str,
    settings: str,
    step: str | None,
    after: tuple[str, ...] | None,
) -> None:
    explained = check(tokenizers[settings], text, lang)
    if step is None:
        assert "tokenizer: split off a full stop" not in names(explained)
        return
    found = {
        step.name: step.after
        for part in explained.parts
        for unit in part.units
        for step in unit.steps
    }
    assert found[step] == after


def test_what_a_shortcut_finds_is_explained_by_the_rules(
    tokenizers: dict[str, XLMTokenizer],
) -> None:
    # A plain word takes no rule in a call, and changes under none here.
    assert names(check(tokenizers["cased"], "word", "en")) == []
    assert "tokenizer: split off a full stop" in names(check(tokenizers["cased"], "word.", "en"))


def test_added_and_unknown_tokens_are_marked(tokenizers: dict[str, XLMTokenizer]) -> None:
    explained = check(tokenizers["sacremoses"], "ᚠ <special1>", "en")
    assert [part.kind for part in explained.parts] == ["text", "added token"]
    assert [piece.unknown for piece in explained.pieces] == [True, False]
    assert "ᚠ</w> (3 unknown, 0:1)" in str(explained)
    assert "<special1>  (added token)" in str(explained)
    whole = tokenizers["sacremoses"].explain("<s>", "en", split_special_tokens=True)
    assert [part.kind for part in whole.parts] == ["text"]


def test_what_is_cut_already(tokenizers: dict[str, XLMTokenizer]) -> None:
    tokenizer = tokenizers["sacremoses"]
    explained = tokenizer.explain("l' eau", "fr", bypass_tokenizer=True)
    assert explained.words_by == "white space"
    assert [piece.token for piece in explained.pieces] == tokenizer.tokenize(
        "l' eau", lang="fr", bypass_tokenizer=True
    )


def test_the_command(tmp_path: Path) -> None:
    tokenizer = XLMTokenizer.from_pretrained()
    text = "C’est l’été."
    result = CliRunner().invoke(main, ["explain", "--lang", "fr", text])
    assert result.stdout == f"{tokenizer.explain(text, 'fr')}\n"
    options = ["explain", "--lang", "fr", "--format", "jsonl"]
    result = CliRunner().invoke(main, options, input=f"{text}\nune\n")
    assert [json.loads(line) for line in result.stdout.splitlines()] == [
        json.loads(json.dumps(tokenizer.explain(line, "fr").to_dict())) for line in (text, "une")
    ]
    result = CliRunner().invoke(main, ["explain", "--lang", "klingon", text])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("xlm-tok: error: no language 'klingon'")
