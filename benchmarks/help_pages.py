"""The paragraphs of an office suite's help pages: real text in many languages, one in a line.

Debian's packages `libreoffice-help-*` have the same pages in each language. There are none in Thai:
`libreoffice-l10n-th` has the messages of the programs. Unpacked with `dpkg -x PACKAGE FOLDER`, all
into one folder, each language becomes a file LANG.txt:

    python -m benchmarks.help_pages FOLDER OUTPUT
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from gettext import GNUTranslations
from html.parser import HTMLParser
from pathlib import Path

# Elements that belong to the text around them; all others begin a paragraph of their own.
_INLINE = frozenset(
    "a abbr acronym b big code em font i img kbd small span strong sub sup u".split()
)
_NO_TEXT = frozenset(("head", "script", "style"))
_PAGES = Path("usr/share/libreoffice/help")
_MESSAGES = Path("usr/lib/libreoffice/program/resource")
_NAMES = {"en-US": "en", "zh-CN": "zh", "pt-BR": "pt_br"}


class Paragraphs(HTMLParser):
    """Collects the text between block elements."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._text: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._hidden += tag in _NO_TEXT
        self._end_paragraph(tag)

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in _NO_TEXT
        self._end_paragraph(tag)

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self._text.append(data)

    def close(self) -> None:
        super().close()
        self._end_paragraph("")

    def _end_paragraph(self, tag: str) -> None:
        if tag not in _INLINE:
            text = " ".join("".join(self._text).split())
            self._text.clear()
            if text:
                self.found.append(text)


def paragraphs(folder: Path) -> Iterator[str]:
    """Give the paragraphs of all pages in a folder."""
    for page in sorted(folder.rglob("*.html")):
        parser = Paragraphs()
        parser.feed(page.read_text(encoding="utf-8"))
        parser.close()
        yield from parser.found


def messages(folder: Path) -> Iterator[str]:
    """Give the translated messages of the programs in a folder, without the marks of keys."""
    for catalog in sorted(folder.rglob("*.mo")):
        with catalog.open("rb") as file:
            translations: dict[str, str] = vars(GNUTranslations(file))["_catalog"]
        for original, text in translations.items():
            if original and not text.isascii():
                yield " ".join(text.replace("~", "").replace("_", "").split())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("packages", type=Path, help="the folder that all were unpacked into")
    parser.add_argument("output", type=Path)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    # Help pages come last, and take the place of messages.
    for part, texts in ((_MESSAGES, messages), (_PAGES, paragraphs)):
        for folder in sorted(options.packages.joinpath(part).glob("*/")):
            lines = list(dict.fromkeys(texts(folder)))
            if lines:
                file = options.output / f"{_NAMES.get(folder.name, folder.name)}.txt"
                file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
                print(f"{file}: {len(lines):,} lines, {sum(map(len, lines)):,} characters")


if __name__ == "__main__":
    main()
