"""From a corpus to what is learnt from it: its rows, with an objective on each."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xlm_model.config import XLMConfig
from xlm_model.pretraining.held_out import HeldOutEvaluation
from xlm_model.pretraining.mixture import Source
from xlm_model.pretraining.objectives import (
    CausalLM,
    MaskedLM,
    Masking,
    Objective,
    TranslationLM,
)
from xlm_model.pretraining.rows import Rows, labels_of, open_rows
from xlm_model.pretraining.settings import ObjectiveSettings
from xlm_model.pretraining.specs import ObjectiveSpec
from xlm_text import XLMTokenizer
from xlm_text.corpora import Corpus
from xlm_text.corpora import open as open_corpus
from xlm_text.corpora.sources import MIXED
from xlm_text.errors import InputError

_TRAIN, _VALID = "train", "valid"
_HELD_OUT = "held-out"


def check_corpus(
    corpus: Corpus, specs: Sequence[ObjectiveSpec], settings: ObjectiveSettings
) -> None:
    """Raise an `InputError` unless a corpus has what the objectives need."""
    if _TRAIN not in corpus.splits:
        raise InputError(
            f"{corpus.folder}: has no split {_TRAIN!r}, only {', '.join(corpus.splits)}"
        )
    for spec in specs:
        _check_texts(corpus, spec)
    blocks = corpus.blocks
    if any(spec.kind == "clm" for spec in specs) and blocks and settings.context_size >= blocks - 1:
        raise InputError(
            f"is {settings.context_size}: expected less than {blocks - 1}, as rows have {blocks} "
            "tokens",
            argument="context_size",
        )
    open_held_out(corpus, settings.held_out)


def _check_texts(corpus: Corpus, spec: ObjectiveSpec) -> None:
    if _label_in(corpus, _TRAIN, spec) is None:
        known = ", ".join(labels_of(corpus, _TRAIN)) or "none"
        what = "pairs" if spec.is_pair else "texts"
        raise InputError(
            f"{spec.name}: {corpus.folder} has no {what} of {spec.label} to train on: there "
            f"are {known}"
        )
    if not spec.is_pair and (corpus.blocks is None or corpus.blocks < 2):
        rows = "sentences" if corpus.blocks is None else "single tokens"
        raise InputError(
            f"{spec.name}: {corpus.folder} has {rows} as rows: expected streams; run "
            "`xlm-tok prepare` with --blocks 256"
        )


def longest_row(corpus: Corpus, specs: Sequence[ObjectiveSpec], settings: ObjectiveSettings) -> int:
    """Return how many positions a model needs: those of a pair begin again in the second text."""
    has_pairs = any(spec.is_pair for spec in specs)
    has_streams = not all(spec.is_pair for spec in specs)
    pair = settings.max_pair_tokens + TranslationLM.SPECIAL_TOKENS // 2 if has_pairs else 0
    return max(pair, (corpus.blocks or 0) if has_streams else 0)


def open_held_out(corpus: Corpus, held_out: str | Path | None) -> tuple[Corpus, str] | None:
    """Return the corpus and the split that are evaluated on; None if there are none.

    Args:
        corpus: What is trained on.
        held_out: A split of it, or the folder of another corpus, of which the split "train" is
            taken: without `--split` that is all there is. None: "valid" if there is one.

    Raises:
        InputError: there is neither, or the other corpus was made with another vocabulary.
    """
    if held_out is None or held_out in corpus.splits:
        split = held_out or _VALID
        return (corpus, str(split)) if split in corpus.splits else None
    if not Path(held_out).is_dir():
        raise InputError(
            f"is {str(held_out)!r}: expected one of {', '.join(corpus.splits)}, or the folder of "
            "another corpus",
            argument="held_out",
        )
    other = open_corpus(str(held_out))
    if other.manifest["tokenizer"] != corpus.manifest["tokenizer"]:
        raise InputError(
            f"{other.folder}: was not made with the tokenizer of {corpus.folder}: run `xlm-tok "
            "prepare` with the same --model and options",
            argument="held_out",
        )
    if other.blocks != corpus.blocks:
        raise InputError(
            f"{other.folder}: was made with --blocks {other.blocks}, {corpus.folder} with "
            f"--blocks {corpus.blocks}: expected the same",
            argument="held_out",
        )
    return other, _TRAIN


def _label_in(corpus: Corpus, split: str, spec: ObjectiveSpec) -> str | None:
    """Return the label under which a split has what an objective needs; pairs in either order."""
    labels = labels_of(corpus, split)
    for label in (spec.label, "-".join(reversed(spec.langs))):
        if label in labels:
            return label
    is_mixed = not spec.is_pair and MIXED in labels and spec.label in corpus.statistics()
    return spec.label if is_mixed else None


class SourceReader:
    """Opens the rows of each objective, and puts the objective on them.

    Args:
        corpus: What `xlm-tok prepare` made.
        specs: The objectives.
        config: The model's.
        tokenizer: That of the corpus.
        settings: How objectives make batches.
        folder: Where flat files are made, if the corpus has none.
    """

    def __init__(
        self,
        corpus: Corpus,
        specs: Sequence[ObjectiveSpec],
        config: XLMConfig,
        tokenizer: XLMTokenizer,
        settings: ObjectiveSettings,
        folder: Path,
    ) -> None:
        self._corpus = corpus
        self._specs = specs
        self._config = config
        self._tokenizer = tokenizer
        self._settings = settings
        self._folder = folder

    def train(self) -> list[Source]:
        """Return what is trained on.

        Raises:
            InputError: an objective has no rows that can be used.

        Warns:
            UserWarning: pairs are left out as too long.
        """
        settings = self._settings
        rows = [self._rows(self._corpus, _TRAIN, spec, self._folder) for spec in self._specs]
        for spec, found in zip(self._specs, rows, strict=True):
            if not found:
                raise InputError(f"{spec.name}: {self._corpus.folder} has no rows that can be used")
            if found.too_long:
                warnings.warn(
                    f"{spec.name}: {found.too_long:,} pairs with a text of more than "
                    f"{settings.max_pair_tokens} tokens are left out",
                    stacklevel=3,
                )
        counts = None
        if settings.sample_alpha:
            counts = self._counts([found for found in rows if found])
        masking = Masking(
            self._config,
            share=settings.share,
            mask=settings.mask,
            keep=settings.keep,
            sample_alpha=settings.sample_alpha,
            counts=counts,
        )
        pairs = zip(self._specs, rows, strict=True)
        return [self._source(spec, found, masking) for spec, found in pairs if found]

    def held_out(self) -> HeldOutEvaluation | None:
        """Return what is evaluated on; None if there is nothing."""
        settings = self._settings
        opened = open_held_out(self._corpus, settings.held_out)
        if opened is None:
            return None
        corpus, split = opened
        folder = self._folder / _HELD_OUT
        masking = Masking(self._config, share=settings.share, mask=1.0, keep=0.0)
        found = [(spec, self._rows(corpus, split, spec, folder)) for spec in self._specs]
        sources = [self._source(spec, rows, masking) for spec, rows in found if rows]
        return HeldOutEvaluation(sources, tokens=settings.batch_tokens) if sources else None

    def _rows(self, corpus: Corpus, split: str, spec: ObjectiveSpec, folder: Path) -> Rows | None:
        label = _label_in(corpus, split, spec)
        if label is None:
            return None
        tokenizer = self._tokenizer
        # As in the reference the token at a sequence's end is its separator.
        ends = [i for i in (tokenizer.bos_token_id, tokenizer.sep_token_id) if i is not None]
        return open_rows(
            corpus,
            split,
            label,
            folder,
            vocab_size=len(tokenizer),
            stripped=ends if spec.is_pair else (),
            max_length=self._settings.max_pair_tokens if spec.is_pair else None,
        )

    def _source(self, spec: ObjectiveSpec, rows: Rows, masking: Masking) -> Source:
        config = self._config
        make: dict[str, Any] = {
            "clm": lambda: CausalLM(config, self._settings.context_size),
            "tlm": lambda: TranslationLM(config, masking),
            "mlm": lambda: MaskedLM(config, masking),
        }
        objective: Objective = make[spec.kind]()
        langs = None
        if config.has_lang_embeddings:
            ids = config.lang2id or {}
            langs = tuple(ids[lang] for lang in rows.label.split("-"))
        return Source(spec.name, objective, rows, langs)

    def _counts(self, rows: Sequence[Rows]) -> NDArray[np.int64]:
        """Return how often each word occurs; special tokens, which are not predicted, count 0."""
        size = self._config.vocab_size
        counts = sum((found.count(size) for found in rows), np.zeros(size, np.int64))
        counts[list(self._tokenizer.all_special_ids)] = 0
        return counts
