"""Pretraining: from a corpus and objectives to checkpoints."""

from __future__ import annotations

import hashlib
import json
import shutil
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from xlm_model.config import XLMConfig
from xlm_model.heads import XLMWithLMHeadModel
from xlm_model.training.held_out import HeldOut
from xlm_model.training.loop import Training, TrainingResult, processes_of_training
from xlm_model.training.mixture import Mixture, Source
from xlm_model.training.objectives import (
    CausalLM,
    MaskedLM,
    Masking,
    Objective,
    TranslationLM,
)
from xlm_model.training.reporting import Scores
from xlm_model.training.rows import Rows, labels_of, open_rows
from xlm_model.training.settings import TrainingSettings
from xlm_model.training.start import model_from, new_model, read_config
from xlm_model.training.state import RunFolder
from xlm_text import XLMTokenizer, corpora
from xlm_text.corpora import Corpus
from xlm_text.corpora.sources import MIXED
from xlm_text.errors import InputError

KINDS = ("mlm", "tlm", "clm")
_ROWS = ".rows"
_TRAIN = "train"


class Step(NamedTuple):
    """An objective and what it is learnt on.

    Attributes:
        kind: "mlm", "tlm" or "clm".
        label: A language, or two with a hyphen between.
    """

    kind: str
    label: str

    @property
    def name(self) -> str:
        """As it is given, such as "mlm:en"."""
        return f"{self.kind}:{self.label}"

    @property
    def langs(self) -> list[str]:
        """The language, or the two."""
        return self.label.split("-")


@dataclass(frozen=True)
class ObjectiveSettings:
    """How objectives make batches.

    Attributes:
        batch_tokens: Tokens of a batch, about.
        alpha: Languages are drawn in proportion to their rows to this power.
        share: Which part of the positions MLM and TLM predict.
        mask: Which part of these become the mask.
        keep: Which part of these stay as they are; the rest becomes any word.
        sample_alpha: Predict rare words more often: positions are drawn in proportion to the word's
            count to the power of minus this.
        max_pair_tokens: Pairs of which a text is longer are left out.
        context_size: So many first positions of each row predict nothing in CLM.
        held_out: The split that is evaluated on; None: "valid" if there is one.
    """

    batch_tokens: int = 8192
    alpha: float = 0.7
    share: float = 0.15
    mask: float = 0.8
    keep: float = 0.1
    sample_alpha: float = 0.0
    max_pair_tokens: int = 100
    context_size: int = 0
    held_out: str | None = None


def pretrain(
    data: str | Path,
    objectives: Sequence[str],
    output: str | Path,
    *,
    config: XLMConfig | Mapping[str, Any] | str | Path | None = None,
    checkpoint: str | Path | None = None,
    settings: TrainingSettings | None = None,
    how: ObjectiveSettings | None = None,
    resume: bool = False,
    any_objective: bool = False,
    new_positions: str | None = None,
    tensorboard: bool = False,
    progress: bool = False,
    evaluated: Callable[[int, Scores], None] | None = None,
) -> TrainingResult:
    """Pretrain a language model, a new one or a checkpoint.

    Args:
        data: The folder that `xlm-tok prepare` made.
        objectives: Such as "mlm:en,fr", "tlm:en-fr" and "clm:en".
        output: Folder for checkpoints and log.
        config: Of a new model; what the data decide may be left out. A mapping, or a JSON file.
        checkpoint: Begin with this one instead: a folder, a file or a name on the hub.
        settings: Optimiser, steps, and when to evaluate and save.
        how: How the objectives make batches.
        resume: Go on with what is in the folder, if anything is.
        any_objective: Allow objectives that the checkpoint was not made for.
        new_positions: How positions beyond those of the checkpoint begin where rows are longer,
            "copy" or "interpolate".
        tensorboard: Also write event files for TensorBoard.
        progress: Show a progress bar on standard error.
        evaluated: Called with the step and the scores of each evaluation.

    Returns:
        How it ended, and the folder of the best checkpoint.

    Raises:
        InputError: data, objectives and model do not fit each other, or a wrong setting.
        ConfigError: a wrong value in the configuration.
        TrainingError: a loss that is not a number, or a checkpoint that cannot be saved.

    Warns:
        UserWarning: pairs are left out as too long, or a language is new to a checkpoint.
    """
    settings, how = settings or TrainingSettings(), how or ObjectiveSettings()
    if (config is None) == (checkpoint is None):
        raise InputError("expected either a config, for a new model, or a checkpoint to begin with")
    if processes_of_training().is_main_process:
        RunFolder(output).check(resume=resume)
    corpus = corpora.open(data)
    steps = parse_objectives(objectives)
    _check_data(corpus, steps, how)
    tokenizer = corpus.tokenizer()
    longest = _longest(corpus, steps, how)
    langs = list(dict.fromkeys(lang for step in steps for lang in step.langs))
    kinds = {step.kind == "clm" for step in steps}
    causal = kinds.pop() if len(kinds) == 1 else None
    if checkpoint is not None:
        model = model_from(
            checkpoint,
            tokenizer,
            langs,
            causal=causal,
            longest=longest,
            seed=settings.seed,
            any_objective=any_objective,
            new_positions=new_positions,
        )
    else:
        assert config is not None
        model = new_model(
            config, tokenizer, langs, causal=bool(causal), longest=longest, seed=settings.seed
        )
    _note_steps(model.config, steps)
    fingerprint = _fingerprint(corpus)
    reader = _Reader(corpus, steps, model.config, tokenizer, how, Path(output, _ROWS, fingerprint))
    with processes_of_training().main_process_first():
        train = reader.train()
        evaluate = reader.held_out()
    if settings.metric is not None and (
        evaluate is None or settings.metric not in evaluate.metrics
    ):
        known = "there is no held-out text" if evaluate is None else ", ".join(evaluate.metrics)
        raise InputError(f"is {settings.metric!r}: expected one of {known}", argument="metric")
    training = Training(
        model,
        Mixture(train, tokens=how.batch_tokens, seed=settings.seed, alpha=how.alpha),
        settings,
        output,
        record={
            "data": fingerprint,
            "objectives": [step.name for step in steps],
            "config": None if config is None else read_config(config).to_dict(),
            "checkpoint": None if checkpoint is None else str(checkpoint),
            **asdict(how),
        },
        resume=resume,
        evaluate=evaluate,
        add_files=_tokenizer_for(model, tokenizer).save_pretrained,
        tensorboard=tensorboard,
        progress=progress,
        evaluated=evaluated,
    )
    result = training.run()
    if training.accelerator.is_main_process:
        shutil.rmtree(Path(output, _ROWS), ignore_errors=True)
    return result


def parse_objectives(texts: Sequence[str]) -> list[Step]:
    """Read objectives such as "mlm:en,fr".

    Raises:
        InputError: one that is none.

    Example:
        >>> [step.name for step in parse_objectives(["mlm:en,fr", "tlm:en-fr"])]
        ['mlm:en', 'mlm:fr', 'tlm:en-fr']
    """
    steps = []
    for text in texts:
        kind, _, labels = text.partition(":")
        parts = [label.strip() for label in labels.split(",")]
        sizes = {len(set(label.split("-"))) for label in parts if all(label.split("-"))}
        if kind not in KINDS or not all(parts) or sizes != {2 if kind == "tlm" else 1}:
            raise InputError(
                f"{text!r} is no objective: expected mlm or clm with languages, such as mlm:en,fr, "
                "or tlm with pairs of them, such as tlm:en-fr"
            )
        steps += [Step(kind, label) for label in parts]
    if not steps:
        raise InputError("got no objectives: expected some, such as mlm:en,fr")
    return list(dict.fromkeys(steps))


def _check_data(corpus: Corpus, steps: Sequence[Step], how: ObjectiveSettings) -> None:
    """Raise an `InputError` unless the corpus has what the objectives need."""
    if _TRAIN not in corpus.splits:
        raise InputError(f"{corpus.folder}: has no split {_TRAIN!r}, only {corpus.splits}")
    for step in steps:
        if _label_in(corpus, _TRAIN, step) is None:
            known = ", ".join(labels_of(corpus, _TRAIN)) or "none"
            what = "pairs" if step.kind == "tlm" else "texts"
            raise InputError(
                f"{step.name}: {corpus.folder} has no {what} of {step.label} to train on: there "
                f"are {known}"
            )
        if step.kind != "tlm" and corpus.blocks is None:
            raise InputError(
                f"{step.name}: {corpus.folder} has sentences as rows: expected streams; run "
                "`xlm-tok prepare` with --blocks 256"
            )
    blocks = corpus.blocks
    if any(step.kind == "clm" for step in steps) and blocks and how.context_size >= blocks - 1:
        raise InputError(
            f"is {how.context_size}: expected less than {blocks - 1}, as rows have {blocks} tokens",
            argument="context_size",
        )
    if how.held_out is not None and how.held_out not in corpus.splits:
        raise InputError(
            f"is {how.held_out!r}: expected one of {', '.join(corpus.splits)}", argument="held_out"
        )


def _label_in(corpus: Corpus, split: str, step: Step) -> str | None:
    """Return the label under which a split has what a step needs, in either order of a pair."""
    labels = labels_of(corpus, split)
    for label in (step.label, "-".join(reversed(step.langs))):
        if label in labels:
            return label
    is_mixed = step.kind != "tlm" and MIXED in labels and step.label in corpus.statistics()
    return step.label if is_mixed else None


def _longest(corpus: Corpus, steps: Sequence[Step], how: ObjectiveSettings) -> int:
    """Return how many positions the model needs: those of a pair begin again in the second text."""
    has_pairs = any(step.kind == "tlm" for step in steps)
    has_streams = any(step.kind != "tlm" for step in steps)
    pair = how.max_pair_tokens + TranslationLM.SPECIAL_TOKENS // 2 if has_pairs else 0
    return max(pair, (corpus.blocks or 0) if has_streams else 0)


class _Reader:
    """Opens the rows of each step, and puts its objective on them."""

    def __init__(
        self,
        corpus: Corpus,
        steps: Sequence[Step],
        config: XLMConfig,
        tokenizer: XLMTokenizer,
        how: ObjectiveSettings,
        folder: Path,
    ) -> None:
        self._corpus = corpus
        self._steps = steps
        self._config = config
        self._tokenizer = tokenizer
        self._how = how
        self._folder = folder

    def train(self) -> list[Source]:
        """Return what is trained on."""
        rows = [self._rows(step, _TRAIN) for step in self._steps]
        for step, found in zip(self._steps, rows, strict=True):
            if found is not None and found.too_long:
                warnings.warn(
                    f"{step.name}: {found.too_long:,} pairs with a text of more than "
                    f"{self._how.max_pair_tokens} tokens are left out",
                    stacklevel=3,
                )
        how = self._how
        masking = self._masking(
            mask=how.mask,
            keep=how.keep,
            sample_alpha=how.sample_alpha,
            counts=self._counts([found for found in rows if found is not None]),
        )
        sources = []
        for step, found in zip(self._steps, rows, strict=True):
            if not found:
                raise InputError(f"{step.name}: {self._corpus.folder} has no rows that can be used")
            sources.append(self._source(step, found, masking))
        return sources

    def held_out(self) -> HeldOut | None:
        """Return what is evaluated on; None if there is nothing."""
        split = self._how.held_out or "valid"
        if split not in self._corpus.splits:
            return None
        masking = self._masking(mask=1.0, keep=0.0)
        found = [(step, self._rows(step, split)) for step in self._steps]
        sources = [self._source(step, rows, masking) for step, rows in found if rows]
        return HeldOut(sources, tokens=self._how.batch_tokens) if sources else None

    def _rows(self, step: Step, split: str) -> Rows | None:
        label = _label_in(self._corpus, split, step)
        if label is None:
            return None
        tokenizer = self._tokenizer
        ends = [i for i in (tokenizer.bos_token_id, tokenizer.eos_token_id) if i is not None]
        is_pair = step.kind == "tlm"
        return open_rows(
            self._corpus,
            split,
            label,
            self._folder,
            vocab_size=len(tokenizer),
            stripped=ends if is_pair else (),
            max_length=self._how.max_pair_tokens if is_pair else None,
        )

    def _source(self, step: Step, rows: Rows, masking: Masking) -> Source:
        config = self._config
        objective: Objective
        if step.kind == "clm":
            objective = CausalLM(config, self._how.context_size)
        elif step.kind == "tlm":
            objective = TranslationLM(config, masking)
        else:
            objective = MaskedLM(config, masking)
        langs = None
        if config.has_lang_embeddings:
            ids = config.lang2id or {}
            langs = tuple(ids[lang] for lang in rows.label.split("-"))
        return Source(step.name, objective, rows, langs)

    def _masking(self, **options: Any) -> Masking:
        try:
            return Masking(self._config, share=self._how.share, **options)
        except ValueError as error:
            raise InputError(str(error)) from None

    def _counts(self, rows: Sequence[Rows]) -> NDArray[np.int64] | None:
        """Return how often each word occurs, if that is asked for; special tokens count as 0."""
        if not self._how.sample_alpha:
            return None
        size = self._config.vocab_size
        counts = sum((found.count(size) for found in rows), np.zeros(size, np.int64))
        counts[list(self._tokenizer.all_special_ids)] = 0
        return counts


def _note_steps(config: XLMConfig, steps: Sequence[Step]) -> None:
    """Say in the configuration what was learnt, under the keys of the published ones."""
    for key, kinds in (("mlm_steps", ("mlm", "tlm")), ("clm_steps", ("clm",))):
        new = [[*step.langs, None][:2] for step in steps if step.kind in kinds]
        before = [list(step) for step in config.extra.get(key) or ()]
        if new:
            config.update({key: before + [step for step in new if step not in before]})


def _tokenizer_for(model: XLMWithLMHeadModel, tokenizer: XLMTokenizer) -> XLMTokenizer:
    """Return the tokenizer as it belongs to the model: with its languages and its length."""
    config = model.config
    if config.lang2id is not None:
        tokenizer.lang2id = dict(config.lang2id)
    tokenizer.use_lang_emb = config.has_lang_embeddings
    tokenizer.model_max_length = config.max_position_embeddings
    return tokenizer


def _fingerprint(corpus: Corpus) -> str:
    """Return what tells one corpus from another."""
    manifest = corpus.manifest
    facts = [manifest["sources"], manifest["options"], manifest["tokenizer"], manifest["shards"]]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]
