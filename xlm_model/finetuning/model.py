"""The model that a fine-tuning begins with, and what of it is trained how fast."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from xlm_model.auto import find_model, fitting
from xlm_model.checkpoints.reading import LoadedCheckpoint, read_checkpoint
from xlm_model.encoder import XLMModel
from xlm_model.finetuning.task import FinetuningTask
from xlm_model.heads import ModelWithHead
from xlm_model.training.seeding import Purpose, torch_seed
from xlm_text.errors import InputError

_EMBEDDINGS = (
    *("embeddings", "position_embeddings", "lang_embeddings", "type_embeddings"),
    "layer_norm_emb",
)


def load_model(
    checkpoint: str | Path,
    task: FinetuningTask,
    labels: Sequence[str] | None,
    *,
    seed: int,
    **hub: Any,
) -> ModelWithHead:
    """Return a checkpoint's model with the task's head, in fp32.

    A checkpoint that learnt the same task with the same labels keeps its head; any other gets a new
    one.

    Args:
        checkpoint: A folder, a file or a name on the hub.
        task: What is learnt.
        labels: What the classes are called; None if the task has none.
        seed: Of the training.
        **hub: Such as `revision`.
    """
    found = read_checkpoint(checkpoint, **hub)
    learnt = _has_learnt(task, found, labels)
    if learnt and labels is not None:
        labels = list(found.config.id2label.values())
    torch.manual_seed(torch_seed(seed, Purpose.WEIGHTS))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*new at random")  # it is what is wanted
        model = fitting(
            task.model_class,
            checkpoint,
            new_head=True,
            dtype=torch.float32,
            **task.config(labels),
            **hub,
        )
    assert isinstance(model, ModelWithHead)
    if not learnt:
        # One of the same size, for something else, would have been kept.
        names = dict(model.named_parameters())
        model.initialize(name for name in names if not name.startswith("transformer."))
    return model


def _has_learnt(
    task: FinetuningTask, found: LoadedCheckpoint, labels: Sequence[str] | None
) -> bool:
    """Whether a checkpoint has the task's head, for the same: labels in any order."""
    config = found.config
    if not issubclass(find_model(found)[1], task.model_class):
        return False
    wanted = task.config(labels)
    names = wanted.pop("id2label", config.id2label)
    is_alike = all(getattr(config, key) == value for key, value in wanted.items())
    return is_alike and set(names.values()) == set(config.id2label.values())


def freeze(model: ModelWithHead, layers: int | None) -> None:
    """Keep the embeddings, and the first layers, as they are.

    Args:
        model: Its parameters get no gradient any more.
        layers: How many; 0: the embeddings alone; None: nothing is kept.

    Raises:
        InputError: the model has fewer.
    """
    if layers is None:
        return
    count = model.config.n_layers
    if not 0 <= layers <= count:
        raise InputError(
            f"is {layers}: expected a number from 0 to {count}, the checkpoint's layers",
            argument="freeze",
        )
    for module in _lowest(model.transformer, layers):
        module.requires_grad_(False)


def parameter_groups(
    model: ModelWithHead, learning_rate: float, head_learning_rate: float | None
) -> list[Mapping[str, Any]]:
    """Return the parameters of the encoder and those of the head, each with its learning rate."""
    encoder = list(model.transformer.parameters())
    known = set(map(id, encoder))
    head = [parameter for parameter in model.parameters() if id(parameter) not in known]
    return [
        {"params": encoder, "learning_rate": learning_rate},
        {"params": head, "learning_rate": head_learning_rate or learning_rate},
    ]


def _lowest(encoder: XLMModel, layers: int) -> Iterator[nn.Module]:
    for name in _EMBEDDINGS:
        module = getattr(encoder, name, None)
        if isinstance(module, nn.Module):
            yield module
    for parts in (encoder.attentions, encoder.layer_norm1, encoder.ffns, encoder.layer_norm2):
        yield from list(parts)[:layers]
