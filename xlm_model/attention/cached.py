"""Keys and values that are kept, so that a step of generation works on the new tokens alone."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from xlm_model.attention.packed import PackedLayout


class KeyValueCache:
    """Each layer's keys and values of sequences that grow.

    A sequence's entries begin at the front of its row, so that a step looks at no more than the
    longest sequence has. Attention is causal, whatever the model says.

    Args:
        lengths: Tokens of each prompt.
        capacity: Most tokens of a sequence, new ones included.
        device: Where the model works.
    """

    def __init__(
        self, lengths: Sequence[int], capacity: int, device: torch.device | str = "cpu"
    ) -> None:
        self.capacity = capacity
        self.lengths = torch.tensor(lengths, device=device)
        self._prompt_lengths = list(lengths)
        self._device = device
        self._entries: dict[int, tuple[Tensor, Tensor]] = {}

    def prompts(self) -> PackedLayout:
        """Return the layout of the first pass, over the packed prompts."""
        return _PromptLayout(self, self._prompt_lengths, self._device)

    def next_tokens(self) -> PackedLayout:
        """Return the layout of a pass over one more token of each sequence."""
        step = _StepLayout(self)
        self.lengths = self.lengths + 1
        return step

    def select(self, rows: Tensor) -> None:
        """Keep these sequences, in this order; one may be taken several times."""
        self.lengths = self.lengths[rows]
        self._entries = {
            layer: (keys[rows], values[rows]) for layer, (keys, values) in self._entries.items()
        }

    def store(self, layer: int, keys: Sequence[Tensor], values: Sequence[Tensor]) -> None:
        """Keep the prompts' keys and values; shape of each `(length, heads, head_dim)`."""
        shape = (len(keys), keys[0].shape[1], self.capacity, keys[0].shape[2])
        entries = keys[0].new_zeros(shape), values[0].new_zeros(shape)
        for rows, sequences in zip(entries, (keys, values), strict=True):
            for row, sequence in zip(rows, sequences, strict=True):
                row[:, : len(sequence)] = sequence.transpose(0, 1)
        self._entries[layer] = entries

    def append(
        self, layer: int, positions: Tensor, key: Tensor, value: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Keep a new token's key and value, and return all; `(sequences, heads, capacity, …)`."""
        keys, values = self._entries[layer]
        rows = torch.arange(len(key), device=key.device)
        keys[rows, :, positions] = key
        values[rows, :, positions] = value
        return keys, values


class _PromptLayout(PackedLayout):
    """Packed prompts whose keys and values go into the cache."""

    def __init__(
        self, cache: KeyValueCache, lengths: Sequence[int], device: torch.device | str
    ) -> None:
        super().__init__(lengths, device)
        self._cache = cache

    def rounded(self) -> PackedLayout:
        return _PromptLayout(self._cache, self._rounded_sizes(), self.device)

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
        prompts = slice(len(self._cache.lengths))  # what rounds their tokens up is not kept
        self._cache.store(layer, self.split(key)[prompts], self.split(value)[prompts])
        return super().attend(
            query,
            key,
            value,
            layer=layer,
            causal=True,
            dropout=dropout,
            need_weights=need_weights,
        )


class _StepLayout(PackedLayout):
    """A new token of each sequence, which sees the cached ones."""

    def __init__(self, cache: KeyValueCache) -> None:
        super().__init__([1] * len(cache.lengths), cache.lengths.device)
        self._cache = cache
        self._positions = cache.lengths
        cached = torch.arange(int(cache.lengths.max()) + 1, device=cache.lengths.device)
        self._seen = cached <= cache.lengths[:, None]

    @property
    def positions(self) -> Tensor:
        return self._positions

    def rounded(self) -> PackedLayout:
        # A token more would be one of no sequence, and they are few anyway.
        return self

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
        keys, values = self._cache.append(layer, self._positions, key, value)
        longest = self._seen.shape[-1]
        context = nn.functional.scaled_dot_product_attention(
            query[:, :, None],
            keys[:, :, :longest],
            values[:, :, :longest],
            attn_mask=self._seen[:, None, None],
            dropout_p=dropout,
        )
        return context[:, :, 0], None
