"""Greedy continuation and sampling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from xlm_model.generation.decoder import Continuation, Ending, Stepper


@dataclass(frozen=True)
class Sampling:
    """How the next token is chosen: the most likely one, or a sample where `temperature` is given.

    Attributes:
        temperature: The logits are divided by it; above 1 for more variety.
        top_k: Sample only among so many of the most likely.
        top_p: Sample only among the most likely that together have this probability: Holtzman et
            al. 2020, "The Curious Case of Neural Text Degeneration".
        repetition_penalty: Logits of tokens that the sequence has already, its prompt included, are
            divided by it if above 0, else multiplied: Keskar et al. 2019, "CTRL", section 4.1.
    """

    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    repetition_penalty: float = 1.0

    def adjust(self, scores: Tensor, seen: Tensor) -> Tensor:
        """Return the scores as all of this changes them; shape `(sequences, vocab_size)`.

        Args:
            scores: The model's. Shape `(sequences, vocab_size)`.
            seen: True for tokens that the sequence has. Shape `(sequences, vocab_size)`.
        """
        if self.repetition_penalty != 1:
            penalty = self.repetition_penalty
            scores = torch.where(
                seen, torch.where(scores > 0, scores / penalty, scores * penalty), scores
            )
        if self.temperature is not None:
            scores = scores / self.temperature
        if self.top_k is not None and self.top_k < scores.shape[-1]:
            least = scores.topk(self.top_k).values[:, -1:]
            scores = scores.masked_fill(scores < least, -torch.inf)
        if self.top_p is not None and self.top_p < 1:
            ordered, order = scores.sort(descending=True)
            probabilities = ordered.softmax(-1)
            # A token is kept while those before it have not reached the sum: the first always is.
            before = probabilities.cumsum(-1) - probabilities
            dropped = torch.zeros_like(seen).scatter(-1, order, before >= self.top_p)
            scores = scores.masked_fill(dropped, -torch.inf)
        return scores

    def choose(self, scores: Tensor, seen: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
        """Return the next token of each sequence; shape `(sequences,)`.

        Args:
            scores: The model's. Shape `(sequences, vocab_size)`.
            seen: True for tokens that the sequence has. Shape `(sequences, vocab_size)`.
            generators: One of random numbers for each sequence: what it draws does not depend on
                the batch that it is in.
        """
        scores = self.adjust(scores.float(), seen)
        if self.temperature is None:
            return scores.argmax(-1)
        # By the inverse of the distribution function, in fp64: sums of many small numbers.
        sums = scores.double().softmax(-1).cumsum(-1)
        drawn = torch.stack(
            [torch.rand(1, generator=one, dtype=torch.float64) for one in generators]
        )
        drawn = drawn.to(sums.device) * sums[:, -1:]
        return torch.searchsorted(sums, drawn, right=True).squeeze(-1)


def sample(
    stepper: Stepper,
    prompts: Sequence[Sequence[int]],
    sampling: Sampling,
    *,
    new_tokens: int,
    end: int | Ending,
    seeds: Sequence[int],
) -> list[Continuation]:
    """Continue sequences one token at a time; one that has ended costs no more.

    Args:
        stepper: Holds the prompts.
        prompts: Their ids, for the repetition penalty.
        sampling: How to choose.
        new_tokens: Most tokens to add.
        end: The token that ends a sequence, or all that may end it.
        seeds: A seed for each sequence.
    """
    ending = Ending.of(end)
    results = [Continuation() for _ in prompts]
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    active = list(range(len(prompts)))
    scores = stepper.start()
    seen = torch.zeros_like(scores, dtype=torch.bool)
    for row, prompt in enumerate(prompts):
        seen[row, torch.tensor(prompt, device=seen.device)] = True
    for number in range(new_tokens):
        scores = ending.forbid(scores, number)
        chosen = sampling.choose(scores, seen, [generators[i] for i in active])
        seen.scatter_(1, chosen[:, None], True)
        kept = []
        for row, id_ in enumerate(chosen.tolist()):
            result = results[active[row]]
            if id_ in ending.tokens:
                result.finished, result.end = True, id_
                continue
            result.ids.append(id_)
            result.finished = ending.is_stop(result.ids)
            if not result.finished:
                kept.append(row)
        if not kept or number == new_tokens - 1:
            break
        if len(kept) < len(active):
            rows = torch.tensor(kept, device=scores.device)
            stepper.select(rows)
            chosen, seen = chosen[rows], seen[rows]
            active = [active[row] for row in kept]
        scores = stepper.step(chosen)
    return results
