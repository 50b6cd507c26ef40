"""Pipelines of language models: `fill-mask` and `text-generation`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from xlm_model.generation import Continuation
from xlm_model.pipelines.base import Pipeline, read_truncation
from xlm_model.tasks.fill_mask import FillMask, Mask
from xlm_model.tasks.generation import TextGeneration
from xlm_model.tasks.sequences import TokenSequence


class _FilledMasks(FillMask):
    """Each text's tokens beside its masks."""

    def finish(self, sequences: list[Any], computed: list[list[Mask]]) -> Any:
        [(sequence, _)] = sequences
        return sequence.ids, computed[0]

    def _candidate(self, word: str, lang: str | None) -> int:
        # A piece of the vocabulary as it is, such as `▁Paris`, or a word.
        found: int = self.tokenizer.convert_tokens_to_ids(word)
        is_piece = found not in (None, self.tokenizer.unk_token_id)
        return found if is_piece else super()._candidate(word, lang)


class FillMaskPipeline(Pipeline):
    """`fill-mask`: a list of fills, or with several masks one for each.

    Options of a call are `top_k`, `targets` (words or pieces, of which each is one token),
    `truncation` and `tokenizer_kwargs`.
    """

    work = FillMask

    def __call__(self, inputs: Any, **options: Any) -> Any:
        """Fill the masks of a text, or of each of a list; a list of one gives what the one gives.

        See `Pipeline`.
        """
        found = super().__call__(inputs, **options)
        return found[0] if isinstance(inputs, list) and len(inputs) == 1 else found

    def _results(
        self,
        examples: list[Any],
        lang: str | None,
        *,
        batch_size: int | None = None,
        top_k: int = 5,
        targets: str | Sequence[str] | None = None,
        truncation: bool = False,
        tokenizer_kwargs: Mapping[str, Any] | None = None,
    ) -> list[Any]:
        fill = _FilledMasks(
            self.model,
            self.tokenizer,
            top_k=top_k,
            candidates=[targets] if isinstance(targets, str) else targets,
            truncation=read_truncation(truncation, tokenizer_kwargs, "tokenizer_kwargs"),
            batch_size=batch_size,
        )
        found: list[Any] = fill(examples, lang)
        return [self._fills(ids, masks) for ids, masks in found]

    def _fills(self, ids: list[int], masks: Sequence[Mask]) -> list[Any]:
        places = [i for i, id_ in enumerate(ids) if id_ == self.tokenizer.mask_token_id]
        found = [
            [
                {
                    "score": fill.score,
                    "token": fill.id,
                    "token_str": self.tokenizer.decode([fill.id]),
                    "sequence": self.tokenizer.decode(
                        [*ids[:place], fill.id, *ids[place + 1 :]],
                        skip_special_tokens=len(places) == 1,
                    ),
                }
                for fill in mask.fills
            ]
            for place, mask in zip(places, masks, strict=True)
        ]
        return found[0] if len(found) == 1 else found


class _Continued(TextGeneration):
    """What follows each prompt, with the space before it and without."""

    def finish(
        self, sequences: list[tuple[TokenSequence, int]], computed: list[Continuation]
    ) -> Any:
        generated = super().finish(sequences, computed)
        [(prompt, _)] = sequences
        # Only beside the prompt a tokenizer tells whether a word begins or goes on.
        before, whole = (
            self.tokenizer.decode([*prompt.ids, *ids], skip_special_tokens=True)
            for ids in ([], [id_ for id_ in generated.ids if id_ < len(self.tokenizer)])
        )
        return whole.removeprefix(before), generated.text


class TextGenerationPipeline(Pipeline):
    """`text-generation`: the prompt and what follows it.

    Options of a call are those of `xlm_model.tasks.TextGeneration`, and `return_full_text`.
    """

    work = TextGeneration

    def _results(
        self,
        examples: list[Any],
        lang: str | None,
        *,
        batch_size: int | None = None,
        return_full_text: bool = True,
        **how: Any,
    ) -> list[Any]:
        go_on = _Continued(self.model, self.tokenizer, batch_size=batch_size, **how)
        found: list[Any] = go_on(examples, lang)
        return [
            [{"generated_text": prompt + more if return_full_text else new}]
            for prompt, (more, new) in zip(examples, found, strict=True)
        ]
