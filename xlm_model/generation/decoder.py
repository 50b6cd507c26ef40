"""Sequences that grow by a token at a time, and a model that scores the next one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from xlm_model.attention import KeyValueCache, PackedBatch
from xlm_model.heads import XLMWithLMHeadModel


class Stepper(Protocol):
    """Sequences that grow by a token at a time; gives the scores of the next one."""

    def start(self) -> Tensor:
        """Return the scores of the token behind each prompt; shape `(sequences, vocab_size)`."""
        ...

    def step(self, ids: Tensor) -> Tensor:
        """Add a token, shape `(sequences,)`, and return the scores of the next, as `start`."""
        ...

    def select(self, rows: Tensor) -> None:
        """Keep these sequences, in this order; shape `(sequences from now on,)`."""
        ...


class CachedDecoder:
    """A model's steps: each works on the new tokens alone.

    Args:
        model: A causal language model; its attention is causal here whatever it is configured as.
        prompts: One or more tokens of each sequence.
        new_tokens: Most tokens that will be added to each.
    """

    def __init__(self, model: XLMWithLMHeadModel, prompts: PackedBatch, new_tokens: int) -> None:
        self.model = model
        self.prompts = prompts
        layout = prompts.layout
        self._cache = KeyValueCache(
            layout.sizes, layout.longest + new_tokens, prompts.input_ids.device
        )
        self._langs = None if prompts.langs is None else layout.last(prompts.langs)

    def start(self) -> Tensor:
        """Read the prompts; see `Stepper`."""
        layout = self._cache.prompts()
        inputs = {**self.prompts.inputs, "layout": layout}
        encoded = self.model.transformer(
            **inputs, output_attentions=False, output_hidden_states=False, return_dict=True
        )
        return self.model.head(encoded.last_hidden_state, layout, logits_to_keep=1).logits[:, 0]

    def step(self, ids: Tensor) -> Tensor:
        """Add a token to each sequence, in the language of its prompt's last; see `Stepper`."""
        layout = self._cache.next_tokens()
        encoder = self.model.transformer
        positions = encoder.positions(layout, ids)
        hidden = encoder.embed(ids, self._langs, position_ids=positions)
        hidden = encoder.encode(hidden, layout).last_hidden_state
        return self.model.head(hidden, layout).logits

    def select(self, rows: Tensor) -> None:
        """Keep some of the sequences; see `Stepper`."""
        self._cache.select(rows)
        self._langs = None if self._langs is None else self._langs[rows]


@dataclass
class Continuation:
    """What was added to a sequence.

    Attributes:
        ids: The new tokens, without the end token.
        finished: Whether the end token or a stop sequence came, rather than the limit.
        end: The end token; None if none came.
    """

    ids: list[int] = field(default_factory=list)
    finished: bool = False
    end: int | None = None


@dataclass(frozen=True)
class Ending:
    """What ends a continuation, beside the limit of its length.

    Attributes:
        tokens: Any of these tokens, which is not part of the continuation.
        stop: Any of these runs of tokens, which is.
        min_new_tokens: No end token comes before so many others.
    """

    tokens: tuple[int, ...] = ()
    stop: tuple[tuple[int, ...], ...] = ()
    min_new_tokens: int = 0

    @classmethod
    def of(cls, end: int | Ending) -> Ending:
        """Return an ending by one token, unless it is one already."""
        return cls((end,)) if isinstance(end, int) else end

    def forbid(self, scores: Tensor, number: int) -> Tensor:
        """Return the scores of a token without those that must not come yet.

        Args:
            scores: Shape `(sequences, vocab_size)`.
            number: How many new tokens there are already.
        """
        if number >= self.min_new_tokens or not self.tokens:
            return scores
        return scores.index_fill(1, torch.tensor(self.tokens, device=scores.device), -torch.inf)

    def is_stop(self, ids: list[int]) -> bool:
        """Whether new tokens end in a run that stops the sequence."""
        return any(tuple(ids[-len(run) :]) == run for run in self.stop)
