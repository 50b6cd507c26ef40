"""Beam search for the most likely continuation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from xlm_model.generation.decoder import Continuation, Ending, Stepper


@dataclass
class _Beams:
    """The search of one sequence: active hypotheses, and the best that have ended."""

    width: int
    length_penalty: float
    active: list[list[int]] = field(default_factory=lambda: [[]])
    # Score, new tokens, and the token that ended them.
    ended: list[tuple[float, list[int], int]] = field(default_factory=list)

    def extend(
        self, candidates: Sequence[tuple[float, int, int]], ends: Sequence[int]
    ) -> list[int]:
        """Take the best (sum, hypothesis, token), best first; return the ones that stay active."""
        chosen = []
        for rank, (total, beam, token) in enumerate(candidates):
            if token not in ends:
                chosen.append(rank)
            elif rank < self.width:
                # One that ends below the best is not among them, nor later.
                self._end(total, self.active[beam], token)
            if len(chosen) == self.width:
                break
        self.active = [[*self.active[candidates[i][1]], candidates[i][2]] for i in chosen]
        return chosen

    def is_done(self, best: float) -> bool:
        """Whether no active hypothesis, the best with this sum, can still win."""
        if len(self.ended) < self.width:
            return False
        highest: float = best / len(self.active[0]) ** self.length_penalty
        return self.ended[-1][0] >= highest

    def best(self, count: int, sums: Sequence[float] = ()) -> list[Continuation]:
        """Return the best that have ended or, where their sums are given, are still active."""
        cut = [
            (total / len(ids) ** self.length_penalty, Continuation(ids))
            for total, ids in zip(sums, self.active, strict=False)
        ]
        ended = [(score, Continuation(ids, True, end)) for score, ids, end in self.ended]
        every = sorted([*ended, *cut], key=lambda one: -one[0])
        return [continuation for _, continuation in every[:count]]

    def _end(self, total: float, ids: list[int], token: int) -> None:
        self.ended.append((total / (len(ids) + 1) ** self.length_penalty, ids, token))
        self.ended = sorted(self.ended, key=lambda one: -one[0])[: self.width]


def beam_search(
    stepper: Stepper,
    count: int,
    *,
    width: int,
    new_tokens: int,
    end: int | Ending,
    length_penalty: float = 1.0,
    returned: int = 1,
) -> list[Continuation]:
    """Continue each sequence by the most likely of many hypotheses.

    The best `width` hypotheses of each sequence stay active; one that ends among the best
    candidates is kept. A hypothesis' score is the sum of its tokens' log-probabilities over its
    number of new tokens, the end token included, to the power of `length_penalty`. A sequence is
    done once `width` hypotheses have ended and the best active one has no higher score than the
    worst of them; at the limit active ones count like those that have ended.

    Args:
        stepper: Holds the prompts.
        count: How many there are.
        width: Hypotheses of each sequence.
        new_tokens: Most tokens to add.
        end: The token that ends a sequence, or all that may end it; stop sequences have no effect.
        length_penalty: Above 1 for longer sequences, below for shorter ones.
        returned: How many hypotheses of each sequence to return, the best first; at most `width`.

    Returns:
        The continuations of each sequence, one behind the other.
    """
    ending = Ending.of(end)
    results: dict[int, list[Continuation]] = {}
    searches = {i: _Beams(width, length_penalty) for i in range(count)}
    log_probs = stepper.start().float().log_softmax(-1)
    sums = log_probs.new_zeros(count)  # of each hypothesis, those of a sequence together
    vocab_size = log_probs.shape[-1]
    for number in range(new_tokens):
        totals = (sums[:, None] + ending.forbid(log_probs, number)).view(len(searches), -1)
        # So many that enough stay active, even if each hypothesis ends in every way.
        most = (1 + max(1, len(ending.tokens))) * width
        best = totals.topk(min(most, totals.shape[-1]))
        rows: list[int] = []
        next_ids: list[int] = []
        next_sums: list[float] = []
        first = 0
        for at, (i, search) in enumerate(list(searches.items())):
            hypotheses = len(search.active)
            values, indices = best.values[at].tolist(), best.indices[at].tolist()
            candidates = [
                (value, index // vocab_size, index % vocab_size)
                for value, index in zip(values, indices, strict=True)
            ]
            chosen = search.extend(candidates, ending.tokens)
            kept_sums = [candidates[rank][0] for rank in chosen]
            if number == new_tokens - 1:
                results[i] = search.best(returned, kept_sums)
                del searches[i]
            elif search.is_done(kept_sums[0]):
                results[i] = search.best(returned)
                del searches[i]
            first_row, first = first, first + hypotheses
            if i in searches:
                rows += [first_row + candidates[rank][1] for rank in chosen]
                next_ids += [candidates[rank][2] for rank in chosen]
                next_sums += kept_sums
        if not searches:
            break
        stepper.select(torch.tensor(rows, device=sums.device))
        sums = torch.tensor(next_sums, device=sums.device)
        log_probs = stepper.step(torch.tensor(next_ids, device=sums.device)).float().log_softmax(-1)
    return [continuation for i in range(count) for continuation in results[i]]
