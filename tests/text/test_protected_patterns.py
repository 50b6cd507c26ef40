"""What is protected stays one word, in its place; the text beside it is text like any other."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import example, given
from hypothesis import strategies as st
from sacremoses import MosesTokenizer
from transformers import XLMTokenizer as PublishedReference
from xlm_cli.tok import main

from xlm_text import InputError, XLMTokenizer
from xlm_text.patterns import ProtectedPatterns

from .generated import texts
from .support import KYTEA_MODEL, examples, sentences

URL, EMAIL = "https://www.Example.org/a_(b)/c?d=é&e=1,2", "J.Doe+x@mail.example.org"
FAMILIES = ["en", "fr", "ru", "zh", "th", "ja"]


def load(*patterns: str, **settings: Any) -> XLMTokenizer:
    return XLMTokenizer.from_pretrained(
        kytea_model=str(KYTEA_MODEL), any_language=True, protected_patterns=patterns, **settings
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"({URL}).", [URL]),
        (f"{URL}, “{URL}”; {EMAIL}!", [URL, URL, EMAIL]),
        ("见http://a.cn/b。很好 www.b.cn，看a@b.cn吧", ["http://a.cn/b", "www.b.cn", "a@b.cn"]),
        ("http://x.org/a... <http://y.org:80/>", ["http://x.org/a", "http://y.org:80/"]),
        ("HTTP://X.ORG ftp://f.org/~u", ["HTTP://X.ORG", "ftp://f.org/~u"]),
        ("https://de.wikipedia.org/wiki/Käse#Öl", ["https://de.wikipedia.org/wiki/Käse#Öl"]),
        ("a@b @c.de d@ http:// www. x.y://z", []),
        ("mailto:ü@müller.de.", ["ü@müller.de"]),
    ],
)
def test_urls_and_addresses(text: str, found: list[str]) -> None:
    spans = ProtectedPatterns(("urls", "emails")).find(text)
    assert [text[start:end] for start, end in spans] == found


def test_the_first_counts_and_nothing_overlaps() -> None:
    patterns = ProtectedPatterns(("b+c", "ab", "[a-c]+", "x*y|(?=q)"))
    text = "ab bbc abbc cab qy"
    found = [text[start:end] for start, end in patterns.find(text)]
    assert found == ["ab", "bbc", "ab", "bc", "cab", "y"]


@given(st.lists(st.sampled_from([URL, EMAIL, "http://", "@", "www.", "(", ".", " ", "的", "a"])))
def test_a_match_is_found_again_alone(parts: list[str]) -> None:
    text, patterns = "".join(parts), ProtectedPatterns(("urls", "emails"))
    spans = patterns.find(text)
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))
    for start, end in spans:
        assert patterns.find(text[start:end]) == [(0, end - start)]


@pytest.mark.parametrize("lang", FAMILIES)
@pytest.mark.parametrize("settings", [{}, {"rules": "moses"}, {"faithful": True}])
def test_one_word_with_the_right_span(lang: str, settings: dict[str, Any]) -> None:
    tokenizer, plain = load("urls", "emails", **settings), load(**settings)
    for line in sentences(lang)[:5]:
        text = f"{line} {URL} {line} {EMAIL}"
        batch = tokenizer(text, lang=lang, return_offsets_mapping=True, add_special_tokens=False)
        expected: list[int] = []
        spans: list[tuple[int, int]] = []
        start = 0
        for part in (f"{line} ", URL, f" {line} ", EMAIL):
            if part in (URL, EMAIL):  # Moses gives back a protected word as it was
                word = part.lower().replace("é", "e")
                own = plain(word, bypass_tokenizer=True, add_special_tokens=False)["input_ids"]
                at = batch.char_to_token(start)
                assert batch.char_to_word(start) == batch.char_to_word(start + len(part) - 1)
                assert batch.word_to_chars(batch.token_to_word(at)) == (start, start + len(part))
                spans += [(-1, -1)] * len(own)
            else:
                found = plain(
                    part, lang=lang, return_offsets_mapping=True, add_special_tokens=False
                )
                own = found["input_ids"]
                spans += [(a + start, b + start) for a, b in found["offset_mapping"]]
            expected += own
            start += len(part)
        assert batch["input_ids"] == expected
        for given_, wanted in zip(batch["offset_mapping"], spans, strict=True):
            assert wanted in ((-1, -1), given_)
        assert tokenizer(text, lang=lang)["input_ids"][1:-1] == expected


def test_sacremoses_own_protection_finds_the_same_words() -> None:
    moses = MosesTokenizer(lang="en")
    tokenizer = load("urls", do_lowercase_and_remove_accent=False)
    for text in (f"See {URL} and more, he said.", f"Dr. Who saw {URL} ( really )"):
        theirs = moses.tokenize(text, protected_patterns=[r"https?://\S+"], escape=False)
        assert tokenizer.words(text, lang="en") == theirs


def test_added_tokens_come_first_and_words_keep_their_numbers() -> None:
    tokenizer = load("urls", r"#\w+")
    text = "a #tag<special1>http://x.org/<special1>"
    batch = tokenizer(text, lang="en", return_offsets_mapping=True, add_special_tokens=False)
    words = {}
    for number, span in zip(batch.word_ids(), batch["offset_mapping"], strict=True):
        words[number] = words.get(number, span)[0], span[1]
    found = [text[start:end] for start, end in words.values()]
    assert found == ["a", "#tag", "<special1>", "http://x.org/", "<special1>"]
    split = tokenizer([["x", "#a-b", "#c"]], lang="en", is_split_into_words=True)
    assert sorted(set(split.word_ids()) - {None}) == [0, 1, 2]


def test_white_space_inside_a_match_is_between_words() -> None:
    tokenizer = load(r"New\s+York")
    assert tokenizer.words("in New  York.", lang="en") == ["in", "new", "york", "."]


def test_what_was_cut_already_is_left_alone() -> None:
    text = f"a {URL} b.c"
    assert load("urls", "b").tokenize(text, bypass_tokenizer=True) == load().tokenize(
        text, bypass_tokenizer=True
    )


@pytest.mark.parametrize("lang", ["en", "zh", "ja"])
def test_texts_without_a_match_are_what_they_were(lang: str) -> None:
    tokenizer, plain = load("urls", "emails"), load()

    @examples(60)
    @given(texts(lang))
    @example("www. @ http://")
    def on(text: str) -> None:
        if not ProtectedPatterns(("urls", "emails")).find(text):
            options = {"lang": lang, "return_offsets_mapping": True}
            assert tokenizer(text, **options) == plain(text, **options)

    on()


def test_saved_streamed_and_on_the_command_line(tmp_path: Path) -> None:
    tokenizer = load("urls", r"#\w+")
    tokenizer.save_pretrained(tmp_path)
    again = XLMTokenizer.from_pretrained(tmp_path)
    assert again.protected_patterns == ["urls", r"#\w+"]
    text = f"Oh, {URL} #This!"
    wanted = tokenizer(text, lang="en")["input_ids"]
    assert wanted != load()(text, lang="en")["input_ids"]
    rows = again.encode_iterator([text] * 7, lang="en", workers=2, batch_size=3)
    assert list(rows) == [wanted] * 7
    options = ["encode", "--lang", "en", "--protect", "urls", "--protect", r"#\w+"]
    result = CliRunner().invoke(main, [*options, "--format", "jsonl"], input=f"{text}\n")
    assert json.loads(result.stdout)["ids"] == wanted
    explained = CliRunner().invoke(main, ["explain", *options[1:], text]).stdout
    assert f"{text.index(URL)}:{text.index(URL) + len(URL)} {URL}  (protected)" in explained
    assert PublishedReference.from_pretrained(tmp_path).vocab_size == 16000
    load().save_pretrained(tmp_path / "plain")
    config = json.loads((tmp_path / "plain" / "tokenizer_config.json").read_text())
    assert not {"protected_patterns", "user_dictionary", "normalize_unicode"} & config.keys()


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        (["("], "must be 'urls' or 'emails' or a regular expression, not '\\('"),
        (["x*"], "must match at least one character"),
        ("urls", "must be a list"),
        ([3], "must be a list"),
    ],
)
def test_what_cannot_be_is_an_error(patterns: Any, message: str) -> None:
    with pytest.raises(InputError, match=f"protected_patterns {message}"):
        XLMTokenizer.from_pretrained(protected_patterns=patterns)


def test_the_command_names_its_option() -> None:
    result = CliRunner().invoke(main, ["encode", "--lang", "en", "--protect", "("], input="x\n")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("xlm-tok: error: --protect must be 'urls'")
