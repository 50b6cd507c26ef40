"""Filling masks: the words that may stand at a text's mask tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from xlm_model.heads import XLMWithLMHeadModel
from xlm_model.pretrained import XLMPreTrainedModel
from xlm_model.tasks.base import Asked, Task, check_at_least
from xlm_model.tasks.objective import is_causal, load_language_model, refuse
from xlm_model.tasks.sequences import TextInput, TokenSequence, tokenize
from xlm_model.tasks.tokenizers import TaskTokenizer, language_of, pieces_of
from xlm_text import InputError
from xlm_text.errors import Argument

# Masks whose scores of the whole vocabulary are in memory at once.
_MASKS_AT_ONCE = 256


@dataclass(frozen=True)
class Fill:
    """One word, or piece of a word, for a mask.

    Attributes:
        text: As it reads, without the mark of a word's end.
        token: As the vocabulary has it.
        id: Its id.
        score: Its probability, among the whole vocabulary.
    """

    text: str
    token: str
    id: int
    score: float


@dataclass(frozen=True)
class Mask:
    """A mask of the text.

    Attributes:
        start: Offset of its first character in the text, in code points.
        end: Offset behind its last character.
        fills: The most likely first.
    """

    start: int
    end: int
    fills: list[Fill]


class FillMask(Task[str, list[Mask]]):
    """Fill the masks of texts.

    An example is a text with one or several mask tokens (`tokenizer.mask_token`, `<special1>`);
    its result is a list with a `Mask` for each. Every mask is scored given all the others unfilled.

    Args:
        model: Trained with the MLM objective.
        tokenizer: The checkpoint's.
        top_k: How many fills of each mask.
        candidates: Score only these words; each must be one piece of the vocabulary, in the texts'
            language.
        max_masks: Most masks of a text.
        truncation: Cut texts that are too long, instead of raising an error.
        any_objective: Take a causal model, too.
        batch_size: As for every `Task`.

    Example:
        >>> from xlm_model import XLMConfig, XLMWithLMHeadModel
        >>> from xlm_text import XLMTokenizer
        >>> tokenizer = XLMTokenizer.from_pretrained()
        >>> config = XLMConfig(vocab_size=len(tokenizer), emb_dim=32, n_layers=2, n_heads=4)
        >>> fill = FillMask(XLMWithLMHeadModel(config).eval(), tokenizer, top_k=3)
        >>> [(mask,)] = fill(["Paris is the <special1> of France."], lang="en")
        >>> mask.start, mask.end, len(mask.fills)
        (13, 23, 3)
    """

    models = (XLMWithLMHeadModel,)

    def __init__(
        self,
        model: XLMWithLMHeadModel,
        tokenizer: TaskTokenizer,
        *,
        top_k: int = 5,
        candidates: Sequence[str] | None = None,
        max_masks: int = 32,
        truncation: bool = False,
        any_objective: bool = False,
        batch_size: int | None = None,
    ) -> None:
        super().__init__(model, tokenizer, batch_size=batch_size)
        check_at_least("top_k", top_k, 1)
        check_at_least("max_masks", max_masks, 1)
        if isinstance(candidates, str) or (candidates is not None and not candidates):
            raise InputError(
                f"is {candidates!r}: expected a list of words, or None", argument="candidates"
            )
        if is_causal(model) and not any_objective:
            raise refuse(
                "fill masks with",
                "CLM",
                "sees only the words before a mask, and was trained on none",
            )
        self.top_k = top_k
        self.candidates = candidates
        self.max_masks = max_masks
        self.truncation = truncation
        self._candidate_ids: dict[str | None, list[int]] = {}

    @classmethod
    def _load(cls, where: str | Path, **options: Any) -> XLMPreTrainedModel:
        return load_language_model(where, **options)

    def prepare(self, asked: Sequence[Asked]) -> list[list[tuple[TokenSequence, list[int] | None]]]:
        """Return each text's sequence and the ids of its candidates."""
        texts = [TextInput(one.example, one.lang) for one in asked]
        sequences = tokenize(
            self.tokenizer, self.config, texts, truncation=self.truncation, offsets=True
        )
        for sequence in sequences:
            self._check_masks(sequence.ids.count(self._mask_id))
        return [
            [(sequence, self._candidates_in(language_of(self.tokenizer, text.lang)))]
            for sequence, text in zip(sequences, texts, strict=True)
        ]

    def compute(self, sequences: list[Any]) -> Sequence[list[Mask]]:
        """Score the masks, and nothing else."""
        batch = self._pack([sequence for sequence, _ in sequences])
        hidden = self._run(self.model.transformer, batch).last_hidden_state
        masks = (batch.input_ids == self._mask_id).nonzero().squeeze(-1)
        wanted = [
            ids for sequence, ids in sequences for _ in range(sequence.ids.count(self._mask_id))
        ]
        fills: list[list[Fill]] = []
        for start in range(0, len(masks), _MASKS_AT_ONCE):
            part = slice(start, start + _MASKS_AT_ONCE)
            logits = self.model.head(hidden, batch.layout, logits_to_keep=masks[part]).logits
            fills += self._best(logits.float().log_softmax(-1), wanted[part])
        filled = iter(fills)
        return [
            [
                Mask(start, end, next(filled))
                for (start, end), id_ in zip(sequence.offsets, sequence.ids, strict=True)
                if id_ == self._mask_id
            ]
            for sequence, _ in sequences
        ]

    def finish(self, sequences: list[Any], computed: list[list[Mask]]) -> list[Mask]:
        """Return the one sequence's masks."""
        return computed[0]

    @property
    def _mask_id(self) -> int:
        return self.tokenizer.mask_token_id  # type: ignore[no-any-return]

    def _size(self, sequence: tuple[TokenSequence, list[int] | None]) -> int:
        return len(sequence[0])

    def _best(
        self, log_probs: torch.Tensor, wanted: Sequence[list[int] | None]
    ) -> list[list[Fill]]:
        """Return the fills of some masks from scores of shape `(masks, vocab_size)`."""
        if self.candidates is None:
            # The model may have more words than the tokenizer can write.
            best = log_probs[:, : len(self.tokenizer)].topk(min(self.top_k, len(self.tokenizer)))
            found = zip(best.indices.tolist(), best.values.exp().tolist(), strict=True)
            return [
                [self._fill(id_, score) for id_, score in zip(*one, strict=True)] for one in found
            ]
        return [
            [
                self._fill(id_, score)
                for score, id_ in sorted(zip(scores[ids].exp().tolist(), ids, strict=True))[::-1]
            ][: self.top_k]
            for scores, ids in zip(log_probs, wanted, strict=True)
            if ids is not None
        ]

    def _fill(self, id_: int, score: float) -> Fill:
        token = self.tokenizer.convert_ids_to_tokens(id_)
        # The marks of a word's end in BPE, and of its beginning in SentencePiece.
        return Fill(token.removesuffix("</w>").removeprefix("▁"), token, id_, score)

    def _check_masks(self, count: int) -> None:
        mask = self.tokenizer.mask_token
        if not count:
            raise InputError(f"the text has no mask: expected {mask} where a word is to be found")
        if count > self.max_masks:
            raise InputError(
                f"the text has {count} masks: expected at most {self.max_masks}, ",
                Argument("max_masks"),
            )

    def _candidates_in(self, lang: str | None) -> list[int] | None:
        if self.candidates is None:
            return None
        if lang not in self._candidate_ids:
            ids = dict.fromkeys(self._candidate(word, lang) for word in self.candidates)
            self._candidate_ids[lang] = list(ids)
        return self._candidate_ids[lang]

    def _candidate(self, word: str, lang: str | None) -> int:
        pieces = pieces_of(self.tokenizer, word, lang)
        ids = self.tokenizer.convert_tokens_to_ids(pieces)
        if len(ids) != 1 or ids[0] == self.tokenizer.unk_token_id:
            where = "" if lang is None else f" in {lang}"
            raise InputError(
                f"the candidate {word!r} is {' '.join(pieces) or 'nothing'!r}{where}: expected "
                "one piece of the vocabulary, as a mask stands for one"
            )
        found: int = ids[0]
        return found
