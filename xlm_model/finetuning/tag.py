"""Token classification: a tag for each word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from xlm_model.finetuning.batches import ExampleBatch, Item
from xlm_model.finetuning.classify import label_name
from xlm_model.finetuning.examples import Example, Values
from xlm_model.finetuning.metrics import NO_TAG, Metrics, entity_metrics, tag_metrics
from xlm_model.finetuning.task import FinetuningTask, pack_items
from xlm_model.heads import XLMForTokenClassification
from xlm_model.inputs import IGNORED
from xlm_model.tasks import Tag, TokenClassification
from xlm_model.tasks.entities import has_entities
from xlm_model.tasks.sequences import TokenSequence
from xlm_model.tasks.tokenizers import TaskTokenizer
from xlm_text.errors import InputError


@dataclass(frozen=True)
class TagTask(FinetuningTask):
    """Tag the words of sentences.

    The fields are `words` and `tags`, lists of one length, or strings with white space between
    them. The tag is learnt at a word's first piece.

    Attributes:
        columns: As for every task. Files in columns have the words in the first and the tags in the
            last, CoNLL-U in `form` and `upos`.
        truncation: Cut sentences that are too long, instead of raising an error; words that are cut
            off count as wrong.
    """

    truncation: bool = False

    name: ClassVar[str] = "tag"
    fields: ClassVar[tuple[str, ...]] = ("words", "tags")

    @property
    def has_one_label(self) -> bool:  # noqa: D102
        return True

    @property
    def model_class(self) -> type[XLMForTokenClassification]:  # noqa: D102
        return XLMForTokenClassification

    def read(self, values: Values) -> tuple[Any, Any]:  # noqa: D102
        words = _list(values.get("words"), "words", values.place)
        tags = _list(values.get("tags"), "tags", values.place)
        if len(words) != len(tags):
            raise InputError(
                f"{values.place}: has {len(words)} words and {len(tags)} tags: expected a tag for "
                "each word"
            )
        for word in words:
            if not isinstance(word, str):
                raise InputError(f"{values.place}: a word is {word!r:.40}: expected a string")
        return words, [label_name(tag, values.place) for tag in tags]

    def labels_of(self, example: Example) -> Sequence[str]:  # noqa: D102
        labels: Sequence[str] = example.target
        return labels

    def inference(
        self, model: Any, tokenizer: TaskTokenizer, examples: Sequence[Example]
    ) -> TokenClassification:
        """Return the task of the same name."""
        return TokenClassification(model, tokenizer, truncation=self.truncation)

    def items(  # noqa: D102
        self, example: Example, prepared: list[TokenSequence], labels: Mapping[str, int]
    ) -> list[Item]:
        [sequence] = prepared
        target = [IGNORED] * len(sequence)
        for word, at in _first_pieces(sequence).items():
            target[at] = labels[example.target[word]]
        return [Item((sequence,), target)]

    def collate(self, items: Sequence[Item], tokenizer: TaskTokenizer) -> ExampleBatch:  # noqa: D102
        labels = torch.tensor([label for item in items for label in item.target])
        return ExampleBatch(pack_items(items), {"labels": labels}, name=self.name)

    def score(  # noqa: D102
        self,
        examples: Sequence[Example],
        prepared: Sequence[list[TokenSequence]],
        results: Sequence[list[Tag]],
        labels: Sequence[str] | None,
    ) -> Metrics:
        found = []
        for example, [sequence], tags in zip(examples, prepared, results, strict=True):
            named = zip(_first_pieces(sequence), tags, strict=True)
            by_word = {word: tag.label for word, tag in named}
            found.append([by_word.get(i, NO_TAG) for i in range(len(example.target))])
        measure = entity_metrics if has_entities(labels or ()) else tag_metrics
        return measure([example.target for example in examples], found)

    def metrics(self, labels: Sequence[str] | None) -> tuple[str, ...]:  # noqa: D102
        if has_entities(labels or ()):
            return "f1", "precision", "recall", "accuracy"
        return "accuracy", "f1"


def _first_pieces(sequence: TokenSequence) -> dict[int, int]:
    """Return where the first piece of each word is, of those that have any."""
    found: dict[int, int] = {}
    for at, word in enumerate(sequence.words):
        if word is not None:
            found.setdefault(word, at)
    return found


def _list(value: Any, name: str, place: str) -> list[Any]:
    parts = value.split() if isinstance(value, str) else value
    if not isinstance(parts, Sequence):
        raise InputError(f"{place}: {name} is {value!r:.40}: expected a list")
    return list(parts)
