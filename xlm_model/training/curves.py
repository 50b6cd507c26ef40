"""The curves of a training, as SVG: what the log says, and nothing else."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

# From the smallest to the largest number of steps, with the value at each.
Curve = Sequence[tuple[float, float]]

_COLOURS = ("#1a73e8", "#f2a33a", "#0b8043", "#a142f4", "#d93025", "#00838f", "#795548", "#9aa0a6")
_WIDTH, _HEIGHT, _LEFT, _TOP, _BETWEEN, _KEY = 640, 200, 70, 34, 60, 18


def draw(panels: Mapping[str, Mapping[str, Curve]]) -> str:
    """Draw panels one below the other, each with its curves, on a logarithmic scale.

    Args:
        panels: From a title to curves by their names. Values must be above 0.

    Example:
        >>> "mlm:en" in draw({"loss": {"mlm:en": [(1, 9.0), (100, 4.0)]}})
        True
    """
    parts: list[str] = []
    top = 0
    for title, curves in panels.items():
        kept = {name: _finite(curve) for name, curve in curves.items()}
        kept = {name: curve for name, curve in kept.items() if curve}
        if kept:
            parts += _panel(title, kept, top)
            top += _TOP + _HEIGHT + _BETWEEN + _KEY * len(kept)
    width = _LEFT + _WIDTH + 30
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {max(top, 1)}" '
            'font-family="sans-serif" font-size="12">',
            f'<rect width="{width}" height="{max(top, 1)}" fill="#ffffff"/>',
            *parts,
            "</svg>\n",
        ]
    )


def _finite(curve: Curve) -> Curve:
    return [(x, y) for x, y in curve if 0 < y < math.inf]


def _panel(title: str, curves: Mapping[str, Curve], top: int) -> list[str]:
    points = [point for curve in curves.values() for point in curve]
    last = max(1.0, max(x for x, _ in points))
    low, high = min(y for _, y in points), max(y for _, y in points)
    # A curve that is level lies in the middle.
    low, high = (low * 0.9, high * 1.1) if high / low < 1.05 else (low, high)
    bottom = top + _TOP + _HEIGHT

    def place(x: float, y: float) -> str:
        across = _LEFT + _WIDTH * x / last
        return f"{across:.1f},{bottom - _HEIGHT * math.log(y / low) / math.log(high / low):.1f}"

    parts = [f'<text x="{_LEFT}" y="{top + 22}" font-size="14">{escape(title)}</text>']
    for share in (0, 0.25, 0.5, 0.75, 1):
        y = bottom - _HEIGHT * share
        value = low * (high / low) ** share
        step = last * share
        parts.append(
            f'<line x1="{_LEFT}" x2="{_LEFT + _WIDTH}" y1="{y}" y2="{y}" stroke="#dddddd"/>'
            f'<text x="{_LEFT - 6}" y="{y + 4}" text-anchor="end">{value:,.4g}</text>'
            f'<text x="{_LEFT + _WIDTH * share}" y="{bottom + 18}" text-anchor="middle">'
            f"{step:,.0f}</text>"
        )
    for i, (name, curve) in enumerate(curves.items()):
        colour = _COLOURS[i % len(_COLOURS)]
        line = " ".join(place(x, y) for x, y in curve)
        key = bottom + 40 + _KEY * i
        parts.append(
            f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
            f'<rect x="{_LEFT}" y="{key - 10}" width="12" height="12" fill="{colour}"/>'
            f'<text x="{_LEFT + 18}" y="{key}">{escape(name)}: {curve[-1][1]:,.4g}</text>'
        )
    return parts
