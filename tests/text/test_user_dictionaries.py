"""The user's words are cut as Jieba and newmm cut them with a dictionary of the user's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jieba
import pytest
from click.testing import CliRunner
from hypothesis import example, given
from hypothesis import strategies as st
from jieba import finalseg
from pythainlp.corpus.common import thai_words
from pythainlp.tokenize import word_tokenize
from pythainlp.util import Trie
from transformers import XLMTokenizer as PublishedReference
from xlm_cli.tok import main

from xlm_text import InputError, Settings, XLMTokenizer
from xlm_text.pipelines.base import Setup
from xlm_text.pipelines.thai import PerlThaiPipeline, ThaiPipeline
from xlm_text.segmenters.chinese import _add_words, load_jieba
from xlm_text.segmenters.jieba_search import BLOCK, load_search
from xlm_text.segmenters.newmm_search import load_search as load_thai_search
from xlm_text.segmenters.segmenter import Segmenter

from .support import FIXTURES, SHARED_TEXT, examples, sentences

STANDARD = jieba.Tokenizer()
STANDARD.initialize()
REAL_ZH = "".join(sentences("zh"))
REAL_TH = "".join(sentences("th"))


def with_words(lines: list[str]) -> jieba.Tokenizer:
    """Return Jieba with a user's dictionary; the standard one is copied, as to load it is slow."""
    tokenizer = jieba.Tokenizer()
    tokenizer.FREQ, tokenizer.total = dict(STANDARD.FREQ), STANDARD.total
    tokenizer.initialized = True
    tokenizer.load_userdict(iter(lines))
    return tokenizer


@pytest.fixture(autouse=True)
def _jiebas_own_words() -> Iterator[None]:
    """Keep what words with no count leave behind in Jieba from the other tests."""
    before = set(finalseg.Force_Split_Words)
    yield
    finalseg.Force_Split_Words = before


PIECES = st.integers(0, len(REAL_ZH) - 6).flatmap(
    lambda at: st.integers(1, 5).map(lambda size: REAL_ZH[at : at + size])
)
LINES = st.tuples(
    PIECES | st.sampled_from(["C++语言", "韩玉赏鉴", "台中", "AT&T", "一二 三", "鿕鿔"]),
    st.sampled_from(["", " 0", " 1", " 5", " 90000", " 3 n", " nz"]),
).map("".join)


@examples(40)
@given(st.lists(LINES.filter(str.strip), max_size=8), st.lists(PIECES | LINES, max_size=9))
@example(["台中 0", "杭研 0", "中 0"], ["他来到了网易杭研大厦台中", "A杭研B"])
@example(["创新办 3 i", "云计算 5", "凱特琳 nz"], ["李小福是创新办主任也是云计算方面的专家"])
def test_jieba_with_a_user_dictionary(lines: list[str], parts: list[str]) -> None:
    lines = [line.strip() for line in lines]
    finalseg.Force_Split_Words = set()
    theirs = with_words(lines)
    text = "".join(parts) + "".join(lines)
    wanted = [list(theirs.cut(block)) for block in re.findall(BLOCK, text)]

    finalseg.Force_Split_Words = set()
    ours = with_words([])
    search = load_search(ours, _add_words(ours, tuple(lines)))
    assert [search(block) for block in re.findall(BLOCK, text)] == wanted
    assert not finalseg.Force_Split_Words, "other tokenizers of the program must not see them"


@pytest.mark.real_data
def test_chinese_sentences() -> None:
    words = [REAL_ZH[i : i + 2 + i % 3] for i in range(0, len(REAL_ZH) - 5, 7)]
    lines = [f"{word}{(' 0', '', ' 40')[i % 3]}" for i, word in enumerate(words) if word.strip()]
    texts = sentences("zh")
    if SHARED_TEXT.is_dir():
        texts += (SHARED_TEXT / "zh.txt").read_text(encoding="utf-8").splitlines()[:200]
    ours = [load_jieba(tuple(map(str.strip, lines)))(text) for text in texts[:3]]
    segment = load_jieba(tuple(map(str.strip, lines)))
    finalseg.Force_Split_Words = set()
    theirs = with_words(lines)
    assert ours == [list(theirs.cut(text)) for text in texts[:3]]
    assert [segment(text) for text in texts] == [list(theirs.cut(text)) for text in texts]


# Words that the dictionary would cut, words with spaces inside, and any parts of sentences.
THAI_WORDS = (
    *("ภาษาไทยดี", "การเดินทางไกล", "กขค", "ตากลมสวย", "ชาวโลก ดี", "ดี มาก", "ก ข", "12 เดือน"),
    *(word for i in range(0, len(REAL_TH) - 9, 5) if (word := REAL_TH[i : i + 2 + i % 7].strip())),
)
PARTS = (
    st.integers(0, len(REAL_TH) - 9).map(lambda at: REAL_TH[at : at + 9])
    | st.sampled_from(THAI_WORDS[:60])
    | st.text("กรคนาเแี่้ ", max_size=6)
    | st.sampled_from([" ", "  ", "12:30", "é", "。", "\u200b"])
)


def test_newmm_with_a_user_dictionary() -> None:
    dictionary = Trie([*thai_words(), *THAI_WORDS])
    search = load_thai_search(THAI_WORDS)
    setup = Setup("th", Segmenter(search), THAI_WORDS)
    pipelines = [kind(setup) for kind in (ThaiPipeline, PerlThaiPipeline)]

    @examples(150)
    @given(st.lists(PARTS, max_size=12).map("".join))
    @example("สวัสดีชาวโลก ดีมาก ก ข 12 เดือน")
    def on(text: str) -> None:
        assert search(text) == word_tokenize(text, custom_dict=dictionary)
        # The units know of spaces inside the user's words.
        for pipeline in pipelines:
            line = " ".join(text.split())
            assert pipeline.words(pipeline.cut(line).units).flat == pipeline.words([line]).flat

    on()


ZH, TH = ["清华大学堂 5", "来到北京"], ["ชาวโลกดี"]
TEXTS = {"zh": "我来到北京清华大学堂。", "th": "สวัสดีชาวโลกดีครับ"}
WORDS = {
    "zh": ["我", "来到北京", "清华大学堂", "."],
    "th": ["สวัสดี", "ชาวโลกดี", "ครับ"],
}


def load(**settings: Any) -> XLMTokenizer:
    return XLMTokenizer.from_pretrained(do_lowercase_and_remove_accent=False, **settings)


@pytest.mark.parametrize("rules", ["sacremoses", "moses"])
def test_a_tokenizer_knows_the_words_and_saves_them(tmp_path: Path, rules: str) -> None:
    files = {"zh": tmp_path / "zh.txt", "th": tmp_path / "th.txt"}
    files["zh"].write_text("\ufeff" + "\r\n".join([*ZH, "", ""]), encoding="utf-8")
    files["th"].write_text("\n".join(TH), encoding="utf-8")
    tokenizer = load(user_dictionary=files, rules=rules)
    tokenizer.save_pretrained(tmp_path / "saved")
    for file in files.values():
        file.unlink()
    again = XLMTokenizer.from_pretrained(tmp_path / "saved")
    assert again.settings == tokenizer.settings
    assert again.user_dictionary == {"zh": tuple(ZH), "th": tuple(TH)}
    plain = load(rules=rules)
    for lang, text in TEXTS.items():
        assert plain.words(text, lang=lang) != WORDS[lang]
        for known in (tokenizer, again):
            assert known.words(text, lang=lang) == WORDS[lang]
        batch = again(text, lang=lang, return_offsets_mapping=True, add_special_tokens=False)
        assert [piece.id for piece in again.explain(text, lang).pieces] == batch["input_ids"]
        # The words of the text one behind another, but for the spaces that stand in none.
        ends = {end for _, end in batch["offset_mapping"]}
        assert ends >= {len("".join(WORDS[lang][: i + 1])) for i in range(len(WORDS[lang]))}
        rows = list(again.encode_iterator([text] * 9, lang=lang, workers=2, batch_size=2))
        assert rows == [again(text, lang=lang)["input_ids"]] * 9
    # transformers passes over what it does not know.
    assert PublishedReference.from_pretrained(tmp_path / "saved").vocab_size == 16000


def test_other_tokenizers_do_not_know_the_words() -> None:
    before = load().words(TEXTS["zh"], lang="zh")
    tokenizer = load(user_dictionary={"zh": [*ZH, "北京 0"]})
    assert tokenizer.words(TEXTS["zh"], lang="zh") == WORDS["zh"]
    assert load().words(TEXTS["zh"], lang="zh") == before
    tokenizer.user_dictionary = None
    assert tokenizer.words(TEXTS["zh"], lang="zh") == before


def test_the_command_line(tmp_path: Path) -> None:
    file = tmp_path / "zh.txt"
    file.write_text("\n".join(ZH), encoding="utf-8")
    wanted = XLMTokenizer.from_pretrained(user_dictionary={"zh": ZH})
    options = ["encode", "--lang", "zh", "--user-dictionary", f"zh={file}", "--format", "jsonl"]
    result = CliRunner().invoke(main, options, input=f"{TEXTS['zh']}\n")
    assert json.loads(result.stdout)["ids"] == wanted(TEXTS["zh"], lang="zh")["input_ids"]
    for value in ("zh", "zh=", "=x"):
        result = CliRunner().invoke(main, ["encode", "--lang", "zh", "--user-dictionary", value])
        assert (result.exit_code, result.stdout) == (2, "")
    options[4] = f"zh={tmp_path / 'none'}"
    result = CliRunner().invoke(main, options, input="x\n")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("xlm-tok: error: --user-dictionary names ")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"user_dictionary": {"zh": ZH}, "zh_segmenter": "rjieba"}, "rjieba.*zh with jieba"),
        ({"user_dictionary": {"th": TH}, "th_segmenter": "nlpo3"}, "nlpo3.*th with newmm"),
        ({"user_dictionary": {"ja": ["東京"]}}, "'ja', whose words kytea finds"),
        ({"user_dictionary": {"en": ["New York"]}}, "'en', whose words moses finds"),
        ({"user_dictionary": ["x"]}, "must map languages to files"),
        ({"user_dictionary": {"zh": [1]}}, "a file or a list of words for 'zh'"),
        ({"user_dictionary": {"zh": ["a\nb"]}}, "line feed"),
        ({"user_dictionary": {"zh": "no such file"}}, "no such file: cannot be read"),
    ],
)
def test_what_cannot_be_is_an_error(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=f"user_dictionary.*{message}"):
        Settings().change(**settings)
    tokenizer = load(user_dictionary={"zh": ZH, "th": TH})
    with pytest.raises(InputError):
        tokenizer.change_settings(**settings)
    assert tokenizer.words(TEXTS["zh"], lang="zh") == WORDS["zh"]


def test_files_of_other_encodings(tmp_path: Path) -> None:
    (tmp_path / "gbk.txt").write_bytes("云计算".encode("gbk"))
    with pytest.raises(InputError, match="not UTF-8"):
        load(user_dictionary={"zh": tmp_path / "gbk.txt"})


def test_a_folder_names_no_other_file(tmp_path: Path) -> None:
    load(user_dictionary={"zh": ZH}).save_pretrained(tmp_path)
    file = tmp_path / "tokenizer_config.json"
    config = json.loads(file.read_text(encoding="utf-8"))
    assert config["user_dictionary"] == {"zh": ZH}
    config["user_dictionary"] = {"zh": str(FIXTURES / "README.md")}
    file.write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(InputError, match="no list"):
        XLMTokenizer.from_pretrained(tmp_path)
