"""Pretraining: from a corpus and objectives to checkpoints."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from xlm_model.config import XLMConfig
from xlm_model.heads import XLMWithLMHeadModel
from xlm_model.pretraining.initial_model import Needs, model_from, new_model, read_config
from xlm_model.pretraining.mixture import Mixture
from xlm_model.pretraining.settings import ObjectiveSettings
from xlm_model.pretraining.sources import SourceReader, check_corpus, longest_row
from xlm_model.pretraining.specs import ObjectiveSpec, parse_objectives
from xlm_model.training.devices import processes
from xlm_model.training.loop import StepDone, Training, TrainingResult
from xlm_model.training.protocols import Scores
from xlm_model.training.run_folder import RunFolder
from xlm_model.training.settings import TrainingSettings
from xlm_text import XLMTokenizer, corpora
from xlm_text.corpora import Corpus
from xlm_text.errors import InputError

_ROWS = ".rows"


def pretrain(
    data: str | Path,
    objectives: Sequence[str],
    output: str | Path,
    *,
    config: XLMConfig | Mapping[str, Any] | str | Path | None = None,
    checkpoint: str | Path | None = None,
    settings: TrainingSettings | None = None,
    objective_settings: ObjectiveSettings | None = None,
    resume: bool = False,
    any_objective: bool = False,
    new_positions: str | None = None,
    tensorboard: bool = False,
    on_step: Callable[[StepDone], object] | None = None,
    on_evaluation: Callable[[int, Scores], object] | None = None,
) -> TrainingResult:
    """Pretrain a language model, a new one or a checkpoint.

    Args:
        data: The folder that `xlm-tok prepare` made.
        objectives: Such as "mlm:en,fr", "tlm:en-fr" and "clm:en".
        output: Folder for checkpoints and log.
        config: Of a new model; what the data decide may be left out. A mapping, or a JSON file.
        checkpoint: Begin with this one instead: a folder, a file or a name on the hub.
        settings: Optimiser, steps, and when to evaluate and save.
        objective_settings: How the objectives make batches.
        resume: Go on with what is in the folder, if anything is.
        any_objective: Allow objectives that the checkpoint was not made for.
        new_positions: How positions beyond those of the checkpoint begin where rows are longer,
            "copy" or "interpolate".
        tensorboard: Also write event files for TensorBoard.
        on_step: Called after each update of the weights.
        on_evaluation: Called with the step and the scores of each evaluation.

    Returns:
        How it ended, and the folder of the best checkpoint.

    Raises:
        InputError: data, objectives and model do not fit each other, a wrong setting, or another
            process is at work on the folder.
        ConfigError: a wrong value in the configuration.
        TrainingError: a loss that is not a finite number, or a checkpoint that cannot be saved.

    Warns:
        UserWarning: pairs are left out as too long, or a language is new to a checkpoint.
    """
    if (config is None) == (checkpoint is None):
        raise InputError("expected either a config, for a new model, or a checkpoint to begin with")
    settings = settings or TrainingSettings()
    objective_settings = objective_settings or ObjectiveSettings()
    specs = parse_objectives(objectives)
    folder = RunFolder(output)
    rows = folder.path / _ROWS
    with ExitStack() as stack:
        if processes().is_main_process:
            stack.enter_context(folder.locked(resume=resume))
            stack.callback(shutil.rmtree, rows, ignore_errors=True)
        corpus = corpora.open(data)
        check_corpus(corpus, specs, objective_settings)
        tokenizer = corpus.tokenizer()
        longest = longest_row(corpus, specs, objective_settings)
        needs = Needs(tokenizer, specs, longest, settings.seed)
        if checkpoint is None:
            assert config is not None
            model = new_model(config, needs)
        else:
            model = model_from(
                checkpoint, needs, any_objective=any_objective, new_positions=new_positions
            )
        _note_objectives(model.config, specs)
        fingerprint = _fingerprint(corpus)
        record = {
            "data": fingerprint,
            "objectives": [spec.name for spec in specs],
            "config": None if config is None else read_config(config).to_dict(),
            "checkpoint": None if checkpoint is None else str(checkpoint),
            **asdict(objective_settings),
        }
        # What a run that was killed had begun to make may be of other data.
        made = rows / fingerprint
        reader = SourceReader(corpus, specs, model.config, tokenizer, objective_settings, made)
        with processes().main_process_first():
            sources, evaluation = reader.train(), reader.held_out()
        mixture = Mixture(
            sources,
            tokens=objective_settings.batch_tokens,
            seed=settings.seed,
            alpha=objective_settings.alpha,
        )
        training = Training(
            *(model, mixture, settings, folder),
            record=record,
            resume=resume,
            evaluate=evaluation,
            add_files=_tokenizer_for(model, tokenizer).save_pretrained,
            tensorboard=tensorboard,
            on_step=on_step,
            on_evaluation=on_evaluation,
        )
        return training.run()


def _note_objectives(config: XLMConfig, specs: Sequence[ObjectiveSpec]) -> None:
    """Say in the configuration what was learnt, under the keys of the published ones."""
    for key, kinds in (("mlm_steps", ("mlm", "tlm")), ("clm_steps", ("clm",))):
        new = [[*spec.langs, None][:2] for spec in specs if spec.kind in kinds]
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
