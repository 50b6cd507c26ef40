"""The loop: batches in, checkpoints and a log out, the same after every interruption.

accelerate does the devices, the precision, and several processes. What is learnt, and from what, is
the caller's: pretraining and fine-tuning go through the same loop.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, PartialState
from accelerate.utils import GradientAccumulationPlugin, gather_object
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from xlm_model.errors import TrainingError
from xlm_model.pretrained import XLMPreTrainedModel
from xlm_model.training.draws import Purpose, torch_seed
from xlm_model.training.reporting import Report, Scores
from xlm_model.training.settings import TrainingSettings
from xlm_model.training.state import Checkpoints, Progress, RunFolder, is_sharded, load_weights
from xlm_text.errors import InputError

# Of these scores less is better.
FALLING = ("loss", "perplexity")
# What may be changed when a training goes on: how long, and when it is looked at.
_MAY_CHANGE = {"steps", "every", "patience", "log_every", "workers"}


class Batch(Protocol):
    """What the loop needs to know of a batch."""

    @property
    def name(self) -> str:
        """Under this its loss is reported."""
        ...

    @property
    def tokens(self) -> int:
        """How many tokens the model reads, for the speed."""
        ...

    @property
    def inputs(self) -> Mapping[str, Any]:
        """The arguments of the model's call, labels among them."""
        ...

    def to(self, device: torch.device | str) -> Batch:
        """Return the batch on another device."""
        ...


class Batches(Protocol):
    """An endless sequence of batches; one depends on its number alone."""

    def __getitem__(self, number: int) -> Batch: ...


class Evaluation(Protocol):
    """Gives scores to a model, in every process the same."""

    @property
    def default_metric(self) -> str:
        """The score that decides what is best unless another is named, such as "mean/loss"."""
        ...

    def __call__(self, model: nn.Module, accelerator: Accelerator) -> Scores:
        """Return scores; the model is in evaluation mode, and no gradients are kept."""
        ...


def mean_loss(model: nn.Module, batch: Batch) -> Tensor:
    """Return the loss of a batch, as the model gives it; shape `()`."""
    loss: Tensor = model(**batch.inputs).loss
    return loss


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
        progress: Show a progress bar on standard error.
        evaluated: Called with the step and the scores of each evaluation, in the main process.

    Raises:
        InputError: the folder holds another training, or one that shall not be gone on with.
    """

    def __init__(
        self,
        model: XLMPreTrainedModel,
        batches: Batches,
        settings: TrainingSettings,
        folder: str | Path,
        *,
        record: Mapping[str, Any] | None = None,
        resume: bool = False,
        evaluate: Evaluation | None = None,
        groups: Sequence[Mapping[str, Any]] | None = None,
        loss: Callable[[nn.Module, Batch], Tensor] = mean_loss,
        add_files: Callable[[Path], object] | None = None,
        tensorboard: bool = False,
        progress: bool = False,
        evaluated: Callable[[int, Scores], None] | None = None,
    ) -> None:
        self._folder = RunFolder(folder)
        self._batches = batches
        self._evaluate = evaluate
        self._loss = loss
        self._add_files = add_files
        self._tensorboard = tensorboard
        self._show_progress = progress
        self._evaluated = evaluated
        self.settings = self._settle(settings)
        self._per_step = self.settings.accumulate or 1
        self.accelerator = make_accelerator(self.settings)
        if self.accelerator.is_main_process:
            values = {**(record or {}), **asdict(self.settings)}
            self._folder.begin(values, resume=resume, may_change=_MAY_CHANGE)
        self.accelerator.wait_for_everyone()
        self._progress = self._folder.progress() or Progress()
        is_begun = self._progress.step > 0
        if is_begun and not is_sharded(self.accelerator):
            load_weights(model, self._folder)
        optimizer = _optimizer(model, self.settings, groups)
        self._model, self._optimizer = self.accelerator.prepare(model.train(), optimizer)
        self._checkpoints = Checkpoints(self._folder, self.accelerator, self._model, add_files)
        if is_begun:
            self._checkpoints.load()

    def _settle(self, settings: TrainingSettings) -> TrainingSettings:
        """Fill in what depends on the number of processes, or on how the training was begun."""
        processes = processes_of_training().num_processes
        batches = settings.accumulate or processes
        if batches % processes:
            raise InputError(
                f"is {batches}: expected a multiple of {processes}, the number of processes",
                argument="accumulate",
            )
        before = self._folder.record() or {}
        warmup = settings.warmup_steps
        if warmup is None:
            # More steps than at first do not change the rates of those that were made.
            warmup = before.get("warmup_steps", settings.warmup)
        return replace(settings, accumulate=batches, warmup_steps=warmup)

    def run(self) -> TrainingResult:
        """Train to the end, and return how it ended.

        Raises:
            TrainingError: a loss that is not a number, or a checkpoint that cannot be saved.
        """
        progress = self._progress
        if not progress.finished or (
            progress.finished == "steps" and progress.step < self.settings.steps
        ):
            progress.finished = ""
            report = self._open_report()
            try:
                self._train(report)
            finally:
                if report is not None:
                    report.close()
        has_best = progress.best_step is not None
        return TrainingResult(
            step=progress.step,
            finished=progress.finished,
            scores=progress.scores,
            best_scores=progress.best_scores,
            best_step=progress.best_step,
            checkpoint=self._folder.best if has_best else self._folder.last,
        )

    def _open_report(self) -> Report | None:
        if not self.accelerator.is_main_process:
            return None
        return Report(
            self._folder.path,
            self.settings.steps,
            self._progress.step,
            tensorboard=self._tensorboard,
            progress=self._show_progress,
        )

    def _train(self, report: Report | None) -> None:
        settings, progress = self.settings, self._progress
        loader = self._loader(progress.step)
        window = _Window()
        while not progress.finished:
            norm = self._step(progress.step, loader, window)
            progress.step += 1
            if progress.step == settings.steps:
                progress.finished = "steps"
            is_due = progress.step % settings.evaluation_steps == 0 or bool(progress.finished)
            if progress.step % settings.log_every == 0 or progress.step == 1 or is_due:
                losses, speed = window.close()
                if report is not None:
                    rate = settings.learning_rate * settings.rate(progress.step - 1)
                    report.trained(
                        progress.step,
                        losses,
                        learning_rate=rate,
                        gradient_norm=norm,
                        tokens_per_second=speed,
                    )
            if report is not None:
                report.advance(progress.step)
            if is_due:
                is_best = self._evaluate_now(report)
                self._checkpoints.save(progress, is_best=is_best)
                window.restart()
        if report is not None:
            report.draw()

    def _step(self, step: int, loader: Iterator[tuple[int, Batch]], window: _Window) -> float:
        """Make one update, and return the norm of the gradient before it is scaled down."""
        settings, accelerator = self.settings, self.accelerator
        for _ in range(self._per_step // accelerator.num_processes):
            number, batch = next(loader)
            batch = batch.to(accelerator.device)
            # Dropout, too, depends on the batch's number alone, so that a resume changes nothing.
            torch.manual_seed(torch_seed(settings.seed, Purpose.DROPOUT, number))
            with accelerator.accumulate(self._model):
                loss = self._loss(self._model, batch)
                accelerator.backward(loss)
            window.add(batch, loss.detach())
        norm = float(self._clip())
        if not math.isfinite(norm):
            self._stop_at_nan(step, window)
        for group in self._optimizer.param_groups:
            group["lr"] = group["learning_rate"] * settings.rate(step)
        self._optimizer.step()
        self._optimizer.zero_grad()
        return norm

    def _clip(self) -> Tensor:
        most = self.settings.gradient_norm or math.inf
        norm = self.accelerator.clip_grad_norm_(self._model.parameters(), most)
        if norm is None:
            return torch.tensor(0.0)
        whole: Tensor = norm.full_tensor() if hasattr(norm, "full_tensor") else norm
        return whole

    def _stop_at_nan(self, step: int, window: _Window) -> None:
        losses, _ = window.close()
        if self._folder.progress() is None:
            # The weights before this step are still good.
            self._checkpoints.save(self._progress, is_best=False)
        saved = self._folder.progress()
        named = ", ".join(f"{name} {loss:.4g}" for name, loss in losses.items())
        raise TrainingError(
            f"step {step + 1:,}: loss or gradient is not a finite number (mean losses since the "
            f"last entry of the log: {named}); {self._folder.last} has the state of step "
            f"{saved.step if saved else 0:,}. A lower learning rate, or a longer warm-up, may help"
        )

    def _evaluate_now(self, report: Report | None) -> bool:
        """Evaluate, and return whether the model is the best one so far."""
        if self._evaluate is None:
            return False
        self._model.eval()
        with torch.no_grad():
            scores = self._evaluate(self._model, self.accelerator)
        self._model.train()
        progress = self._progress
        progress.scores = {name: dict(found) for name, found in scores.items()}
        if report is not None:
            report.evaluated(progress.step, scores)
        if self._evaluated is not None and self.accelerator.is_main_process:
            self._evaluated(progress.step, scores)
        value, is_less_better = self._deciding(scores)
        is_best = progress.best is None or (
            value < progress.best if is_less_better else value > progress.best
        )
        if is_best:
            progress.best, progress.best_step, progress.missed = value, progress.step, 0
            progress.best_scores = progress.scores
        else:
            progress.missed += 1
            if self.settings.patience is not None and progress.missed >= self.settings.patience:
                progress.finished = "patience"
        return is_best

    def _deciding(self, scores: Scores) -> tuple[float, bool]:
        """Return the score that decides what is best, and whether less of it is better."""
        assert self._evaluate is not None
        metric = self.settings.metric or self._evaluate.default_metric
        what, _, name = metric.rpartition("/")
        if name not in scores.get(what, {}):
            known = [f"{what}/{name}" for what, found in scores.items() for name in found]
            raise InputError(
                f"is {metric!r}: expected one of {', '.join(known)}", argument="metric"
            )
        return float(scores[what][name]), name in FALLING

    def _loader(self, step: int) -> Iterator[tuple[int, Batch]]:
        """Return this process' batches from a step on, with their numbers."""
        accelerator, size = self.accelerator, self._per_step
        numbers = range(
            step * size + accelerator.process_index,
            self.settings.steps * size,
            accelerator.num_processes,
        )
        loader = DataLoader(
            _Numbered(self._batches),
            sampler=numbers,
            batch_size=None,
            num_workers=self.settings.workers,
            collate_fn=_as_it_is,
        )
        return iter(loader)


class _Numbered(Dataset[tuple[int, Batch]]):
    """Batches with their numbers, as PyTorch's loader wants them."""

    def __init__(self, batches: Batches) -> None:
        self._batches = batches

    def __getitem__(self, number: int) -> tuple[int, Batch]:
        return number, self._batches[number]


def _as_it_is(item: Any) -> Any:
    return item


class _Window:
    """Losses and tokens since the last entry of the log."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self._losses: dict[str, list[Tensor]] = {}
        self._tokens = 0
        self._begin = time.perf_counter()

    def add(self, batch: Batch, loss: Tensor) -> None:
        self._losses.setdefault(batch.name, []).append(loss)
        self._tokens += batch.tokens

    def close(self) -> tuple[dict[str, float], float]:
        """Return mean losses and tokens per second of all processes, and begin anew."""
        sums = {name: (float(torch.stack(x).sum()), len(x)) for name, x in self._losses.items()}
        seconds = time.perf_counter() - self._begin
        every = gather_object([(sums, self._tokens)])
        names = sorted({name for found, _ in every for name in found})
        losses = {}
        for name in names:
            parts = [found[name] for found, _ in every if name in found]
            losses[name] = sum(total for total, _ in parts) / sum(count for _, count in parts)
        speed = sum(tokens for _, tokens in every) / max(seconds, 1e-9)
        self.restart()
        return losses, speed


def make_accelerator(settings: TrainingSettings) -> Accelerator:
    """Return what runs a training: devices, precision, processes."""
    precision = "no" if settings.precision == "fp32" else settings.precision
    known = AcceleratorState._shared_state
    if known and known.get("_mixed_precision") != precision:
        # One training after another in a program may want another precision.
        AcceleratorState._reset_state(reset_partial_state=False)
    processes = processes_of_training().num_processes
    plugin = GradientAccumulationPlugin(
        num_steps=(settings.accumulate or processes) // processes, sync_with_dataloader=False
    )
    return Accelerator(
        cpu=not torch.accelerator.is_available(),
        mixed_precision=precision,
        gradient_accumulation_plugin=plugin,
    )


def processes_of_training() -> PartialState:
    """Return which of the processes this is; accelerate has to be told of a CPU's."""
    return PartialState(cpu=not torch.accelerator.is_available())


def _optimizer(
    model: nn.Module, settings: TrainingSettings, groups: Sequence[Mapping[str, Any]] | None
) -> torch.optim.Optimizer:
    """Return Adam with weight decay that is decoupled from the gradient, as the original has it."""
    groups = groups or [{"params": list(model.parameters())}]
    trained = [
        {
            "learning_rate": settings.learning_rate,
            **group,
            "params": [p for p in group["params"] if p.requires_grad],
        }
        for group in groups
    ]
    return torch.optim.AdamW(
        trained,
        lr=settings.learning_rate,
        betas=settings.betas,
        eps=settings.eps,
        weight_decay=settings.weight_decay,
        fused=True,
    )
