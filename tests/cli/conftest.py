from __future__ import annotations

import subprocess
import sysconfig
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from xlm_cli.tok import main

from xlm_text import XLMTokenizer

FIXTURES = Path(__file__).parents[2] / "fixtures"


@pytest.fixture(scope="session")
def tokenizer() -> XLMTokenizer:
    return XLMTokenizer.from_pretrained()


@pytest.fixture
def tok() -> Callable[..., Result]:
    """Run xlm-tok in this process; an error that it does not foresee fails the test."""

    def run(*arguments: object, given: str | bytes = b"") -> Result:
        result = CliRunner().invoke(
            main, [str(a) for a in arguments], input=given, catch_exceptions=False
        )
        assert "error: unexpected" not in result.stderr, result.stderr
        return result

    return run


@pytest.fixture(scope="session")
def command() -> str:
    """The installed command, for what only a process of its own can show."""
    path = Path(sysconfig.get_path("scripts"), "xlm-tok")
    assert path.exists(), "install the project first: pip install -e '.[test]'"
    return str(path)


@pytest.fixture
def process(command: str) -> Callable[..., subprocess.CompletedProcess[bytes]]:
    def run(*arguments: object, **options: object) -> subprocess.CompletedProcess[bytes]:
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "timeout": 60, **options}
        return subprocess.run([command, *map(str, arguments)], **options)  # type: ignore[call-overload, no-any-return]

    return run


@pytest.fixture
def fails(tok: Callable[..., Result]) -> Callable[..., str]:
    """Run xlm-tok, which must fail with one line of error and no results; return that line."""

    def run(
        *arguments: object, code: int = 1, given: str | bytes = b"", printed: bytes = b""
    ) -> str:
        result = tok(*arguments, given=given)
        assert result.exit_code == code, result.output
        assert result.stdout_bytes == printed
        assert result.stderr.startswith("xlm-tok: error: ")
        assert result.stderr.endswith("\n")
        assert result.stderr.count("\n") == 1
        return result.stderr.removeprefix("xlm-tok: error: ").rstrip("\n")

    return run


def ids_lines(rows: Iterable[Iterable[int]]) -> str:
    return "".join(" ".join(map(str, row)) + "\n" for row in rows)


@pytest.fixture
def as_lines() -> Callable[[Iterable[Iterable[int]]], str]:
    return ids_lines


@pytest.fixture(scope="session")
def kytea_model() -> Path:
    """Return the fixtures' KyTea model."""
    return FIXTURES / "kytea.bin"


@pytest.fixture(autouse=True)
def _no_other_kytea_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XLM_KYTEA_MODEL", raising=False)
