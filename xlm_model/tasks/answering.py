"""Answers to questions as spans of a context."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from xlm_model.question_answering import XLMForQuestionAnswering, XLMForQuestionAnsweringSimple
from xlm_model.tasks.base import Asked, Task, check_at_least
from xlm_model.tasks.rows import Row, Sample, call, check_row, row_of
from xlm_text import InputError, XLMTokenizer
from xlm_text.errors import Argument


@dataclass(frozen=True)
class Answer:
    """A span of the context, or that there is none.

    text: The characters `context[start:end]`, empty where there is no answer.
    start, end: Where it stands, in code points, end exclusive; None where there is no answer.
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
class Spans:
    """What a head says of one window.

    candidates: The best spans of the window's context.
    nothing: Log-score of «no answer».
    total: Log of the sum of all spans' scores, from which probabilities are made; None where the
        scores are probabilities already.
    """

    candidates: list[Candidate]
    nothing: float
    total: float | None


class QuestionAnswering(Task[tuple[str, str], list[Answer]]):
    """Answer questions with spans of their contexts.

    An example is a tuple of question and context; its result lists the best answers, no two of
    the same span. A context that does not fit beside its question is read in overlapping windows.

    With the simple head a span's score is its probability among all spans of all windows, from
    the sum of its start's and end's logits; «no answer» is the span of the first token, as the
    model learnt it from SQuAD 2.0, and the least of the windows' counts. With the beam-search head
    it is P(start) P(end | start) (1 − P(no answer)), the last from the answer class, the least of
    the windows' too.

    Args:
        model: With either question-answering head.
        tokenizer: The checkpoint's.
        n_best: Most answers of each question.
        max_answer_tokens: Longest answer.
        no_answer: Rank «no answer» among the answers.
        window: Tokens of a window, the question and the special tokens included; None: as many as
            the model has positions.
        stride: Tokens of the context that neighbouring windows share; None: a quarter of the
            window's room for it.
        batch_size: As for every `Task`.

    Example:
        >>> from xlm_model import XLMConfig, XLMForQuestionAnsweringSimple
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
        tokenizer: XLMTokenizer,
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
        longest = model.config.max_position_embeddings
        if window is not None and window > longest:
            raise InputError(
                f"is {window}: expected at most {longest}, the model's max_position_embeddings",
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
        from xlm_model.checkpoints import read_checkpoint
        from xlm_model.convert import find_head

        hub = {k: v for k, v in options.items() if k not in ("device", "dtype")}
        _, head = find_head(read_checkpoint(where, **hub))
        model = head if head in cls.models else cls.models[0]
        return model.from_pretrained(where, **options)

    def prepare(self, asked: Sequence[Asked]) -> list[list[tuple[Row, str]]]:
        """Return the windows of each context, and the context."""
        samples = [_sample(one) for one in asked]
        batch = call(self.tokenizer, self.config, samples, return_offsets_mapping=True)
        windows = []
        for i, sample in enumerate(samples):
            row = row_of(batch, i)
            # Of any length: what is too long is what windows are for.
            check_row(row, len(row))
            rows = [row] if len(row) <= self.window else self._windows(sample, row)
            windows.append([(one, sample.pair or "") for one in rows])
        return windows

    def compute(self, rows: list[tuple[Row, str]]) -> Sequence[Spans]:
        """Find the best spans of each window."""
        hidden, packed = self.encode([row for row, _ in rows])
        find = (
            self._spans_of_beam
            if isinstance(self.model, XLMForQuestionAnswering)
            else self._spans_of_logits
        )
        parts = torch.split(hidden, packed.lengths)
        return [find(part, row) for part, (row, _) in zip(parts, rows, strict=True)]

    def finish(self, rows: list[tuple[Row, str]], made: list[Spans]) -> list[Answer]:
        """Compare the windows' answers."""
        context = rows[0][1]
        nothing = min(spans.nothing for spans in made)
        best: dict[tuple[int, int], float] = {}
        for (row, _), spans in zip(rows, made, strict=True):
            for start, end, score in spans.candidates:
                place = (row.offsets[start][0], row.offsets[end][1])
                best[place] = max(score, best.get(place, score))
        scores = self._probabilities(best, nothing, [spans.total for spans in made])
        answers = [
            Answer(context[start:end], start, end, scores[start, end]) for start, end in best
        ]
        if self.no_answer:
            answers.append(Answer("", None, None, scores[None]))
        return sorted(answers, key=lambda answer: -answer.score)[: self.n_best]

    def _size(self, row: tuple[Row, str]) -> int:
        return len(row[0])

    def _windows(self, sample: Sample, whole: Row) -> list[Row]:
        assert whole.second is not None
        room = self.window - whole.second - 1
        if room < 1:
            raise InputError(
                f"the question has {whole.second - 2} tokens, which leaves no room for the context "
                f"in a window of {self.window}: expected a shorter question, or a larger ",
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
            [sample],
            truncation="only_second",
            max_length=self.window,
            stride=stride,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
        )
        return [row_of(batch, i) for i in range(len(batch["input_ids"]))]

    def _spans_of_logits(self, hidden: Tensor, row: Row) -> Spans:
        """Return the best of all spans, by the sum of the start's and the end's logits."""
        start, end = self.model.qa_outputs(hidden).float().cpu().unbind(-1)
        inner = _context(row)
        both = start[inner, None] + end[None, inner]
        length = len(both)
        # An answer ends at or behind its start, not too far from it.
        allowed = torch.ones(length, length, dtype=torch.bool).triu()
        both = both.masked_fill(~allowed.tril(self.max_answer_tokens - 1), -torch.inf)
        nothing = float(start[0] + end[0])
        total = both.flatten().logsumexp(0)
        scores, places = both.flatten().topk(min(self.n_best, length))
        candidates = [
            Candidate(inner.start + place // length, inner.start + place % length, score)
            for score, place in zip(scores.tolist(), places.tolist(), strict=True)
            if score > -torch.inf
        ]
        return Spans(candidates, nothing, float(total))

    def _spans_of_beam(self, hidden: Tensor, row: Row) -> Spans:
        """Return the spans of the head's own beam search."""
        inner = _context(row)
        cls = row.ids.index(self.tokenizer.cls_token_id)
        # As the head was trained: the question and special tokens masked, but for the first
        # classification token, which stands for «no answer».
        p_mask = torch.ones(1, len(row), device=hidden.device)
        p_mask[:, inner] = 0
        p_mask[:, cls] = 0
        found = self.model.qa_outputs.search(
            hidden[None], torch.tensor([cls], device=hidden.device), p_mask
        )
        starts, start_at, ends, end_at, score = (x[0].float().cpu().tolist() for x in found)
        candidates = []
        for i, (end, at) in enumerate(zip(ends, end_at, strict=True)):
            beam = i % len(starts)
            first, last = int(start_at[beam]), int(at)
            length = last - first + 1
            inside = inner.start <= first and last < inner.stop
            if inside and 0 < length <= self.max_answer_tokens and starts[beam] * end > 0:
                candidates.append(Candidate(first, last, math.log(starts[beam] * end)))
        best = sorted(candidates, key=lambda c: -c.score)[: self.n_best]
        return Spans(best, score, None)

    def _probabilities(
        self,
        best: dict[tuple[int, int], float],
        nothing: float,
        totals: Iterable[float | None],
    ) -> dict[tuple[int, int] | None, float]:
        """Return the score of each span, and under None that of «no answer»."""
        sums = [total for total in totals if total is not None]
        if sums:
            weights = [*sums, nothing] if self.no_answer else sums
            total = torch.tensor(weights, dtype=torch.float64).logsumexp(0)
            logs = {place: score - total for place, score in [*best.items(), (None, nothing)]}
            return {place: float(log.exp()) for place, log in logs.items()}
        none = 1 / (1 + math.exp(-nothing))
        answered = 1 - none if self.no_answer else 1.0
        spans: dict[tuple[int, int] | None, float]
        spans = {place: answered * math.exp(s) for place, s in best.items()}
        return {**spans, None: none}


def _context(row: Row) -> slice:
    """Return which of a window's tokens are the context's."""
    assert row.second is not None
    return slice(row.second, len(row) - 1)


def _sample(asked: Asked) -> Sample:
    example = asked.example
    if isinstance(example, str) or len(example) != 2:
        raise InputError(f"the example is {example!r:.60}: expected a question and a context")
    question, context = example
    return Sample(question, asked.lang, context, asked.lang_pair)
