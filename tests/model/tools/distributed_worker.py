"""One of two processes that train together, started by test_distributed.py.

    torchrun --nproc-per-node 2 distributed_worker.py ddp|fsdp2 FOLDER NAME…

Trains each of the named heads on its half of `examples`, and saves them in FOLDER.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import distributed
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import fully_shard

from .support import build, examples

STEPS = 2


def halves(rows: list[dict[str, torch.Tensor]]) -> list[dict[str, torch.Tensor]]:
    """Return the batch of each process."""
    return [{k: torch.stack([row[k] for row in rows[i::2]]) for k in rows[0]} for i in (0, 1)]


def learn(optimizer: Any, backward: Any) -> None:
    for _ in range(STEPS):
        backward()
        optimizer.step()
        optimizer.zero_grad()


def data_parallel(name: str, folder: Path) -> None:
    import accelerate

    # Without `is_impossible` the span head's answer class takes no part in the loss.
    options = accelerate.DistributedDataParallelKwargs(find_unused_parameters=True)
    accelerator = accelerate.Accelerator(cpu=True, kwargs_handlers=[options])
    model = build(name).train()
    batch = halves(examples(name))[accelerator.process_index]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model, optimizer = accelerator.prepare(model, optimizer)
    learn(optimizer, lambda: accelerator.backward(model(**batch).loss))
    accelerator.unwrap_model(model).save_pretrained(
        folder / name,
        state_dict=accelerator.get_state_dict(model),
        is_main_process=accelerator.is_main_process,
    )
    accelerator.wait_for_everyone()


def fully_sharded(name: str, folder: Path) -> None:
    # accelerate has FSDP for accelerators alone: these are the calls that it makes there.
    mesh = _mesh()
    model = build(name).train()
    batch = halves(examples(name))[distributed.get_rank()]
    for part in model.modules():
        if type(part).__name__ in model._no_split_modules:
            fully_shard(part, mesh=mesh)
    fully_shard(model, mesh=mesh)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    learn(optimizer, lambda: model(**batch).loss.backward())
    options = StateDictOptions(full_state_dict=True, cpu_offload=True)
    state = get_model_state_dict(model, options=options)
    model.save_pretrained(
        folder / name, state_dict=state, is_main_process=distributed.get_rank() == 0
    )
    distributed.barrier()


@cache
def _mesh() -> DeviceMesh:
    return init_device_mesh("cpu", (2,))


def main() -> None:
    mode, folder, *names = sys.argv[1:]
    torch.set_num_threads(1)
    distributed.init_process_group("gloo")
    for name in names:
        torch.manual_seed(0)
        (data_parallel if mode == "ddp" else fully_sharded)(name, Path(folder))
    distributed.barrier()
    distributed.destroy_process_group()
    # All is saved.  gloo's threads, which live as long as something holds on to a group, may abort
    # a process that takes its time to end.
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
