"""The scores of a checkpoint that learnt a task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from xlm_model.auto import find_model, fitting, read_config_of
from xlm_model.checkpoints.reading import read_checkpoint
from xlm_model.config import XLMConfig
from xlm_model.errors import CheckpointError
from xlm_model.finetuning.answer import HEADS, AnswerTask
from xlm_model.finetuning.choose import ChooseTask
from xlm_model.finetuning.classify import PROBLEMS, ClassifyTask
from xlm_model.finetuning.evaluation import LanguageScores
from xlm_model.finetuning.examples import read_examples
from xlm_model.finetuning.labels import check_labels
from xlm_model.finetuning.metrics import Metrics
from xlm_model.finetuning.sources import Sources
from xlm_model.finetuning.tag import TagTask
from xlm_model.finetuning.task import FinetuningTask
from xlm_model.tasks.devices import find_device
from xlm_model.tasks.tokenizers import TaskTokenizer, load_tokenizer
from xlm_text.errors import InputError


def evaluate(
    checkpoint: str | Path,
    data: Sources,
    *,
    task: FinetuningTask | None = None,
    tokenizer: TaskTokenizer | None = None,
    device: torch.device | str | None = None,
    **hub: Any,
) -> Mapping[str, Metrics]:
    """Return the scores of a checkpoint by language, and under "mean" their means.

    Args:
        checkpoint: One that learnt a task: a folder, a file or a name on the hub.
        data: As for `finetune`.
        task: With the same options as when it was learnt; None: the checkpoint's, without any.
        tokenizer: Another than the checkpoint's own.
        device: Where the model works; None: the GPU if there is one, else the CPU.
        **hub: `revision`, `cache_dir`, `local_files_only` and `token`, as for the model.

    Raises:
        InputError: data that cannot be used, such as a label that the checkpoint does not know.
        CheckpointError, ConfigError: the checkpoint cannot be used.
    """
    task = task or task_of(checkpoint, **hub)
    tokenizer = tokenizer or load_tokenizer(checkpoint, read_config_of(checkpoint, hub), **hub)
    examples = read_examples(data, task.column_names, task.read, tokenizer)
    if not examples:
        raise InputError("got no data: expected some, such as en=test.tsv")
    model = fitting(
        task.model_class, checkpoint, dtype=torch.float32, device=find_device(device), **hub
    )
    names = model.config.id2label
    first = next(iter(examples.values()))[0]
    labels = None if task.labels_of(first) is None else [names[i] for i in range(len(names))]
    check_labels(task, examples, labels)
    return LanguageScores(task, model, tokenizer, examples, labels).of(model)


def task_of(
    checkpoint: str | Path,
    columns: Mapping[str, str] | None = None,
    *,
    options: Mapping[str, Any] | None = None,
    **hub: Any,
) -> FinetuningTask:
    """Return the task that a checkpoint learnt.

    Args:
        checkpoint: A folder, a file or a name on the hub.
        columns: As for every task.
        options: Of the task, such as `truncation`.
        **hub: Such as `revision`.

    Raises:
        CheckpointError: it learnt none.
        InputError: an option that the task does not have.
    """
    found = read_checkpoint(checkpoint, **hub)
    purpose, head = find_model(found)
    tasks: list[FinetuningTask] = [
        *(ClassifyTask(problem=_problem_of(found.config)), TagTask(), ChooseTask()),
        *(AnswerTask(head=name) for name in HEADS),
    ]
    task = next((task for task in tasks if issubclass(head, task.model_class)), None)
    if task is None:
        raise CheckpointError(
            f"{checkpoint}: its head is {purpose}: expected one of a task; fine-tune it first"
        )
    for name in options or {}:
        if name not in task.__dataclass_fields__:
            raise InputError(f"has no effect on a checkpoint for {purpose}", argument=name)
    return replace(task, columns=columns or {}, **(options or {}))


def _problem_of(config: XLMConfig) -> str:
    names = (name for name, problem in PROBLEMS.items() if problem == config.problem_type)
    return next(names, "single")
