"""Saves the checkpoints of a training, and loads what it goes on from."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from accelerate import Accelerator
from torch import nn

from xlm_model.errors import CheckpointError, TrainingError
from xlm_model.pretrained import XLMPreTrainedModel
from xlm_model.training.atomic_folder import AtomicFolder
from xlm_model.training.devices import is_sharded
from xlm_model.training.run_folder import PROGRESS, STATE, Progress, RunFolder


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
                self._replace(self._folder.best_checkpoint, None)
            self._replace(self._folder.last_checkpoint, progress)
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
        self._accelerator.load_state(str(self._folder.last / STATE))

    def _replace(self, folder: AtomicFolder, progress: Progress | None) -> None:
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
                accelerator.save_state(str(folder.partial / STATE))
                if accelerator.is_main_process:
                    text = json.dumps(asdict(progress))
                    (folder.partial / STATE / PROGRESS).write_text(text, encoding="utf-8")
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


def _leave_out_weights(models: list[Any], weights: list[Any], folder: str) -> None:
    weights.clear()


def _leave_out_models(models: list[Any], folder: str) -> None:
    models.clear()


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
