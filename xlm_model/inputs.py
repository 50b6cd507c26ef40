"""The inputs that every model shares, and the checks that turn a bad one into a clear error.

The models of both frameworks share the checks; Keras' tensors come as NumPy arrays, or as `Traced`.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

from xlm_model.config import XLMConfig

if TYPE_CHECKING:
    from torch import Tensor

    from xlm_model.attention import Layout

# What is None is not known yet, as a graph is being traced.
Shape = Sequence[int | None]

Forward = TypeVar("Forward", bound=Callable[..., Any])

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
    # Factors of the heads, 0 to do without one. Shape `(n_heads,)`, or `(n_layers, n_heads)`.
    head_mask: Tensor | None
    # Also return every layer's attention weights, or output; None: as the configuration says.
    output_attentions: bool | None
    output_hidden_states: bool | None
    # False for a tuple of what is there; None: as the configuration says.
    return_dict: bool | None
    # Nothing that is cached is returned, so this has no effect; and the other cannot be given.
    use_cache: bool | None
    cache: None
    # Which tokens belong to which sequence, in place of `attention_mask` and `lengths`; None for a
    # padded batch.
    layout: Layout | None


def shows_encoder_inputs(forward: Forward) -> Forward:
    """Show each of the `EncoderInputs` in the signature of a head's `forward`.

    Trainers and exporters read there which inputs a model takes, and leave out all others.
    """
    own = inspect.signature(forward)
    shown = [p for p in own.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
    for name, kind in EncoderInputs.__annotations__.items():
        parameter = inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None)
        shown.append(parameter.replace(annotation=kind))
    forward.__signature__ = own.replace(parameters=shown)  # type: ignore[attr-defined]
    return forward


@dataclass(frozen=True)
class Traced:
    """A tensor of a graph that Keras is tracing.

    Attributes:
        shape: A size that is not known yet is None.
        dtype: Name of the type of its values, which are not known either.
    """

    shape: tuple[int | None, ...]
    dtype: str


def has_values(tensor: Any) -> bool:
    """Whether a tensor's values may be looked at: not while a graph of the model is traced."""
    if not hasattr(tensor, "is_meta"):
        return not isinstance(tensor, Traced)
    from xlm_model import tracing

    return tracing.has_values(tensor)


def check_shape(name: str, tensor: Any, shape: Shape) -> None:
    """Raise a `ValueError` that names the argument unless it is absent or has this shape."""
    if tensor is None:
        return
    given = tuple(tensor.shape)
    if len(given) != len(shape) or any(
        None not in sizes and sizes[0] != sizes[1] for sizes in zip(given, shape, strict=True)
    ):
        raise ValueError(f"{name} has shape {given}: expected {tuple(shape)}")


def check_ids(name: str, ids: Any, size: Any, ignored: int | None = None) -> None:
    """Raise a `ValueError` unless `ids` is absent or holds whole numbers from 0 below `size`.

    Args:
        name: The argument's name, for the message.
        ids: Integers of any shape.
        size: Number of ids that exist; a tensor if it differs for each entry.
        ignored: One more value that is allowed.
    """
    if ids is None:
        return
    if str(ids.dtype).removeprefix("torch.") not in ("int64", "int32"):
        raise ValueError(f"{name} has dtype {ids.dtype}: expected int64 or int32")
    if not has_values(ids):
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


def check_padded(
    input_ids: Any, attention_mask: Any, lengths: Any, inputs_embeds: Any
) -> tuple[int | None, int | None]:
    """Return how many sequences a padded batch has, and how long they are.

    Raises:
        ValueError: names the argument, what it holds and what was expected.
    """
    words = words_of(input_ids, inputs_embeds)
    if len(words.shape) != (2 if inputs_embeds is None else 3):
        name = "input_ids" if inputs_embeds is None else "inputs_embeds"
        expected = "(batch, length)" if inputs_embeds is None else "(batch, length, dim)"
        raise ValueError(f"{name} has shape {tuple(words.shape)}: expected {expected}")
    batch, length = words.shape[:2]
    check_shape("attention_mask", attention_mask, (batch, length))
    check_shape("lengths", lengths, (batch,))
    if length is not None:
        check_ids("lengths", lengths, length + 1)
    return batch, length


def check_tokens(
    config: XLMConfig,
    shape: Shape,
    longest: int | None,
    *,
    input_ids: Any = None,
    langs: Any = None,
    token_type_ids: Any = None,
    position_ids: Any = None,
    inputs_embeds: Any = None,
) -> None:
    """Check what is given for each token against the batch and the configuration.

    Args:
        config: The model's.
        shape: Of what has one value for each token.
        longest: Tokens of the longest sequence.
        input_ids: As in `XLMModel.forward`, like all that follow.
        langs: Likewise.
        token_type_ids: Likewise.
        position_ids: Likewise.
        inputs_embeds: Likewise.

    Raises:
        ValueError: names the argument, what it holds and what was expected.
    """
    words_of(input_ids, inputs_embeds)
    check_shape("inputs_embeds", inputs_embeds, (*shape, config.emb_dim))
    if longest is not None and longest > config.max_tokens:
        raise ValueError(
            f"the sequence has {longest} tokens: expected at most {config.longest_told}; cut the "
            "text or split it into windows"
        )
    check_shape("input_ids", input_ids, shape)
    check_shape("langs", langs, shape)
    check_shape("token_type_ids", token_type_ids, shape)
    check_shape("position_ids", position_ids, shape)
    check_ids("input_ids", input_ids, config.vocab_size)
    check_ids("token_type_ids", token_type_ids, config.token_types)
    check_ids("position_ids", position_ids, config.max_position_embeddings)
    if config.has_lang_embeddings:
        check_ids("langs", langs, config.n_langs)


def check_head_mask(head_mask: Any, config: XLMConfig) -> None:
    """Raise a `ValueError` unless there are no factors of the heads, or one for each."""
    if head_mask is not None:
        expected = (config.n_layers, config.n_heads)
        if tuple(head_mask.shape) not in (expected, expected[1:]):
            raise ValueError(
                f"head_mask has shape {tuple(head_mask.shape)}: expected {expected}, or "
                f"{expected[1:]} for the same in each layer"
            )


def check_no_cache(cache: Any) -> None:
    """Raise a `ValueError` if a cache is given, as other libraries' models take it."""
    if cache is not None:
        raise ValueError(
            f"cache is a {type(cache).__name__}: expected None, as keys and values are cached in "
            "`model.generate`, or by `xlm_model.attention.KeyValueCache` as a `layout`"
        )


def check_choices(input_ids: Any, inputs_embeds: Any, lengths: Any) -> Any:
    """Return how many choices each example of a padded batch has.

    Raises:
        ValueError: there is no such batch, or it has other dimensions.

    Warns:
        UserWarning: lengths are given, which the reference ignores.
    """
    is_ids = input_ids is not None or inputs_embeds is None
    words = input_ids if is_ids else inputs_embeds
    if words is None or len(words.shape) != (3 if is_ids else 4):
        name = "input_ids" if is_ids else "inputs_embeds"
        given = "is missing" if words is None else f"has shape {tuple(words.shape)}"
        raise ValueError(f"{name} {given}: expected (batch, choices, length, …)")
    if lengths is not None:
        warnings.warn("lengths have no effect on multiple choice: use attention_mask", stacklevel=3)
    return words.shape[1]


def words_of(input_ids: Any, inputs_embeds: Any) -> Any:
    """Return the one of the two that is given."""
    if input_ids is not None and inputs_embeds is not None:
        raise ValueError("expected either input_ids or inputs_embeds, got both")
    words = inputs_embeds if input_ids is None else input_ids
    if words is None:
        raise ValueError("expected either input_ids or inputs_embeds, got neither")
    return words
