"""Sequences of any lengths, one behind the other: none is padded to the length of another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from inspect import signature
from itertools import accumulate, groupby
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from xlm_model.encoder import XLMModel
from xlm_model.inputs import check_ids, check_shape
from xlm_model.layers import Attend


class Group(NamedTuple):
    """Neighbouring sequences of one length.

    tokens: Which of the packed tokens are theirs.
    shape: How many sequences there are, and of how many tokens.
    """

    tokens: slice
    shape: tuple[int, int]


def groups_of(lengths: Sequence[int]) -> Iterator[Group]:
    """Find the runs of equal lengths.

    >>> [(group.tokens.start, group.shape) for group in groups_of([3, 3, 2])]
    [(0, (2, 3)), (6, (1, 2))]
    """
    start = 0
    for length, run in groupby(lengths):
        count = sum(1 for _ in run)
        yield Group(slice(start, start + count * length), (count, length))
        start += count * length


class PackedAttention:
    """Attention inside each of the packed sequences.

    In half precision on a GPU all of them go through PyTorch's kernel for sequences of any lengths.
    Elsewhere neighbours of one length go through the fused kernel together, as views: nothing is
    copied or padded. Sequences in the order of their lengths make the fewest groups.

    Args:
        lengths: Tokens of each sequence.
        causal: Attend to no later token.
    """

    def __init__(self, lengths: Sequence[int], *, causal: bool = False) -> None:
        self.lengths = list(lengths)
        self.causal = causal
        self._groups: list[Group] | None = None
        self._borders: Tensor | None = None

    def __call__(
        self, query: Tensor, key: Tensor, value: Tensor, *, layer: int, dropout: float
    ) -> tuple[Tensor, None]:
        """Attend; *shapes:* (tokens, heads, head_dim)."""
        kernel = _varlen_kernel()
        if kernel is not None and not dropout and _fits_varlen(query):
            return self._all_at_once(kernel, query, key, value), None
        return self._by_groups(query, key, value, dropout), None

    def _all_at_once(
        self, kernel: Callable[..., Tensor], query: Tensor, key: Tensor, value: Tensor
    ) -> Tensor:
        if self._borders is None:
            # Once for all layers.
            borders = torch.tensor([0, *accumulate(self.lengths)], dtype=torch.int32)
            self._borders = borders.to(query.device, non_blocking=True)
        longest = max(self.lengths, default=0)
        return kernel(
            query,
            key,
            value,
            self._borders,
            self._borders,
            longest,
            longest,
            window_size=(-1, 0 if self.causal else -1),
        )

    def _by_groups(self, query: Tensor, key: Tensor, value: Tensor, dropout: float) -> Tensor:
        if self._groups is None:
            self._groups = list(groups_of(self.lengths))
        # Tokens behind the last sequence, which only round their number up, see nothing.
        context = torch.zeros_like(query)
        for tokens, shape in self._groups:
            rows = [
                x[tokens].view(*shape, *x.shape[1:]).transpose(1, 2) for x in (query, key, value)
            ]
            attended = nn.functional.scaled_dot_product_attention(
                rows[0], rows[1], rows[2], dropout_p=dropout, is_causal=self.causal
            )
            context[tokens] = attended.transpose(1, 2).flatten(0, 1)
        return context


@cache
def _varlen_kernel() -> Callable[..., Tensor] | None:
    """Return PyTorch's attention for sequences of any lengths, None where it is too old."""
    try:
        from torch.nn.attention.varlen import varlen_attn
    except ImportError:
        return None
    # The first releases said causal in another way.
    known = signature(varlen_attn).parameters
    return cast(Callable[..., Tensor], varlen_attn) if "window_size" in known else None


def _fits_varlen(query: Tensor) -> bool:
    """Whether the kernel takes this: FlashAttention 2 wants an Ampere GPU and half precision."""
    return (
        query.is_cuda
        and query.dtype in (torch.float16, torch.bfloat16)
        and query.shape[-1] % 8 == 0
        and query.shape[-1] <= 256
        and torch.cuda.get_device_capability(query.device) >= (8, 0)
    )


@dataclass
class Packed:
    """Sequences one behind the other.

    ids: *Shape:* (tokens,)
    langs: Id of each token's language, None for a model without language embeddings.
        *Shape:* (tokens,)
    lengths: Tokens of each sequence.
    """

    ids: Tensor
    langs: Tensor | None
    lengths: list[int]

    @property
    def starts(self) -> Tensor:
        """Where each sequence begins; *shape:* (sequences,)."""
        lengths = torch.tensor(self.lengths, device=self.ids.device)
        return lengths.cumsum(0) - lengths

    @property
    def positions(self) -> Tensor:
        """Each token's place in its sequence; *shape:* (tokens,)."""
        lengths = torch.tensor(self.lengths, device=self.ids.device)
        tokens = len(self.ids)
        everywhere = torch.arange(tokens, device=self.ids.device)
        # With the size given a GPU need not be waited for.
        return everywhere - self.starts.repeat_interleave(lengths, output_size=tokens)


def pack(
    rows: Sequence[Sequence[int]],
    langs: Sequence[Sequence[int]] | None = None,
    device: torch.device | str = "cpu",
) -> Packed:
    """Put rows of ids one behind the other.

    Args:
        rows: Ids of each sequence.
        langs: Language ids, as many.
        device: Where the tensors go.

    Example:
        >>> pack([[1, 14, 1], [1, 1]]).ids
        tensor([ 1, 14,  1,  1,  1])
    """
    flat = [torch.tensor([i for row in x for i in row]) for x in (rows, langs or ())]
    ids, all_langs = (tensor.to(device, non_blocking=True) for tensor in flat)
    return Packed(ids, None if langs is None else all_langs, [len(row) for row in rows])


def encode_packed(encoder: XLMModel, packed: Packed, attend: Attend | None = None) -> Tensor:
    """Return the last layer's states of packed sequences; *shape:* (tokens, dim).

    They are those that the encoder gives each sequence alone.

    Args:
        encoder: Bidirectional or causal, as its configuration says.
        packed: The sequences.
        attend: Attention to use in place of the configured one; on a CPU it is given a few tokens
            more than there are, behind the last sequence, of which nothing is read.

    Raises:
        ValueError: an id out of range, or a sequence longer than the model's positions.

    Example:
        >>> from xlm_model import XLMConfig
        >>> encoder = XLMModel(XLMConfig(vocab_size=100, emb_dim=32, n_layers=2, n_heads=4)).eval()
        >>> encode_packed(encoder, pack([[1, 14, 1], [1, 1]])).shape
        torch.Size([5, 32])
    """
    config = encoder.config
    longest = max(packed.lengths, default=0)
    if longest > config.max_position_embeddings:
        raise ValueError(
            f"the sequence has {longest} tokens: expected at most "
            f"{config.max_position_embeddings}, the model's max_position_embeddings"
        )
    check_ids("ids", packed.ids, config.vocab_size)
    check_shape("langs", packed.langs, packed.ids.shape)
    if config.has_lang_embeddings:
        check_ids("langs", packed.langs, config.n_langs)
    hidden = encoder.embed(packed.ids, packed.langs, position_ids=packed.positions)
    tokens = len(hidden)
    if hidden.device.type == "cpu":
        hidden = nn.functional.pad(hidden, (0, 0, 0, _round_up(tokens) - tokens))
    attend = attend or PackedAttention(packed.lengths, causal=config.causal)
    return encoder.encode(hidden, attend).last_hidden_state[:tokens]


def _round_up(tokens: int) -> int:
    """Return a number of tokens at least as large, one of few.

    oneDNN prepares, and keeps, a program for each shape of a matrix that it meets, of 400 kB. Five
    binary digits and noughts are 6 % too much at most; few tokens take as long as some more do,
    the time that it takes to read the weights, and three digits are enough.

    >>> [_round_up(tokens) for tokens in (5, 33, 500, 513, 1000)]
    [5, 40, 512, 544, 1024]
    """
    digits = 5 if tokens > 512 else 3
    step = 1 << max(0, tokens.bit_length() - digits)
    return -(-tokens // step) * step
