"""`xlm-tok show` draws every token over its own characters."""

from __future__ import annotations

import html
import html.parser
import itertools
import json
import re
import shutil
import struct
import subprocess
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from click import unstyle
from click.testing import Result
from hypothesis import given
from hypothesis import strategies as st
from xlm_cli.drawing import COLOURS, Token, segments, visible

from xlm_text import XLMTokenizer

Tok = Callable[..., Result]

LINES = {
    "en": 'Isn\'t <b>this</b> & "that"… <special1>?',
    "fr": "C'est l'été, 한국 à l'heure.",
    "ar": "تعلمتُ الكتابةَ في المدرسة.",
    "zh": "我来到北京清华大学。",
    "th": "ฉันไปโรงเรียน",
}


# Which characters -----------------------------------------------------------------------------


@given(
    st.text(max_size=12), st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=6)
)
def test_segments_make_up_the_text_and_the_tokens(text: str, spans: list[tuple[int, int]]) -> None:
    tokens = [Token("t", 0, min(*span, len(text)), min(max(span), len(text))) for span in spans]
    found = list(segments(text, tokens))
    assert "".join(segment.text for segment in found) == text
    for i, token in enumerate(tokens):
        covered, position = set(), 0
        for segment in found:
            end = position + len(segment.text)
            if i in segment.tokens:
                covered |= set(range(position, end))
            position = end
        assert covered == set(range(token.start, token.end))


@given(st.text())
def test_no_control_character_is_drawn(text: str) -> None:
    drawn = visible(text)
    assert len(drawn) == len(text)
    assert not re.search(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]", drawn)
    assert all(a == b for a, b in zip(text, drawn, strict=True) if b.isalnum())


# The terminal ---------------------------------------------------------------------------------


def test_colours_change_from_token_to_token(tok: Tok, tokenizer: XLMTokenizer) -> None:
    result = tok("show", "--lang", "en", "--color", "always", given="the words.\n")
    head, drawn, below, counts = result.stdout.splitlines()
    assert unstyle(head) == "demonstration vocabulary: English (en)"
    assert unstyle(counts) == "1 line, 3 tokens, 0 unknown"
    assert unstyle(drawn) == "the words."
    tokens = tokenizer.tokenize("the words.", lang="en")
    ids = tokenizer.convert_tokens_to_ids(tokens)
    assert unstyle(below).split() == [f"{t}({i})" for t, i in zip(tokens, ids, strict=True)]
    backgrounds = [int(n) for n in re.findall(r"48;5;(\d+)m", drawn)]
    assert backgrounds == [COLOURS[i][0] for i in range(len(tokens))]
    assert [int(n) for n in re.findall(r"48;5;(\d+)m", below)] == backgrounds


def test_without_colours_bars_stand_between_tokens_that_touch(tok: Tok) -> None:
    result = tok("show", "--lang", "fr", given="C'est l'eau.\n\nici\n")
    assert "\x1b" not in result.stdout
    drawn = [line for line in result.stdout.splitlines() if not line.startswith("  ")]
    assert drawn[1:-1] == ["C'|est l'|eau|.", "", "", "ici"]


def test_a_heading_counts_and_marks_unknown_tokens(tok: Tok, tokenizer: XLMTokenizer) -> None:
    line = "the ᚠ 华"
    ids = tokenizer.convert_tokens_to_ids(tokenizer.tokenize(line, lang="zh"))
    unknown = ids.count(tokenizer.unk_token_id)
    assert unknown == 2
    result = tok("show", "--lang", "zh", given=f"{line}\n")
    head, _, below, counts = result.stdout.splitlines()
    assert head == "demonstration vocabulary: Chinese (zh)"
    assert re.findall(r"(\S+)\(3 unknown\)", below) == ["ᚠ</w>", "华</w>"]
    assert counts == f"1 line, {len(ids)} tokens, 2 unknown ({2 / len(ids):.1%})"
    coloured = tok("show", "--lang", "zh", "--color", "always", given=f"{line}\n").stdout
    assert len(re.findall(r"48;5;160m.*?ᚠ", coloured.splitlines()[1])) == 1
    assert tok("show", "--lang", "zh", given="").stdout == ""


def test_arabic_tokens_run_from_the_right_and_their_marks_from_the_left(tok: Tok) -> None:
    """As the Unicode bidirectional algorithm, run by a browser or terminal, will order them."""
    right, left, end = "\u2067", "\u2066", "\u2069"
    below = tok("show", "--lang", "ar", given="في hello\n").stdout.splitlines()[2]
    chips = [
        f"في{left}</w>{end}{left}(4427){end}",
        f"{left}hel(5662){end}",
        f"{left}lo</w>(4655){end}",
    ]
    assert below == f"  {right}{'  '.join(chips)}{end}"
    below = tok("show", "--lang", "ar", given="hello في\n").stdout.splitlines()[2]
    assert below.endswith(f"lo</w>(4655)  {right}في{left}</w>{end}{left}(4427){end}{end}")


def test_a_text_cannot_command_the_terminal(tok: Tok) -> None:
    for color in ("always", "never"):
        arguments = ("show", "--lang", "en", "--bypass", "--color", color)
        result = tok(*arguments, given="a\x1b]0;title\x07 \x9b2J b\n")
        assert re.findall(r"[\x07\x9b]|\x1b(?!\[[0-9;]*m)", result.stdout) == []


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [({"NO_COLOR": ""}, True), ({"NO_COLOR": "1"}, False)],
    ids=["colour", "NO_COLOR"],
)
def test_colours_are_for_terminals(
    environment: dict[str, str], coloured: bool, command: str, tmp_path: Path
) -> None:
    (tmp_path / "text").write_text("the words\n")
    shell = f"{command} show --lang en {tmp_path / 'text'}"
    script = shutil.which("script")
    if script is None:
        pytest.skip("needs `script` (util-linux) to give the command a terminal")
    done = subprocess.run(
        [script, "-qec", shell, "/dev/null"],
        env={"PATH": "/usr/bin:/bin", "TERM": "xterm", "LC_ALL": "C.UTF-8", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 0
    assert (b"\x1b[" in done.stdout) == coloured


# The page -------------------------------------------------------------------------------------


@dataclass
class Page(html.parser.HTMLParser):
    """What stands in the paragraphs of a page, and everything it would load."""

    paragraphs: list[list[tuple[str, dict[str, str | None]]]] = field(default_factory=list)
    directions: list[str | None] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._attributes: dict[str, str | None] = {}
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag in ("script", "link", "img", "iframe", "object") or {"src", "href"} & found.keys():
            self.loads.append(tag)
        if tag == "p" and found.get("class") == "text":
            self.paragraphs.append([])
            self.directions.append(found.get("dir"))
            self._inside = True
        elif tag == "span":
            self._attributes = found

    def handle_endtag(self, tag: str) -> None:
        self._attributes = {}
        self._inside = self._inside and tag != "p"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.paragraphs[-1].append((data, self._attributes))


def read_page(source: str) -> Page:
    page = Page()
    page.feed(source)
    page.close()
    return page


def write_page(tok: Tok, lang: str, text: str, path: Path) -> str:
    result = tok("show", "--lang", lang, "--html", path, given=text)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("lang", LINES)
def test_tokens_stand_on_their_own_characters(
    lang: str, tok: Tok, tokenizer: XLMTokenizer, tmp_path: Path
) -> None:
    line = LINES[lang]
    page = read_page(write_page(tok, lang, f"{line}\n", tmp_path / "page.html"))
    (paragraph,) = page.paragraphs
    assert "".join(text for text, _ in paragraph) == line
    (row,) = tokenizer([line], lang=lang, add_special_tokens=False).encodings
    expected: dict[int, str] = {}
    for token, id_, (start, end) in zip(row.tokens, row.ids, row.offsets, strict=True):
        for i in range(start, end):
            unknown = ", unknown" if id_ == tokenizer.unk_token_id else ""
            expected[i] = expected.get(i, "") + f"{token} (id {id_}{unknown})\n"
    found, position = {}, 0
    for text, attributes in paragraph:
        for i in range(position, position + len(text)):
            if "title" in attributes:
                # An invisible mark keeps </w> from being mirrored behind Arabic letters.
                found[i] = f"{attributes['title']}\n".replace("\u200e", "")
        position += len(text)
    assert found == expected
    assert page.directions == ["rtl" if lang == "ar" else "ltr"]
    assert page.loads == []


def test_a_page_has_a_heading_and_marks_unknown_tokens(tok: Tok, tmp_path: Path) -> None:
    source = write_page(tok, "zh", "the ᚠ 华\n", tmp_path / "page.html")
    assert "<h1>demonstration vocabulary: Chinese (zh)</h1>" in source
    assert "1 line, 3 tokens, 2 unknown (66.7%)" in source
    marked = re.findall(r'<span class="unknown"[^>]*>(?:<bdi>)?(.)', source)
    assert marked == ["s", "ᚠ", "华", "ᚠ", "华"]  # "so" in the heading; in the text; below it


def test_a_page_ends_before_it_is_too_large_for_a_browser(
    tok: Tok, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, path = tmp_path / "text", tmp_path / "page.html"
    text.write_text("some words in a line\n" * 500)
    monkeypatch.setattr("xlm_cli.page.MOST_CHARACTERS", 20_000)
    result = tok("show", "--lang", "en", text, "--html", path)
    source = path.read_text(encoding="utf-8")
    lines = source.count('<p class="text"')
    assert result.exit_code == 0
    assert 10 < lines < 100
    assert 20_000 < len(source) + len(source) // lines < 25_000
    said = f"page ends before {text}: line {lines + 1}: show the rest on another one"
    assert result.stderr == f"xlm-tok: {path}: the {said}\n"
    assert f"{lines} lines, " in source
    assert said in source


def test_a_huge_line_is_shown_as_far_as_a_browser_can(tok: Tok, tmp_path: Path) -> None:
    source = write_page(tok, "en", "word " * 100_000, tmp_path / "page.html")
    assert len(source) < 2_000_000
    assert "… and 480,000 more characters" in source


def test_a_page_is_there_whole_or_not_at_all(fails: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("old")
    fails("show", "--lang", "en", "--html", tmp_path / "page.html", given=b"one\n\xff\n")
    assert (tmp_path / "page.html").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_a_page_loads_nothing(tok: Tok, tmp_path: Path) -> None:
    source = write_page(tok, "en", "words\n", tmp_path / "page.html")
    assert "default-src 'none'" in source
    assert not re.search(r"https?:|url\(|@import", source)


# A real browser -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("needs chromium, to look at the page as its readers do")
    return found


def open_in(browser: str, folder: Path, page: Path, *options: str) -> str:
    done = subprocess.run(
        [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
            f"--user-data-dir={folder / 'profile'}", *options, page.as_uri(),
        ],
        capture_output=True,
        timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout.decode("utf-8")


def test_a_browser_shows_the_texts_and_the_colours(browser: str, tok: Tok, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    write_page(tok, "ar", "".join(f"{line}\n" for line in LINES.values()), path)
    shown = read_page(open_in(browser, tmp_path, path, "--dump-dom"))
    texts = ["".join(text for text, _ in paragraph) for paragraph in shown.paragraphs]
    assert texts == list(LINES.values())
    picture = tmp_path / "page.png"
    open_in(browser, tmp_path, path, "--window-size=800,600", f"--screenshot={picture}")
    width, height, pixels = read_png(picture.read_bytes())
    assert (width, height) == (800, 600)
    colours = {colour: pixels.count(bytes.fromhex(colour[1:])) for _, colour in COLOURS}
    # A letter of the smallest text is some 50 pixels; every colour has several tokens.
    assert all(count > 500 for count in colours.values()), colours
    assert pixels.count(b"\xff\xff\xff") > len(pixels) / 2


def test_arabic_runs_from_the_right_in_a_browser(browser: str, tok: Tok, tmp_path: Path) -> None:
    """The first token of an Arabic line is drawn right of the second, of an English one left."""
    centres = {}
    for lang, line in (("en", "one two"), ("ar", "من هذا")):
        path = tmp_path / f"{lang}.html"
        write_page(tok, lang, f"{line}\n", path)
        picture = tmp_path / f"{lang}.png"
        open_in(browser, tmp_path, path, "--window-size=800,200", f"--screenshot={picture}")
        width, _, pixels = read_png(picture.read_bytes())
        centres[lang] = [centre(pixels, width, COLOURS[i][1]) for i in (0, 1)]
    assert centres["en"][0] < centres["en"][1] < 400
    assert centres["ar"][0] > centres["ar"][1] > 400


def test_chips_of_arabic_run_from_the_right_with_marks_as_they_are_written(
    browser: str, tok: Tok, tmp_path: Path
) -> None:
    """Where a browser puts each part, measured in it."""
    path = tmp_path / "page.html"
    source = write_page(tok, "ar", "من هذا\n", path)
    script = """<script>
      const box = (node) => node.getBoundingClientRect();
      const chips = [...document.querySelectorAll(".tokens > span")];
      const end = chips[0].querySelectorAll("bdi")[1], range = document.createRange();
      const at = (i) => { range.setStart(end.firstChild, i); range.setEnd(end.firstChild, i + 1);
        return range.getBoundingClientRect().left; };
      document.title = JSON.stringify({
        chips: chips.map((chip) => box(chip).left),
        parts: [...chips[0].querySelectorAll("bdi")].map((part) => box(part).left),
        mark: [0, 1, 2, 3].map(at), text: end.textContent });
    </script>"""
    # The page itself runs no script.
    path.write_text(
        re.sub("<meta http-equiv.*>", "", source).replace("</body>", script + "</body>")
    )
    shown = open_in(browser, tmp_path, path, "--dump-dom")
    found = json.loads(html.unescape(re.search(r"<title>(.*?)</title>", shown)[1]))  # type: ignore[index]
    assert found["text"] == "</w>"
    assert found["chips"] == sorted(found["chips"], reverse=True)
    assert found["parts"] == sorted(found["parts"], reverse=True)
    assert found["mark"] == sorted(found["mark"])


class Pixels(list[bytes]):
    """Red, green and blue of every pixel, row by row."""


def centre(pixels: Pixels, width: int, colour: str) -> float:
    """Return the mean column of a colour in the text, which stands above the tokens."""
    wanted = bytes.fromhex(colour[1:])
    rows = [pixels[i : i + width] for i in range(0, len(pixels), width)]
    below = itertools.dropwhile(lambda row: wanted not in row, rows)
    text = itertools.takewhile(lambda row: wanted in row, below)
    columns = [column for row in text for column, pixel in enumerate(row) if pixel == wanted]
    return sum(columns) / len(columns)


def read_png(data: bytes) -> tuple[int, int, Pixels]:
    """Read the pixels of a PNG with eight bits a channel, as browsers write them."""
    width, height, depth, kind = struct.unpack(">IIBB", data[16:26])
    assert depth == 8
    channels = {2: 3, 6: 4}[kind]
    packed, position = b"", 8
    while position < len(data):
        (length,) = struct.unpack(">I", data[position : position + 4])
        if data[position + 4 : position + 8] == b"IDAT":
            packed += data[position + 8 : position + 8 + length]
        position += length + 12
    raw, stride = zlib.decompress(packed), width * channels
    before, pixels = bytearray(stride), Pixels()
    for row in range(height):
        start = row * (stride + 1)
        line = bytearray(raw[start + 1 : start + 1 + stride])
        unfilter(raw[start], line, before, channels)
        pixels += [bytes(line[i : i + 3]) for i in range(0, stride, channels)]
        before = line
    return width, height, pixels


def unfilter(kind: int, line: bytearray, above: bytearray, channels: int) -> None:
    """Undo a filter of the PNG specification, in place."""
    for i in range(len(line)):
        left = line[i - channels] if i >= channels else 0
        corner = above[i - channels] if i >= channels else 0
        if kind == 1:
            line[i] = line[i] + left & 255
        elif kind == 2:
            line[i] = line[i] + above[i] & 255
        elif kind == 3:
            line[i] = line[i] + (left + above[i]) // 2 & 255
        elif kind == 4:
            estimate = left + above[i] - corner
            nearest = min((left, above[i], corner), key=lambda value: abs(estimate - value))
            line[i] = line[i] + nearest & 255
