"""Embeddings: vectors of texts and of their tokens."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from xlm_model.encoder import XLMModel
from xlm_model.pretrained import XLMPreTrainedModel
from xlm_model.tasks.base import Asked, Result, Task
from xlm_model.tasks.sequences import Offset, TextInput, TokenSequence, tokenize
from xlm_text import InputError, XLMTokenizer


@dataclass(frozen=True, eq=False)
class TokenVectors:
    """The vectors of a text's tokens.

    Attributes:
        vectors: Without those of the special tokens around the text. Shape `(tokens, dim)`.
        tokens: The pieces.
        offsets: Start and end of each in the text, in code points, end exclusive.
    """

    vectors: Tensor
    tokens: list[str]
    offsets: list[Offset]


class _Embedding(Task[str, Result]):
    """Vectors of texts, by a checkpoint of any head."""

    models = (XLMModel,)
    offsets = False

    def __init__(
        self,
        model: XLMModel,
        tokenizer: XLMTokenizer,
        *,
        truncation: bool = False,
        batch_size: int | None = None,
    ) -> None:
        super().__init__(model, tokenizer, batch_size=batch_size)
        self.truncation = truncation

    @classmethod
    def _load(cls, where: str | Path, **options: Any) -> XLMPreTrainedModel:
        with warnings.catch_warnings():
            # That the head is not used is what is wanted here.
            warnings.filterwarnings("ignore", message=".*its head not used")
            return super()._load(where, **options)

    def prepare(self, asked: Sequence[Asked]) -> list[list[TokenSequence]]:
        """Return each text's sequence."""
        texts = [TextInput(one.example, one.lang) for one in asked]
        sequences = tokenize(
            self.tokenizer,
            self.config,
            texts,
            truncation=self.truncation,
            offsets=self.offsets,
        )
        return [[sequence] for sequence in sequences]


class SentenceEmbedding(_Embedding[Tensor]):
    """One vector for each text, in fp32 on the CPU; shape `(dim,)`.

    Args:
        model: The encoder.
        tokenizer: The checkpoint's.
        pooling: The `mean` of all tokens' last states, the two special ones included, or that of
            the `first`.
        truncation: Cut texts that are too long, instead of raising an error.
        batch_size: As for every `Task`.

    Example:
        >>> from xlm_model import XLMConfig
        >>> tokenizer = XLMTokenizer.from_pretrained()
        >>> config = XLMConfig(vocab_size=len(tokenizer), emb_dim=32, n_layers=2, n_heads=4)
        >>> embed = SentenceEmbedding(XLMModel(config).eval(), tokenizer)
        >>> [vector.shape for vector in embed(["Hello!", "How are you?"], lang="en")]
        [torch.Size([32]), torch.Size([32])]
    """

    def __init__(
        self,
        model: XLMModel,
        tokenizer: XLMTokenizer,
        *,
        pooling: Literal["mean", "first"] = "mean",
        truncation: bool = False,
        batch_size: int | None = None,
    ) -> None:
        super().__init__(model, tokenizer, truncation=truncation, batch_size=batch_size)
        if pooling not in ("mean", "first"):
            raise InputError(f"is {pooling!r}: expected 'mean' or 'first'", argument="pooling")
        self.pooling = pooling

    def compute(self, sequences: list[TokenSequence]) -> Sequence[Tensor]:
        """Return each sequence's vector."""
        batch = self._pack(sequences)
        hidden = self._run(self.model, batch).last_hidden_state.float()
        pool = batch.layout.mean if self.pooling == "mean" else batch.layout.first
        return pool(hidden).cpu().unbind()

    def finish(self, sequences: list[TokenSequence], computed: list[Tensor]) -> Tensor:
        """Return a vector that does not keep its batch's others in memory."""
        return computed[0].clone()


class TokenEmbedding(_Embedding[TokenVectors]):
    """The vectors of each text's tokens, in fp32 on the CPU.

    Args:
        model: The encoder.
        tokenizer: The checkpoint's.
        truncation: Cut texts that are too long, instead of raising an error.
        batch_size: As for every `Task`.

    Example:
        >>> from xlm_model import XLMConfig
        >>> tokenizer = XLMTokenizer.from_pretrained()
        >>> config = XLMConfig(vocab_size=len(tokenizer), emb_dim=32, n_layers=2, n_heads=4)
        >>> [found] = TokenEmbedding(XLMModel(config).eval(), tokenizer)(["Hello!"], lang="en")
        >>> found.tokens, found.offsets, found.vectors.shape
        (['hel', 'lo</w>', '!</w>'], [(0, 3), (3, 5), (5, 6)], torch.Size([3, 32]))
    """

    offsets = True

    def compute(self, sequences: list[TokenSequence]) -> Sequence[Tensor]:
        """Return the states of each sequence's tokens."""
        batch = self._pack(sequences)
        hidden = self._run(self.model, batch).last_hidden_state
        return batch.layout.split(hidden.float().cpu())

    def finish(self, sequences: list[TokenSequence], computed: list[Tensor]) -> TokenVectors:
        """Leave the special tokens out."""
        [sequence], [vectors] = sequences, computed
        tokens = self.tokenizer.convert_ids_to_tokens(sequence.ids[1:-1])
        return TokenVectors(vectors[1:-1].clone(), tokens, sequence.offsets[1:-1])
