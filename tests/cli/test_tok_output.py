"""Results in a file: whole lines, of which none is lost; folders are there whole or not at all."""

from __future__ import annotations

import gzip
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from xlm_cli.output import open_folder

Tok = Callable[..., Result]


def test_output_is_what_standard_output_would_be(tok: Tok, tmp_path: Path) -> None:
    expected = tok("encode", "--lang", "en", given="one\ntwo\n").stdout_bytes
    result = tok("encode", "--lang", "en", "--output", tmp_path / "out", given="one\ntwo\n")
    assert result.stdout_bytes == b""
    assert (tmp_path / "out").read_bytes() == expected
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_an_error_leaves_the_results_of_all_lines_before_it(
    suffix: str, fails: Callable[..., str], tmp_path: Path
) -> None:
    path = tmp_path / f"out{suffix}"
    path.write_text("old")
    given = b"one\n" * 3001 + b"\xff\ntwo\n"
    arguments = ("encode", "--lang", "en", "--format", "tokens", "--output", path)
    message = fails(*arguments, given=given)
    assert message.startswith("standard input: line 3002, byte 1: not UTF-8")
    written = gzip.decompress(path.read_bytes()) if suffix else path.read_bytes()
    assert written == b"<s> one</w> </s>\n" * 3001
    assert [path.name for path in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("arguments", "given"),
    [(("--lang", "xx"), b"one\n"), (("--lang", "en"), b"\xff\n"), (("--lang", "ja"), b"one\n")],
    ids=["language", "first line", "model"],
)
def test_an_error_before_the_first_result_leaves_what_was_there(
    arguments: tuple[str, ...], given: bytes, fails: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "out").write_text("old")
    fails("encode", *arguments, "--output", tmp_path / "out", given=given)
    assert (tmp_path / "out").read_text() == "old"


def test_an_empty_text_gives_an_empty_file(tok: Tok, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("old")
    assert tok("encode", "--lang", "en", "--output", tmp_path / "out").exit_code == 0
    assert (tmp_path / "out").read_bytes() == b""


# The input as the output ----------------------------------------------------------------------


@pytest.mark.parametrize("command", ["encode", "decode", "show"])
@pytest.mark.parametrize("way", ["same", "link", "hard link", "other path"])
def test_the_input_as_the_output_is_refused_before_anything_is_read(
    command: str, way: str, fails: Callable[..., str], tmp_path: Path
) -> None:
    text, output = tmp_path / "text", tmp_path / "out"
    text.write_text("14 15\n")
    if way == "same":
        output = text
    elif way == "link":
        output.symlink_to(text)
    elif way == "hard link":
        output.hardlink_to(text)
    else:
        output = tmp_path / ".." / tmp_path.name / "text"
    option = "--html" if command == "show" else "--output"
    lang = () if command == "decode" else ("--lang", "en")
    message = fails(command, *lang, text, option, output)
    which = "the input" if way == "same" else f"the input {text}"
    assert message == f"{output} is {which}: write the results to another file"
    assert text.read_text() == "14 15\n"


@pytest.mark.parametrize(
    "shell", ['"$0" $1 text >> text', '"$0" $1 < text >> text', '"$0" $1 >> text text']
)
def test_input_that_the_output_is_appended_to_is_refused(
    shell: str, command: str, tmp_path: Path
) -> None:
    (tmp_path / "text").write_text("one\n")
    done = subprocess.run(
        ["sh", "-c", shell.replace("$1", "encode --lang en"), command],
        cwd=tmp_path,
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(b"xlm-tok: error: standard output is ")
    assert (tmp_path / "text").read_text() == "one\n"


def test_a_vocabulary_is_not_written_over_itself(fails: Callable[..., str], tmp_path: Path) -> None:
    from xlm_text import XLMTokenizer

    XLMTokenizer.from_pretrained().save_pretrained(tmp_path)
    before = (tmp_path / "vocab.json").read_bytes()
    codes, vocab = tmp_path / "codes", tmp_path / "vocab.json"
    message = fails("convert", "to-original", tmp_path, codes, vocab)
    assert "is the input" in message
    assert vocab.read_bytes() == before
    assert "one file" in fails("convert", "to-original", tmp_path, codes, codes, code=2)
    assert not codes.exists()


def test_links_and_permissions_stay(tok: Tok, tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.touch()
    target.chmod(0o640)
    link.symlink_to(target)
    tok("encode", "--lang", "en", "--output", link, given="\n")
    assert link.is_symlink()
    assert target.read_text() == "0 1\n"
    assert target.stat().st_mode & 0o777 == 0o640


def test_a_device_is_written_to_and_not_replaced(tok: Tok) -> None:
    assert tok("encode", "--lang", "en", "--output", "/dev/null", given="\n").exit_code == 0
    assert Path("/dev/null").is_char_device()


def test_a_folder_that_is_not_there_is_named(fails: Callable[..., str], tmp_path: Path) -> None:
    path = tmp_path / "no" / "out"
    message = fails("encode", "--lang", "en", "--output", path, given="one\n")
    assert message == f"{path}: No such file or directory"


def test_interrupting_leaves_nothing(tmp_path: Path) -> None:
    def write_folder() -> None:
        with open_folder(str(tmp_path / "folder")) as folder:
            Path(folder, "vocab.json").write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_folder()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_appears_with_the_permissions_of_any_other(tmp_path: Path) -> None:
    with open_folder(str(tmp_path / "a" / "made")) as folder:
        Path(folder, "file").touch()
    usual = tmp_path / "usual"
    usual.mkdir()
    made = tmp_path / "a" / "made"
    assert made.stat().st_mode == usual.stat().st_mode
    assert [path.name for path in made.iterdir()] == ["file"]
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["made"]


def test_a_folder_that_is_there_keeps_its_other_files(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("old")
    (tmp_path / "both").write_text("old")
    with open_folder(str(tmp_path)) as folder:
        Path(folder, "both").write_text("new")
        assert (tmp_path / "both").read_text() == "old"
    found = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert found == {"old": "old", "both": "new"}
