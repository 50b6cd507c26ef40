"""Competitors measured in turn, and the table of what came out."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch

Runs = dict[str, Callable[[], Any]]

HEAD = "| what | goal | measured | how |\n|---|---|---|---|"


def seconds(run: Callable[[], Any], device: str) -> float:
    gc.collect()
    start = now(device)
    run()
    return now(device) - start


def now(device: str) -> float:
    """Return the seconds of the clock that counts, once the device has done what it was given."""
    if device != "cpu":
        torch.cuda.synchronize()
    alone = device == "cpu" and torch.get_num_threads() == 1
    return time.process_time() if alone else time.perf_counter()


def in_turn(runs: Runs, rounds: int, device: str) -> dict[str, list[float]]:
    """Measure each competitor, all of which have run once, one after another, round by round."""
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            taken[name].append(seconds(run, device))
    return taken


def ratio(slow: list[float], fast: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(slow, fast, strict=True))


class Table:
    """The measurements, printed as they come and kept for a file."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def add(self, what: str, goal: str, value: float, unit: str, note: str = "") -> None:
        self.rows.append(
            {"what": what, "goal": goal, "value": round(value, 4), "unit": unit, "note": note}
        )
        print(_line(self.rows[-1]), flush=True)

    def markdown(self) -> str:
        return "\n".join([HEAD, *map(_line, self.rows)]) + "\n"


def _line(row: dict[str, Any]) -> str:
    return "| {what} | {goal} | {value:.2f} {unit} | {note} |".format(**row)


def medians(taken: dict[str, list[float]]) -> str:
    return ", ".join(f"{name} {statistics.median(t):.2f} s" for name, t in taken.items())
