"""Results in a file are there whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from xlm_cli.output import open_folder, open_output

Tok = Callable[..., Result]


def test_output_is_what_standard_output_would_be(tok: Tok, tmp_path: Path) -> None:
    expected = tok("encode", "--lang", "en", given="one\ntwo\n").stdout_bytes
    result = tok("encode", "--lang", "en", "--output", tmp_path / "out", given="one\ntwo\n")
    assert result.stdout_bytes == b""
    assert (tmp_path / "out").read_bytes() == expected
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_error_leaves_no_output(fails: Callable[..., str], tmp_path: Path) -> None:
    fails("encode", "--lang", "en", "--output", tmp_path / "out", given=b"one\n\xff\n")
    assert list(tmp_path.iterdir()) == []


def test_an_error_leaves_what_was_there(fails: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "out").write_text("old")
    fails("encode", "--lang", "en", "--output", tmp_path / "out", given=b"one\n\xff\n")
    assert (tmp_path / "out").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_the_input_can_be_the_output(tok: Tok, tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("one\ntwo\n" * 2000)
    tok("encode", "--lang", "en", path, "--output", path, "--format", "tokens")
    assert path.read_text() == "<s> one</w> </s>\n<s> two</w> </s>\n" * 2000


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
    def write_file() -> None:
        with open_output(str(tmp_path / "out")) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    def write_folder() -> None:
        with open_folder(str(tmp_path / "folder")) as folder:
            Path(folder, "vocab.json").write_text("half")
            raise KeyboardInterrupt

    for write in (write_file, write_folder):
        with pytest.raises(KeyboardInterrupt):
            write()
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
