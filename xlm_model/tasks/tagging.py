"""Token classification: a label for each token, word or entity of a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, groupby
from typing import Literal, get_args

import torch
from torch import Tensor

from xlm_model.heads import XLMForTokenClassification
from xlm_model.tasks.base import Asked, Task, label_names, softmax
from xlm_model.tasks.entities import find_entities
from xlm_model.tasks.sequences import TextInput, TokenSequence, is_words, tokenize
from xlm_model.tasks.tokenizers import TaskTokenizer
from xlm_text import InputError

Aggregation = Literal["none", "first", "average", "max", "entities"]


@dataclass(frozen=True)
class Tag:
    """The label of a token, word or entity.

    Attributes:
        label: The class with the highest score; an entity's has no B- or I-.
        score: Its probability; an entity's is the mean over its words.
        start: Offset of its first character in the text, in code points.
        end: Offset behind its last character.
    """

    label: str
    score: float
    start: int
    end: int


class TokenClassification(Task[str | Sequence[str], list[Tag]]):
    """Label the tokens, the words or the entities of texts.

    An example is a text, or a list of words; its result has a `Tag` for each token
    (`aggregation="none"`), word, or entity. Words of which the tokenizer leaves nothing get none.
    Offsets of words are those in the words with a space between them.

    Args:
        model: With the token-classification head.
        tokenizer: The checkpoint's.
        aggregation: What a word's label is: that of its `first` token, of the `average` of its
            tokens' probabilities, or of the token with the highest probability (`max`); or
            `entities`: the words' labels as with `first`, those with B- and I- joined, and what is
            labelled O left out.
        labels: Names of the classes in the order of their ids; None: the configuration's.
        truncation: Cut texts that are too long, instead of raising an error.
        batch_size: As for every `Task`.

    Example:
        >>> from xlm_model import XLMConfig, XLMForTokenClassification
        >>> from xlm_text import XLMTokenizer
        >>> tokenizer = XLMTokenizer.from_pretrained()
        >>> config = XLMConfig(vocab_size=len(tokenizer), emb_dim=32, n_layers=2, n_heads=4)
        >>> tag = TokenClassification(XLMForTokenClassification(config).eval(), tokenizer)
        >>> [(found.start, found.end) for found in tag(["Hello, world!"], lang="en")[0]]
        [(0, 5), (5, 6), (7, 12), (12, 13)]
    """

    models = (XLMForTokenClassification,)

    def __init__(
        self,
        model: XLMForTokenClassification,
        tokenizer: TaskTokenizer,
        *,
        aggregation: Aggregation = "first",
        labels: Sequence[str] | None = None,
        truncation: bool = False,
        batch_size: int | None = None,
    ) -> None:
        super().__init__(model, tokenizer, batch_size=batch_size)
        if aggregation not in get_args(Aggregation):
            names = ", ".join(get_args(Aggregation))
            raise InputError(f"is {aggregation!r}: expected one of {names}", argument="aggregation")
        self.aggregation = aggregation
        self.labels = label_names(model.config, labels)
        self.truncation = truncation

    def prepare(self, asked: Sequence[Asked]) -> list[list[TokenSequence]]:
        """Return each text's sequence, with offsets and words."""
        are_words = {is_words(one.example) for one in asked}
        if len(are_words) > 1:
            raise InputError("expected texts only, or lists of words only")
        sequences = tokenize(
            self.tokenizer,
            self.config,
            [TextInput(one.example, one.lang) for one in asked],
            truncation=self.truncation,
            offsets=True,
            words=self.aggregation != "none" or True in are_words,
        )
        if True in are_words:
            sequences = [
                _in_joined_words(sequence, one.example)
                for sequence, one in zip(sequences, asked, strict=True)
            ]
        return [[sequence] for sequence in sequences]

    def compute(self, sequences: list[TokenSequence]) -> Sequence[Tensor]:
        """Return the probabilities of each sequence's tokens; shape `(tokens, num_labels)`."""
        batch = self._pack(sequences)
        scores = softmax(self._run(self.model, batch).logits).cpu()
        return batch.layout.split(scores)

    def finish(self, sequences: list[TokenSequence], computed: list[Tensor]) -> list[Tag]:
        """Label the text's tokens or words."""
        [sequence], [scores] = sequences, computed
        inner = range(1, len(sequence) - 1)
        if self.aggregation == "none":
            return [self._tag(sequence, [i], scores[i]) for i in inner]
        words = [list(tokens) for _, tokens in groupby(inner, key=sequence.words.__getitem__)]
        tags = [self._tag(sequence, word, self._of_word(scores[word])) for word in words]
        return join_words(tags) if self.aggregation == "entities" else tags

    def _of_word(self, scores: Tensor) -> Tensor:
        """Return the probabilities of a word from its tokens'."""
        if self.aggregation == "average":
            return scores.mean(0)
        if self.aggregation == "max":
            return scores[scores.amax(1).argmax()]
        return scores[0]

    def _tag(self, sequence: TokenSequence, tokens: list[int], scores: Tensor) -> Tag:
        score, label = torch.max(scores, 0)
        start, end = sequence.offsets[tokens[0]][0], sequence.offsets[tokens[-1]][1]
        return Tag(self.labels[int(label)], float(score), start, end)


def _in_joined_words(sequence: TokenSequence, words: Sequence[str]) -> TokenSequence:
    """Count the offsets from the beginning of the words with a space between them."""
    starts = [0, *accumulate(len(word) + 1 for word in words)]
    offsets = [
        span if word is None else (starts[word] + span[0], starts[word] + span[1])
        for span, word in zip(sequence.offsets, sequence.words, strict=True)
    ]
    return replace(sequence, offsets=offsets)


def join_words(tags: Sequence[Tag]) -> list[Tag]:
    """Make entities of words."""
    entities = []
    for kind, first, last in find_entities([tag.label for tag in tags]):
        scores = [tag.score for tag in tags[first : last + 1]]
        mean = sum(scores) / len(scores)
        entities.append(Tag(kind, mean, tags[first].start, tags[last].end))
    return entities
