"""What a training leaves to be read: a log in JSON lines, curves, TensorBoard's events."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from xlm_model.training import curves
from xlm_model.training.protocols import Scores
from xlm_text.errors import MissingComponentError
from xlm_text.files.folders import whole_file

LOG = "log.jsonl"
CURVES = "curves.svg"
TENSORBOARD = "tensorboard"


class Report:
    """Writes what happens into a folder.

    Args:
        folder: Where the log and the curves go.
        begin: Step that the training goes on from; what the log says of later ones goes, as they
            come again.
        tensorboard: Also write event files for TensorBoard.

    Raises:
        MissingComponentError: TensorBoard is asked for, and not installed.
    """

    def __init__(self, folder: Path, begin: int, *, tensorboard: bool) -> None:
        self._folder = folder
        entries = [entry for entry in read_log(folder) if entry["step"] <= begin]
        with whole_file(folder / LOG) as file:
            file.write_text("".join(map(_line, entries)), encoding="utf-8")
        self._entries = entries
        self._file = (folder / LOG).open("a", encoding="utf-8")
        self._board = _open_board(folder / TENSORBOARD, begin) if tensorboard else None

    def trained(
        self,
        step: int,
        losses: Mapping[str, float],
        *,
        learning_rate: float,
        gradient_norm: float,
        tokens_per_second: float,
    ) -> None:
        """Log the mean losses since the last time, by the batches' names."""
        entry = {
            "step": step,
            "losses": dict(losses),
            "learning_rate": learning_rate,
            "gradient_norm": gradient_norm,
            "tokens_per_second": round(tokens_per_second, 1),
        }
        self._add(entry)
        if self._board is not None:
            for name, loss in losses.items():
                self._board.add_scalar(f"loss/{name}", loss, step)
            for name in ("learning_rate", "gradient_norm", "tokens_per_second"):
                self._board.add_scalar(f"training/{name}", entry[name], step)

    def evaluated(self, step: int, scores: Scores) -> None:
        """Log the scores of an evaluation, and draw the curves anew."""
        self._add({"step": step, "scores": {name: dict(found) for name, found in scores.items()}})
        if self._board is not None:
            for name, found in scores.items():
                for score, value in found.items():
                    self._board.add_scalar(f"{score}/{name}", value, step)
        self.draw()

    def draw(self) -> None:
        """Draw the curves of all that the log has."""
        with whole_file(self._folder / CURVES) as file:
            file.write_text(curves.draw(panels_of(self._entries)), encoding="utf-8")

    def close(self) -> None:
        """Close the files."""
        self._file.close()
        if self._board is not None:
            self._board.close()

    def _add(self, entry: dict[str, Any]) -> None:
        self._entries.append(entry)
        self._file.write(_line(entry))
        self._file.flush()


def read_log(folder: str | Path) -> list[dict[str, Any]]:
    """Return what the log of a training has; a last line that was cut off is left out.

    An entry has a `step`, and `losses` (with `learning_rate`, `gradient_norm` and
    `tokens_per_second`) or `scores`.
    """
    file = Path(folder) / LOG
    if not file.exists():
        return []
    return list(_entries(file.read_text(encoding="utf-8", errors="replace")))


def _entries(text: str) -> Iterator[dict[str, Any]]:
    for line in text.splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            return


def panels_of(entries: list[dict[str, Any]]) -> dict[str, dict[str, list[tuple[float, float]]]]:
    """Return the curves of a log: losses of the training, and each score of the evaluations."""
    panels: dict[str, dict[str, list[tuple[float, float]]]] = {"training: loss": {}}
    for entry in entries:
        for name, loss in entry.get("losses", {}).items():
            panels["training: loss"].setdefault(name, []).append((entry["step"], loss))
        for name, found in entry.get("scores", {}).items():
            for score, value in found.items():
                panel = panels.setdefault(f"held out: {score}", {})
                panel.setdefault(name, []).append((entry["step"], value))
    return panels


def _line(entry: Mapping[str, Any]) -> str:
    return json.dumps(_plain(entry), ensure_ascii=False) + "\n"


def _plain(value: Any) -> Any:
    """Return what JSON can hold: it has no infinity, and no NaN."""
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value


def _open_board(folder: Path, begin: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise MissingComponentError(
            "this needs tensorboard; in a clone of this project: pip install '.[train]'"
        ) from None
    return SummaryWriter(str(folder), purge_step=begin + 1)
