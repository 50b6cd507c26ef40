"""The inputs that every model shares, and the checks that turn a bad one into a clear error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import torch
from torch import Tensor

from xlm_model.attention import Layout
from xlm_model.config import XLMConfig

# A label that takes no part in the loss: PyTorch's value, and the reference's.
IGNORED = -100


class EncoderInputs(TypedDict, total=False):
    """What `XLMModel` takes beside `input_ids`, `attention_mask` and `langs`; all by keyword.

    `(…)` is `(batch, length)` for a padded batch and `(tokens,)` for a packed one.
    """

    # Ids looked up in the *word* embeddings, as in the reference. Shape `(…)`.
    token_type_ids: Tensor | None
    # Positions, if not 0, 1, 2 …  Shape `(…)`.
    position_ids: Tensor | None
    # Number of tokens of each sequence; the rest is padding. Shape `(batch,)`.
    lengths: Tensor | None
    # Word embeddings in place of `input_ids`. Shape `(…, dim)`.
    inputs_embeds: Tensor | None
    # Also return every layer's attention weights, or output; None: as the configuration says.
    output_attentions: bool | None
    output_hidden_states: bool | None
    # Which tokens belong to which sequence, in place of `attention_mask` and `lengths`; None for a
    # padded batch.
    layout: Layout | None


def reads_values() -> bool:
    """Whether tensors' values may be looked at: not while a graph of the model is being traced."""
    return not torch.compiler.is_compiling()


def check_shape(name: str, tensor: Tensor | None, shape: Sequence[int]) -> None:
    """Raise a `ValueError` that names the argument unless it is absent or has this shape."""
    if tensor is not None and tuple(tensor.shape) != tuple(shape):
        raise ValueError(f"{name} has shape {tuple(tensor.shape)}: expected {tuple(shape)}")


def check_ids(
    name: str, ids: Tensor | None, size: int | Tensor, ignored: int | None = None
) -> None:
    """Raise a `ValueError` unless `ids` is absent or holds whole numbers from 0 below `size`.

    Args:
        name: The argument's name, for the message.
        ids: Integers of any shape.
        size: Number of ids that exist; a tensor if it differs for each entry.
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
        end = size if isinstance(size, int) else int(size[wrong][0])
        raise ValueError(
            f"{name} holds {ids[wrong][0].item()}: expected ids from 0 to {end - 1}{also}"
        )


def check_tokens(
    config: XLMConfig,
    layout: Layout,
    input_ids: Tensor | None,
    langs: Tensor | None,
    token_type_ids: Tensor | None,
    position_ids: Tensor | None,
    inputs_embeds: Tensor | None,
) -> None:
    """Check what is given for each token against the layout and the configuration.

    Raises:
        ValueError: names the argument, what it holds and what was expected.
    """
    words_of(input_ids, inputs_embeds)
    if inputs_embeds is not None and inputs_embeds.shape != (*layout.shape, config.emb_dim):
        kind = "(batch, length, " if len(layout.shape) == 2 else "(tokens, "
        raise ValueError(
            f"inputs_embeds has shape {tuple(inputs_embeds.shape)}: expected {kind}"
            f"{config.emb_dim})"
        )
    if layout.longest > config.max_position_embeddings:
        raise ValueError(
            f"the sequence has {layout.longest} tokens: expected at most "
            f"{config.max_position_embeddings}, the model's max_position_embeddings; cut the text "
            "or split it into windows"
        )
    check_shape("input_ids", input_ids, layout.shape)
    check_shape("langs", langs, layout.shape)
    check_shape("token_type_ids", token_type_ids, layout.shape)
    check_shape("position_ids", position_ids, layout.shape)
    check_ids("input_ids", input_ids, config.vocab_size)
    check_ids("token_type_ids", token_type_ids, config.vocab_size)
    check_ids("position_ids", position_ids, config.max_position_embeddings)
    if config.has_lang_embeddings:
        check_ids("langs", langs, config.n_langs)


def words_of(input_ids: Tensor | None, inputs_embeds: Tensor | None) -> Tensor:
    """Return the one of the two that is given."""
    if input_ids is not None and inputs_embeds is not None:
        raise ValueError("expected either input_ids or inputs_embeds, got both")
    words = inputs_embeds if input_ids is None else input_ids
    if words is None:
        raise ValueError("expected either input_ids or inputs_embeds, got neither")
    return words
