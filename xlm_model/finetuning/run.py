"""Fine-tuning: from a checkpoint and examples to one that does a task, and its scores."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from xlm_model.auto import read_config_of
from xlm_model.finetuning.batches import Item, ShuffledBatches
from xlm_model.finetuning.evaluation import LanguageScores
from xlm_model.finetuning.examples import Example, fingerprint, read_examples
from xlm_model.finetuning.labels import check_labels, find_labels
from xlm_model.finetuning.metrics import Metrics
from xlm_model.finetuning.model import freeze, load_model, parameter_groups
from xlm_model.finetuning.seen_words import train_seen_words
from xlm_model.finetuning.settings import DEFAULT_TRAINING, FinetuningSettings
from xlm_model.finetuning.sources import Sources
from xlm_model.finetuning.task import FinetuningTask, prepare
from xlm_model.finetuning.weights import class_weights, weighted_loss
from xlm_model.heads import ModelWithHead
from xlm_model.tasks.tokenizers import TaskTokenizer, load_tokenizer
from xlm_model.training.devices import processes, will_be_sharded
from xlm_model.training.loop import StepDone, Training, TrainingResult
from xlm_model.training.protocols import Scores
from xlm_model.training.run_folder import RunFolder
from xlm_model.training.settings import TrainingSettings
from xlm_text.errors import Argument, InputError
from xlm_text.files.folders import whole_file

SCORES = "scores.json"


class SavedTokenizer(TaskTokenizer, Protocol):
    """A tokenizer whose files go beside the weights."""

    def save_pretrained(self, save_directory: Path) -> Any:
        """Write the files into a folder."""
        ...


@dataclass(frozen=True)
class FinetuningResult:
    """How a fine-tuning ended.

    Attributes:
        training: How the training ended.
        valid: Scores of the best checkpoint by language, and under "mean" their means, on the
            examples that decided which one is best; empty without.
        test: Likewise on the others; empty without.
    """

    training: TrainingResult
    valid: Mapping[str, Metrics]
    test: Mapping[str, Metrics]

    @property
    def checkpoint(self) -> Path:
        """The best checkpoint, or the last one without examples to evaluate on."""
        return self.training.checkpoint


def finetune(
    task: FinetuningTask,
    checkpoint: str | Path,
    train: Sources,
    output: str | Path,
    *,
    valid: Sources | None = None,
    test: Sources | None = None,
    tokenizer: SavedTokenizer | None = None,
    settings: TrainingSettings = DEFAULT_TRAINING,
    finetuning_settings: FinetuningSettings | None = None,
    resume: bool = False,
    tensorboard: bool = False,
    on_step: Callable[[StepDone], object] | None = None,
    on_evaluation: Callable[[int, Scores], object] | None = None,
    **hub: Any,
) -> FinetuningResult:
    """Teach a checkpoint a task.

    Data are given by language: from "en", a pair such as "en-fr", or "@" and the column that has
    the language, to a file, or to rows such as those of a `datasets.Dataset`; or in words such as
    "en=train.tsv".

    Args:
        task: What is learnt, such as `TagTask()`.
        checkpoint: What to begin with: a folder, a file or a name on the hub. One that learnt the
            same task with the same labels keeps its head.
        train: What is learnt from.
        output: Folder for checkpoints, log and scores.
        valid: What decides which checkpoint is best, and when to stop early.
        test: What the best checkpoint is scored on at the end.
        tokenizer: Another than the checkpoint's own.
        settings: Optimiser, and when to evaluate and save; once in each epoch unless set.
        finetuning_settings: Epochs, batches, labels, and what of the model is trained how fast.
        resume: Go on with what is in the folder, if anything is.
        tensorboard: Also write event files for TensorBoard.
        on_step: Called after each update of the weights.
        on_evaluation: Called with the step and the scores of each evaluation.
        **hub: `revision`, `cache_dir`, `local_files_only` and `token`, as for the model.

    Returns:
        How it ended, and the scores.

    Raises:
        InputError: data that cannot be used, a wrong setting, or another process is at work on the
            folder.
        CheckpointError, ConfigError: the checkpoint cannot be used.
        TrainingError: a loss that is not a finite number, or a checkpoint that cannot be saved.
    """
    how = finetuning_settings or FinetuningSettings()
    if not valid:
        _check_needs_no_scores(settings)
    folder = RunFolder(output)
    is_main = processes().is_main_process
    with folder.locked(resume=resume) if is_main else nullcontext():
        tokenizer = tokenizer or load_tokenizer(checkpoint, read_config_of(checkpoint, hub), **hub)
        data = (train, valid or {}, test or {})
        start = _start(
            task, checkpoint, data, tokenizer, labels=how.labels, seed=settings.seed, hub=hub
        )
        items = _items(task, start, tokenizer)
        collate = partial(task.collate, tokenizer=tokenizer)
        batches = ShuffledBatches(items, how.batch_size, collate, settings.seed)
        freeze(start.model, how.freeze)
        if not settings.weight_decay and not will_be_sharded():
            train_seen_words(start.model.transformer, items)
        training = Training(
            start.model,
            batches,
            _with_steps(settings, how.epochs, batches.per_epoch),
            folder,
            record=_record(task, checkpoint, start.examples, how),
            resume=resume,
            evaluate=start.valid,
            groups=parameter_groups(start.model, settings.learning_rate, how.head_learning_rate),
            loss=_loss(task, start, how.class_weights),
            add_files=tokenizer.save_pretrained,
            tensorboard=tensorboard,
            on_step=on_step,
            on_evaluation=on_evaluation,
        )
        ended = training.run()
        valid_scores = {lang: dict(found) for lang, found in ended.best_scores.items()}
        result = FinetuningResult(ended, valid_scores, _test(start, ended.checkpoint))
        if is_main:
            _write_scores(task, folder.path / SCORES, result)
    return result


class _Start(NamedTuple):
    """What a training begins with.

    Attributes:
        examples: What is learnt from.
        labels: All that there are; None if the task has none.
        model: With the task's head.
        valid: Scores a model while it is trained; None if there is nothing to score it on.
        test: Scores it at the end; likewise.
    """

    examples: list[Example]
    labels: list[str] | None
    model: ModelWithHead
    valid: LanguageScores | None
    test: LanguageScores | None


def _start(
    task: FinetuningTask,
    checkpoint: str | Path,
    data: Sequence[Sources],
    tokenizer: TaskTokenizer,
    *,
    labels: Sequence[str] | None,
    seed: int,
    hub: Mapping[str, Any],
) -> _Start:
    """Read all data, and load the model; whatever is wrong with them is said here."""
    splits = [read_examples(one, task.column_names, task.read, tokenizer) for one in data]
    examples = [example for found in splits[0].values() for example in found]
    names = find_labels(task, examples, labels)
    model = load_model(checkpoint, task, names, seed=seed, **hub)
    if names is not None:
        names = [model.config.id2label[i] for i in range(len(names))]
    for found in splits:
        check_labels(task, found, names)
    scores = [
        LanguageScores(task, model, tokenizer, found, names) if found else None
        for found in splits[1:]
    ]
    return _Start(examples, names, model, *scores)


def _test(start: _Start, checkpoint: Path) -> Mapping[str, Metrics]:
    """Return the scores of a checkpoint on what is kept for the end."""
    if start.test is None:
        return {}
    device = next(start.model.parameters()).device
    return start.test.of(type(start.model).from_pretrained(checkpoint, device=device))


def _check_needs_no_scores(settings: TrainingSettings) -> None:
    for name in ("metric", "patience"):
        if getattr(settings, name) is not None:
            raise InputError(
                f"is {getattr(settings, name)!r}, and there is nothing to evaluate on",
                argument=name,
                advice=("give examples with ", Argument("valid")),
            )


def _items(task: FinetuningTask, start: _Start, tokenizer: TaskTokenizer) -> list[Item]:
    numbers = {label: i for i, label in enumerate(start.labels or ())}
    inference = task.inference(start.model, tokenizer, start.examples)
    items: list[Item] = []
    for example, sequences in zip(start.examples, prepare(inference, start.examples), strict=True):
        items += task.items(example, sequences, numbers)
    return items


def _with_steps(
    settings: TrainingSettings, epochs: float | None, per_epoch: int
) -> TrainingSettings:
    """Fill in how many updates the epochs are; without another wish each is evaluated."""
    batches = settings.accumulate or processes().num_processes
    steps = settings.steps
    if epochs is not None:
        steps = max(1, math.ceil(epochs * per_epoch / batches))
    every = settings.every or max(1, round(per_epoch / batches))
    return replace(settings, steps=steps, every=min(every, steps))


def _loss(
    task: FinetuningTask, start: _Start, weights: str | Path | Mapping[str, float] | None
) -> Callable[[Any, Any], Any]:
    if weights is None:
        return task.loss
    if start.labels is None or not task.has_one_label:
        raise InputError(
            "can be had only where an example, or a word, has one label", argument="class_weights"
        )
    found = (label for example in start.examples for label in task.labels_of(example) or ())
    return weighted_loss(class_weights(weights, start.labels, found))


def _record(
    task: FinetuningTask, checkpoint: str | Path, learnt: Sequence[Example], how: FinetuningSettings
) -> dict[str, Any]:
    """Return what a run is made of, so that it goes on with nothing else."""
    kept = {name: value for name, value in asdict(how).items() if name != "epochs"}
    if isinstance(kept["class_weights"], Path):
        kept["class_weights"] = str(kept["class_weights"])
    return {
        "task": task.name,
        **asdict(task),
        "checkpoint": str(checkpoint),
        "data": fingerprint(learnt),
        **kept,
    }


def _write_scores(task: FinetuningTask, path: Path, result: FinetuningResult) -> None:
    ended = result.training
    facts = {
        "task": task.name,
        "checkpoint": ended.checkpoint.name,
        "step": ended.best_step or ended.step,
        "valid": result.valid,
        "test": result.test,
    }
    with whole_file(path) as partial:
        text = json.dumps(facts, ensure_ascii=False, indent=1) + "\n"
        partial.write_text(text, encoding="utf-8")
