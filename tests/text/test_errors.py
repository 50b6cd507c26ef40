"""Errors are data: who shows one writes the names of arguments as its own readers know them."""

from __future__ import annotations

import pickle

import pytest

from xlm_text import InputError, MissingComponentError, XLMTokenizer
from xlm_text.errors import Argument
from xlm_text.languages.names import likeliest_languages


def option(argument: Argument) -> str | None:
    return {"max_length": "--max-length", "any_language": "--any-language"}.get(argument.name)


def test_a_name_in_what_the_user_wrote_is_left_alone() -> None:
    error = InputError("'my max_length file' is missing; give ", Argument("max_length", 5))
    assert str(error) == "'my max_length file' is missing; give max_length=5"
    assert error.describe(option) == "'my max_length file' is missing; give --max-length"


def test_advice_that_the_caller_cannot_follow_is_left_out() -> None:
    error = InputError("no language 'xx'", advice=(Argument("any_language", True), " takes all"))
    assert str(error) == "no language 'xx'; any_language=True takes all"
    assert error.describe(option) == "no language 'xx'; --any-language takes all"
    assert error.describe(lambda argument: None) == "no language 'xx'"


def test_fields_survive_the_way_from_another_process() -> None:
    sent = InputError("is bad", argument="text", number=7, advice=("try ", Argument("lang")))
    came = pickle.loads(pickle.dumps(sent))
    assert (came.argument, came.number, came.advice) == ("text", 7, ("try ", Argument("lang")))
    assert str(came) == str(sent) == "text[7] is bad; try lang"
    missing = pickle.loads(pickle.dumps(MissingComponentError("no ", Argument("kytea_model"))))
    assert str(missing) == "no kytea_model"


def test_an_error_moves_to_its_place_in_a_stream() -> None:
    error = InputError("it is empty", number=2)
    assert (str(error.at(1002)), str(error)) == ("text 1002: it is empty", "text 2: it is empty")


def test_the_tokenizer_says_which_argument_and_which_text() -> None:
    tokenizer = XLMTokenizer.from_pretrained()
    with pytest.raises(InputError) as caught:
        tokenizer("a", lang="en", max_length=1)
    assert (caught.value.argument, caught.value.number) == ("max_length", None)
    with pytest.raises(InputError) as caught:
        tokenizer(["a", "b", None], lang="en")
    assert (caught.value.argument, caught.value.number) == ("text", 2)
    with pytest.raises(InputError) as caught:
        tokenizer(["a", "\ud800"], lang="en")
    assert (caught.value.argument, caught.value.number) == (None, 1)


@pytest.mark.parametrize(
    ("meant", "code"),
    [
        ("zh-CN", "zh"), ("zh_TW", "zh"), ("pt-BR", "pt"), ("sr-Latn-RS", "sr"), ("EN", "en"),
        ("jp", "ja"), ("cn", "zh"), ("ua", "uk"), ("kr", "ko"), ("cz", "cs"), ("gr", "el"),
        ("english", "en"), ("Chinese", "zh"), ("Deutsch", "de"), ("japanese", "ja"),
        ("eng", "en"), ("deu", "de"), ("zho", "zh"), ("Vietnamse", "vi"), ("chinees", "zh"),
        ("zh-min-nan", "zh_min_nan"), ("Simple English", "simple"), ("cantonese", "zh_yue"),
    ],
)  # fmt: skip
def test_the_language_that_was_meant(meant: str, code: str) -> None:
    from xlm_text.checkpoints import KNOWN_LANGUAGES

    assert likeliest_languages(meant, KNOWN_LANGUAGES)[0] == code


def test_only_languages_that_there_are_come_to_mind() -> None:
    assert likeliest_languages("zh-CN", ["de", "en"]) == []
    assert likeliest_languages("klingon", ["de", "en"]) == []


def test_an_unknown_language_is_answered_with_the_likeliest_and_not_with_a_hundred() -> None:
    wiki = XLMTokenizer.from_pretrained(any_language=False)
    with pytest.raises(InputError) as caught:
        wiki.tokenize("a", lang="zh-CN")
    message = "no language 'zh-CN' (did you mean zh?); any_language=True takes every code"
    assert str(caught.value) == message
    from xlm_text.checkpoints import KNOWN_LANGUAGES
    from xlm_text.languages.table import no_such_language

    assert len(str(no_such_language("klingon", KNOWN_LANGUAGES, True))) < 200
