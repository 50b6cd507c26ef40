"""The numbers of a corpus as a table and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from xlm_text.corpora.statistics import LanguageStatistics, Statistics, warnings

_BARS = "▁▂▃▄▅▆▇█"
HEAD = (
    "language", "lines", "words", "tokens", "pieces/word", "unknown", "cut", "skipped",
    "median", "95 %", "longest", "lengths",
)  # fmt: skip
_NUMBERS = range(1, 11)


def histogram(numbers: LanguageStatistics) -> list[tuple[int, int, int]]:
    """Return how many texts have from ``a`` to ``b`` tokens, as ``(a, b, texts)``.

    Each range is twice as wide as the one before it.

    >>> histogram(LanguageStatistics(lengths={1: 2, 2: 5, 3: 1, 9: 4}))
    [(1, 1, 2), (2, 3, 6), (4, 7, 0), (8, 15, 4)]
    """
    counts: list[int] = []
    for length, texts in numbers.lengths.items():
        place = length.bit_length() - 1
        counts += [0] * (place + 1 - len(counts))
        counts[place] += texts
    return [(1 << i, (2 << i) - 1, texts) for i, texts in enumerate(counts)]


def as_json(statistics: Statistics) -> dict[str, Any]:
    """Return all numbers, those that follow from others too, as JSON values."""
    return {
        "languages": {
            lang: {
                **numbers.as_json(),
                "pieces_per_word": numbers.pieces_per_word,
                "unknown_share": numbers.unknown_share,
                "cut_share": numbers.cut_share,
                "skipped_share": numbers.skipped_share,
                "histogram": [
                    {"from": first, "to": last, "texts": texts}
                    for first, last, texts in histogram(numbers)
                ],
            }
            for lang, numbers in statistics.items()
        },
        "warnings": warnings(statistics),
    }


def row(lang: str, numbers: LanguageStatistics) -> tuple[str, ...]:
    """Return the cells of a language, under :data:`HEAD`."""
    return (
        lang,
        f"{numbers.lines:,}",
        f"{numbers.words:,}",
        f"{numbers.pieces:,}",
        f"{numbers.pieces_per_word:.2f}",
        f"{numbers.unknown_share:.3%}",
        f"{numbers.cut_share:.2%}",
        f"{numbers.skipped_share:.3%}",
        str(numbers.length_at(0.5)),
        str(numbers.length_at(0.95)),
        str(max(numbers.lengths, default=0)),
        _sparkline([texts for _, _, texts in histogram(numbers)]),
    )


def table(statistics: Statistics) -> str:
    """Return a table for people.

    The last column draws how long the texts are: 1 token, 2 to 3, 4 to 7, and so on.
    """
    rows = [HEAD, *(row(lang, numbers) for lang, numbers in statistics.items())]
    return "".join(f"{line}\n" for line in _aligned(rows))


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for cells in rows:
        aligned = [
            cell.rjust(width) if i in _NUMBERS else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        yield "  ".join(aligned).rstrip()


def _sparkline(counts: Sequence[int]) -> str:
    most = max(counts, default=0)
    return "".join(" " if not n else _BARS[(n * len(_BARS) - 1) // most] for n in counts)
