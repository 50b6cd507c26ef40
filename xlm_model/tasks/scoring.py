"""Scoring: how likely a language model finds texts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import torch
from torch import Tensor

from xlm_model.heads import XLMWithLMHeadModel
from xlm_model.pretrained import XLMPreTrainedModel
from xlm_model.tasks.base import Asked, Task
from xlm_model.tasks.batching import Limits
from xlm_model.tasks.objective import is_causal, load_language_model
from xlm_model.tasks.sequences import TextInput, TokenSequence, tokenize
from xlm_model.tasks.tokenizers import TaskTokenizer
from xlm_text import InputError

Scored = Literal["both", "first", "second"]

# Tokens whose scores of the whole vocabulary are in memory at once.
_TOKENS_AT_ONCE = 256


@dataclass(frozen=True)
class TokenScore:
    """How likely one token is.

    Attributes:
        token: As the vocabulary has it.
        log_prob: Natural logarithm of its probability.
        start: Offset of its first character in its text, in code points.
        end: Offset behind its last character; the closing token is at the end of the text, with no
            characters.
        sequence: 0 for the first text, 1 for the second one of a pair.
    """

    token: str
    log_prob: float
    start: int
    end: int
    sequence: int


@dataclass(frozen=True)
class Score:
    """How likely a text is.

    Attributes:
        log_prob: Sum of the tokens' logarithms: the log-likelihood of the text for a causal
            checkpoint, its pseudo-log-likelihood for any other.
        perplexity: e to the power of minus their mean.
        tokens: The tokens that were scored.
    """

    log_prob: float
    perplexity: float
    tokens: list[TokenScore]


class _Query(NamedTuple):
    """A pass of the model and what is read of it.

    Attributes:
        sequence: The tokens, not yet masked.
        positions: Of each token, counted from 0 again in the second text.
        masked: The token that a mask takes the place of; None for a causal model.
        targets: The tokens whose probabilities are read.
    """

    sequence: TokenSequence
    positions: list[int]
    masked: int | None
    targets: list[int]

    @property
    def ids(self) -> list[int]:
        return self.sequence.ids


class TextScoring(Task[str | tuple[str, str], Score]):
    """Score texts, or pairs of texts.

    A causal checkpoint gives the log-likelihood of a text: each token given those before it, the
    closing `</s>` included, since the probability of a text is also that of its end.

    Any other gives the pseudo-log-likelihood (Salazar et al. 2020): each token given all others,
    with a mask in its place. That is a pass of the model for each token, and no padding.

    An example is a text, or a tuple of two that are translations of each other. A pair is read as
    the TLM objective trained it: each text between its own special tokens, in its own language, at
    positions from 0 on. No causal checkpoint was trained on pairs.

    Args:
        model: A language model, trained with any objective.
        tokenizer: The checkpoint's.
        scored: Of a pair, score `both` texts, or only the `first` or `second` given the other.
        truncation: Cut texts that are too long, instead of raising an error.
        batch_size: As for every `Task`.

    Example:
        >>> from xlm_model import XLMConfig
        >>> from xlm_text import XLMTokenizer
        >>> tokenizer = XLMTokenizer.from_pretrained()
        >>> config = XLMConfig(vocab_size=len(tokenizer), emb_dim=32, n_layers=2, n_heads=4)
        >>> score = TextScoring(XLMWithLMHeadModel(config).eval(), tokenizer)
        >>> [found] = score(["The river flows."], lang="en")
        >>> [(one.token, one.start, one.end) for one in found.tokens][:2]
        [('the</w>', 0, 3), ('river</w>', 4, 9)]
        >>> found.log_prob == sum(one.log_prob for one in found.tokens)
        True
    """

    models = (XLMWithLMHeadModel,)

    def __init__(
        self,
        model: XLMWithLMHeadModel,
        tokenizer: TaskTokenizer,
        *,
        scored: Scored = "both",
        truncation: bool = False,
        batch_size: int | None = None,
    ) -> None:
        super().__init__(model, tokenizer, batch_size=batch_size)
        if scored not in get_args(Scored):
            names = ", ".join(get_args(Scored))
            raise InputError(f"is {scored!r}: expected one of {names}", argument="scored")
        self.scored = scored
        self.truncation = truncation

    @classmethod
    def _load(cls, where: str | Path, **options: Any) -> XLMPreTrainedModel:
        return load_language_model(where, **options)

    def prepare(self, asked: Sequence[Asked]) -> list[list[_Query]]:
        """Return the passes that each text or pair needs."""
        texts = [_text_input(one) for one in asked]
        if is_causal(self.model) and any(text.pair is not None for text in texts):
            raise InputError(
                "the example is a pair and the checkpoint a CLM one, which was trained on single "
                "texts: expected a text"
            )
        singles = [text for text in texts if text.pair is None]
        pairs = [text for text in texts if text.pair is not None]
        found = [iter(self._tokenize(kind)) for kind in (singles, pairs)]
        return [self._queries(next(found[text.pair is not None])) for text in texts]

    def compute(self, sequences: list[_Query]) -> Sequence[list[float]]:
        """Return the log-probabilities of each pass' targets."""
        mask = self.tokenizer.mask_token_id
        batch = self._pack(
            [
                TokenSequence(_replace(query.ids, query.masked, mask), query.sequence.langs)
                for query in sequences
            ]
        )
        positions = [position for query in sequences for position in query.positions]
        hidden = self._run(
            self.model.transformer,
            batch,
            position_ids=torch.tensor(positions, device=self.device) if self._restarts else None,
        ).last_hidden_state
        # A causal model's scores of a token are at the one before it.
        before = 1 if is_causal(self.model) else 0
        places: list[int] = []
        start = 0
        for query in sequences:
            places += [start + target - before for target in query.targets]
            start += len(query.ids)
        ids = [query.ids[target] for query in sequences for target in query.targets]
        log_probs = iter(self._log_probs(hidden, batch.layout, places, ids))
        return [[next(log_probs) for _ in query.targets] for query in sequences]

    def finish(self, sequences: list[_Query], computed: list[list[float]]) -> Score:
        """Add up."""
        sequence = sequences[0].sequence
        targets = [target for query in sequences for target in query.targets]
        log_probs = [log_prob for each in computed for log_prob in each]
        tokens = self.tokenizer.convert_ids_to_tokens([sequence.ids[i] for i in targets])
        scores = [
            TokenScore(token, log_prob, *_span(sequence, i), int(i >= _second(sequence)))
            for token, log_prob, i in zip(tokens, log_probs, targets, strict=True)
        ]
        total = sum(log_probs)
        return Score(total, _exp(-total / len(log_probs)), scores)

    def _limits(self) -> Limits:
        # With a pass for each token few texts fill many batches; results should not be long in
        # coming.
        limits = super()._limits()
        return limits if is_causal(self.model) else replace(limits, chunk=limits.chunk // 16)

    def _size(self, sequence: _Query) -> int:
        return len(sequence.ids)

    def _tokenize(self, texts: Sequence[TextInput]) -> list[TokenSequence]:
        """Tokenize single texts or pairs; of a pair both texts have an opening token."""
        if not texts:
            return []
        is_pair = texts[0].pair is not None
        sequences = tokenize(
            self.tokenizer,
            self.config,
            texts,
            truncation=self.truncation,
            offsets=True,
            reserved=1 if is_pair and self._restarts else 0,
        )
        if is_pair and self._restarts:
            return [_with_second_opening(sequence) for sequence in sequences]
        return sequences

    @property
    def _restarts(self) -> bool:
        """Whether the second text of a pair begins as the first one, which TLM taught XLM."""
        return self.config.restarts_pairs

    def _queries(self, sequence: TokenSequence) -> list[_Query]:
        second = _second(sequence)
        positions = [*range(second), *range(len(sequence) - second)]
        if is_causal(self.model):
            return [_Query(sequence, positions, None, [*range(1, len(sequence))])]
        opening = 1 if self._restarts else 0
        first = range(1, 1 + sequence.first_tokens)
        texts = [first, range(second + opening, len(sequence) - 1)]
        parts = {"both": texts, "first": texts[:1], "second": texts[1:]}[self.scored]
        if sequence.second is None:
            parts = texts[:1]
        return [_Query(sequence, positions, i, [i]) for part in parts for i in part]

    def _log_probs(
        self, hidden: Tensor, layout: Any, places: list[int], ids: list[int]
    ) -> Iterable[float]:
        """Return the log-probability of each id at its place among the states."""
        found: list[float] = []
        for start in range(0, len(places), _TOKENS_AT_ONCE):
            part = slice(start, start + _TOKENS_AT_ONCE)
            kept = torch.tensor(places[part], device=hidden.device)
            logits = self.model.head(hidden, layout, logits_to_keep=kept).logits.float()
            wanted = torch.tensor(ids[part], device=hidden.device)
            chosen = logits.gather(-1, wanted[:, None]).squeeze(-1)
            found += (chosen - logits.logsumexp(-1)).tolist()
        return found


def _text_input(asked: Asked) -> TextInput:
    example = asked.example
    if isinstance(example, str):
        return TextInput(example, asked.lang)
    if not isinstance(example, list | tuple) or len(example) != 2:
        raise InputError(f"the example is {example!r:.60}: expected a text, or a pair of texts")
    return TextInput(example[0], asked.lang, example[1], asked.lang_pair)


def _with_second_opening(pair: TokenSequence) -> TokenSequence:
    """Put the first token, which opens the first text, in front of the second text, too."""
    at = pair.second
    assert at is not None
    langs = pair.langs
    return TokenSequence(
        ids=[*pair.ids[:at], pair.ids[0], *pair.ids[at:]],
        langs=None if langs is None else [*langs[:at], langs[at], *langs[at:]],
        offsets=[*pair.offsets[:at], (0, 0), *pair.offsets[at:]],
        second=at,
    )


def _second(sequence: TokenSequence) -> int:
    """Return where the second text begins, which is the end without one."""
    return len(sequence) if sequence.second is None else sequence.second


def _span(sequence: TokenSequence, i: int) -> tuple[int, int]:
    """Return a token's span; that of the closing one is the end of the text."""
    if i < len(sequence) - 1:
        return sequence.offsets[i]
    end = sequence.offsets[i - 1][1]
    return end, end


def _replace(ids: list[int], at: int | None, id_: int) -> list[int]:
    return ids if at is None else [*ids[:at], id_, *ids[at + 1 :]]


def _exp(exponent: float) -> float:
    """Return e to some power, infinity where it is too large for a number."""
    try:
        return math.exp(exponent)
    except OverflowError:
        return math.inf
