"""Grouped bars on a logarithmic scale, as SVG."""

from __future__ import annotations

import math
from collections.abc import Mapping
from xml.sax.saxutils import escape

_COLOURS = ("#9aa0a6", "#f2a33a", "#1a73e8", "#0b8043", "#a142f4")
_BAR, _GAP, _HEIGHT, _LEFT, _TOP = 14, 18, 260, 60, 56


def bars(title: str, groups: Mapping[str, Mapping[str, float]]) -> str:
    """Draw a group of bars for each key of ``groups``, a bar for each of its values."""
    names = list(next(iter(groups.values())))
    values = [value for group in groups.values() for value in group.values()]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    width = _LEFT + len(groups) * (len(names) * _BAR + _GAP) + _GAP

    def y(value: float) -> float:
        return _TOP + _HEIGHT * (1 - (math.log10(value) - low) / (high - low))

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {_TOP + _HEIGHT + 30}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{_TOP + _HEIGHT + 30}" fill="#ffffff"/>',
        f'<text x="{_LEFT}" y="18" font-size="14">{escape(title)}</text>',
    ]
    for power in range(low, high + 1):
        line = y(10**power)
        parts.append(
            f'<line x1="{_LEFT}" x2="{width - _GAP}" y1="{line}" y2="{line}" stroke="#dddddd"/>'
            f'<text x="{_LEFT - 6}" y="{line + 4}" text-anchor="end">{10**power:,}</text>'
        )
    for i, name in enumerate(names):
        x = _LEFT + i * 130
        parts.append(
            f'<rect x="{x}" y="30" width="12" height="12" fill="{_COLOURS[i]}"/>'
            f'<text x="{x + 16}" y="40">{escape(name)}</text>'
        )
    x = _LEFT + _GAP
    for group, bar_values in groups.items():
        for i, value in enumerate(bar_values.values()):
            top = y(value)
            parts.append(
                f'<rect x="{x + i * _BAR}" y="{top:.1f}" width="{_BAR - 2}" '
                f'height="{_TOP + _HEIGHT - top:.1f}" fill="{_COLOURS[i]}"/>'
            )
        middle = x + len(names) * _BAR / 2
        parts.append(
            f'<text x="{middle}" y="{_TOP + _HEIGHT + 18}" text-anchor="middle">'
            f"{escape(group)}</text>"
        )
        x += len(names) * _BAR + _GAP
    return "\n".join([*parts, "</svg>"]) + "\n"
