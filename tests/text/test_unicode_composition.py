"""A text that comes decomposed gets the pieces of the composed one, in its own places."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from unicodedata import is_normalized, normalize

import pytest
from click.testing import CliRunner
from hypothesis import example, given
from hypothesis import strategies as st
from xlm_cli.tok import main

from xlm_text import InputError, XLMTokenizer
from xlm_text.alignment.composition import compose

from .support import KYTEA_MODEL, LANGUAGES, examples, sentences

VIETNAMESE = "Tiếng Việt được viết bằng chữ Quốc ngữ."


def load(**settings: Any) -> XLMTokenizer:
    settings = {"do_lowercase_and_remove_accent": False, **settings}
    return XLMTokenizer.from_pretrained(kytea_model=str(KYTEA_MODEL), any_language=True, **settings)


# Letters with marks, marks alone, and what composes though it is no mark: Korean and Indic.
COMPOSING = st.text("aeoAuIx .̣́̂̃̇̈a̢각각각িাোেীা가Åᾷ΄ཱཱིི༹𑂚", max_size=12)


@examples(500)
@given(
    COMPOSING | st.text(max_size=8) | st.text(st.characters(categories=["Mn", "Lo"]), max_size=8)
)
@example("e\u0323\u0302\u0323")
@example("\u0302\u0323")
@example("\u1100\u1161\u11a8\u1161")
def test_each_character_stands_for_what_it_was_composed_of(text: str) -> None:
    composed = compose(text)
    assert composed.text == normalize("NFC", text)
    places = list(zip(composed.starts, composed.ends, strict=True))
    assert all(start < end for start, end in places)
    assert places == sorted(places)
    # Every part is composed by itself, and no character of the text is lost.
    parts = dict.fromkeys(places)
    assert "".join(text[start:end] for start, end in parts) == text
    assert "".join(normalize("NFC", text[start:end]) for start, end in parts) == composed.text


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("settings", [{}, {"rules": "moses"}])
def test_the_ids_are_those_of_the_composed_text(lang: str, settings: dict[str, Any]) -> None:
    tokenizer, plain = load(normalize_unicode="NFC", **settings), load(**settings)
    lines = [*sentences(lang)[:4], VIETNAMESE, "é<special1>ê ệ"]
    for line in lines:
        composed, apart = normalize("NFC", line), normalize("NFD", line)
        options = {"lang": lang, "return_offsets_mapping": True, "add_special_tokens": False}
        wanted = plain(composed, **options)
        found = tokenizer(apart, **options)
        assert found["input_ids"] == wanted["input_ids"]
        assert found.word_ids() == wanted.word_ids()
        for (start, end), (first, last) in zip(
            found["offset_mapping"], wanted["offset_mapping"], strict=True
        ):
            assert composed[first:last] in normalize("NFC", apart[start:end])
            # Decomposing is character by character; of a letter that keeps a mark beside it, the
            # span has both.
            assert start <= len(normalize("NFD", composed[:first]))
            assert end >= len(normalize("NFD", composed[:last]))
            assert end == start + last - first or not apart[start:end].isascii()
        assert tokenizer(apart, lang=lang)["input_ids"] == plain(composed, lang=lang)["input_ids"]
        assert tokenizer(composed, **options) == wanted


def test_without_the_setting_the_pieces_are_others() -> None:
    apart = normalize("NFD", VIETNAMESE)
    assert apart != VIETNAMESE
    plain, tokenizer = load(), load(normalize_unicode="NFC")
    assert plain(apart, lang="vi")["input_ids"] != plain(VIETNAMESE, lang="vi")["input_ids"]
    assert tokenizer.words(apart, lang="vi") == plain.words(VIETNAMESE, lang="vi")
    assert tokenizer.tokenize(apart, lang="vi") == plain.tokenize(VIETNAMESE, lang="vi")


def test_spans_are_those_of_the_text_as_it_was_given() -> None:
    tokenizer = load(normalize_unicode="NFC")
    text = normalize("NFD", "Việt é <special1>ấ") + "."
    batch = tokenizer(text, lang="vi", return_offsets_mapping=True, add_special_tokens=False)
    words: dict[int, tuple[int, int]] = {}
    for number, span in zip(batch.word_ids(), batch["offset_mapping"], strict=True):
        words[number] = words.get(number, span)[0], span[1]
    found = [normalize("NFC", text[start:end]) for start, end in words.values()]
    assert found == ["Việt", "é", "<special1>", "ấ", "."]
    split = tokenizer(
        [[normalize("NFD", "Việt"), "x", normalize("NFD", "ấ")]],
        lang="vi",
        is_split_into_words=True,
        return_offsets_mapping=True,
        add_special_tokens=False,
    )
    spans = split["offset_mapping"][0]
    assert (spans[0][0], spans[-1]) == (0, (0, 3))


def test_protected_parts_are_composed_too() -> None:
    text = normalize("NFD", "é http://x.org/é, é")
    tokenizer = load(normalize_unicode="NFC", protected_patterns=("urls",))
    batch = tokenizer(text, lang="fr", return_offsets_mapping=True, add_special_tokens=False)
    start, end = batch.word_to_chars(1)
    assert normalize("NFC", text[start:end]) == "http://x.org/é"
    explained = tokenizer.explain(text, "fr")
    assert explained.composed == normalize("NFC", text)
    assert [(piece.start, piece.end) for piece in explained.pieces] == batch["offset_mapping"]
    assert [piece.id for piece in explained.pieces] == batch["input_ids"]
    assert str(explained).splitlines()[1].startswith("composed (NFC): é http://x.org/é, é")


def test_saved_streamed_and_on_the_command_line(tmp_path: Path) -> None:
    load(normalize_unicode="NFC").save_pretrained(tmp_path)
    again = XLMTokenizer.from_pretrained(tmp_path, any_language=True)
    assert again.normalize_unicode == "NFC"
    text = normalize("NFD", VIETNAMESE)
    wanted = load()(VIETNAMESE, lang="vi")["input_ids"]
    rows = again.encode_iterator([text] * 7, lang="vi", workers=2, batch_size=3)
    assert list(rows) == [wanted] * 7
    options = ["--lang", "vi", "--any-language", "--format", "jsonl"]
    given_ = f"{text}\n"
    result = CliRunner().invoke(main, ["encode", *options, "--model", str(tmp_path)], input=given_)
    assert json.loads(result.stdout)["ids"] == wanted
    result = CliRunner().invoke(
        main, ["encode", *options, "--normalize-unicode", "NFC"], input=given_
    )
    composed = CliRunner().invoke(main, ["encode", *options], input=f"{VIETNAMESE}\n")
    assert json.loads(result.stdout)["ids"] == json.loads(composed.stdout)["ids"]


def test_other_forms_are_an_error() -> None:
    with pytest.raises(InputError, match="normalize_unicode must be 'NFC' or None, not 'NFKC'"):
        load(normalize_unicode="NFKC")
    assert is_normalized("NFC", VIETNAMESE)
