"""Embeddings: vectors of texts and of their tokens."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

import torch
from torch import Tensor

from xlm_model.attention import PackedBatch
from xlm_model.config_files import HUB_OPTIONS
from xlm_model.encoder import XLMModel
from xlm_model.pretrained import XLMPreTrainedModel
from xlm_model.tasks.base import Asked, Result, Task, check_at_least
from xlm_model.tasks.sentence_folders import read_sentence_folder
from xlm_model.tasks.sequences import Offset, TextInput, TokenSequence, tokenize
from xlm_model.tasks.tokenizers import TaskTokenizer
from xlm_text import InputError

Pooling = Literal["mean", "first", "max"]
Self = TypeVar("Self", bound="SentenceEmbedding")


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
    # Put before each text.
    prompt = ""

    def __init__(
        self,
        model: XLMModel,
        tokenizer: TaskTokenizer,
        *,
        normalize: bool = False,
        layer: int | None = None,
        truncation: bool = False,
        batch_size: int | None = None,
    ) -> None:
        super().__init__(model, tokenizer, batch_size=batch_size)
        count = self.config.n_layers
        layer = -1 if layer is None else layer
        if not -count - 1 <= layer <= count:
            raise InputError(
                f"is {layer}: expected 0, the embeddings, to {count}, the last of the "
                "checkpoint's layers; or a number from -1 down, counted from the last",
                argument="layer",
            )
        self.layer = layer % (count + 1)
        self.normalize = normalize
        self.truncation = truncation

    @classmethod
    def _load(cls, where: str | Path, **options: Any) -> XLMPreTrainedModel:
        with warnings.catch_warnings():
            # That the head is not used is what is wanted here.
            warnings.filterwarnings("ignore", message=".*its head not used")
            warnings.filterwarnings("ignore", message=".*has no pooling layer")
            return super()._load(where, **options)

    def prepare(self, asked: Sequence[Asked]) -> list[list[TokenSequence]]:
        """Return each text's sequence."""
        texts = [TextInput(_after(self.prompt, one.example), one.lang) for one in asked]
        sequences = tokenize(
            self.tokenizer,
            self.config,
            texts,
            truncation=self.truncation,
            offsets=self.offsets,
            max_length=self.max_length,
        )
        return [[sequence] for sequence in sequences]

    def _finished(self, vectors: Tensor) -> Tensor:
        """Return vectors, of shape `(…, dim)`, as they are wanted, on the CPU."""
        return (torch.nn.functional.normalize(vectors, dim=-1) if self.normalize else vectors).cpu()

    def _states(self, batch: PackedBatch) -> Tensor:
        """Return the states of the layer in fp32; the layers behind it do not run."""
        output = self._run(self.model, batch, layers=self.layer)
        hidden: Tensor = output.last_hidden_state
        return hidden.float()


def _after(prompt: str, text: Any) -> Any:
    # What is no text is left for the tokenizer's error.
    return prompt + text if isinstance(text, str) else text


class SentenceEmbedding(_Embedding[Tensor]):
    """One vector for each text, in fp32 on the CPU; shape `(dim,)`.

    Args:
        model: The encoder.
        tokenizer: The checkpoint's.
        pooling: The `mean` of all tokens' states, the two special ones included, as with None; that
            of the `first`; or the largest number of all in each dimension (`max`).
        normalize: Divide each vector by its length, so that products are cosines.
        layer: Whose states: 0 for the embeddings, -1 or None for the last layer. Middle layers
            often serve better to compare sentences.
        truncation: Cut texts that are too long, instead of raising an error.
        max_length: Tokens of the longest text, the special ones included; None: as many as the
            model has positions.
        prompt: Put before each text, such as "query: " for multilingual E5.
        batch_size: As for every `Task`.

    `from_pretrained` reads what a folder of sentence-transformers declares of these.

    Example:
        >>> from xlm_model import XLMConfig
        >>> from xlm_text import XLMTokenizer
        >>> tokenizer = XLMTokenizer.from_pretrained()
        >>> config = XLMConfig(vocab_size=len(tokenizer), emb_dim=32, n_layers=2, n_heads=4)
        >>> embed = SentenceEmbedding(XLMModel(config).eval(), tokenizer)
        >>> [vector.shape for vector in embed(["Hello!", "How are you?"], lang="en")]
        [torch.Size([32]), torch.Size([32])]
    """

    def __init__(
        self,
        model: XLMModel,
        tokenizer: TaskTokenizer,
        *,
        pooling: Pooling | None = None,
        normalize: bool = False,
        layer: int | None = None,
        truncation: bool = False,
        max_length: int | None = None,
        prompt: str = "",
        batch_size: int | None = None,
    ) -> None:
        super().__init__(
            model,
            tokenizer,
            normalize=normalize,
            layer=layer,
            truncation=truncation,
            batch_size=batch_size,
        )
        check_at_least("max_length", max_length, 3)
        pooling = pooling or "mean"
        if pooling not in get_args(Pooling):
            names = ", ".join(get_args(Pooling))
            raise InputError(f"is {pooling!r}: expected one of {names}", argument="pooling")
        self.pooling = pooling
        self.max_length = max_length
        self.prompt = prompt

    @classmethod
    def from_pretrained(
        cls: type[Self], where: str | Path, *, tokenizer: Any = None, **options: Any
    ) -> Self:
        """Load a checkpoint; see `Task.from_pretrained`.

        A folder of sentence-transformers (`modules.json`) says how its vectors are made, and texts
        that are too long are cut as there, unless the options say otherwise.
        """
        hub = {k: options[k] for k in HUB_OPTIONS if options.get(k) is not None}
        declared = read_sentence_folder(where, hub)
        if declared is not None:
            given = {
                "pooling": declared.pooling,
                "normalize": declared.normalize,
                "max_length": declared.max_length,
                "truncation": True,
                "prompt": declared.prompt,
            }
            # What is switched off counts as not given: a flag cannot say more.
            options = given | {k: v for k, v in options.items() if v is not None and v is not False}
            where = declared.encoder
        return super().from_pretrained(where, tokenizer=tokenizer, **options)

    def compute(self, sequences: list[TokenSequence]) -> Sequence[Tensor]:
        """Return each sequence's vector."""
        batch = self._pack(sequences)
        pool = {"mean": batch.layout.mean, "first": batch.layout.first, "max": batch.layout.max}
        return self._finished(pool[self.pooling](self._states(batch))).unbind()

    def finish(self, sequences: list[TokenSequence], computed: list[Tensor]) -> Tensor:
        """Return a vector that does not keep its batch's others in memory."""
        return computed[0].clone()


class TokenEmbedding(_Embedding[TokenVectors]):
    """The vectors of each text's tokens, in fp32 on the CPU.

    Args:
        model: The encoder.
        tokenizer: The checkpoint's.
        normalize: As for `SentenceEmbedding`.
        layer: Likewise.
        truncation: Cut texts that are too long, instead of raising an error.
        batch_size: As for every `Task`.

    Example:
        >>> from xlm_model import XLMConfig
        >>> from xlm_text import XLMTokenizer
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
        return batch.layout.split(self._finished(self._states(batch)))

    def finish(self, sequences: list[TokenSequence], computed: list[Tensor]) -> TokenVectors:
        """Leave the special tokens out."""
        [sequence], [vectors] = sequences, computed
        tokens = self.tokenizer.convert_ids_to_tokens(sequence.ids[1:-1])
        return TokenVectors(vectors[1:-1].clone(), tokens, sequence.offsets[1:-1])
