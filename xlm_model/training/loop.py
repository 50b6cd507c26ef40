"""The loop: batches in, checkpoints and a log out, the same after every interruption.

accelerate does the devices, the precision, and several processes. What is learnt, and from what, is
the caller's: pretraining and fine-tuning go through the same loop.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import torch
from accelerate import Accelerator

from xlm_model.errors import TrainingError
from xlm_model.pretrained import XLMPreTrainedModel
from xlm_model.training.checkpoints import Checkpoints, load_weights
from xlm_model.training.devices import is_sharded, make_accelerator, processes
from xlm_model.training.loading import load
from xlm_model.training.log_window import LogWindow
from xlm_model.training.protocols import Batches, Evaluation, Scores, mean_loss
from xlm_model.training.reporting import Report
from xlm_model.training.run_folder import Progress, RunFolder
from xlm_model.training.settings import TrainingSettings
from xlm_model.training.updates import Loss, Updates
from xlm_text.errors import InputError

# What may be changed when a training goes on: how long, and when it is looked at.
_MAY_CHANGE = {"steps", "every", "patience", "log_every", "workers"}


@dataclass(frozen=True)
class TrainingResult:
    """How a training ended.

    Attributes:
        step: Updates that were made.
        finished: "steps", or "patience" if it was stopped early.
        scores: Of the last evaluation; empty without one.
        best_scores: Of the best one.
        best_step: When that was, None without evaluations.
        checkpoint: The best checkpoint, or the last one without evaluations.
    """

    step: int
    finished: str
    scores: Scores
    best_scores: Scores
    best_step: int | None
    checkpoint: Path


class StepDone(NamedTuple):
    """How far a training is, after an update.

    Attributes:
        step: Updates that were made.
        steps: Updates that there will be.
        loss: Mean of the last entry of the log.
        tokens_per_second: Of the same.
    """

    step: int
    steps: int
    loss: float
    tokens_per_second: float


class _Parts(NamedTuple):
    """What a running training is made of."""

    progress: Progress
    accelerator: Accelerator
    updates: Updates
    checkpoints: Checkpoints
    report: Report | None


class Training:
    """A training in its folder.

    Args:
        model: What is trained, in fp32.
        batches: What is learnt from.
        settings: How.
        folder: Where log and checkpoints go.
        record: What the training is made of beside the settings, as JSON can hold it; when it goes
            on, all of this has to be the same.
        resume: Go on with what is in the folder, if anything is.
        evaluate: Gives scores; None: none are computed, and there is no best checkpoint.
        groups: Parameter groups for Adam, each with `params` and a `learning_rate` of its own;
            None: all parameters. Those that are left out, or frozen, stay as they are.
        loss: The loss of a batch; shape `()`.
        add_files: Puts what belongs beside the weights into a folder, such as
            `tokenizer.save_pretrained`.
        tensorboard: Also write event files for TensorBoard.
        on_step: Called after each update, in the main process.
        on_evaluation: Called with the step and the scores of each evaluation, in the main process.

    Raises:
        InputError: a setting that does not fit the evaluation, or the number of processes.
    """

    def __init__(
        self,
        model: XLMPreTrainedModel,
        batches: Batches,
        settings: TrainingSettings,
        folder: RunFolder | str | Path,
        *,
        record: Mapping[str, Any] | None = None,
        resume: bool = False,
        evaluate: Evaluation | None = None,
        groups: Sequence[Mapping[str, Any]] | None = None,
        loss: Loss = mean_loss,
        add_files: Callable[[Path], object] | None = None,
        tensorboard: bool = False,
        on_step: Callable[[StepDone], object] | None = None,
        on_evaluation: Callable[[int, Scores], object] | None = None,
    ) -> None:
        self._model = model
        self._batches = batches
        self._folder = folder if isinstance(folder, RunFolder) else RunFolder(folder)
        self._record = dict(record or {})
        self._resume = resume
        self._evaluation = evaluate
        self._groups = groups
        self._loss = loss
        self._add_files = add_files
        self._tensorboard = tensorboard
        self._on_step = on_step
        self._on_evaluation = on_evaluation
        _check_metric(settings, evaluate)
        self._settings = _share_batches(settings)

    def run(self) -> TrainingResult:
        """Train to the end, and return how it ended.

        Raises:
            InputError: the folder holds another training, or one that shall not go on, or another
                process is at work on it.
            TrainingError: a loss that is not a finite number, or a checkpoint that cannot be saved.
        """
        is_main = processes().is_main_process
        with self._folder.locked(resume=self._resume) if is_main else nullcontext():
            accelerator = make_accelerator(self._settings)
            progress = self._begin(accelerator)
            if not progress.finished:
                self._train(progress, accelerator)
        has_best = progress.best_step is not None
        return TrainingResult(
            step=progress.step,
            finished=progress.finished,
            scores=progress.scores,
            best_scores=progress.best_scores,
            best_step=progress.best_step,
            checkpoint=self._folder.best if has_best else self._folder.last,
        )

    def _begin(self, accelerator: Accelerator) -> Progress:
        """Claim the folder, and return how far the training in it is."""
        # More steps than at first do not change the rates of those that were made.
        before = (self._folder.record() or {}).get("warmup_steps")
        accelerator.wait_for_everyone()  # all have read what one of them writes anew
        warmup = self._settings.warmup_steps
        if warmup is None:
            warmup = self._settings.warmup if before is None else before
        self._settings = replace(self._settings, warmup_steps=warmup)
        if accelerator.is_main_process:
            self._folder.begin(
                {**self._record, **asdict(self._settings)}, may_change=_changeable(self._settings)
            )
        accelerator.wait_for_everyone()
        progress = self._folder.progress() or Progress()
        if progress.step:
            progress.finish(self._settings.steps, self._settings.patience)
        return progress

    def _train(self, progress: Progress, accelerator: Accelerator) -> None:
        if progress.step and not is_sharded(accelerator):
            load_weights(self._model, self._folder)
        updates = Updates(
            self._model, self._settings, accelerator, groups=self._groups, loss=self._loss
        )
        checkpoints = Checkpoints(self._folder, accelerator, updates.model, self._add_files)
        if progress.step:
            checkpoints.load()
        with ExitStack() as stack:
            report = None
            if accelerator.is_main_process:
                report = Report(self._folder.path, progress.step, tensorboard=self._tensorboard)
                stack.callback(report.close)
            self._loop(_Parts(progress, accelerator, updates, checkpoints, report))

    def _loop(self, parts: _Parts) -> None:
        progress, accelerator, updates, checkpoints, _ = parts
        settings, window = self._settings, LogWindow()
        batches = load(self._batches, self._numbers(progress.step, accelerator), settings.workers)
        done = StepDone(progress.step, settings.steps, math.nan, 0.0)
        while not progress.finished:
            norm = updates.make(progress.step, batches, window)
            if not math.isfinite(norm):
                self._stop_at_nan(parts, window)
            progress.step += 1
            progress.finish(settings.steps, patience=None)
            is_due = progress.step % settings.evaluation_steps == 0 or bool(progress.finished)
            if progress.step % settings.log_every == 0 or progress.step == 1 or is_due:
                done = self._log(parts, window, norm)
            if self._on_step is not None and accelerator.is_main_process:
                self._on_step(done._replace(step=progress.step))
            if is_due:
                is_best = self._evaluate(parts)
                progress.finish(settings.steps, settings.patience)
                checkpoints.save(progress, is_best=is_best)
                window.restart()

    def _log(self, parts: _Parts, window: LogWindow, norm: float) -> StepDone:
        """Log what was learnt since the last entry."""
        step, settings = parts.progress.step, self._settings
        losses, speed = window.close()
        if parts.report is not None:
            parts.report.trained(
                step,
                losses,
                learning_rate=settings.learning_rate * settings.rate(step - 1),
                gradient_norm=norm,
                tokens_per_second=speed,
            )
        return StepDone(step, settings.steps, sum(losses.values()) / len(losses), speed)

    def _numbers(self, step: int, accelerator: Accelerator) -> range:
        """Return the numbers of this process' batches from a step on."""
        size = self._settings.accumulate or 1
        return range(
            step * size + accelerator.process_index,
            self._settings.steps * size,
            accelerator.num_processes,
        )

    def _stop_at_nan(self, parts: _Parts, window: LogWindow) -> NoReturn:
        losses, _ = window.close()
        if self._folder.progress() is None:
            # The weights before this step are still good.
            parts.checkpoints.save(parts.progress, is_best=False)
        saved = self._folder.progress()
        named = ", ".join(f"{name} {loss:.4g}" for name, loss in losses.items())
        raise TrainingError(
            f"step {parts.progress.step + 1:,}: loss or gradient is not a finite number (mean "
            f"losses since the last entry of the log: {named}); {self._folder.last} has the state "
            f"of step {saved.step if saved else 0:,}: begin from it in another folder, with a "
            "lower learning rate or a longer warm-up"
        )

    def _evaluate(self, parts: _Parts) -> bool:
        """Evaluate, and return whether the model is the best one so far."""
        progress, accelerator, updates, _, report = parts
        if self._evaluation is None:
            if report is not None:
                report.draw()
            return False
        updates.model.eval()
        with torch.no_grad():
            scores = self._evaluation(updates.model, accelerator)
        updates.model.train()
        if report is not None:
            report.evaluated(progress.step, scores)
        if self._on_evaluation is not None and accelerator.is_main_process:
            self._on_evaluation(progress.step, scores)
        return progress.evaluated(scores, self._settings.metric or self._evaluation.default_metric)


def _share_batches(settings: TrainingSettings) -> TrainingSettings:
    """Fill in how many batches an update has, which the processes share evenly."""
    count = processes().num_processes
    batches = settings.accumulate or count
    if batches % count:
        raise InputError(
            f"is {batches}: expected a multiple of {count}, the number of processes",
            argument="accumulate",
        )
    return replace(settings, accumulate=batches)


def _check_metric(settings: TrainingSettings, evaluate: Evaluation | None) -> None:
    if settings.metric is not None and (
        evaluate is None or settings.metric not in evaluate.metrics
    ):
        known = "there is no held-out text" if evaluate is None else ", ".join(evaluate.metrics)
        raise InputError(f"is {settings.metric!r}: expected one of {known}", argument="metric")


def _changeable(settings: TrainingSettings) -> set[str]:
    """Return the settings that may be others when the training goes on."""
    # The rates of a linear schedule follow from the last step.
    return _MAY_CHANGE - ({"steps"} if settings.schedule == "linear" else set())
