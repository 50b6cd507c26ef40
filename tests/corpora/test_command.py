"""`xlm-tok prepare`: options, messages and progress."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from xlm_cli.progress import corpus_progress
from xlm_cli.tok import main

from xlm_text import XLMTokenizer, corpora
from xlm_text.corpora import Progress

from .conftest import contents, rows_of, sentences

Write = Callable[..., str]
Tok = Callable[..., Result]


@pytest.fixture
def tok() -> Tok:
    def run(*arguments: object) -> Result:
        return CliRunner().invoke(main, list(map(str, arguments)), catch_exceptions=False)

    return run


def test_options_are_those_of_the_library(
    tok: Tok, tmp_path: Path, write: Write, model: str
) -> None:
    sources = [f"en={write('en.txt', sentences('en'))}", f"fr={write('fr.txt', sentences('fr'))}"]
    result = tok(
        "prepare", *sources, "-o", tmp_path / "command", "--model", model, "--blocks", 32,
        "--split", "train=0.5,valid=0.5", "--errors", "replace", "--shard-size", "0.001",
        "--bos-token", "</s>", "--any-language", "--max-length", 20,
    )  # fmt: skip
    assert (result.exit_code, result.stderr) == (0, "")
    tokenizer = XLMTokenizer.from_pretrained(model, bos_token="</s>", any_language=True)
    corpora.prepare(
        sources, tmp_path / "library", model=tokenizer, blocks=32,
        split={"train": 0.5, "valid": 0.5}, errors="replace", shard_bytes=1000, max_length=20,
    )  # fmt: skip
    assert contents(tmp_path / "command") == contents(tmp_path / "library")


def test_rules_are_those_of_the_option(tok: Tok, tmp_path: Path, write: Write, model: str) -> None:
    lines = ["You can't say that (e.g. at 5 p.m. on No. 7)."]
    path = write("en.txt", lines)
    for name, options in (("moses", ["--rules", "moses"]), ("faithful", ["--faithful"])):
        result = tok("prepare", f"en={path}", "-m", model, "-o", tmp_path / name, *options, "-q")
        assert result.exit_code == 0, result.output
        settings = {"rules": "moses"} if name == "moses" else {"faithful": True}
        tokenizer = XLMTokenizer.from_pretrained(model, **settings)
        corpus = corpora.open(tmp_path / name)
        (row,) = rows_of(corpus)
        assert row["input_ids"] == tokenizer.encode(lines[0], lang="en")
        assert corpus.tokenizer().encode(lines[0], lang="en") == row["input_ids"]


def test_no_special_tokens_and_offsets(tok: Tok, tmp_path: Path, write: Write, model: str) -> None:
    path = write("en.txt", ["Hello, world!"])
    tok("prepare", f"en={path}", "-o", tmp_path / "data", "--no-special-tokens", "--offsets")
    corpus = corpora.open(tmp_path / "data")
    (row,) = rows_of(corpus)
    assert row["input_ids"] == corpus.tokenizer().encode("Hello, world!", None, False, lang="en")
    spans = row["offsets"]
    assert "".join("Hello, world!"[start:end] for start, end in spans) == "Hello,world!"


def test_the_format_bin(tok: Tok, tmp_path: Path, write: Write) -> None:
    path = write("en.txt", ["Hello, world!"])
    tok("prepare", f"en={path}", "-o", tmp_path / "data", "--format", "bin")
    assert "train/en/00000.en.bin" in contents(tmp_path / "data")


def test_mistakes_are_counted_and_their_file_is_named(
    tok: Tok, tmp_path: Path, write: Write
) -> None:
    path = write("en.txt", ["fine"])
    Path(path).write_bytes(b"fine\n\xff\n\xff\n")
    result = tok("prepare", f"en={path}", "-o", tmp_path / "data", "--errors", "skip")
    assert result.exit_code == 0
    assert result.stderr == f"Note: 2 lines have mistakes: {tmp_path}/data/problems.jsonl\n"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "Missing argument"),
        (["en=a.txt"], 2, "Missing option '--output'"),
        (["en=a.txt", "-o", "data", "--split", "train"], 2, "'train' is not shares such as"),
        (["en=a.txt", "-o", "data", "--split", "a=1,a=0"], 2, "is not shares such as"),
        (["en=a.txt", "-o", "data", "--blocks", "1"], 2, "--blocks"),
        (["en=a.txt", "-o", "data", "--address", "auto"], 2, "--address needs --engine ray"),
        (["en=none.txt", "-o", "data"], 1, "none.txt: No such file or directory"),
        (["xx=a.txt", "-o", "data"], 1, "no language 'xx'"),
        (["en=a.txt", "-o", "a.txt"], 1, "a.txt: is a file: expected a folder"),
        (["en=a.txt", "-o", "a.txt/data"], 1, "a.txt/data: Not a directory"),
    ],
)
def test_errors_are_one_line(
    arguments: list[str], code: int, message: str, tok: Tok, tmp_path: Path, write: Write,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    write("a.txt", ["text"])
    monkeypatch.chdir(tmp_path)
    result = tok("prepare", *arguments)
    assert result.exit_code == code
    assert result.stderr.startswith("xlm-tok: error: ")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert set(contents(tmp_path)) == {"a.txt"}


PROGRESS = Progress(30_000_000, 120_000_000, lines=50_000, tokens=1_500_000, seconds=10, left=3700)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_line_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    # The clock is asked at the beginning, each time, and once more when a line is due.
    times = iter([0, 30, 59, 61, 61, 90, 119, 122, 122])
    context = click.Context(click.Command("prepare"), info_name="xlm-tok")
    with context, corpus_progress(clock=times.__next__) as show:
        for _ in range(6):
            show(PROGRESS)
    said = "30 of 120 MB, 5,000 lines/s, 150,000 tokens/s, 1 h 2 min left"
    assert capsys.readouterr().err == f"xlm-tok: 25%, {said}\n" * 2


def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with corpus_progress(clock=count().__next__) as show:
        show(Progress(1, 3, looking=True))
        show(PROGRESS)
    shown = terminal.getvalue()
    assert "looking through" in shown
    assert "33%  1 of 3 files" in shown
    said = "30 of 120 MB, 5,000 lines/s, 150,000 tokens/s, 1 h 2 min left"
    assert f"25%  {said}" in shown


def test_the_end_is_shown_however_soon_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with corpus_progress(clock=lambda: 1.0) as show:
        show(PROGRESS)
        show(replace(PROGRESS, done=120_000_000, left=0.0))
    assert "100%  120 of 120 MB" in terminal.getvalue()


def test_progress_of_the_library(tmp_path: Path, write: Write, model: str) -> None:
    lines = sentences("en") * 2000
    path = write("en.txt", lines)
    told: list[Progress] = []
    corpora.prepare([f"en={path}"], tmp_path / "data", model=model, progress=told.append)
    size = Path(path).stat().st_size
    assert told[0] == Progress(1, 1, looking=True)
    assert (told[1].done, told[1].total) == (0, size)
    assert (told[-1].done, told[-1].total, told[-1].lines) == (size, size, len(lines))
    rows = corpora.open(tmp_path / "data").manifest["shards"]
    assert told[-1].tokens == sum(shard["tokens"] for shard in rows)
    assert [p.done for p in told[1:]] == sorted(p.done for p in told[1:])


def test_plain_tokenization_imports_none_of_it() -> None:
    code = (
        "import sys, xlm_text; xlm_text.XLMTokenizer.from_pretrained().encode('a', lang='en')\n"
        "import xlm_cli.tok\n"
        "print([m for m in ('pyarrow', 'ray', 'xlm_text.corpora', 'tqdm', 'fsspec') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout == "[]\n"
