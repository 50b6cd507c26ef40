"""Many texts at once give what each of them gives alone."""

from __future__ import annotations

import os
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sacremoses import MosesPunctNormalizer

from xlm_text.alignment.aligned import strip_marks
from xlm_text.joining import map_together
from xlm_text.pipelines.casing import lowercase_and_remove_accents
from xlm_text.pipelines.normalizing import normalize
from xlm_text.pipelines.words import Words
from xlm_text.rules.sacremoses.normalization import normalization
from xlm_text.segmenters.segmenter import Segmenter

from .support import KYTEA_MODEL, examples

SEGMENTED = ["zh", "ja", "th"]


def characters_of_rules() -> list[str]:
    patterns = [str(pattern) for pattern, _ in MosesPunctNormalizer("ja").substitutions]
    return sorted(set("".join(patterns)) - set("\\\r"))


MARKS = "，、”“《》」「：？！；（）【】’…～％０９。．"
WHITE_SPACE_AND_CONTROLS = "\u3000\xa0\t\n\r\0\u200b\ue000"
OTHERS = ["nº", "5", "Ab", "␞", "  ", " . ", "語", "ไทย", "é"]
PARTS = st.sampled_from([*characters_of_rules(), *MARKS, *WHITE_SPACE_AND_CONTROLS, *OTHERS])
TEXTS = st.lists(st.lists(PARTS | st.characters(exclude_categories=["Cs"])).map("".join))


@pytest.mark.parametrize("lang", SEGMENTED)
@examples(300)
@given(TEXTS)
@example(["( a", ") . b ", " 5 ", "% c", "\xa0", "5\xa0", "5", "a\0 ", " \0b"])
def test_normalization(lang: str, texts: list[str]) -> None:
    rules = normalization(lang)
    assert normalize(rules, texts) == list(map(rules.apply, texts))


@pytest.mark.parametrize("lang", SEGMENTED)
def test_every_pair_of_characters_of_the_rules_beside_the_end_of_a_text(lang: str) -> None:
    rules = normalization(lang)
    near = [*characters_of_rules(), "。", "．", "…", "5", "a", "º", "\r"]
    texts = [first + second for first in near for second in near]
    # Each pair stands once before and once behind each of many others.
    for step in (1, 7, 31):
        turned = [texts[i * step % len(texts)] for i in range(len(texts))]
        assert normalize(rules, turned) == list(map(rules.apply, turned))


def test_what_must_be_alone_is_alone_and_the_order_stays() -> None:
    alone: list[str] = []

    def by_itself(text: str) -> str:
        alone.append(text)
        return text.upper()

    done = map_together(
        ["a", "!", "", "b!", "c"],
        lambda texts: [text + "+" for text in texts],
        by_itself,
        lambda text: "!" in text,
    )
    assert done == ["a+", "!", "+", "B!", "c+"]
    assert alone == ["!", "b!"]
    assert map_together([], lambda texts: [text.upper() for text in texts], by_itself, len) == []
    assert map_together(["!"], lambda _: ["never"], by_itself, len) == ["!"]


@given(TEXTS)
def test_words_that_hold_spaces_fall_apart(texts: list[str]) -> None:
    units = [[part for part in text.replace("\n", "").split("b") if part] for text in texts]
    found = lowercase_and_remove_accents(Words.of(units))
    expected = []
    for unit in units:
        # As transformers does it: joined by spaces, lower-cased, without marks, split again.
        text = unicodedata.normalize("NFD", " ".join(unit).lower())
        text = "".join(char for char in text if unicodedata.category(char) != "Mn").lower()
        expected.append([word for word in text.split(" ") if word])
    assert list(found.of_units()) == expected


def test_every_mark_is_stripped() -> None:
    chars = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    marks = [char for char in chars if unicodedata.category(char) == "Mn"]
    assert len(marks) > 1500
    # One that decomposes into marks is none of them.
    assert "".join(map(strip_marks, marks)) == ""


@examples(200)
@given(st.lists(st.text("日本語でテキスト。、 /\\&ab1 😀\1\2␞\n"), max_size=5))
@example(["a\\ b", "\\", "\\\\", " ", "\\ /", "日本 語\\/テキスト", ""])
def test_japanese_words(texts: list[str]) -> None:
    from Mykytea import Mykytea

    from xlm_text.segmenters.japanese import load_kytea

    segmenter: Segmenter = load_kytea(KYTEA_MODEL)
    kytea = Mykytea(f"-model {KYTEA_MODEL} -notags")
    expected = [list(kytea.getWS(text)) for text in texts]
    assert segmenter.words(texts) == expected
    assert [segmenter(text) for text in texts] == expected


def test_japanese_words_after_another_module_made_by_swig_came() -> None:
    pytest.importorskip("faiss", reason="faiss is not installed")
    from Mykytea import Mykytea

    text = "これは本です😀。"  # KyTea's own: Vaporetto does not get such characters
    # A process of its own: an iterator over KyTea's words would end it.
    code = (
        "import sys\n"
        "from xlm_text.segmenters.japanese import load_kytea\n"
        "segmenter = load_kytea(sys.argv[1])\n"
        "print(*segmenter(sys.argv[2]))\n"
        "import faiss\n"
        "print(*segmenter(sys.argv[2]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(KYTEA_MODEL), text],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )
    assert (done.returncode, done.stderr) == (0, "")
    words = " ".join(Mykytea(f"-model {KYTEA_MODEL} -notags").getWS(text))
    assert done.stdout.splitlines() == [words, words]
