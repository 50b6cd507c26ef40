"""Question answering: the span of a context that answers a question, or that there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import torch

from xlm_model.finetuning.batches import ExampleBatch, Item
from xlm_model.finetuning.examples import Example, Values
from xlm_model.finetuning.metrics import Metrics, answer_metrics
from xlm_model.finetuning.task import FinetuningTask, pack_items
from xlm_model.heads import XLMForQuestionAnswering, XLMForQuestionAnsweringSimple
from xlm_model.pretrained import XLMPreTrainedModel
from xlm_model.tasks import Answer, QuestionAnswering
from xlm_model.tasks.answering import context_of, span_inputs
from xlm_model.tasks.sequences import TokenSequence
from xlm_model.tasks.tokenizers import TaskTokenizer
from xlm_text.errors import InputError

HEADS: dict[str, type[XLMPreTrainedModel]] = {
    "simple": XLMForQuestionAnsweringSimple,
    "beam": XLMForQuestionAnswering,
}


class Span(NamedTuple):
    """An answer in its context.

    Attributes:
        start: Offset of its first character, in code points.
        text: The characters.
    """

    start: int
    text: str


@dataclass(frozen=True)
class AnswerTask(FinetuningTask):
    """Answer questions with spans of their contexts.

    The fields are `question`, `context`, and either `answers` as SQuAD has them or `answer` and
    `start`, the offset of its first character in code points. No answers, or an empty one, mean
    that there is none; of several answers the first is learnt. A context that does not fit beside
    its question is cut into windows; one without the answer is learnt as having none.

    Attributes:
        columns: As for every task.
        head: "simple", or "beam" for the head with a beam search and an answer class.
        window, stride, max_answer_tokens: As for `xlm_model.tasks.QuestionAnswering`.
    """

    head: str = "simple"
    window: int | None = None
    stride: int | None = None
    max_answer_tokens: int = 30

    name: ClassVar[str] = "answer"
    fields: ClassVar[tuple[str, ...]] = ("question", "context", "answers", "answer", "start")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.head not in HEADS:
            raise InputError(
                f"is {self.head!r}: expected one of {', '.join(HEADS)}", argument="head"
            )

    @property
    def model_class(self) -> type[XLMPreTrainedModel]:  # noqa: D102
        return HEADS[self.head]

    def config(self, labels: Sequence[str] | None) -> dict[str, Any]:  # noqa: D102
        return {"num_labels": 2}

    def read(self, values: Values) -> tuple[Any, Any]:  # noqa: D102
        context = values.text("context")
        spans = [span for span in _spans(values) if span.text]
        for start, text in spans:
            found = context[start : start + len(text)]
            if start < 0 or found != text:
                raise InputError(
                    f"{values.place}: the answer is {text!r:.60}, and the context has "
                    f"{found!r:.60} at {start}: expected the same characters"
                )
        return (values.text("question"), context), spans

    def inference(
        self, model: Any, tokenizer: TaskTokenizer, examples: Sequence[Example]
    ) -> QuestionAnswering:
        """Return the task of the same name; if a question has no answer, it may say so of any."""
        return QuestionAnswering(
            model,
            tokenizer,
            max_answer_tokens=self.max_answer_tokens,
            no_answer=any(not example.target for example in examples),
            window=self.window,
            stride=self.stride,
        )

    def items(  # noqa: D102
        self,
        example: Example,
        prepared: list[tuple[TokenSequence, str]],
        labels: Mapping[str, int],
    ) -> list[Item]:
        spans = example.target
        return [
            Item((sequence,), _position(sequence, spans[0]) if spans else None)
            for sequence, _ in prepared
        ]

    def collate(self, items: Sequence[Item], tokenizer: TaskTokenizer) -> ExampleBatch:  # noqa: D102
        packed = pack_items(items)
        targets = {}
        # Where the heads point to if there is no answer.
        nowhere = torch.zeros(len(items), dtype=torch.int64)
        impossible = torch.tensor([item.target is None for item in items])
        if self.head == "beam":
            sequences = [item.sequences[0] for item in items]
            targets = span_inputs(packed, sequences, tokenizer.cls_token_id)
            nowhere = targets["cls_index"]
            targets["is_impossible"] = impossible.long()
        found = torch.tensor([item.target or (0, 0) for item in items])
        start, end = torch.where(impossible[:, None], nowhere[:, None], found).unbind(1)
        targets |= {"start_positions": start, "end_positions": end}
        return ExampleBatch(packed, targets, name=self.name)

    def score(  # noqa: D102
        self,
        examples: Sequence[Example],
        prepared: Sequence[list[Any]],
        results: Sequence[list[Answer]],
        labels: Sequence[str] | None,
    ) -> Metrics:
        right = [[span.text for span in example.target] for example in examples]
        return answer_metrics(right, [found[0].text if found else "" for found in results])

    def metrics(self, labels: Sequence[str] | None) -> tuple[str, ...]:  # noqa: D102
        return "f1", "exact_match"


def _spans(values: Values) -> list[Span]:
    """Return the answers of a row."""
    answers = values.find("answers")
    if answers is None:
        return [_span(values.get("answer"), values.get("start"), values.place)]
    try:
        if isinstance(answers, Mapping):  # as `datasets` has them
            pairs = list(zip(answers["text"], answers["answer_start"], strict=True))
        else:
            pairs = [(answer["text"], answer["answer_start"]) for answer in answers]
    except (KeyError, TypeError, ValueError):
        raise InputError(
            f"{values.place}: answers is {answers!r:.60}: expected a list of text and answer_start"
        ) from None
    return [_span(text, start, values.place) for text, start in pairs]


def _span(text: Any, start: Any, place: str) -> Span:
    if not isinstance(text, str):
        raise InputError(f"{place}: the answer is {text!r:.40}: expected a string")
    if not text:
        return Span(0, "")
    is_number = isinstance(start, int) or (isinstance(start, str) and start.isdecimal())
    if not is_number:
        raise InputError(f"{place}: the answer's start is {start!r:.40}: expected a whole number")
    return Span(int(start), text)


def _position(sequence: TokenSequence, answer: Span) -> tuple[int, int] | None:
    """Return an answer's first and last token in a window, None if it is not whole in there."""
    inner = context_of(sequence)
    # White space has no tokens.
    first = answer.start + len(answer.text) - len(answer.text.lstrip())
    last = answer.start + len(answer.text.rstrip())
    if sequence.offsets[inner.start][0] > first or sequence.offsets[inner.stop - 1][1] < last:
        return None
    touched = [
        at
        for at in range(inner.start, inner.stop)
        if sequence.offsets[at][0] < last and sequence.offsets[at][1] > first
    ]
    return (touched[0], touched[-1]) if touched else None
