"""Text generation: continuing texts with a causal model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from xlm_model.generation import CachedDecoder, Continuation, Sampling, beam_search, sample
from xlm_model.heads import XLMWithLMHeadModel
from xlm_model.pretrained import XLMPreTrainedModel
from xlm_model.tasks.base import Asked, Task, check_at_least
from xlm_model.tasks.batching import CPU, Limits
from xlm_model.tasks.objective import is_causal, load_language_model, refuse
from xlm_model.tasks.sequences import TextInput, TokenSequence, call, sequence_of
from xlm_model.tasks.tokenizers import TaskTokenizer
from xlm_text import InputError
from xlm_text.errors import Argument


@dataclass(frozen=True)
class Generated:
    """The continuation of a text.

    Attributes:
        text: The new words, with a space between them.
        ids: The new tokens.
        finished: Whether the model ended the sequence itself, with `</s>`.
    """

    text: str
    ids: list[int]
    finished: bool


class TextGeneration(Task[str, Generated]):
    """Continue texts with a causal model.

    An example is a text, which may be empty. The model reads `bos_token` and the text, and the
    scores at the last token are those of the next one, as the original implementation trained it;
    that one began its sequences with `</s>`, which `bos_token="</s>"` in the tokenizer gives.
    Without `temperature` or `num_beams` every token is the most likely one (greedy search).

    Args:
        model: Trained with the CLM objective.
        tokenizer: The checkpoint's.
        max_new_tokens: Where to stop if no `</s>` comes first.
        temperature: Sample, with the logits divided by this; 1 leaves them.
        top_k: Sample among so many of the most likely tokens only.
        top_p: Sample among the most likely tokens that together have this probability only.
        repetition_penalty: Above 1 to make tokens that the text has already less likely.
        seed: The text number i, from 0, draws from a generator seeded with `seed + i`, whatever
            batch it is in.
        num_beams: Beam search with so many hypotheses.
        length_penalty: Above 1 for longer results of that search, below for shorter ones.
        any_objective: Take a model that was not trained for it, too.
        batch_size: As for every `Task`.

    Example:
        >>> from xlm_model import XLMConfig
        >>> from xlm_text import XLMTokenizer
        >>> tokenizer = XLMTokenizer.from_pretrained()
        >>> config = XLMConfig(
        ...     vocab_size=len(tokenizer), emb_dim=32, n_layers=2, n_heads=4, causal=True
        ... )
        >>> model = XLMWithLMHeadModel(config).eval()
        >>> go_on = TextGeneration(model, tokenizer, max_new_tokens=4, temperature=1.0, seed=7)
        >>> [found] = go_on(["The river"], lang="en")
        >>> len(found.ids)
        4
    """

    models = (XLMWithLMHeadModel,)

    def __init__(
        self,
        model: XLMWithLMHeadModel,
        tokenizer: TaskTokenizer,
        *,
        max_new_tokens: int = 50,
        temperature: float | None = None,
        top_k: int | None = None,
        top_p: float | None = None,
        repetition_penalty: float = 1.0,
        seed: int = 0,
        num_beams: int = 1,
        length_penalty: float = 1.0,
        any_objective: bool = False,
        batch_size: int | None = None,
    ) -> None:
        super().__init__(model, tokenizer, batch_size=batch_size)
        for name, value in (
            ("max_new_tokens", max_new_tokens),
            ("top_k", top_k),
            ("num_beams", num_beams),
        ):
            check_at_least(name, value, 1)
        check_at_least("seed", seed, 0)
        for name, factor in (
            ("temperature", temperature),
            ("top_p", top_p),
            ("repetition_penalty", repetition_penalty),
        ):
            if factor is not None and not factor > 0:
                raise InputError(f"is {factor}: expected a number above 0", argument=name)
        if top_p is not None and top_p > 1:
            raise InputError(f"is {top_p}: expected at most 1", argument="top_p")
        if temperature is None and (top_k is not None or top_p is not None):
            raise InputError(
                Argument("top_k"),
                " and ",
                Argument("top_p"),
                " choose by chance: expected a ",
                Argument("temperature"),
                " with them, such as 1.0",
            )
        if num_beams > 1 and (temperature is not None or repetition_penalty != 1):
            raise InputError(
                f"is {num_beams}: expected no ",
                Argument("temperature"),
                " and no ",
                Argument("repetition_penalty"),
                ", as the search for the likeliest continuation leaves nothing to chance",
                argument="num_beams",
            )
        if not is_causal(model) and not any_objective:
            raise refuse(
                "generate with", "MLM", "was trained to see both sides of a word, not to go on"
            )
        self.max_new_tokens = max_new_tokens
        self.sampling = Sampling(temperature, top_k, top_p, repetition_penalty)
        self.seed = seed
        self.num_beams = num_beams
        self.length_penalty = length_penalty

    @classmethod
    def _load(cls, where: str | Path, **options: Any) -> XLMPreTrainedModel:
        return load_language_model(where, **options)

    def prepare(self, asked: Sequence[Asked]) -> list[list[tuple[TokenSequence, int]]]:
        """Return each prompt's sequence, without the closing token, and its seed."""
        texts = [TextInput(one.example, one.lang) for one in asked]
        batch = call(self.tokenizer, self.config, texts)
        prompts = []
        for i, one in enumerate(asked):
            sequence = sequence_of(batch, i)
            self._check_room(len(sequence) - 1)
            langs = None if sequence.langs is None else sequence.langs[:-1]
            prompts.append([(TokenSequence(sequence.ids[:-1], langs), self.seed + one.number)])
        return prompts

    def compute(self, sequences: list[tuple[TokenSequence, int]]) -> Sequence[Continuation]:
        """Continue a batch of prompts."""
        prompts = [sequence for sequence, _ in sequences]
        stepper = CachedDecoder(self.model, self._pack(prompts), self.max_new_tokens)
        end = self.tokenizer.convert_tokens_to_ids(self.tokenizer.sep_token)
        if self.num_beams > 1:
            return beam_search(
                stepper,
                len(prompts),
                width=self.num_beams,
                new_tokens=self.max_new_tokens,
                end=end,
                length_penalty=self.length_penalty,
            )
        return sample(
            stepper,
            [prompt.ids for prompt in prompts],
            self.sampling,
            new_tokens=self.max_new_tokens,
            end=end,
            seeds=[seed for _, seed in sequences],
        )

    def finish(
        self, sequences: list[tuple[TokenSequence, int]], computed: list[Continuation]
    ) -> Generated:
        """Write the new tokens as text."""
        [new] = computed
        # A model may have more words than its tokenizer can write.
        known = [id_ for id_ in new.ids if id_ < len(self.tokenizer)]
        text = self.tokenizer.decode(known, skip_special_tokens=True)
        return Generated(text, new.ids, new.finished)

    def _limits(self) -> Limits:
        # A step works on one token of each sequence. On a CPU its time is that of reading the
        # weights from memory, which more sequences share.
        limits = super()._limits()
        return replace(limits, tokens=4 * limits.tokens) if limits is CPU else limits

    def _size(self, sequence: tuple[TokenSequence, int]) -> int:
        return (len(sequence[0]) + self.max_new_tokens) * self.num_beams

    def _check_room(self, tokens: int) -> None:
        longest = self.config.max_tokens
        if tokens + self.max_new_tokens > longest:
            raise InputError(
                f"the text has {tokens} tokens and ",
                Argument("max_new_tokens"),
                f" is {self.max_new_tokens}: expected together at most {self.config.longest_told}",
            )
