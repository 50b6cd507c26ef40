"""The table of scores by language."""

from __future__ import annotations

from xlm_model.training.protocols import Scores

# Of these the number itself is shown, of all others the percentage.
_PLAIN = ("mean_squared_error",)


def score_table(scores: Scores) -> str:
    """Return a line for each language with its scores in percent, and their means at the end.

    Args:
        scores: By language, then by name.

    Example:
        >>> print(score_table({"en": {"accuracy": 0.832}, "mean": {"accuracy": 0.751}}))
        language  accuracy
        en            83.2
        mean          75.1
    """
    names = list(dict.fromkeys(name for found in scores.values() for name in found))
    head = ["language", *(name.replace("_", " ") for name in names)]
    rows = [
        [lang, *(_shown(name, found[name]) if name in found else "-" for name in names)]
        for lang, found in scores.items()
    ]
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = []
    for first, *rest in [head, *rows]:
        cells = [cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)]
        lines.append("  ".join([first.ljust(widths[0]), *cells]).rstrip())
    return "\n".join(lines)


def _shown(name: str, value: float) -> str:
    return f"{value:.4g}" if name in _PLAIN else f"{100 * value:.1f}"
