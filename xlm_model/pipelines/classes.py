"""Pipelines that classify: `text-classification` and `zero-shot-classification`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from xlm_model.pipelines.base import Pipeline
from xlm_model.tasks.base import softmax
from xlm_model.tasks.classification import TextClassification
from xlm_model.tasks.sequences import TokenSequence
from xlm_text import InputError

# What scores may be made of logits with.
FUNCTIONS = ("default", "sigmoid", "softmax", "none")


class _Logits(TextClassification):
    """The scores of the classes as they come out of the model."""

    def compute(self, sequences: list[TokenSequence]) -> Sequence[Any]:
        return self._run(self.model, self._pack(sequences)).logits.float().cpu().unbind()  # type: ignore[no-any-return]

    def finish(self, sequences: list[TokenSequence], computed: list[Any]) -> Any:
        return computed[0]


class TextClassificationPipeline(Pipeline):
    """`text-classification`: a label and its score; a list of them where `top_k` is given.

    An example is a text, or a dictionary of a `text` and a `text_pair`. Options of a call are
    `top_k`, None for all; `function_to_apply`, one of `default`, `sigmoid`, `softmax` and `none`;
    `truncation` and `max_length`.
    """

    work = TextClassification

    def __call__(self, inputs: Any, **options: Any) -> Any:
        """Classify a text, or each of a list; see `Pipeline`.

        As in the reference, a single text's result stands in a list, unless `top_k` is given here.
        """
        result = super().__call__(inputs, **options)
        return [result] if isinstance(inputs, str) and "top_k" not in options else result

    def _is_one(self, inputs: Any) -> bool:
        return isinstance(inputs, str | dict)

    def _results(
        self,
        examples: list[Any],
        lang: str | None,
        *,
        batch_size: int | None = None,
        top_k: int | Literal[""] | None = "",  # not given: one result, and no list of one
        function_to_apply: str | None = None,
        truncation: bool = False,
        max_length: int | None = None,
    ) -> list[Any]:
        score = _Logits(
            self.model,
            self.tokenizer,
            truncation=truncation,
            max_length=max_length,
            batch_size=batch_size,
        )
        function = self._function(function_to_apply)
        names = self.model.config.id2label
        found: list[Any] = score([_text_or_pair(one) for one in examples], lang)
        results: list[Any] = []
        for logits in found:
            scores = {"sigmoid": logits.sigmoid(), "softmax": softmax(logits), "none": logits}
            ranked = scores[function].sort(descending=True, stable=True)
            rows = [
                {"label": names[i], "score": value}
                for value, i in zip(ranked.values.tolist(), ranked.indices.tolist(), strict=True)
            ]
            results.append(rows[0] if isinstance(top_k, str) else rows[:top_k])
        return results

    def _function(self, given: str | None) -> str:
        if given not in (None, *FUNCTIONS):
            raise InputError(
                f"is {given!r}: expected one of {', '.join(FUNCTIONS)}",
                argument="function_to_apply",
            )
        if given not in (None, "default"):
            return str(given)
        config = self.model.config
        if config.problem_type == "regression":
            return "none"
        is_each_alone = config.problem_type == "multi_label_classification"
        return "sigmoid" if is_each_alone or config.num_labels == 1 else "softmax"


def _text_or_pair(example: Any) -> Any:
    """Return an example as the task takes it."""
    if not isinstance(example, dict):
        return example
    if not {"text"} <= example.keys() <= {"text", "text_pair"}:
        raise InputError(
            f"the example has {', '.join(map(repr, example)) or 'nothing'}: expected 'text' and, "
            "for a pair, 'text_pair'"
        )
    pair = example.get("text_pair")
    return example["text"] if pair is None else (example["text"], pair)


class ZeroShotClassificationPipeline(Pipeline):
    """`zero-shot-classification`: labels that a model for NLI finds to follow from the text.

    Options of a call are `candidate_labels`, a list of them or a string with commas between;
    `hypothesis_template`; and `multi_label`, where each label is judged alone.
    """

    work = TextClassification

    def __call__(self, inputs: Any, *labels: Any, **options: Any) -> Any:
        """Judge a text, or each of a list; see `Pipeline`.

        Args:
            inputs: A text, or a list of them.
            *labels: The `candidate_labels`.
            **options: As the pipeline's own.
        """
        if len(labels) > 1 or (labels and "candidate_labels" in options):
            raise InputError("expected one list of candidate_labels behind the text")
        return super().__call__(
            inputs, **options, **({"candidate_labels": labels[0]} if labels else {})
        )

    def _results(
        self,
        examples: list[Any],
        lang: str | None,
        *,
        batch_size: int | None = None,
        candidate_labels: str | Sequence[str] = (),
        hypothesis_template: str = "This example is {}.",
        multi_label: bool = False,
    ) -> list[Any]:
        labels = (
            [label.strip() for label in candidate_labels.split(",") if label.strip()]
            if isinstance(candidate_labels, str)
            else list(candidate_labels)
        )
        if not labels or hypothesis_template.format("a") == hypothesis_template:
            raise InputError(
                "expected candidate_labels, and a hypothesis_template with {} for each of them"
            )
        score = _Logits(self.model, self.tokenizer, truncation=True, batch_size=batch_size)
        pairs = [(text, hypothesis_template.format(label)) for text in examples for label in labels]
        found: list[Any] = score(pairs, lang)
        count = len(labels)
        return [
            self._ranked(text, labels, torch.stack(found[i * count : (i + 1) * count]), multi_label)
            for i, text in enumerate(examples)
        ]

    def _ranked(
        self, text: str, labels: list[str], logits: Tensor, multi_label: bool
    ) -> dict[str, Any]:
        yes = self._entailment
        if multi_label or len(labels) == 1:
            no = -1 if yes == 0 else 0
            scores = softmax(logits[:, [no, yes]])[:, 1]
        else:
            scores = logits[:, yes].softmax(0)
        order = scores.argsort(descending=True, stable=True).tolist()
        return {
            "sequence": text,
            "labels": [labels[i] for i in order],
            "scores": [float(scores[i]) for i in order],
        }

    @property
    def _entailment(self) -> int:
        """Return the class that means "follows"; the last one where none is called so."""
        for label, number in self.model.config.label2id.items():
            if label.lower().startswith("entail"):
                return int(number)
        return -1
