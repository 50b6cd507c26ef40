"""The page that ``xlm-tok show --html`` writes: whole in one file, and nothing to run."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from .drawing import COLOURS, Counts, Token, direction_of, segments, visible

# What a browser still scrolls through; a token takes some 200 characters of the page.
MOST_CHARACTERS = 4_000_000
MOST_OF_A_LINE = 20_000

_LEFT_TO_RIGHT = "\u200e"

# Nothing of the style moves a character: between Arabic letters that would break their joining.
_STYLE = """\
body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #000; background: #fff;
  font: 1.25rem/1.9 system-ui, sans-serif; }
h1 { font-size: 1.4rem; margin: 0; overflow-wrap: anywhere; }
header { margin-block-end: 2rem; }
header p { font-size: 1rem; color: #333; }
ol { padding-inline-start: 2.5rem; }
li { margin-block-end: 1.5rem; }
li::marker { color: #666; font-size: 0.8rem; }
p { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
.text span { box-shadow: inset -1px 0 #0005, inset 0 -2px #0003; }
.text span.shared { text-decoration: underline wavy; }
.tokens { font: 0.8rem/2 ui-monospace, monospace; color: #333; }
.tokens span { display: inline-block; line-height: 1.5; padding: 0 0.3rem; white-space: pre; }
.unknown { background: #fff; outline: 2px solid #c00; outline-offset: -2px; }
.tokens .unknown, header .unknown { color: #c00; font-weight: bold; }
"""


def page(model: str, language: str, counts: Counts, lines: Sequence[str], note: str = "") -> str:
    """Return a page.

    Args:
        model: what the vocabulary is called.
        language: that of the text, as people call it.
        counts: of the lines.
        lines: what :func:`line` returned for each.
        note: what readers must know, as that there is more.

    """
    colours = "".join(f".c{i} {{ background: {page}; }}\n" for i, (_, page) in enumerate(COLOURS))
    said = escape(str(counts))
    if counts.unknown:
        said += ', marked <span class="unknown">so</span>'
    if note:
        said += f"<br>{escape(note)}"
    return f"""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Tokens of {escape(model)}: {escape(language)}</title>
<style>
{colours}{_STYLE}</style>
</head>
<body>
<header>
<h1>{escape(model)}: {escape(language)}</h1>
<p>{said}</p>
</header>
<ol>
{"".join(lines)}</ol>
</body>
</html>
"""


def line(text: str, tokens: Sequence[Token], lang: str) -> str:
    """Return the part of the page for one line: the text, and under it the tokens with ids."""
    rest = len(text) - MOST_OF_A_LINE
    if rest > 0:
        text = text[:MOST_OF_A_LINE]
        tokens = [token for token in tokens if token.end <= MOST_OF_A_LINE]
    drawn = "".join(
        _span(segment.text, [tokens[i] for i in segment.tokens], segment.tokens)
        for segment in segments(text, tokens)
    )
    direction = direction_of(text)
    below = " ".join(_chip(token, i, direction) for i, token in enumerate(tokens))
    more = f"<p>… and {rest:,} more characters</p>" if rest > 0 else ""
    return (
        f'<li><p class="text" dir="{direction}" lang="{escape(lang.replace("_", "-"))}">{drawn}</p>'
        f'\n<p class="tokens" dir="{direction}" translate="no">{below}</p>{more}</li>\n'
    )


def _chip(token: Token, number: int, direction: str) -> str:
    # The mark and the id run from the left beside whatever script.
    end = f'<bdi dir="ltr">{_text(token.end_of_word)}</bdi>' if token.end_of_word else ""
    said = f"{token.id} unknown" if token.unknown else str(token.id)
    own = direction_of(token.piece, direction)
    turned = "" if own == direction else f' dir="{own}"'
    return (
        f'<span class="{_class(token, number)}"{turned}><bdi>{_text(token.piece)}</bdi>{end} '
        f'<bdi dir="ltr">{said}</bdi></span>'
    )


def _span(text: str, tokens: Sequence[Token], numbers: Sequence[int]) -> str:
    if not tokens:
        return _text(text)
    title = "\n".join(map(_title, tokens))
    unknown = next((token for token in tokens if token.unknown), tokens[0])
    shared = " shared" if len(tokens) > 1 else ""
    return (
        f'<span class="{_class(unknown, numbers[0])}{shared}" title="{escape(title)}">'
        f"{_text(text)}</span>"
    )


def _title(token: Token) -> str:
    turned = token.end_of_word and direction_of(token.piece) == "rtl"
    mark = _LEFT_TO_RIGHT if turned else ""
    unknown = ", unknown" if token.unknown else ""
    return f"{visible(token.piece)}{mark}{token.end_of_word} (id {token.id}{unknown})"


def _class(token: Token, number: int) -> str:
    return "unknown" if token.unknown else f"c{number % len(COLOURS)}"


def _text(text: str) -> str:
    return escape(visible(text), quote=False)
