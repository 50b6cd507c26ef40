"""What came of an experiment: its tables, for people and for machines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any


class Report:
    """The tables of an experiment, printed as they come and kept for files.

    Args:
        name: Of the experiment.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._tables: list[dict[str, Any]] = []

    def add(self, title: str, head: Sequence[str], rows: Sequence[Sequence[str | float]]) -> None:
        """Add a table and print it.

        Args:
            title: What it shows.
            head: Names of the columns; behind each the decimals of its numbers, as in "loss:3".
            rows: Cells.
        """
        names = [column.partition(":")[0] for column in head]
        places = [int(column.partition(":")[2] or 0) for column in head]
        self._tables.append({"title": title, "head": names, "places": places, "rows": rows})
        print(_markdown(self._tables[-1]), flush=True)

    def save(self, folder: Path) -> None:
        """Write both files."""
        folder.mkdir(parents=True, exist_ok=True)
        text = "\n".join(_markdown(found) for found in self._tables)
        path = folder / f"treebanks-{self._name}"
        path.with_suffix(".md").write_text(text, encoding="utf-8")
        kept = [
            {
                "title": found["title"],
                "rows": [dict(zip(found["head"], row, strict=True)) for row in found["rows"]],
            }
            for found in self._tables
        ]
        path.with_suffix(".json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def _markdown(found: dict[str, Any]) -> str:
    rows = [
        [
            f"{cell:,.{places}f}" if isinstance(cell, float | int) else cell
            for cell, places in zip(row, found["places"], strict=True)
        ]
        for row in found["rows"]
    ]
    lines = [found["head"], ["---"] * len(found["head"]), *rows]
    body = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{found['title']}\n\n{body}\n"
