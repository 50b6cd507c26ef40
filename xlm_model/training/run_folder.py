"""What a training leaves in its folder, and how far it is.

```
run/
    training.json     what it was begun with
    log.jsonl         losses and scores
    curves.svg        the same, drawn
    last/             the newest checkpoint, and what the training needs to go on
    best/             the checkpoint with the best score
```
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xlm_model.training.atomic_folder import AtomicFolder
from xlm_text.corpora.locking import locked
from xlm_text.corpora.store import Store
from xlm_text.errors import Argument, InputError
from xlm_text.files.folders import whole_file

RECORD = "training.json"
LAST, BEST = "last", "best"
# In the folder `last`: what accelerate saves, and how far the training is.
STATE, PROGRESS = "training", "progress.json"
# The processes that made batches for a training that was killed need a moment to notice it.
_WAIT_SECONDS = 8.0
# Of these scores less is better.
_LESS_IS_BETTER = ("loss", "perplexity")


@dataclass
class Progress:
    """How far a training is.

    Attributes:
        step: Updates that were made.
        best: The best score so far, None before the first.
        best_step: When that was.
        missed: Evaluations since then.
        finished: Whether the training is over, and why: "steps" or "patience"; empty if not.
        scores: Of the newest evaluation.
        best_scores: Of the best one.
    """

    step: int = 0
    best: float | None = None
    best_step: int | None = None
    missed: int = 0
    finished: str = ""
    scores: dict[str, dict[str, float]] = field(default_factory=dict)
    best_scores: dict[str, dict[str, float]] = field(default_factory=dict)

    def evaluated(self, scores: Mapping[str, Mapping[str, float]], metric: str) -> bool:
        """Take the scores of an evaluation, and return whether they are the best ones.

        Args:
            scores: As the evaluation gives them.
            metric: Which of them decides, such as "mlm:en/perplexity".
        """
        self.scores = {name: dict(found) for name, found in scores.items()}
        name, _, score = metric.rpartition("/")
        value = float(scores[name][score])
        sign = -1 if score in _LESS_IS_BETTER else 1
        is_best = not math.isnan(value) and (self.best is None or sign * value > sign * self.best)
        if is_best:
            self.best, self.best_step, self.missed = value, self.step, 0
            self.best_scores = self.scores
        else:
            self.missed += 1
        return is_best

    def finish(self, steps: int, patience: int | None) -> None:
        """Decide whether the training is over.

        Args:
            steps: Updates that were asked for.
            patience: Evaluations without a better score that end it; None: none do.
        """
        if self.step >= steps:
            self.finished = "steps"
        elif patience is not None and self.missed >= patience:
            self.finished = "patience"
        else:
            self.finished = ""


class RunFolder:
    """The folder of a training.

    Args:
        path: Where it is, or shall be.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.last_checkpoint, self.best_checkpoint = (
            AtomicFolder(self.path / name) for name in (LAST, BEST)
        )
        self._is_locked = False

    @property
    def last(self) -> Path:
        """The newest checkpoint."""
        return self.last_checkpoint.path

    @property
    def best(self) -> Path:
        """The checkpoint with the best score."""
        return self.best_checkpoint.path

    @contextmanager
    def locked(self, *, resume: bool) -> Iterator[None]:
        """Hold the folder, which is made if it is not there; nothing happens if this holds it.

        Raises:
            InputError: another training is at work on it, or one is there that shall not go on.
        """
        if self._is_locked:
            yield
            return
        self._check(resume=resume)
        is_new = not self.path.exists()
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            with locked(Store(str(self.path)), seconds=_WAIT_SECONDS):
                self._check(resume=resume)
                self._is_locked = True
                yield
        finally:
            self._is_locked = False
            if is_new:
                with suppress(OSError):  # what was refused leaves nothing
                    self.path.rmdir()

    def _check(self, *, resume: bool) -> None:
        """Raise an `InputError` unless a training can begin here, or go on if it may."""
        if not self.path.exists():
            return
        if not self.path.is_dir():
            raise InputError(f"{self.path}: is not a folder")
        if not (self.path / RECORD).exists():
            if any(not entry.name.startswith(".") for entry in self.path.iterdir()):
                raise InputError(f"{self.path}: is not empty, and holds no training")
        elif not resume:
            raise InputError(
                f"{self.path}: holds a training; choose another folder",
                advice=(Argument("resume", True), " goes on with it"),
            )

    def begin(self, record: Mapping[str, Any], may_change: set[str]) -> None:
        """Write down what a training is made of, or check that it is the same.

        Args:
            record: What the training is made of, as JSON can hold it.
            may_change: Names of the record that may have other values from now on.

        Raises:
            InputError: another training is there.
        """
        before = self.record()
        if before is not None:
            self._check_same(before, record, may_change)
            self.last_checkpoint.recover()
            self.best_checkpoint.recover()
        file = self.path / RECORD
        with whole_file(file) as partial:
            text = json.dumps(record, ensure_ascii=False, indent=1) + "\n"
            partial.write_text(text, encoding="utf-8")

    def _check_same(
        self, before: Mapping[str, Any], now: Mapping[str, Any], may_change: set[str]
    ) -> None:
        now = json.loads(json.dumps(now))
        names = [name for name in {**before, **now} if name not in may_change]
        differing = [name for name in names if before.get(name) != now.get(name)]
        if differing:
            said = (
                f"{name} was {before.get(name)!r} and is {now.get(name)!r}" for name in differing
            )
            raise InputError(
                f"{self.path}: was begun with something else: {'; '.join(said)}; "
                "repeat what was, or choose another folder"
            )

    def record(self) -> dict[str, Any] | None:
        """Return what a training here was begun with; None if there is none."""
        file = self.path / RECORD
        return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None

    def progress(self) -> Progress | None:
        """Return how far a training here was saved; None if it was not yet."""
        file = self.last / STATE / PROGRESS
        return Progress(**json.loads(file.read_text(encoding="utf-8"))) if file.exists() else None
