"""The lines of our own that Moses' scripts were given, and the languages."""

from __future__ import annotations

from pathlib import Path

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
# The languages of the shared data; and others that have prefixes, apostrophes or a script of
# their own.
PERL_LANGUAGES = (
    "ar bg ca cs de el en es et fi fr ga hi hu is it ko lt lv nl pl pt ro ru sk sl so sv sw ta tr "
    "ur vi"
).split()


def read_lines(path: Path) -> list[str]:
    """Read the lines of a file, which end in line feeds and in nothing else."""
    return path.read_bytes().decode().removesuffix("\n").split("\n")


def lines_of(lang: str) -> list[str]:
    """Return our own sentences in a language, and lines that its rules are about."""
    own = FIXTURES / "sentences" / f"{lang}.txt"
    sentences = read_lines(own) if own.is_file() else []
    return [*sentences, *read_lines(FIXTURES / "perl" / "lines.txt")]
