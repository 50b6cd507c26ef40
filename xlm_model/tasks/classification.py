"""Sequence classification and multiple choice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from xlm_model.heads import XLMForMultipleChoice, XLMForSequenceClassification
from xlm_model.tasks.base import Asked, Task, check_at_least, label_names, softmax
from xlm_model.tasks.sequences import TextInput, TokenSequence, tokenize
from xlm_model.tasks.tokenizers import TaskTokenizer
from xlm_text import InputError


@dataclass(frozen=True)
class Classification:
    """What a text is.

    Attributes:
        label: The class with the highest score.
        score: Its score.
        scores: That of each class: probabilities that sum to 1; or, for a checkpoint of the problem
            type `multi_label_classification`, a probability of each alone; or, for a regression,
            the values themselves.
    """

    label: str
    score: float
    scores: dict[str, float]


@dataclass(frozen=True)
class Choice:
    """The best choice.

    Attributes:
        index: Its number, from 0.
        text: The choice itself.
        scores: Probability of each choice.
    """

    index: int
    text: str
    scores: list[float]


class TextClassification(Task[str | tuple[str, str], Classification]):
    """Classify texts, or pairs of texts.

    An example is a text, or a tuple of two (premise and hypothesis, as in XNLI).

    Args:
        model: With the classification head.
        tokenizer: The checkpoint's.
        labels: Names of the classes in the order of their ids; None: the configuration's.
        truncation: Cut texts that are too long, instead of raising an error.
        max_length: Tokens of the longest text or pair, the special ones included; None: as many
            as the model has positions.
        batch_size: As for every `Task`.

    Example:
        >>> from xlm_model import XLMConfig, XLMForSequenceClassification
        >>> from xlm_text import XLMTokenizer
        >>> tokenizer = XLMTokenizer.from_pretrained()
        >>> config = XLMConfig(
        ...     vocab_size=len(tokenizer), emb_dim=32, n_layers=2, n_heads=4, num_labels=3
        ... )
        >>> model = XLMForSequenceClassification(config).eval()
        >>> classify = TextClassification(model, tokenizer, labels=["yes", "maybe", "no"])
        >>> [found] = classify([("It rains.", "Es regnet.")], lang="en", lang_pair="de")
        >>> list(found.scores)
        ['yes', 'maybe', 'no']
    """

    models = (XLMForSequenceClassification,)

    def __init__(
        self,
        model: XLMForSequenceClassification,
        tokenizer: TaskTokenizer,
        *,
        labels: Sequence[str] | None = None,
        truncation: bool = False,
        max_length: int | None = None,
        batch_size: int | None = None,
    ) -> None:
        super().__init__(model, tokenizer, batch_size=batch_size)
        check_at_least("max_length", max_length, 3)
        self.labels = label_names(model.config, labels)
        self.truncation = truncation
        self.max_length = max_length

    def prepare(self, asked: Sequence[Asked]) -> list[list[TokenSequence]]:
        """Return each text's or pair's sequence."""
        texts = []
        for _, example, lang, lang_pair in asked:
            text, pair = (example, None) if isinstance(example, str) else _two(example)
            texts.append(TextInput(text, lang, pair, lang_pair))
        sequences = tokenize(
            self.tokenizer,
            self.config,
            texts,
            truncation=self.truncation,
            max_length=self.max_length,
        )
        return [[sequence] for sequence in sequences]

    def compute(self, sequences: list[TokenSequence]) -> Sequence[list[float]]:
        """Return the scores of each sequence's classes."""
        logits = self._run(self.model, self._pack(sequences)).logits
        problem = self.config.problem_type
        if problem == "multi_label_classification":
            scores = logits.float().sigmoid()
        elif problem == "regression" or logits.shape[-1] == 1:
            scores = logits.float()
        else:
            scores = softmax(logits)
        return scores.tolist()  # type: ignore[no-any-return]

    def finish(self, sequences: list[TokenSequence], computed: list[list[float]]) -> Classification:
        """Name the scores."""
        scores = dict(zip(self.labels, computed[0], strict=True))
        best = max(scores, key=scores.__getitem__)
        return Classification(best, scores[best], scores)


class MultipleChoice(Task[tuple[str, Sequence[str]], Choice]):
    """Choose what follows a text.

    An example is a tuple of a text and its choices, two or more.

    Args:
        model: With the multiple-choice head.
        tokenizer: The checkpoint's.
        truncation: Cut texts that are too long, instead of raising an error.
        batch_size: As for every `Task`.

    Example:
        >>> from xlm_model import XLMConfig, XLMForMultipleChoice
        >>> from xlm_text import XLMTokenizer
        >>> tokenizer = XLMTokenizer.from_pretrained()
        >>> config = XLMConfig(vocab_size=len(tokenizer), emb_dim=32, n_layers=2, n_heads=4)
        >>> choose = MultipleChoice(XLMForMultipleChoice(config).eval(), tokenizer)
        >>> [found] = choose([("It rained.", ["We got wet.", "We got rich."])], lang="en")
        >>> found.text in ("We got wet.", "We got rich.")
        True
    """

    models = (XLMForMultipleChoice,)

    def __init__(
        self,
        model: XLMForMultipleChoice,
        tokenizer: TaskTokenizer,
        *,
        truncation: bool = False,
        batch_size: int | None = None,
    ) -> None:
        super().__init__(model, tokenizer, batch_size=batch_size)
        self.truncation = truncation

    def prepare(self, asked: Sequence[Asked]) -> list[list[tuple[TokenSequence, str]]]:
        """Return a sequence for each choice, and the choice."""
        texts, counts = [], []
        for _, example, lang, lang_pair in asked:
            text, choices = _two(example)
            if isinstance(choices, str) or len(choices) < 2:
                raise InputError(f"the choices are {choices!r:.60}: expected a list of two or more")
            texts += [TextInput(text, lang, choice, lang_pair) for choice in choices]
            counts.append(len(choices))
        sequences = tokenize(self.tokenizer, self.config, texts, truncation=self.truncation)
        paired = iter([(one, text.pair or "") for one, text in zip(sequences, texts, strict=True)])
        return [[next(paired) for _ in range(count)] for count in counts]

    def compute(self, sequences: list[tuple[TokenSequence, str]]) -> Sequence[float]:
        """Return the score of each sequence."""
        batch = self._pack([sequence for sequence, _ in sequences])
        scores: list[float] = self._run(self.model, batch).logits.squeeze(-1).tolist()
        return scores

    def finish(self, sequences: list[tuple[TokenSequence, str]], computed: list[float]) -> Choice:
        """Compare the choices."""
        scores = softmax(torch.tensor(computed)).tolist()
        best = max(range(len(scores)), key=scores.__getitem__)
        return Choice(best, sequences[best][1], scores)

    def _size(self, sequence: tuple[TokenSequence, str]) -> int:
        return len(sequence[0])


def _two(example: Any) -> tuple[Any, Any]:
    if isinstance(example, str) or len(example) != 2:
        raise InputError(
            f"the example is {example!r:.60}: expected two texts, or a text and choices"
        )
    return example[0], example[1]
