"""A vocabulary learnt from the sources that `prepare` takes, small languages included."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner, Result
from xlm_cli.tok import main

from xlm_text import InputError, train
from xlm_text.corpora.counting import count_words
from xlm_text.training import WordCounts, _weighted, most_frequent

from .conftest import contents, sentences

Write = Callable[..., str]


def tok(*arguments: object) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)), catch_exceptions=False)


def counts(**languages: tuple[int, dict[str, int]]) -> dict[str, WordCounts]:
    made = {}
    for lang, (lines, words) in languages.items():
        made[lang] = WordCounts()
        made[lang].lines = lines
        made[lang].words = Counter(words)
    return made


def test_languages_count_in_proportion_to_the_root_of_their_lines() -> None:
    # 400 and 100 lines: roots 20 and 10, so two thirds of 500 lines and one third of them.
    given = counts(en=(400, {"a": 400, "both": 60}), fr=(100, {"b": 100, "both": 30}))
    expected = {
        "a": round(400 * (2 / 3) / 0.8),
        "b": round(100 * (1 / 3) / 0.2),
        "both": round(60 * (2 / 3) / 0.8) + round(30 * (1 / 3) / 0.2),
    }
    assert _weighted(given, 0.5) == expected
    assert _weighted(given, 1.0) == {"a": 400, "b": 100, "both": 90}
    # With 0 all languages count the same.
    assert _weighted(given, 0.0)["a"] == _weighted(given, 0.0)["b"] == 250


def test_a_word_that_was_seen_is_not_lost() -> None:
    given = counts(en=(1_000_000, {"once": 1}), fr=(1, {"seul": 1}))
    assert _weighted(given, 0.5)["once"] == 1


@pytest.mark.parametrize("alpha", [-0.1, 1.1])
def test_alpha_is_a_share(alpha: float) -> None:
    with pytest.raises(InputError, match="alpha must be from 0 to 1"):
        train({"en": ["a b"]}, 50, alpha=alpha)


def test_a_small_language_gets_words_of_its_own() -> None:
    texts = {"en": ["thewordshere "] * 900, "fr": ["quelquesmots"] * 9}
    asis = train(texts, 60, alpha=1.0, min_frequency=20)
    assert len(asis.tokenize("quelquesmots", lang="fr")) > 3
    heard = train(texts, 60, alpha=0.5, min_frequency=20)
    assert heard.tokenize("quelquesmots", lang="fr") == ["quelquesmots</w>"]


def test_the_rarest_words_are_forgotten_beyond_the_limit() -> None:
    counted = WordCounts(limit=100)
    chance = 0
    for i in range(5000):
        counted.add([f"often{i % 50}", f"once{i}"])
        chance = max(chance, len(counted.words))
    assert chance <= 202
    assert counted.lines == 5000
    assert all(counted.words[f"often{i}"] == 100 for i in range(50))


def test_words_of_all_languages_are_bounded_together(
    tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xlm_text.corpora.counting._PART_BYTES", 3000)
    monkeypatch.setattr("xlm_text.corpora.counting.MOST_WORDS", 120)
    languages = ["en", "fr", "de", "es"]
    records = [
        json.dumps({"l": lang, "text": f"often{i % 10} rare{lang}{i}"})
        for i in range(1000)
        for lang in languages
    ]
    source = f"@l={write('mixed.jsonl', records)}:text"
    found = count_words([source])
    assert sum(len(counted.words) for counted in found.values()) <= 2 * 120
    for lang in languages:
        assert found[lang].lines == 1000
        assert all(found[lang].words[f"often{i}"] == 100 for i in range(10))


def test_a_vocabulary_is_learnt_from_the_most_frequent_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("xlm_text.training.MOST_WORDS", 2)
    lines = ["xyz"] * 3 + ["low lower"] * 9
    tokenizer = train({"en": lines}, 60, min_frequency=1)
    # The letters of the word that is left out are not in the vocabulary.
    assert {"low</w>", "lower</w>"} <= set(tokenizer.get_vocab())
    assert not {"xyz</w>", "x", "y", "z</w>"} & set(tokenizer.get_vocab())
    assert most_frequent(Counter("bbaac"), 2) == Counter("aabb")
    assert list(most_frequent(Counter("cba"), 2)) == list(most_frequent(Counter("abc"), 2))


def test_sources_of_all_kinds_and_workers(tmp_path: Path, write: Write) -> None:
    en, fr, zh = sentences("en"), sentences("fr"), sentences("zh")
    write("en/a.txt", en[:5])
    write("en/b.txt", en[5:])
    (tmp_path / "fr.txt.gz").write_bytes(gzip.compress("\n".join(fr).encode()))
    lines = [json.dumps({"t": text, "l": "zh"}) for text in zh]
    mixed = write("mixed.jsonl", lines)
    pairs = write("pairs.tsv", [f"{a}\t{b}" for a, b in zip(en, fr, strict=True)])
    sources = (
        f"en={tmp_path}/en/*.txt", f"fr={tmp_path}/fr.txt.gz", f"@l={mixed}:t", f"en-fr={pairs}",
    )  # fmt: skip
    for workers in (1, 2):
        result = tok(
            "train", *sources, "--vocab-size", 500, "-o", tmp_path / str(workers),
            "--workers", workers,
        )  # fmt: skip
        assert (result.exit_code, result.output) == (0, "")
    train({"en": en * 2, "fr": fr * 2, "zh": zh}, 500).save_pretrained(tmp_path / "library")
    assert contents(tmp_path / "1") == contents(tmp_path / "library")
    assert contents(tmp_path / "2") == contents(tmp_path / "library")


def test_parts_of_files_are_counted_once(
    tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch, small_chunks: None
) -> None:
    monkeypatch.setattr("xlm_text.corpora.counting._PART_BYTES", 300)
    lines = [f"word{i} here" for i in range(500)]
    path = Path(write("en.txt", lines))
    path.with_suffix(".txt.gz").write_bytes(gzip.compress(path.read_bytes()))
    for name in ("en.txt", "en.txt.gz"):
        found = count_words([f"en={tmp_path}/{name}"])["en"]
        assert found.lines == 500
        assert found.words == Counter({"here": 500, **{f"word{i}": 1 for i in range(500)}})


def test_mistakes_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "en.txt").write_bytes(b"one two\nbad \xff\nthree\n")
    with pytest.raises(InputError, match="line 2, byte 5"):
        count_words([f"en={tmp_path}/en.txt"])
    found = count_words([f"en={tmp_path}/en.txt"], errors="skip")["en"]
    assert set(found.words) == {"one", "two", "three"}


@pytest.mark.parametrize("workers", [1, 2])
def test_lines_that_are_left_out_are_told_of(
    workers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_chunks: None
) -> None:
    monkeypatch.setattr("xlm_text.corpora.counting._PART_BYTES", 300)
    path = tmp_path / "en.txt"
    path.write_bytes(b"fine\n\xff\n" * 100)
    told: list[tuple[str, int, str]] = []
    count_words(
        [f"en={path}"],
        errors="skip",
        workers=workers,
        left_out=lambda *line: told.append(line),
    )
    problem = "byte 1: not UTF-8 (invalid start byte)"
    assert told == [(str(path), number, problem) for number in range(2, 201, 2)]
    told.clear()
    found = count_words([f"en={path}"], errors="replace", left_out=lambda *line: told.append(line))
    assert found["en"].words["\ufffd"] == 100
    assert told == []


def test_the_command_lists_what_is_left_out(tmp_path: Path) -> None:
    path, skipped = tmp_path / "en.txt", tmp_path / "skipped"
    path.write_bytes(b"the lowest of the low\n\xff\n" * 2)
    arguments = ("train", f"en={path}", "--vocab-size", 60, "--errors", "skip", "--skipped")
    result = tok(*arguments, skipped, "-o", tmp_path / "made")
    assert result.exit_code == 0
    assert [line.split("\t")[:2] for line in skipped.read_text().splitlines()] == [
        [str(path), "2"],
        [str(path), "4"],
    ]
    assert result.stderr.startswith(f"xlm-tok: 2 lines left out: {path}: lines 2, 4 (")
    result = tok(*arguments, path, "-o", tmp_path / "other")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "is the input" in result.stderr
    assert path.read_bytes().startswith(b"the lowest")


def test_standard_input_is_a_source(tmp_path: Path) -> None:
    text = b"the lowest of the low\n" * 9
    (tmp_path / "en.txt").write_bytes(text)
    arguments = ["train", "--vocab-size", "60", "-o"]
    for name, source, given in (("one", "en=-", text), ("two", f"en={tmp_path}/en.txt", b"")):
        done = CliRunner().invoke(main, [*arguments, f"{tmp_path}/{name}", source], input=given)
        assert done.exit_code == 0, done.output
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    done = CliRunner().invoke(main, [*arguments, f"{tmp_path}/bad", "en=-"], input=b"a\n\xff\n")
    assert done.stderr.startswith("xlm-tok: error: standard input: line 2, byte 1: not UTF-8")
    assert "; --errors skip leaves it out, --errors replace reads it as U+FFFD\n" in done.stderr


def test_a_pipe_is_a_source(tmp_path: Path) -> None:
    text = b"the lowest of the low\n" * 9
    (tmp_path / "en.txt").write_bytes(text)
    os.mkfifo(tmp_path / "en.gz")
    given = (gzip.compress(text),)
    Thread(target=(tmp_path / "en.gz").write_bytes, args=given, daemon=True).start()
    for name in ("en.txt", "en.gz"):
        arguments = ("train", "--vocab-size", 60, "-o", tmp_path / f"{name}.made")
        assert tok(*arguments, f"en={tmp_path}/{name}").exit_code == 0
    assert contents(tmp_path / "en.txt.made") == contents(tmp_path / "en.gz.made")


def test_special_tokens_are_no_words_to_learn(tmp_path: Path, write: Write) -> None:
    path = write("en.txt", ["<s> the lowest </s>", "<special1> of the low"] * 9)
    assert tok("train", f"en={path}", "--vocab-size", 80, "-o", tmp_path / "made").exit_code == 0
    alone = write("alone.txt", ["the lowest", "of the low"] * 9)
    tok("train", f"en={alone}", "--vocab-size", 80, "-o", tmp_path / "alone")
    assert contents(tmp_path / "made") == contents(tmp_path / "alone")


def test_languages_of_a_column_need_an_id_where_ids_are_given(tmp_path: Path, write: Write) -> None:
    lines = [json.dumps({"text": "the low", "l": lang}) for lang in ("en", "fr", "de")]
    source = f"@l={write('mixed.jsonl', lines)}:text"
    arguments = ("train", source, "--vocab-size", 60, "--languages", "en,fr", "-o")
    result = tok(*arguments, tmp_path / "made")
    assert result.exit_code == 1
    assert "line 3: no language 'de'" in result.stderr
    result = tok(*arguments, tmp_path / "made", "--errors", "skip")
    assert result.exit_code == 0
    config = json.loads((tmp_path / "made/tokenizer_config.json").read_text())
    assert config["lang2id"] == {"en": 0, "fr": 1}


def test_text_needs_no_pyarrow(tmp_path: Path, write: Write) -> None:
    path = Path(write("en.txt", ["the lowest of the low"] * 9))
    path.with_suffix(".txt.gz").write_bytes(gzip.compress(path.read_bytes()))
    code = (
        "import sys; sys.modules.update(pyarrow=None, fsspec=None)\n"
        "from xlm_cli.tok import main; main(prog_name='xlm-tok')"
    )
    arguments = ["train", f"en={path}", f"fr={path}.gz", "--vocab-size", "60"]
    command = [sys.executable, "-c", code, *arguments, "-o", str(tmp_path / "made")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_text_of_another_encoding_is_recognized(tmp_path: Path) -> None:
    path = tmp_path / "en.txt"
    path.write_bytes("the lowest of the low\n".encode("utf-16"))
    for errors in ("strict", "skip", "replace"):
        with pytest.raises(InputError, match="this is UTF-16 text, not UTF-8 text: convert it"):
            count_words([f"en={path}"], errors=errors)
