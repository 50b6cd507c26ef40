"""What a training leaves in its folder, and how it goes on from there.

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
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from accelerate import Accelerator
from accelerate.utils import DistributedType
from torch import nn

from xlm_model.errors import CheckpointError, TrainingError
from xlm_model.pretrained import XLMPreTrainedModel
from xlm_model.training.folders import ReplacedFolder
from xlm_text.errors import Argument, InputError
from xlm_text.files.folders import whole_file

RECORD = "training.json"
LAST, BEST = "last", "best"
# In the folder `last`: what accelerate saves, and how far the training is.
_STATE, _PROGRESS = "training", "progress.json"


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


class RunFolder:
    """The folder of a training.

    Args:
        path: Where it is, or shall be.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._last, self._best = (ReplacedFolder(self.path / name) for name in (LAST, BEST))

    @property
    def last(self) -> Path:
        """The newest checkpoint."""
        return self._last.path

    @property
    def best(self) -> Path:
        """The checkpoint with the best score."""
        return self._best.path

    def check(self, *, resume: bool) -> None:
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

    def begin(self, record: Mapping[str, Any], *, resume: bool, may_change: set[str]) -> None:
        """Make the folder, or check that it is of the same training.

        Args:
            record: What the training is made of, as JSON can hold it.
            resume: Whether to go on with what is there, if anything is.
            may_change: Names of the record that may have other values from now on.

        Raises:
            InputError: a training is there that shall not be gone on with, or another one.
        """
        self.check(resume=resume)
        self.path.mkdir(parents=True, exist_ok=True)
        before = self.record()
        if before is not None:
            self._check_same(before, record, may_change)
            self._last.recover()
            self._best.recover()
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
        file = self.last / _STATE / _PROGRESS
        return Progress(**json.loads(file.read_text(encoding="utf-8"))) if file.exists() else None


class Checkpoints:
    """Saves and loads the checkpoints of a training.

    Args:
        folder: Of the training.
        accelerator: What runs it.
        model: As accelerate prepared it.
        add_files: Puts what belongs beside the weights, such as the vocabulary, into a folder.
    """

    def __init__(
        self,
        folder: RunFolder,
        accelerator: Accelerator,
        model: nn.Module,
        add_files: Callable[[Path], object] | None,
    ) -> None:
        self._folder = folder
        self._accelerator = accelerator
        self._model = model
        self._add_files = add_files
        if not is_sharded(accelerator):
            # The published file has the very same weights: they are not written twice.
            accelerator.register_save_state_pre_hook(_leave_out_weights)
            accelerator.register_load_state_pre_hook(_leave_out_models)

    def save(self, progress: Progress, *, is_best: bool) -> None:
        """Save the newest checkpoint, and before it the best one if it is that.

        Raises:
            TrainingError: they cannot be written; the former ones are whole.
        """
        try:
            if is_best:
                self._replace(self._folder._best, None)
            self._replace(self._folder._last, progress)
        # The libraries below raise errors of several kinds when a disk is full.
        except (OSError, RuntimeError, CheckpointError) as error:
            saved = self._folder.progress()
            left = f"the checkpoint of step {saved.step:,} is whole" if saved else "none is there"
            raise TrainingError(
                f"{self._folder.last}: cannot be saved at step {progress.step:,} "
                f"({_first_line(error)}); {left}"
            ) from error

    def load(self) -> None:
        """Load the optimiser's state, and sharded weights; see `load_weights` for the others."""
        self._accelerator.load_state(str(self._folder.last / _STATE))

    def _replace(self, folder: ReplacedFolder, progress: Progress | None) -> None:
        """Replace a checkpoint; with progress it is one that the training can go on from."""
        accelerator = self._accelerator
        try:
            if accelerator.is_main_process:
                folder.begin()
            accelerator.wait_for_everyone()
            state = accelerator.get_state_dict(self._model) if is_sharded(accelerator) else None
            if accelerator.is_main_process:
                model: XLMPreTrainedModel = accelerator.unwrap_model(self._model)
                model.save_pretrained(folder.partial, state_dict=state)
                if self._add_files is not None:
                    self._add_files(folder.partial)
            if progress is not None:
                accelerator.save_state(str(folder.partial / _STATE))
                if accelerator.is_main_process:
                    text = json.dumps(asdict(progress))
                    (folder.partial / _STATE / _PROGRESS).write_text(text, encoding="utf-8")
            accelerator.wait_for_everyone()
            if accelerator.is_main_process:
                folder.finish()
            accelerator.wait_for_everyone()
        except BaseException:
            if accelerator.is_main_process:
                folder.abandon()
            raise


def load_weights(model: XLMPreTrainedModel, folder: RunFolder) -> None:
    """Give a model the weights of the newest checkpoint."""
    loaded = type(model).from_pretrained(folder.last)
    model.load_state_dict(loaded.state_dict())


def is_sharded(accelerator: Accelerator) -> bool:
    """Whether each process has but a part of the weights."""
    return bool(accelerator.distributed_type == DistributedType.FSDP)


def _leave_out_weights(models: list[Any], weights: list[Any], folder: str) -> None:
    weights.clear()


def _leave_out_models(models: list[Any], folder: str) -> None:
    models.clear()


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
