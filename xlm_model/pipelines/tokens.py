"""Pipelines with a result for each token: `token-classification` and `feature-extraction`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from xlm_model.pipelines.base import Pipeline, read_truncation
from xlm_model.tasks.embedding import TokenEmbedding
from xlm_model.tasks.sequences import TokenSequence
from xlm_model.tasks.tagging import TokenClassification
from xlm_text import InputError

STRATEGIES = ("none", "simple", "first", "average", "max")


@dataclass
class _Piece:
    """Some text, and what its tokens are taken for.

    Attributes:
        tokens: The tokens; what the vocabulary lacks as the text has it.
        scores: Probabilities of the classes. Shape `(labels,)`.
        index: Position of the first token in the sequence.
        start: Where the text begins, in code points.
        end: Where it ends.
        is_more: Whether it goes on with the word before it.
    """

    tokens: list[str]
    scores: Tensor
    index: int
    start: int
    end: int
    is_more: bool


class _TaggedTokens(TokenClassification):
    """The sequence and its tokens' probabilities, as they are."""

    def finish(self, sequences: list[TokenSequence], computed: list[Tensor]) -> Any:
        return sequences[0], computed[0]


class TokenClassificationPipeline(Pipeline):
    """`token-classification`: a dictionary for each token, or with aggregation for each entity.

    Options of a call are `aggregation_strategy`, one of `none`, `simple`, `first`, `average` and
    `max`, and `ignore_labels`. Texts that are too long are cut, as in the reference.
    """

    work = TokenClassification

    def _results(
        self,
        examples: list[Any],
        lang: str | None,
        *,
        batch_size: int | None = None,
        aggregation_strategy: str = "none",
        ignore_labels: Sequence[str] = ("O",),
    ) -> list[Any]:
        if aggregation_strategy not in STRATEGIES:
            raise InputError(
                f"is {aggregation_strategy!r}: expected one of {', '.join(STRATEGIES)}",
                argument="aggregation_strategy",
            )
        tag = _TaggedTokens(
            self.model, self.tokenizer, aggregation="first", truncation=True, batch_size=batch_size
        )
        tagged: list[Any] = tag(examples, lang)
        results = []
        for text, (sequence, scores) in zip(examples, tagged, strict=True):
            pieces = self._pieces(text, sequence, scores)
            if aggregation_strategy == "none":
                found = [self._token(piece) for piece in pieces]
            else:
                if aggregation_strategy != "simple":
                    pieces = [_word(word, aggregation_strategy) for word in _words(pieces)]
                found = [self._entity(group) for group in self._groups(pieces)]
            key = "entity" if aggregation_strategy == "none" else "entity_group"
            results.append([one for one in found if one[key] not in ignore_labels])
        return results

    def _pieces(self, text: str, sequence: TokenSequence, scores: Tensor) -> list[_Piece]:
        found = []
        for i in range(1, len(sequence) - 1):
            start, end = sequence.offsets[i]
            is_known = sequence.ids[i] != self.tokenizer.unk_token_id
            token = self.tokenizer.convert_ids_to_tokens(sequence.ids[i])
            # Whether there is a space before it tells best where a tokenizer knows no words.
            is_more = is_known and start > 0 and " " not in text[start - 1 : start + 1]
            tokens = [token if is_known else text[start:end]]
            found.append(_Piece(tokens, scores[i], i, start, end, is_more))
        return found

    def _token(self, piece: _Piece) -> dict[str, Any]:
        return {
            "entity": self._label(piece),
            "score": float(piece.scores.max()),
            "index": piece.index,
            "word": piece.tokens[0],
            "start": piece.start,
            "end": piece.end,
        }

    def _entity(self, group: list[_Piece]) -> dict[str, Any]:
        return {
            "entity_group": _kind(self._label(group[0]))[1],
            "score": sum(float(one.scores.max()) for one in group) / len(group),
            "word": self.tokenizer.convert_tokens_to_string(
                [t for one in group for t in one.tokens]
            ),
            "start": group[0].start,
            "end": group[-1].end,
        }

    def _groups(self, pieces: list[_Piece]) -> list[list[_Piece]]:
        """Put together what stands side by side and is of one kind, unless it begins anew."""
        groups: list[list[_Piece]] = []
        for piece in pieces:
            begins, kind = _kind(self._label(piece))
            if groups and not begins and _kind(self._label(groups[-1][-1]))[1] == kind:
                groups[-1].append(piece)
            else:
                groups.append([piece])
        return groups

    def _label(self, piece: _Piece) -> str:
        label: str = self.model.config.id2label[int(piece.scores.argmax())]
        return label


def _words(pieces: list[_Piece]) -> list[list[_Piece]]:
    words: list[list[_Piece]] = []
    for piece in pieces:
        if words and piece.is_more:
            words[-1].append(piece)
        else:
            words.append([piece])
    return words


def _word(pieces: list[_Piece], strategy: str) -> _Piece:
    """Return a word as one piece, with the probabilities that the strategy gives it."""
    scores = torch.stack([piece.scores for piece in pieces])
    if strategy == "average":
        chosen = scores.mean(0)
    else:
        chosen = scores[0] if strategy == "first" else scores[scores.amax(1).argmax()]
    tokens = [token for piece in pieces for token in piece.tokens]
    first = pieces[0]
    return _Piece(tokens, chosen, first.index, first.start, pieces[-1].end, first.is_more)


def _kind(label: str) -> tuple[bool, str]:
    """Return whether a label begins an entity, and of which kind that is."""
    if label.startswith(("B-", "I-")):
        return label.startswith("B-"), label[2:]
    return False, label


class _EveryToken(TokenEmbedding):
    """The states of all tokens, the special ones included."""

    def finish(self, sequences: list[TokenSequence], computed: list[Tensor]) -> Any:
        return computed[0][None].clone()


class FeatureExtractionPipeline(Pipeline):
    """`feature-extraction`: the state of each token, as nested lists, or as a tensor.

    Options of a call are `return_tensors`, `truncation` and `tokenize_kwargs`.
    """

    work = TokenEmbedding

    def _results(
        self,
        examples: list[Any],
        lang: str | None,
        *,
        batch_size: int | None = None,
        return_tensors: bool = False,
        truncation: bool = False,
        tokenize_kwargs: Mapping[str, Any] | None = None,
    ) -> list[Any]:
        cut = read_truncation(truncation, tokenize_kwargs, "tokenize_kwargs")
        states = _EveryToken(self.model, self.tokenizer, truncation=cut, batch_size=batch_size)(
            examples, lang
        )
        return states if return_tensors else [one.tolist() for one in states]  # type: ignore[attr-defined]
