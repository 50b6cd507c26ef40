"""The pipeline `question-answering`, which transformers had before its version 5."""

from __future__ import annotations

from typing import Any

from xlm_model.pipelines.base import Pipeline
from xlm_model.tasks.answering import QuestionAnswering
from xlm_text import InputError


class QuestionAnsweringPipeline(Pipeline):
    """`question-answering`: the answer, its span and score; a list with `top_k` above 1.

    An example is a dictionary of a `question` and a `context`. Options of a call are `top_k`,
    `max_answer_len` and `handle_impossible_answer`.
    """

    work = QuestionAnswering

    def __call__(
        self, inputs: Any = None, *, question: Any = None, context: Any = None, **options: Any
    ) -> Any:
        """Answer a question, given by name or as a dictionary, or a list of such dictionaries.

        See `Pipeline`.
        """
        if inputs is None:
            inputs = {"question": question, "context": context}
        return super().__call__(inputs, **options)

    def _is_one(self, inputs: Any) -> bool:
        return isinstance(inputs, dict)

    def _results(
        self,
        examples: list[Any],
        lang: str | None,
        *,
        batch_size: int | None = None,
        top_k: int = 1,
        max_answer_len: int = 15,
        handle_impossible_answer: bool = False,
    ) -> list[Any]:
        answer = QuestionAnswering(
            self.model,
            self.tokenizer,
            n_best=top_k,
            max_answer_tokens=max_answer_len,
            no_answer=handle_impossible_answer,
            batch_size=batch_size,
        )
        results: list[Any] = []
        for found in answer([_question(one) for one in examples], lang):
            rows = [
                {"score": a.score, "start": a.start or 0, "end": a.end or 0, "answer": a.text}
                for a in found
            ]
            results.append(rows[0] if top_k == 1 and rows else rows)
        return results


def _question(example: Any) -> tuple[Any, Any]:
    if not isinstance(example, dict) or {"question", "context"} - example.keys():
        raise InputError(
            f"the example is {example!r:.60}: expected a dictionary of a question and a context"
        )
    return example["question"], example["context"]
