"""Continuing sequences with a causal model: cached keys and values, sampling, beam search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor, nn

from xlm_model.heads import XLMWithLMHeadModel
from xlm_model.packing import Packed, PackedAttention, encode_packed


class CachedAttention:
    """Causal attention that keeps each layer's keys and values.

    The first pass takes packed prompts of any lengths; each later one a token for every sequence.
    A sequence's entries begin at the front of its row, so that a step looks at no more than the
    longest sequence has.

    Args:
        lengths: Tokens of each prompt.
        capacity: Most tokens of a sequence, new ones included.
    """

    def __init__(self, lengths: Sequence[int], capacity: int) -> None:
        self.lengths = torch.tensor(lengths)
        self.capacity = capacity
        self._prompts: PackedAttention | None = PackedAttention(lengths, causal=True)
        self._kept: dict[int, tuple[Tensor, Tensor]] = {}
        self._seen: Tensor | None = None

    def __call__(
        self, query: Tensor, key: Tensor, value: Tensor, *, layer: int, dropout: float
    ) -> tuple[Tensor, None]:
        """Attend; *shapes:* (tokens, heads, head_dim)."""
        if self._prompts is not None:
            self._keep_prompts(layer, key, value)
            return self._prompts(query, key, value, layer=layer, dropout=dropout)
        keys, values = self._kept[layer]
        rows = torch.arange(len(query), device=query.device)
        keys[rows, :, self.lengths] = key
        values[rows, :, self.lengths] = value
        assert self._seen is not None
        longest = self._seen.shape[-1]
        context = nn.functional.scaled_dot_product_attention(
            query[:, :, None],
            keys[:, :, :longest],
            values[:, :, :longest],
            attn_mask=self._seen[:, None, None],
            dropout_p=dropout,
        )
        return context[:, :, 0], None

    def begin_step(self) -> None:
        """Make ready for one more token of each sequence."""
        self._prompts = None
        places = torch.arange(int(self.lengths.max()) + 1, device=self.lengths.device)
        self._seen = places <= self.lengths[:, None]

    def end_step(self) -> None:
        """Count the token that the pass has added to each sequence."""
        self.lengths = self.lengths + 1

    def select(self, rows: Tensor) -> None:
        """Keep these sequences, in this order; one may be taken several times."""
        self.lengths = self.lengths[rows]
        self._kept = {
            layer: (keys[rows], values[rows]) for layer, (keys, values) in self._kept.items()
        }

    def _keep_prompts(self, layer: int, key: Tensor, value: Tensor) -> None:
        self.lengths = self.lengths.to(key.device)
        shape = (len(self.lengths), key.shape[1], self.capacity, key.shape[2])
        kept = key.new_zeros(shape), value.new_zeros(shape)
        for cache, packed in zip(kept, (key, value), strict=True):
            parts = torch.split(packed[: int(self.lengths.sum())], self.lengths.tolist())
            for row, part in enumerate(parts):
                cache[row, :, : len(part)] = part.transpose(0, 1)
        self._kept[layer] = kept


class Stepper(Protocol):
    """Sequences that grow by a token at a time; gives the scores of the next one."""

    def start(self) -> Tensor:
        """Return the scores of the token behind each prompt; *shape:* (sequences, vocab_size)."""
        ...

    def step(self, ids: Tensor) -> Tensor:
        """Add a token to each sequence; *shape:* (sequences,). Return the scores of the next."""
        ...

    def select(self, rows: Tensor) -> None:
        """Keep these sequences, in this order; *shape:* (sequences from now on,)."""
        ...


class CachedDecoder:
    """A model's steps: each works on the new tokens alone.

    Args:
        model: A causal language model; its attention is causal here whatever it is configured as.
        prompts: One or more tokens of each sequence.
        new_tokens: Most tokens that will be added to each.
    """

    def __init__(self, model: XLMWithLMHeadModel, prompts: Packed, new_tokens: int) -> None:
        self.model = model
        self.prompts = prompts
        self._attend = CachedAttention(prompts.lengths, max(prompts.lengths) + new_tokens)
        ends = torch.tensor(prompts.lengths, device=prompts.ids.device).cumsum(0)
        self._ends = ends - 1
        self._langs = None if prompts.langs is None else prompts.langs[self._ends]

    def start(self) -> Tensor:
        """Read the prompts; see `Stepper`."""
        hidden = encode_packed(self.model.transformer, self.prompts, self._attend)
        return self.model.pred_layer(hidden[self._ends])  # type: ignore[no-any-return]

    def step(self, ids: Tensor) -> Tensor:
        """Add a token to each sequence, in the language of its prompt's last; see `Stepper`."""
        self._attend.begin_step()
        encoder = self.model.transformer
        hidden = encoder.embed(ids, self._langs, position_ids=self._attend.lengths)
        scores = self.model.pred_layer(encoder.encode(hidden, self._attend).last_hidden_state)
        self._attend.end_step()
        return scores  # type: ignore[no-any-return]

    def select(self, rows: Tensor) -> None:
        """Keep some of the sequences; see `Stepper`."""
        self._attend.select(rows)
        self._langs = None if self._langs is None else self._langs[rows]


@dataclass(frozen=True)
class Sampling:
    """How the next token is chosen: the likeliest, or by chance where `temperature` is given.

    temperature: The logits are divided by it; above 1 for more variety.
    top_k: Only among so many of the likeliest.
    top_p: Only among the likeliest that together have this probability: Holtzman et al. 2020, «The
        Curious Case of Neural Text Degeneration».
    repetition_penalty: Logits of tokens that the sequence has already, its prompt included, are
        divided by it if above 0, else multiplied: Keskar et al. 2019, «CTRL», section 4.1.
    """

    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    repetition_penalty: float = 1.0

    def adjust(self, scores: Tensor, seen: Tensor) -> Tensor:
        """Return the scores as all of this changes them; *shape:* (sequences, vocab_size).

        Args:
            scores: The model's. *Shape:* (sequences, vocab_size)
            seen: True for tokens that the sequence has. *Shape:* (sequences, vocab_size)
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

    def choose(self, scores: Tensor, seen: Tensor, chances: Sequence[torch.Generator]) -> Tensor:
        """Return the next token of each sequence; *shape:* (sequences,).

        Args:
            scores: The model's. *Shape:* (sequences, vocab_size)
            seen: True for tokens that the sequence has. *Shape:* (sequences, vocab_size)
            chances: A generator of random numbers for each sequence: what it draws does not
                depend on the batch that it is in.
        """
        scores = self.adjust(scores.float(), seen)
        if self.temperature is None:
            return scores.argmax(-1)
        # By the inverse of the distribution function, in fp64: sums of many small numbers.
        sums = scores.double().softmax(-1).cumsum(-1)
        drawn = torch.stack([torch.rand(1, generator=one, dtype=torch.float64) for one in chances])
        drawn = drawn.to(sums.device) * sums[:, -1:]
        return torch.searchsorted(sums, drawn, right=True).squeeze(-1)


@dataclass
class Continuation:
    """What was added to a sequence.

    ids: The new tokens, without the end token.
    finished: Whether the end token came, rather than the limit.
    """

    ids: list[int] = field(default_factory=list)
    finished: bool = False


def sample(
    stepper: Stepper,
    prompts: Sequence[Sequence[int]],
    sampling: Sampling,
    *,
    new_tokens: int,
    end: int,
    seeds: Sequence[int],
) -> list[Continuation]:
    """Continue sequences one token at a time; one that has ended is worked on no more.

    Args:
        stepper: Holds the prompts.
        prompts: Their ids, for the repetition penalty.
        sampling: How to choose.
        new_tokens: Most tokens to add.
        end: The token that ends a sequence.
        seeds: A seed for each sequence.
    """
    results = [Continuation() for _ in prompts]
    chances = [torch.Generator().manual_seed(seed) for seed in seeds]
    alive = list(range(len(prompts)))
    scores = stepper.start()
    seen = torch.zeros_like(scores, dtype=torch.bool)
    for row, prompt in enumerate(prompts):
        seen[row, torch.tensor(prompt, device=seen.device)] = True
    for number in range(new_tokens):
        chosen = sampling.choose(scores, seen, [chances[i] for i in alive])
        seen.scatter_(1, chosen[:, None], True)
        going = []
        for row, id_ in enumerate(chosen.tolist()):
            if id_ == end:
                results[alive[row]].finished = True
            else:
                results[alive[row]].ids.append(id_)
                going.append(row)
        if not going or number == new_tokens - 1:
            break
        if len(going) < len(alive):
            rows = torch.tensor(going, device=scores.device)
            stepper.select(rows)
            chosen, seen = chosen[rows], seen[rows]
            alive = [alive[row] for row in going]
        scores = stepper.step(chosen)
    return results


@dataclass
class _Beams:
    """The search of one sequence: hypotheses that go on, and the best that have ended."""

    width: int
    length_penalty: float
    going: list[list[int]] = field(default_factory=lambda: [[]])
    ended: list[tuple[float, list[int]]] = field(default_factory=list)

    def extend(self, candidates: Sequence[tuple[float, int, int]], end: int) -> list[int]:
        """Take the best (sum, hypothesis, token), best first; return the ones that go on."""
        chosen = []
        for rank, (total, beam, token) in enumerate(candidates):
            if token != end:
                chosen.append(rank)
            elif rank < self.width:
                # One that ends below the best has no place among them, nor later.
                self._end(total, self.going[beam], len(self.going[beam]) + 1)
            if len(chosen) == self.width:
                break
        self.going = [[*self.going[candidates[i][1]], candidates[i][2]] for i in chosen]
        return chosen

    def is_done(self, best: float) -> bool:
        """Whether no hypothesis that goes on, the best with this sum, can still win if it ends."""
        if len(self.ended) < self.width:
            return False
        highest: float = best / len(self.going[0]) ** self.length_penalty
        return self.ended[-1][0] >= highest

    def best(self, sums: Sequence[float] = ()) -> Continuation:
        """Return the winner, of those that ended and, where their sums are given, that go on."""
        cut = [
            (total / len(ids) ** self.length_penalty, ids, False)
            for total, ids in zip(sums, self.going, strict=False)
        ]
        ended = [(score, ids, True) for score, ids in self.ended]
        _, ids, finished = max([*ended, *cut], key=lambda one: one[0])
        return Continuation(ids, finished)

    def _end(self, total: float, ids: list[int], length: int) -> None:
        self.ended.append((total / length**self.length_penalty, ids))
        self.ended = sorted(self.ended, key=lambda one: -one[0])[: self.width]


def beam_search(
    stepper: Stepper,
    count: int,
    *,
    width: int,
    new_tokens: int,
    end: int,
    length_penalty: float = 1.0,
) -> list[Continuation]:
    """Continue sequences by the likeliest of many hypotheses.

    The best `width` hypotheses of each sequence go on; one that ends among the best candidates is
    kept. A hypothesis' score is the sum of its tokens' log-probabilities over its number of new
    tokens, the end token included, to the power of `length_penalty`. A sequence is done once
    `width` hypotheses have ended and the best that goes on has no higher score than the worst of
    them; at the limit those that go on count like those that have ended.

    Args:
        stepper: Holds the prompts.
        count: How many there are.
        width: Hypotheses of each sequence.
        new_tokens: Most tokens to add.
        end: The token that ends a sequence.
        length_penalty: Above 1 for longer sequences, below for shorter ones.
    """
    results: dict[int, Continuation] = {}
    searches = {i: _Beams(width, length_penalty) for i in range(count)}
    log_probs = stepper.start().float().log_softmax(-1)
    sums = log_probs.new_zeros(count)  # of each hypothesis, those of a sequence together
    vocab_size = log_probs.shape[-1]
    for number in range(new_tokens):
        totals = (sums[:, None] + log_probs).view(len(searches), -1)
        # Twice as many: even if half of them end, enough go on.
        best = totals.topk(min(2 * width, totals.shape[-1]))
        rows: list[int] = []
        next_ids: list[int] = []
        next_sums: list[float] = []
        first = 0
        for at, (i, search) in enumerate(list(searches.items())):
            hypotheses = len(search.going)
            values, places = best.values[at].tolist(), best.indices[at].tolist()
            candidates = [
                (value, place // vocab_size, place % vocab_size)
                for value, place in zip(values, places, strict=True)
            ]
            chosen = search.extend(candidates, end)
            kept_sums = [candidates[rank][0] for rank in chosen]
            if number == new_tokens - 1:
                results[i] = search.best(kept_sums)
                del searches[i]
            elif search.is_done(kept_sums[0]):
                results[i] = search.best()
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
    return [results[i] for i in range(count)]
