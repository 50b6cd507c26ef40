"""The page that ``xlm-tok show --html`` writes: whole in one file, and nothing to run."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from .drawing import COLOURS, Token, segments, visible

# Nothing of the style moves a character: between Arabic letters that would break their joining.
_STYLE = """\
body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #000; background: #fff;
  font: 1.25rem/1.9 system-ui, sans-serif; }
ol { padding-inline-start: 2.5rem; }
li { margin-block-end: 1.5rem; }
li::marker { color: #666; font-size: 0.8rem; }
p { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
.text span { box-shadow: inset -1px 0 #0005, inset 0 -2px #0003; }
.text span.shared { text-decoration: underline wavy; }
.tokens { font: 0.8rem/2 ui-monospace, monospace; color: #333; }
.tokens span { display: inline-block; line-height: 1.5; padding: 0 0.3rem; white-space: pre; }
"""


def head(lang: str) -> str:
    """Return what comes before the lines of text."""
    colours = "".join(f".c{i} {{ background: {page}; }}\n" for i, (_, page) in enumerate(COLOURS))
    return f"""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Tokens ({escape(lang)})</title>
<style>
{_STYLE}{colours}</style>
</head>
<body>
<ol>
"""


def line(text: str, tokens: Sequence[Token], lang: str) -> str:
    """Return the part of the page for one line: the text, and under it the tokens with ids."""
    drawn = "".join(
        _span(segment.text, [tokens[i] for i in segment.tokens], segment.tokens)
        for segment in segments(text, tokens)
    )
    below = " ".join(
        f'<span class="{_colour(i)}"><bdi>{_text(token.text)}</bdi> {token.id}</span>'
        for i, token in enumerate(tokens)
    )
    return (
        f'<li><p class="text" dir="auto" lang="{escape(lang.replace("_", "-"))}">{drawn}</p>\n'
        f'<p class="tokens" translate="no">{below}</p></li>\n'
    )


def foot() -> str:
    """Return what comes behind the lines of text."""
    return "</ol>\n</body>\n</html>\n"


def _span(text: str, tokens: Sequence[Token], numbers: Sequence[int]) -> str:
    if not tokens:
        return _text(text)
    title = "\n".join(f"{visible(token.text)} (id {token.id})" for token in tokens)
    shared = " shared" if len(tokens) > 1 else ""
    return (
        f'<span class="{_colour(numbers[0])}{shared}" title="{escape(title)}">{_text(text)}</span>'
    )


def _colour(number: int) -> str:
    return f"c{number % len(COLOURS)}"


def _text(text: str) -> str:
    return escape(visible(text), quote=False)
