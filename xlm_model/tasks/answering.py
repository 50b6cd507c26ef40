"""Answers to questions as spans of a context."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from xlm_model.attention import PackedBatch
from xlm_model.auto import find_model, fitting
from xlm_model.checkpoints.reading import read_checkpoint
from xlm_model.heads import XLMForQuestionAnswering, XLMForQuestionAnsweringSimple
from xlm_model.outputs import XLMForQuestionAnsweringOutput
from xlm_model.tasks.base import Asked, Task, check_at_least
from xlm_model.tasks.sequences import TextInput, TokenSequence, call, check_sequence, sequence_of
from xlm_model.tasks.tokenizers import TaskTokenizer
from xlm_text import InputError
from xlm_text.errors import Argument


@dataclass(frozen=True)
class Answer:
    """A span of the context, or that there is no answer.

    Attributes:
        text: The characters `context[start:end]`, empty where there is no answer.
        start: Offset of its first character, in code points; None where there is no answer.
        end: Offset behind its last character, likewise.
        score: From 0 to 1; see `QuestionAnswering`.
    """

    text: str
    start: int | None
    end: int | None
    score: float


class Candidate(NamedTuple):
    """A span of a window's tokens, end inclusive, and its log-score."""

    start: int
    end: int
    score: float


@dataclass(frozen=True)
class WindowScores:
    """What a head says of one window.

    Attributes:
        candidates: The best spans of the window's context.
        nothing: Log-score of "no answer".
        total: Log of the sum of all spans' scores, from which probabilities are made; None where
            the scores are probabilities already.
    """

    candidates: list[Candidate]
    nothing: float
    total: float | None


class QuestionAnswering(Task[tuple[str, str], list[Answer]]):
    """Answer questions with spans of their contexts.

    An example is a tuple of question and context; its result lists the best answers, no two of
    the same span. A context that does not fit beside its question is read in overlapping windows.

    With the simple head a span's score is its probability among all spans of all windows, from
    the sum of its start's and end's logits; "no answer" is the span of the first token, as the
    model learnt it from SQuAD 2.0, and the least of the windows' counts. With the beam-search head
    it is P(start) P(end | start) (1 − P(no answer)), the last from the answer class, the least of
    the windows' too.

    Args:
        model: With either question-answering head.
        tokenizer: The checkpoint's.
        n_best: Most answers of each question.
        max_answer_tokens: Longest answer.
        no_answer: Rank "no answer" among the answers.
        window: Tokens of a window, the question and the special tokens included; None: as many as
            the model has positions.
        stride: Tokens of the context that neighbouring windows share; None: a quarter of the
            window's room for it.
        batch_size: As for every `Task`.

    Example:
        >>> from xlm_model import XLMConfig, XLMForQuestionAnsweringSimple
        >>> from xlm_text import XLMTokenizer
        >>> tokenizer = XLMTokenizer.from_pretrained()
        >>> config = XLMConfig(vocab_size=len(tokenizer), emb_dim=32, n_layers=2, n_heads=4)
        >>> model = XLMForQuestionAnsweringSimple(config).eval()
        >>> context = "The river Spree flows through Berlin."
        >>> [[best]] = QuestionAnswering(model, tokenizer)([("Which river?", context)], lang="en")
        >>> best.text == context[best.start : best.end]
        True
    """

    models = (XLMForQuestionAnsweringSimple, XLMForQuestionAnswering)

    def __init__(
        self,
        model: XLMForQuestionAnsweringSimple | XLMForQuestionAnswering,
        tokenizer: TaskTokenizer,
        *,
        n_best: int = 1,
        max_answer_tokens: int = 30,
        no_answer: bool = False,
        window: int | None = None,
        stride: int | None = None,
        batch_size: int | None = None,
    ) -> None:
        super().__init__(model, tokenizer, batch_size=batch_size)
        for name, value, least in (
            ("n_best", n_best, 1),
            ("max_answer_tokens", max_answer_tokens, 1),
            ("window", window, 5),
            ("stride", stride, 0),
        ):
            check_at_least(name, value, least)
        longest = self.config.max_tokens
        if window is not None and window > longest:
            raise InputError(
                f"is {window}: expected at most {self.config.longest_told}",
                argument="window",
            )
        self.n_best = n_best
        self.max_answer_tokens = max_answer_tokens
        self.no_answer = no_answer
        self.window = window or longest
        self.stride = stride

    @classmethod
    def _load(cls, where: Any, **options: Any) -> Any:
        # Which of the two heads a checkpoint has is seen from its weights.
        hub = {k: v for k, v in options.items() if k not in ("device", "dtype")}
        _, model = find_model(read_checkpoint(where, **hub))
        if issubclass(model, cls.models):
            return model.from_pretrained(where, **options)
        return fitting(cls.models[0], where, **options)

    def prepare(self, asked: Sequence[Asked]) -> list[list[tuple[TokenSequence, str]]]:
        """Return the windows of each context, and the context."""
        texts = [_text_input(one) for one in asked]
        batch = call(self.tokenizer, self.config, texts, return_offsets_mapping=True)
        windows = []
        for i, text in enumerate(texts):
            sequence = sequence_of(batch, i)
            # Of any length: what is too long is what windows are for.
            check_sequence(sequence, len(sequence))
            sequences = (
                [sequence] if len(sequence) <= self.window else self._windows(text, sequence)
            )
            windows.append([(one, text.pair or "") for one in sequences])
        return windows

    def compute(self, sequences: list[tuple[TokenSequence, str]]) -> Sequence[WindowScores]:
        """Find the best spans of each window."""
        batch = self._pack([sequence for sequence, _ in sequences])
        if isinstance(self.model, XLMForQuestionAnswering):
            return self._search(batch, [sequence for sequence, _ in sequences])
        output = self._run(self.model, batch)
        logits = (output.start_logits, output.end_logits)
        starts, ends = (batch.layout.split(scores.float().cpu()) for scores in logits)
        return [
            self._best_of_all(start, end, sequence)
            for start, end, (sequence, _) in zip(starts, ends, sequences, strict=True)
        ]

    def finish(
        self, sequences: list[tuple[TokenSequence, str]], computed: list[WindowScores]
    ) -> list[Answer]:
        """Compare the windows' answers."""
        context = sequences[0][1]
        nothing = min(window.nothing for window in computed)
        best: dict[tuple[int, int], float] = {}
        for (sequence, _), window in zip(sequences, computed, strict=True):
            for start, end, score in window.candidates:
                span = (sequence.offsets[start][0], sequence.offsets[end][1])
                best[span] = max(score, best.get(span, score))
        scores = self._probabilities(best, nothing, [window.total for window in computed])
        answers = [
            Answer(context[start:end], start, end, scores[start, end]) for start, end in best
        ]
        if self.no_answer:
            answers.append(Answer("", None, None, scores[None]))
        return sorted(answers, key=lambda answer: -answer.score)[: self.n_best]

    def _size(self, sequence: tuple[TokenSequence, str]) -> int:
        return len(sequence[0])

    def _windows(self, text: TextInput, whole: TokenSequence) -> list[TokenSequence]:
        assert whole.second is not None
        room = self.window - whole.second - 1
        if room < 1:
            raise InputError(
                f"the question has {whole.first_tokens} tokens, which leaves no room for the "
                f"context in a window of {self.window}: expected a shorter question, or a larger ",
                Argument("window"),
            )
        stride = room // 4 if self.stride is None else self.stride
        if stride >= room:
            raise InputError(
                f"is {stride} and a window has room for {room} tokens of the context: "
                "expected a smaller one, or a larger ",
                Argument("window"),
                argument="stride",
            )
        batch = call(
            self.tokenizer,
            self.config,
            [text],
            truncation="only_second",
            max_length=self.window,
            stride=stride,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
        )
        return [sequence_of(batch, i) for i in range(len(batch["input_ids"]))]

    def _best_of_all(self, start: Tensor, end: Tensor, sequence: TokenSequence) -> WindowScores:
        """Return the best of all spans, by the sum of the start's and the end's logits.

        Args:
            start: Shape `(tokens,)`.
            end: Shape `(tokens,)`.
            sequence: The window.
        """
        inner = context_of(sequence)
        both = start[inner, None] + end[None, inner]
        length = len(both)
        # An answer ends at or behind its start, not too far from it.
        allowed = torch.ones(length, length, dtype=torch.bool).triu()
        both = both.masked_fill(~allowed.tril(self.max_answer_tokens - 1), -torch.inf)
        nothing = float(start[0] + end[0])
        total = both.flatten().logsumexp(0)
        scores, indices = both.flatten().topk(min(self.n_best, length))
        candidates = [
            Candidate(inner.start + index // length, inner.start + index % length, score)
            for score, index in zip(scores.tolist(), indices.tolist(), strict=True)
            if score > -torch.inf
        ]
        return WindowScores(candidates, nothing, float(total))

    def _search(self, batch: PackedBatch, sequences: Sequence[TokenSequence]) -> list[WindowScores]:
        """Return the spans that the head's own beam search finds in each window."""
        given = span_inputs(batch, sequences, self.tokenizer.cls_token_id)
        output: XLMForQuestionAnsweringOutput = self._run(self.model, batch, **given)
        assert output.cls_logits is not None
        starts, ends, scores = (values.tolist() for values in output.spans())
        nothing = output.cls_logits.tolist()
        return [
            WindowScores(self._candidates(zip(*spans, strict=True), sequence), no_answer, None)
            for *spans, no_answer, sequence in zip(
                starts, ends, scores, nothing, sequences, strict=True
            )
        ]

    def _candidates(
        self, spans: Iterable[tuple[int, int, float]], sequence: TokenSequence
    ) -> list[Candidate]:
        """Return the best of a search's spans that can be answers."""
        inner = context_of(sequence)
        candidates = [
            Candidate(first, last, score)
            for first, last, score in spans
            if inner.start <= first <= last < inner.stop
            and last - first < self.max_answer_tokens
            and score > -math.inf
        ]
        return sorted(candidates, key=lambda candidate: -candidate.score)[: self.n_best]

    def _probabilities(
        self,
        best: dict[tuple[int, int], float],
        nothing: float,
        totals: Iterable[float | None],
    ) -> dict[tuple[int, int] | None, float]:
        """Return the score of each span, and under None that of "no answer"."""
        sums = [total for total in totals if total is not None]
        if sums:
            weights = [*sums, nothing] if self.no_answer else sums
            total = torch.tensor(weights, dtype=torch.float64).logsumexp(0)
            logs = {span: score - total for span, score in [*best.items(), (None, nothing)]}
            return {span: float(log.exp()) for span, log in logs.items()}
        none = 1 / (1 + math.exp(-nothing))
        answered = 1 - none if self.no_answer else 1.0
        scores: dict[tuple[int, int] | None, float]
        scores = {span: answered * math.exp(score) for span, score in best.items()}
        return {**scores, None: none}


def span_inputs(
    batch: PackedBatch, sequences: Sequence[TokenSequence], cls_token_id: int
) -> dict[str, Tensor]:
    """Return what the beam-search head is told of packed windows, in training as in use.

    The question and special tokens cannot be in an answer, but for the first classification token,
    which stands for "no answer".

    Args:
        batch: The windows, packed.
        sequences: The same one by one.
        cls_token_id: Of the classification token.

    Returns:
        `cls_index` of shape `(windows,)` and `p_mask` of shape `(tokens,)`.
    """
    cls = [sequence.ids.index(cls_token_id) for sequence in sequences]
    p_mask = torch.ones(batch.layout.shape)
    for mask, at, sequence in zip(batch.layout.split(p_mask), cls, sequences, strict=True):
        mask[context_of(sequence)] = 0
        mask[at] = 0
    device = batch.input_ids.device
    return {"cls_index": torch.tensor(cls, device=device), "p_mask": p_mask.to(device)}


def context_of(sequence: TokenSequence) -> slice:
    """Return which of a window's tokens are the context's."""
    assert sequence.second is not None
    return slice(sequence.second, len(sequence) - 1)


def _text_input(asked: Asked) -> TextInput:
    example = asked.example
    if isinstance(example, str) or len(example) != 2:
        raise InputError(f"the example is {example!r:.60}: expected a question and a context")
    question, context = example
    return TextInput(question, asked.lang, context, asked.lang_pair)
