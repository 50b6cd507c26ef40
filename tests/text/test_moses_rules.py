"""With ``rules="moses"`` the words are those of Moses' own Perl scripts, early 2019.

What the scripts made of real sentences is in the shared data, and of sentences of our own in
``fixtures/perl``.  Where the scripts are at hand they are asked themselves (``moses_scripts.py``);
the long run, 200,000 lines in each language:

    XLM_MOSES_SCRIPTS=… XLM_LINES=200000 pytest -n auto tests/text/test_moses_rules.py -k many
"""

from __future__ import annotations

import os
import random
import re
from pathlib import Path

import pytest
from hypothesis import given

from xlm_text import InputError, XLMTokenizer
from xlm_text.alignment.aligned import Aligned
from xlm_text.pipelines.base import Setup
from xlm_text.pipelines.perl import PerlPipeline
from xlm_text.rules.perl.prefixes import nonbreaking_prefixes
from xlm_text.rules.perl.rules import normalization

from .generated import alphabets, texts
from .moses_scripts import SCRIPTS, Scripts, needs_scripts
from .perl_lines import FIXTURES, PERL_LANGUAGES, lines_of, read_lines
from .support import Reference, examples
from .test_parity_recombined import recombined

LINES = os.environ.get("XLM_LINES")
BLOCK = 2000


def words_of(pipeline, text):
    """Find the words unit by unit, as strings and with their alignment, which must agree."""
    units = pipeline.cut(text).units
    words = pipeline.words(units).flat
    aligned = [word for unit in units for word in pipeline.align(Aligned.of(unit))]
    assert [word.text for word in aligned] == words
    return words


def check_lines(lang, lines, expected):
    pipeline = PerlPipeline(Setup(lang))
    wrong = [
        (line, words, wanted)
        for line, wanted in zip(lines, expected, strict=True)
        if (words := words_of(pipeline, line)) != wanted.split()
    ]
    assert wrong == []


@pytest.mark.parametrize("lang", PERL_LANGUAGES)
def test_our_lines(lang):
    check_lines(lang, lines_of(lang), read_lines(FIXTURES / "perl" / f"{lang}.words"))


@pytest.mark.parametrize("lang", ["zh", "th", "ja"])
def test_character_stages_of_our_lines(lang):
    printed = read_lines(FIXTURES / "perl" / f"{lang}.stages")
    for line, wanted in zip(lines_of(lang), printed, strict=True):
        assert normalization(lang).apply(line) == wanted
        assert normalization(lang).align(Aligned.of(line)).text == wanted


SHARED = "ar bg ca cs de el en es et fi fr hi hu it ko nl pl pt ro ru sk sl sv tr ur vi".split()


@pytest.mark.parametrize("lang", SHARED)
def test_shared_lines(lang, shared_data):
    folder = shared_data / "perl"
    lines = read_lines(folder / f"{lang}.txt")
    assert len(lines) == 800
    check_lines(lang, lines, read_lines(folder / f"{lang}.words"))


def mixed(lang, seed, count):
    """Give lines put together at random from the characters and words of generated text."""
    choose = random.Random(f"{lang} {seed}")
    sources = alphabets(lang)
    for _ in range(count):
        units = choose.choice(sources)
        yield "".join(choose.choices(units, k=choose.choice([3, 8, 15, 30])))


@pytest.fixture(scope="module")
def tokenizers(vocabulary_folder):
    """Tokenizers that remember much and little, in the case of the text."""
    return [
        XLMTokenizer.from_pretrained(
            vocabulary_folder("fixtures"),
            rules="moses",
            any_language=True,
            do_lowercase_and_remove_accent=False,
            memory_limit=limit,
        )
        for limit in (100_000, 10)
    ]


@needs_scripts
@pytest.mark.parametrize("lang", PERL_LANGUAGES)
def test_many_lines(lang, tokenizers):
    scripts = Scripts(lang)
    pipeline = PerlPipeline(Setup(lang))
    count = int(LINES or 1500)
    for start in range(0, count, BLOCK):
        size = min(BLOCK, count - start)
        lines = [*recombined(lang, start, size // 2), *mixed(lang, start, size - size // 2)]
        printed = scripts.lines(lines)
        wrong = [
            (line, words, wanted)
            for line, wanted in zip(lines, printed, strict=True)
            if (words := pipeline.words(pipeline.cut(line).units).flat) != wanted.split()
        ]
        assert wrong == []
        # What is remembered gives the same in every context; every fifth block tries it.
        for tokenizer in tokenizers if start % (5 * BLOCK) == 0 else ():
            expected = tokenizer(printed, lang=lang, bypass_tokenizer=True)["input_ids"]
            special = [i for i, line in enumerate(lines) if "<" in line]
            for _ in range(2):
                rows = tokenizer(lines, lang=lang)["input_ids"]
                wrong = [
                    (lines[i], printed[i])
                    for i, (row, wanted) in enumerate(zip(rows, expected, strict=True))
                    if row != wanted and i not in special
                ]
                assert wrong == []
            with_offsets = tokenizer(lines, lang=lang, return_offsets_mapping=True)
            assert with_offsets["input_ids"] == rows


@needs_scripts
@pytest.mark.parametrize("lang", PERL_LANGUAGES)
def test_generated_text(lang):
    scripts, pipeline = Scripts(lang), PerlPipeline(Setup(lang))

    @examples(100)
    @given(texts(lang))
    def same(text):
        assert words_of(pipeline, text) == scripts.line(text).split()

    try:
        same()
    finally:
        scripts.close()


def test_the_rules_are_saved_and_restored(tmp_path, vocabulary_folder):
    text = "हिन्दी में क़लम"
    ours = XLMTokenizer.from_pretrained(
        vocabulary_folder("fixtures"), rules="moses", any_language=True
    )
    assert ours.words(text, lang="hi") == ["हिन", "दी", "म", "क", "लम"]
    ours.save_pretrained(tmp_path)
    again = XLMTokenizer.from_pretrained(tmp_path, any_language=True)
    assert again(text, lang="hi").data == ours(text, lang="hi").data
    # The reference loads the folder, and cuts by its own rules.
    theirs = Reference.from_pretrained(tmp_path)
    back = XLMTokenizer.from_pretrained(tmp_path, rules="sacremoses", any_language=True)
    assert theirs.encode(text, lang="hi") == back.encode(text, lang="hi")
    assert back.encode(text, lang="hi") != ours.encode(text, lang="hi")


def test_a_faithful_tokenizer_is_saved_and_restored(tmp_path, vocabulary_folder):
    ours = XLMTokenizer.from_pretrained(vocabulary_folder("fixtures"), faithful=True)
    ours.save_pretrained(tmp_path)
    again = XLMTokenizer.from_pretrained(tmp_path)
    assert again("１ etc.", lang="en").data == ours("１ etc.", lang="en").data
    assert again.bos_token == "</s>"
    assert Reference.from_pretrained(tmp_path).bos_token == "</s>"


def test_rules_that_do_not_exist_are_one_error(vocabulary_folder):
    with pytest.raises(InputError, match="rules must be one of sacremoses, moses, not 'perl'"):
        XLMTokenizer.from_pretrained(vocabulary_folder("fixtures"), rules="perl")


def test_text_of_one_rule_set_is_not_remembered_for_the_other(vocabulary_folder):
    folder = vocabulary_folder("fixtures")
    loaded = [
        XLMTokenizer.from_pretrained(folder, rules=rules, any_language=True)
        for rules in ("moses", "sacremoses")
    ]
    for _ in range(3):
        moses, sacremoses = (each.words("Go to St. Etc. हिन्दी Dr.", lang="en") for each in loaded)
        assert moses == ["go", "to", "st.", "etc", ".", "हिन", "दी", "dr", "."]
        assert sacremoses == ["go", "to", "st.", "etc", ".", "हिनदी", "dr."]


@needs_scripts
def test_prefixes_are_those_of_the_scripts_lists():
    lists = Path(SCRIPTS, "share", "nonbreaking_prefixes")
    found = {path.suffix[1:]: path for path in lists.glob("nonbreaking_prefix.*")}
    assert len(found) == 25
    for lang in [*found, "hi"]:
        prefixes: dict[str, bool] = {}
        for line in read_lines(found.get(lang, found["en"])):
            if line and not line.startswith("#"):
                numeric = re.fullmatch(r"(.*)\s+#NUMERIC_ONLY#.*", line)
                prefixes[numeric[1] if numeric else line] = bool(numeric)
        # What has white space in it is never the word before a full stop.
        reachable = {prefix for prefix in prefixes if prefix.split() == [prefix]}
        ours = nonbreaking_prefixes(lang)
        for own, numeric in ((ours.always, False), (ours.before_numbers, True)):
            assert {prefix for prefix in own if prefix.split() == [prefix]} == {
                prefix for prefix in reachable if prefixes[prefix] is numeric
            }, (lang, numeric)
