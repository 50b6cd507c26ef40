"""Sequences of any lengths, one behind the other: none is padded to the length of another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from inspect import signature
from itertools import accumulate, groupby
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn


class Group(NamedTuple):
    """Neighbouring sequences of one length.

    Attributes:
        tokens: Which of the packed tokens are theirs.
        shape: Number of sequences, and the tokens of each.
    """

    tokens: slice
    shape: tuple[int, int]


def groups_of(lengths: Sequence[int]) -> Iterator[Group]:
    """Find the runs of equal lengths.

    Example:
        >>> [(group.tokens.start, group.shape) for group in groups_of([3, 3, 2])]
        [(0, (2, 3)), (6, (1, 2))]
    """
    start = 0
    for length, run in groupby(lengths):
        count = sum(1 for _ in run)
        yield Group(slice(start, start + count * length), (count, length))
        start += count * length


class PackedLayout:
    """Sequences one behind the other, each of which is on its own.

    Everything that a head computes from it is what the head gives each sequence alone.

    In half precision on a GPU attention goes through PyTorch's kernel for sequences of any lengths.
    Elsewhere neighbours of one length go through the fused kernel together, as views: nothing is
    copied or padded. Sequences in the order of their lengths make the fewest groups.

    Args:
        lengths: Tokens of each sequence, one or more.
        device: Of the tensors that it makes.
        causal: Whether a token attends to no later one, whatever the model's configuration says;
            None: as it says. So one model can be trained with several objectives.

    Example:
        >>> layout = PackedLayout([3, 2])
        >>> layout.positions.tolist(), layout.last(torch.arange(5)).tolist()
        ([0, 1, 2, 0, 1], [2, 4])
    """

    # No token is padding.
    mask = None

    def __init__(
        self,
        lengths: Sequence[int],
        device: torch.device | str = "cpu",
        causal: bool | None = None,
    ) -> None:
        self.sizes = list(lengths)
        self.causal = causal
        self.shape = (sum(self.sizes),)
        self.device = torch.device(device)
        self.lengths = torch.tensor(self.sizes, dtype=torch.int64).to(device, non_blocking=True)
        self.starts = self.lengths.cumsum(0) - self.lengths
        self._groups = list(groups_of(self.sizes))
        self._borders: Tensor | None = None

    @property
    def shortest(self) -> int:
        """Tokens of the shortest sequence."""
        return min(self.sizes, default=0)

    @property
    def longest(self) -> int:
        """Tokens of the longest sequence."""
        return max(self.sizes, default=0)

    @property
    def positions(self) -> Tensor:
        """Position of each token in its sequence; shape `(tokens,)`."""
        return torch.arange(self.shape[0], device=self.device) - self.spread(self.starts)

    def attend(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        *,
        layer: int,
        causal: bool = False,
        dropout: float = 0.0,
        need_weights: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Attend inside each sequence; see `Layout`. Shapes `(tokens, heads, head_dim)`.

        Raises:
            ValueError: `need_weights`, which have no packed form.
        """
        if need_weights:
            raise ValueError(
                "output_attentions is True with packed sequences: expected a padded batch, as "
                "their attention weights have no packed form"
            )
        causal = causal if self.causal is None else self.causal
        if not dropout and _fits_varlen(query) and (kernel := _varlen_kernel()) is not None:
            return self._all_at_once(kernel, query, key, value, causal), None
        return self._by_groups(query, key, value, causal, dropout), None

    def first(self, values: Tensor) -> Tensor:
        """Return the value of each sequence's first token; see `Layout`."""
        return values[self.starts]

    def last(self, values: Tensor) -> Tensor:
        """Return the value of each sequence's last token; see `Layout`."""
        return values[self.starts + self.lengths - 1]

    def mean(self, values: Tensor) -> Tensor:
        """Return the mean over each sequence's tokens; see `Layout`."""
        return torch.segment_reduce(values, "mean", lengths=self.lengths, unsafe=True)

    def max(self, values: Tensor) -> Tensor:
        """Return the maximum over each sequence's tokens; `(…, dim)` to `(sequences, dim)`."""
        return torch.segment_reduce(values, "max", lengths=self.lengths, unsafe=True)

    def gather(self, values: Tensor, index: Tensor) -> Tensor:
        """Return the values at some positions of each sequence; see `Layout`."""
        return values[self.starts.view(-1, *(1 for _ in index.shape[1:])) + index]

    def spread(self, values: Tensor) -> Tensor:
        """Give each token the value of its sequence; see `Layout`."""
        # With the size given, a GPU need not be waited for.
        return values.repeat_interleave(self.lengths, 0, output_size=self.shape[0])

    def to_padded(self, values: Tensor, fill: float = 0.0) -> Tensor:
        """Return the sequences side by side; see `Layout`."""
        return nn.utils.rnn.pad_sequence(
            list(self.split(values)), batch_first=True, padding_value=fill
        )

    def split(self, values: Tensor) -> tuple[Tensor, ...]:
        """Return the values of each sequence alone, as views."""
        return torch.split(values, self.sizes)

    def rounded(self) -> PackedLayout:
        """Return a layout of one of few numbers of tokens: what is added is one more sequence."""
        return PackedLayout(self._rounded_sizes(), self.device, self.causal)

    def _rounded_sizes(self) -> list[int]:
        added = round_up(self.shape[0]) - self.shape[0]
        return [*self.sizes, added] if added else self.sizes

    def _all_at_once(
        self,
        kernel: Callable[..., Tensor],
        query: Tensor,
        key: Tensor,
        value: Tensor,
        causal: bool,
    ) -> Tensor:
        if self._borders is None:
            # Once for all layers.
            borders = torch.tensor([0, *accumulate(self.sizes)], dtype=torch.int32)
            self._borders = borders.to(query.device, non_blocking=True)
        return kernel(
            query,
            key,
            value,
            self._borders,
            self._borders,
            self.longest,
            self.longest,
            window_size=(-1, 0 if causal else -1),
        )

    def _by_groups(
        self, query: Tensor, key: Tensor, value: Tensor, causal: bool, dropout: float
    ) -> Tensor:
        contexts = []
        for tokens, shape in self._groups:
            rows = [
                x[tokens].view(*shape, *x.shape[1:]).transpose(1, 2) for x in (query, key, value)
            ]
            attended = nn.functional.scaled_dot_product_attention(
                rows[0], rows[1], rows[2], dropout_p=dropout, is_causal=causal
            )
            contexts.append(attended.transpose(1, 2).flatten(0, 1))
        return torch.cat(contexts) if contexts else torch.zeros_like(query)


def round_up(tokens: int) -> int:
    """Return a number of tokens at least as large, one of few.

    oneDNN compiles, and keeps, a kernel of 400 kB for each shape of a matrix that it meets. Numbers
    of five significant bits are 6 % too large at most. Few tokens take as long as some more do, the
    time to read the weights: there three bits are enough.

    Example:
        >>> [round_up(tokens) for tokens in (5, 33, 500, 513, 1000)]
        [5, 40, 512, 544, 1024]
    """
    bits = 5 if tokens > 512 else 3
    step = 1 << max(0, tokens.bit_length() - bits)
    return -(-tokens // step) * step


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


@dataclass(frozen=True)
class PackedBatch:
    """Packed sequences: what a model reads of them, and their layout.

    Attributes:
        input_ids: Shape `(tokens,)`.
        langs: Id of each token's language, None for a model without language embeddings.
            Shape `(tokens,)`.
        layout: Which token belongs to which sequence.
    """

    input_ids: Tensor
    langs: Tensor | None
    layout: PackedLayout

    @property
    def inputs(self) -> dict[str, Any]:
        """The arguments of a model's call: `model(**batch.inputs)`."""
        return {"input_ids": self.input_ids, "langs": self.langs, "layout": self.layout}


def pack(
    ids: Sequence[Sequence[int]],
    langs: Sequence[Sequence[int]] | None = None,
    device: torch.device | str = "cpu",
) -> PackedBatch:
    """Put sequences of ids one behind the other.

    Args:
        ids: Ids of each sequence.
        langs: Language ids, as many.
        device: Where the tensors go.

    Example:
        >>> batch = pack([[1, 14, 1], [1, 1]])
        >>> batch.input_ids
        tensor([ 1, 14,  1,  1,  1])
        >>> from xlm_model.config import XLMConfig
        >>> from xlm_model.encoder import XLMModel
        >>> encoder = XLMModel(XLMConfig(vocab_size=100, emb_dim=32, n_layers=2, n_heads=4)).eval()
        >>> encoder(**batch.inputs).last_hidden_state.shape
        torch.Size([5, 32])
    """
    flat = [
        torch.tensor([i for sequence in x for i in sequence], dtype=torch.int64)
        for x in (ids, langs or ())
    ]
    all_ids, all_langs = (tensor.to(device, non_blocking=True) for tensor in flat)
    layout = PackedLayout([len(sequence) for sequence in ids], device)
    return PackedBatch(all_ids, None if langs is None else all_langs, layout)
