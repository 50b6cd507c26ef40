"""accelerate's view of the machine: which device, which precision, how many processes."""

from __future__ import annotations

import os

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, PartialState
from accelerate.utils import DistributedType, GradientAccumulationPlugin
from torch import nn
from torch.nn.parallel import DistributedDataParallel

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


def keep_buffers(model: nn.Module) -> None:
    """Leave out of each forward pass that the first process sends its buffers to the others.

    No forward pass changes a buffer of our models, and all processes begin with the same ones.
    While some words are trained, all words' embeddings are a buffer.

    Args:
        model: As accelerate prepared it.
    """
    for part in model.modules():
        if isinstance(part, DistributedDataParallel):
            # The constructor's argument has another name from PyTorch 2.13 on; this has not.
            part.broadcast_buffers = False


def is_sharded(accelerator: Accelerator) -> bool:
    """Whether each process has but a part of the weights."""
    return bool(accelerator.distributed_type == DistributedType.FSDP)


def will_be_sharded() -> bool:
    """Whether accelerate was told to shard the weights, before there is an accelerator."""
    return os.environ.get("ACCELERATE_USE_FSDP", "false").lower() == "true"
