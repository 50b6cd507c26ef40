"""The numbers of a corpus: counted by hand here, and shown in three ways."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result
from xlm_cli.tok import main

from xlm_text import XLMTokenizer, corpora
from xlm_text.corpora.page import page
from xlm_text.corpora.report import as_json, histogram, table
from xlm_text.corpora.statistics import LanguageStatistics, warnings

from .conftest import sentences

Write = Callable[..., str]
Tok = Callable[..., Result]


@pytest.fixture
def tok() -> Tok:
    def run(*arguments: object) -> Result:
        return CliRunner().invoke(main, list(map(str, arguments)), catch_exceptions=False)

    return run


@pytest.mark.parametrize("blocks", [None, 16])
@pytest.mark.parametrize("lang", ["en", "hi", "zh"])
def test_words_and_pieces_are_those_of_the_tokenizer(
    blocks: int | None, lang: str, tmp_path: Path, model: str, write: Write, tokenizer: XLMTokenizer
) -> None:
    lines = [*sentences(lang), "Ж Ⅷ-Ⅷ xⅧ 🦀🦀 <special1> a"]
    path = write("a.txt", [*lines, "", " "])
    corpus = corpora.prepare([f"{lang}={path}"], tmp_path / "data", model=model, blocks=blocks)
    numbers = corpus.statistics()[lang]
    pieces = [tokenizer.tokenize(line, lang=lang) for line in lines]
    known = tokenizer.get_vocab()
    assert numbers.lines == len(lines) + 2
    assert numbers.empty == 2
    assert numbers.texts == len(lines)
    assert numbers.pieces == sum(map(len, pieces))
    assert numbers.words == sum(piece.endswith("</w>") for row in pieces for piece in row)
    assert numbers.unknown == sum(piece not in known for row in pieces for piece in row) > 3
    assert numbers.lengths == Counter(map(len, pieces))
    assert numbers.pieces_per_word == numbers.pieces / numbers.words
    assert numbers.length_at(0.5) == sorted(map(len, pieces))[(len(pieces) - 1) // 2]
    example = numbers.examples[-1]
    assert (example.file, example.line, example.text) == (path, len(lines), lines[-1])
    assert set(example.unknown) == {p.removesuffix("</w>") for p in pieces[-1] if p not in known}


def test_a_wrong_language_is_pointed_out(
    tmp_path: Path, write: Write, tok: Callable[..., Result]
) -> None:
    # Hindi is none of the languages that the vocabulary for demonstration was learnt from.
    sources = [f"{lang}={write(lang, sentences(lang) * 2)}" for lang in ("en", "fr", "hi", "ru")]
    result = tok("prepare", *sources, "-o", tmp_path / "data", "--any-language")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0].split()[:3] == ["language", "lines", "words"]
    assert [line.split()[0] for line in result.stdout.splitlines()[1:]] == ["en", "fr", "hi", "ru"]
    notes = result.stderr.splitlines()
    assert notes[0].startswith("Note: hi: ")
    assert "% of the pieces are unknown" in notes[0]
    assert len(notes) == 11
    assert all(f"{tmp_path}/hi:" in note for note in notes[1:])
    again = tok("stats", tmp_path / "data")
    assert (again.stdout, again.stderr) == (result.stdout, result.stderr)


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ({"en": 0.0001, "fr": 0.0002, "ru": 0.0001}, []),
        ({"en": 0.0001, "fr": 0.2, "ru": 0.0001}, ["fr"]),
        ({"en": 0.3, "fr": 0.3, "ru": 0.3}, []),  # the same for all: a small vocabulary
        ({"en": 0.3}, ["en"]),
        ({"en": 0.009}, []),
        ({"en": 0.0, "fr": 0.011}, ["fr"]),
    ],
)
def test_what_is_far_above_the_others(shares: dict[str, float], expected: list[str]) -> None:
    found = {
        lang: LanguageStatistics(pieces=10_000, unknown=round(10_000 * share))
        for lang, share in shares.items()
    }
    assert [warning.partition(":")[0] for warning in warnings(found)] == expected


def test_histogram() -> None:
    numbers = LanguageStatistics(lengths=Counter({1: 2, 2: 5, 3: 1, 9: 4, 16: 1}))
    assert histogram(numbers) == [(1, 1, 2), (2, 3, 6), (4, 7, 0), (8, 15, 4), (16, 31, 1)]
    assert histogram(LanguageStatistics()) == []


STATISTICS = {
    "en": LanguageStatistics(
        lines=10, texts=8, empty=1, skipped=1, cut=2, words=40, pieces=60, unknown=6,
        lengths=Counter({5: 4, 10: 4}),
    ),
    "fr": LanguageStatistics(
        lines=1000, texts=1000, words=900, pieces=1000, lengths=Counter({1: 1000}),
    ),
}  # fmt: skip


def test_table() -> None:
    lines = table(STATISTICS).splitlines()
    assert lines[1].split() == [
        "en", "10", "40", "60", "1.50", "10.000%", "25.00%", "10.000%", "5", "10", "10", "██",
    ]  # fmt: skip
    assert lines[2].split()[1:4] == ["1,000", "900", "1,000"]
    assert len({line.index("%") for line in lines[1:]}) == 1


def test_json(tmp_path: Path, write: Write, tok: Tok) -> None:
    path = write("en", sentences("en"))
    tok("prepare", f"en={path}", "-o", tmp_path / "data", "--max-length", 9)
    found = json.loads(tok("stats", tmp_path / "data", "--format", "json").stdout)
    numbers = corpora.open(tmp_path / "data").statistics()
    assert found == json.loads(json.dumps(as_json(numbers)))
    english = found["languages"]["en"]
    assert english["lines"] == 15
    assert english["cut_share"] == english["cut"] / 15 > 0
    assert sum(part["texts"] for part in english["histogram"]) == 15
    assert found["warnings"] == []


class Tags(HTMLParser):
    """Checks that tags are closed in order, and keeps drawings and text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in ("meta", "rect"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_page() -> None:
    html = page(STATISTICS, "Corpus <data>")
    tags = Tags()
    tags.feed(html)
    assert tags.open == []
    assert "Corpus <data>" in tags.text
    assert "10.000%" in tags.text
    assert "<script" not in html
    assert "http://" not in html.replace("http-equiv", "")
    drawings = ["<svg" + part.partition("</svg>")[0] + "</svg>" for part in html.split("<svg")[1:]]
    assert len(drawings) == 6
    pieces = ElementTree.fromstring(drawings[1])
    widths = [float(rect.attrib["width"]) for rect in pieces.iter("rect")]
    # 1.5 pieces of a word against 1.11.
    assert widths[1] / widths[0] == pytest.approx((1000 / 900) / 1.5, abs=0.01)


def test_numbers_so_far(tmp_path: Path, write: Write, tok: Tok) -> None:
    good = write("good", sentences("en"))
    bad = write("bad", ["x"])
    Path(bad).write_bytes(b"\xff\n")
    result = tok("prepare", f"en={good}", f"fr={bad}", "-o", tmp_path / "data")
    assert result.exit_code == 1
    found = tok("stats", tmp_path / "data")
    assert found.exit_code == 0
    assert found.stdout.splitlines()[1].split()[:2] == ["en", "15"]
    assert "is not complete" in found.stderr


def test_no_corpus(tmp_path: Path, tok: Callable[..., Result]) -> None:
    result = tok("stats", tmp_path)
    assert result.exit_code == 1
    assert result.stderr == (
        f"xlm-tok: error: {tmp_path}: has no manifest.json: is it what `prepare` made?\n"
    )
