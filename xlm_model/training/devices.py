"""accelerate's view of the machine: which device, which precision, how many processes."""

from __future__ import annotations

import os

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, PartialState
from accelerate.utils import DistributedType, GradientAccumulationPlugin

from xlm_model.training.settings import TrainingSettings


def processes() -> PartialState:
    """Return which of the processes this is; accelerate has to be told of a CPU's."""
    return PartialState(cpu=not torch.accelerator.is_available())


def make_accelerator(settings: TrainingSettings) -> Accelerator:
    """Return what runs a training.

    Args:
        settings: Its precision, and the batches of an update, which the processes share.
    """
    precision = "no" if settings.precision == "fp32" else settings.precision
    known = AcceleratorState._shared_state
    if known and known.get("_mixed_precision") != precision:
        # One training after another in a program may want another precision.
        AcceleratorState._reset_state(reset_partial_state=False)
    count = processes().num_processes
    plugin = GradientAccumulationPlugin(
        num_steps=(settings.accumulate or count) // count, sync_with_dataloader=False
    )
    return Accelerator(
        cpu=not torch.accelerator.is_available(),
        mixed_precision=precision,
        gradient_accumulation_plugin=plugin,
    )


def is_sharded(accelerator: Accelerator) -> bool:
    """Whether each process has but a part of the weights."""
    return bool(accelerator.distributed_type == DistributedType.FSDP)


def will_be_sharded() -> bool:
    """Whether accelerate was told to shard the weights, before there is an accelerator."""
    return os.environ.get("ACCELERATE_USE_FSDP", "false").lower() == "true"
