"""The scores of a checkpoint that learnt a task."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

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
from xlm_model.heads import (
    XLMForMultipleChoice,
    XLMForSequenceClassification,
    XLMForTokenClassification,
)
from xlm_model.heads.detection import find_head
from xlm_model.tasks.devices import find_device
from xlm_text import XLMTokenizer
from xlm_text.errors import InputError


def evaluate(
    checkpoint: str | Path,
    data: Sources,
    *,
    task: FinetuningTask | None = None,
    tokenizer: XLMTokenizer | None = None,
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
    tokenizer = tokenizer or XLMTokenizer.from_pretrained(checkpoint, **hub)
    examples = read_examples(data, task.column_names, task.read, tokenizer)
    if not examples:
        raise InputError("got no data: expected some, such as en=test.tsv")
    model = task.model_class.from_pretrained(
        checkpoint, dtype=torch.float32, device=find_device(device), **hub
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
    purpose, head = find_head(read_checkpoint(checkpoint, **hub).tensors)
    known: dict[str, Any] = {}
    kind: type[FinetuningTask]
    if head is XLMForSequenceClassification:
        kind, known = ClassifyTask, {"problem": _problem_of(checkpoint, **hub)}
    elif head is XLMForTokenClassification:
        kind = TagTask
    elif head is XLMForMultipleChoice:
        kind = ChooseTask
    elif head in HEADS.values():
        kind = AnswerTask
        known = {"head": next(name for name, cls in HEADS.items() if cls is head)}
    else:
        raise CheckpointError(
            f"{checkpoint}: its head is {purpose}: expected one of a task; fine-tune it first"
        )
    for name in options or {}:
        if name not in kind.__dataclass_fields__:
            raise InputError(f"has no effect on a checkpoint for {purpose}", argument=name)
    return kind(columns or {}, **known, **(options or {}))


def _problem_of(checkpoint: str | Path, **hub: Any) -> str:
    problem = XLMConfig.from_pretrained(checkpoint, **hub).problem_type
    return next((name for name, other in PROBLEMS.items() if other == problem), "single")
