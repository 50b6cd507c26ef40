"""The inputs that every model shares, and the checks that turn a bad one into a clear error."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xlm_model.config import XLMConfig


# A label that takes no part in the loss: PyTorch's value, and the reference's.
IGNORED = -100


class EncoderInputs(TypedDict, total=False):
    """What `XLMModel` takes beside `input_ids`, `attention_mask` and `langs`; all by keyword."""

    # Ids looked up in the *word* embeddings, as in the reference. Shape: (batch, length)
    token_type_ids: Tensor | None
    # Positions, if not 0, 1, 2 …  Shape: (batch, length)
    position_ids: Tensor | None
    # Number of tokens of each sequence; the rest is padding. Shape: (batch,)
    lengths: Tensor | None
    # Word embeddings in place of `input_ids`. Shape: (batch, length, dim)
    inputs_embeds: Tensor | None
    # Also return every layer's attention weights, or output; None: as the configuration says.
    output_attentions: bool | None
    output_hidden_states: bool | None


def reads_values() -> bool:
    """Whether tensors' values may be looked at: not while a graph of the model is being traced."""
    return not torch.compiler.is_compiling()


def check_shape(name: str, tensor: Tensor | None, shape: Sequence[int]) -> None:
    """Raise a `ValueError` that names the argument unless it is absent or has this shape."""
    if tensor is not None and tuple(tensor.shape) != tuple(shape):
        raise ValueError(f"{name} has shape {tuple(tensor.shape)}: expected {tuple(shape)}")


def check_ids(name: str, ids: Tensor | None, size: int, ignored: int | None = None) -> None:
    """Raise a `ValueError` unless `ids` is absent or holds whole numbers from 0 below `size`.

    Args:
        name: The argument's name, for the message.
        ids: Integer tensor of any shape.
        size: Number of ids that exist.
        ignored: One more value that is allowed.
    """
    if ids is None:
        return
    if ids.dtype not in (torch.int64, torch.int32):
        raise ValueError(f"{name} has dtype {ids.dtype}: expected torch.int64 or torch.int32")
    if not reads_values() or ids.is_meta or not ids.numel():
        return
    # On a GPU an id out of range would otherwise end the whole process with a device assertion.
    wrong = (ids < 0) | (ids >= size)
    if ignored is not None:
        wrong &= ids != ignored
    if wrong.any():
        also = "" if ignored is None else f", or {ignored}"
        raise ValueError(
            f"{name} holds {ids[wrong][0].item()}: expected ids from 0 to {size - 1}{also}"
        )


def check_inputs(
    config: XLMConfig,
    input_ids: Tensor | None,
    attention_mask: Tensor | None,
    langs: Tensor | None,
    token_type_ids: Tensor | None,
    position_ids: Tensor | None,
    lengths: Tensor | None,
    inputs_embeds: Tensor | None,
) -> None:
    """Check the encoder's inputs against each other and the configuration.

    Raises:
        ValueError: names the argument, what it holds and what was expected.
    """
    if (input_ids is None) == (inputs_embeds is None):
        given = "neither" if input_ids is None else "both"
        raise ValueError(f"expected either input_ids or inputs_embeds, got {given}")
    if input_ids is not None and input_ids.dim() != 2:
        raise ValueError(f"input_ids has shape {tuple(input_ids.shape)}: expected (batch, length)")
    if inputs_embeds is not None and (
        inputs_embeds.dim() != 3 or inputs_embeds.shape[-1] != config.emb_dim
    ):
        raise ValueError(
            f"inputs_embeds has shape {tuple(inputs_embeds.shape)}: expected (batch, length, "
            f"{config.emb_dim})"
        )
    words = input_ids if input_ids is not None else inputs_embeds
    assert words is not None
    shape = (batch, length) = words.shape[0], words.shape[1]
    if length > config.max_position_embeddings:
        raise ValueError(
            f"the sequence has {length} tokens: expected at most {config.max_position_embeddings}, "
            "the model's max_position_embeddings; cut the text or split it into windows"
        )
    check_shape("attention_mask", attention_mask, shape)
    check_shape("langs", langs, shape)
    check_shape("token_type_ids", token_type_ids, shape)
    check_shape("position_ids", position_ids, shape)
    check_shape("lengths", lengths, (batch,))
    check_ids("input_ids", input_ids, config.vocab_size)
    check_ids("token_type_ids", token_type_ids, config.vocab_size)
    check_ids("position_ids", position_ids, config.max_position_embeddings)
    check_ids("lengths", lengths, length + 1)
    if config.has_lang_embeddings:
        check_ids("langs", langs, config.n_langs)


def class_loss(name: str, logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross-entropy over the labels that are not -100; *shape:* ().

    Args:
        name: The labels' argument name, for the messages.
        logits: *Shape:* (…, classes)
        labels: *Shape:* (…)

    Raises:
        ValueError: labels of another shape, or outside the classes.
    """
    check_shape(name, labels, logits.shape[:-1])
    check_ids(name, labels, logits.shape[-1], IGNORED)
    return nn.functional.cross_entropy(logits.flatten(0, -2), labels.flatten().long())
