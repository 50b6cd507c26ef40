"""The numbers of a corpus as one page with plots: whole in one file, and nothing to run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape

from xlm_text.corpora.report import HEAD, histogram, row
from xlm_text.corpora.statistics import LanguageStatistics, Statistics, warnings

_STYLE = """\
body { margin: 2rem auto; max-width: 72rem; padding: 0 1rem; color: #111; background: #fff;
  font: 1rem/1.5 system-ui, sans-serif; }
table { border-collapse: collapse; font-size: 0.9rem; }
th, td { padding: 0.2rem 0.6rem; text-align: right; border-bottom: 1px solid #ddd; }
th:first-child, td:first-child { text-align: left; }
pre { background: #fff4e0; padding: 0.8rem; white-space: pre-wrap; overflow-wrap: anywhere; }
figure { display: inline-block; margin: 0 2rem 1.5rem 0; vertical-align: top; }
figcaption { font-size: 0.9rem; }
svg text { font: 11px system-ui, sans-serif; fill: #111; }
svg rect { fill: #4477aa; }
"""
_PLOTS: tuple[tuple[str, Callable[[LanguageStatistics], float], str], ...] = (
    ("Tokens", lambda numbers: numbers.pieces, "{:,.0f}"),
    ("Pieces of a word", lambda numbers: numbers.pieces_per_word, "{:.2f}"),
    ("Unknown pieces", lambda numbers: numbers.unknown_share, "{:.3%}"),
    ("Lines left out", lambda numbers: numbers.skipped_share, "{:.3%}"),
)
_WIDTH = 340
_LABEL = 60
_BAR = 16


def page(statistics: Statistics, title: str) -> str:
    """Return the page as HTML."""
    cells = "\n".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row(lang, numbers)[:-1]) + "</tr>"
        for lang, numbers in statistics.items()
    )
    head = "".join(f"<th>{name}</th>" for name in HEAD[:-1])
    notes = "\n".join(f"<pre>{escape(warning)}</pre>" for warning in warnings(statistics))
    drawn = [
        _bars(title, {lang: value(numbers) for lang, numbers in statistics.items()}, form)
        for title, value, form in _PLOTS
    ]
    plots = "\n".join(drawn)
    lengths = "\n".join(_lengths(lang, n) for lang, n in statistics.items() if n.texts)
    return f"""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{escape(title)}</title>
<style>
{_STYLE}</style>
</head>
<body>
<h1>{escape(title)}</h1>
{notes}
<table>
<thead><tr>{head}</tr></thead>
<tbody>
{cells}
</tbody>
</table>
<h2>Languages</h2>
{plots}
<h2>Lengths of texts, in tokens</h2>
{lengths}
</body>
</html>
"""


def _lengths(lang: str, numbers: LanguageStatistics) -> str:
    counts = {
        str(first) if first == last else f"{first}–{last}": texts
        for first, last, texts in histogram(numbers)
    }
    return _bars(lang, counts, "{:,.0f}")


def _bars(title: str, values: Mapping[str, float], form: str) -> str:
    """Draw a bar for each value, from left to right, with its label and number."""
    most = max(values.values(), default=0) or 1
    room = _WIDTH - _LABEL - 80
    lines = []
    for i, (label, value) in enumerate(values.items()):
        y, length = i * (_BAR + 4), room * value / most
        lines.append(
            f'<text x="{_LABEL - 6}" y="{y + 12}" text-anchor="end">{escape(label)}</text>'
            f'<rect x="{_LABEL}" y="{y}" width="{length:.1f}" height="{_BAR}"/>'
            f'<text x="{_LABEL + length + 4:.1f}" y="{y + 12}">{form.format(value)}</text>'
        )
    height = max(1, len(values)) * (_BAR + 4)
    drawn = "\n".join(lines)
    return (
        f"<figure><figcaption>{escape(title)}</figcaption>\n"
        f'<svg role="img" aria-label="{escape(title)}" width="{_WIDTH}" height="{height}" '
        f'viewBox="0 0 {_WIDTH} {height}">\n{drawn}\n</svg></figure>'
    )
