"""Scores of a model in each language, and their means."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from accelerate import Accelerator
from accelerate.utils import gather_object
from torch import nn

from xlm_model.finetuning.examples import Example
from xlm_model.finetuning.metrics import Metrics
from xlm_model.finetuning.task import FinetuningTask, prepare
from xlm_model.tasks.tokenizers import TaskTokenizer
from xlm_model.training.devices import is_sharded

# The mean over all languages.
MEAN = "mean"


class _Group(NamedTuple):
    examples: Sequence[Example]
    prepared: list[list[Any]]


class LanguageScores:
    """Scores a model on examples in several languages.

    Examples are tokenized once, and go through the very task that users call.

    Args:
        task: What is asked.
        model: Tells how texts are tokenized.
        tokenizer: The checkpoint's.
        examples: By language.
        labels: All that there are; None if the task has none.

    Raises:
        InputError: an example that cannot be used.
    """

    def __init__(
        self,
        task: FinetuningTask,
        model: nn.Module,
        tokenizer: TaskTokenizer,
        examples: Mapping[str, Sequence[Example]],
        labels: Sequence[str] | None,
    ) -> None:
        self._task = task
        self._tokenizer = tokenizer
        self._labels = labels
        self._groups = {
            lang: _Group(found, list(prepare(task.inference(model, tokenizer, found), found)))
            for lang, found in examples.items()
        }

    @property
    def default_metric(self) -> str:
        """The score that decides which checkpoint is best: the first, as the mean."""
        return f"{MEAN}/{self._task.metrics(self._labels)[0]}"

    @property
    def metrics(self) -> list[str]:
        """The names of all scores, such as "en/accuracy"."""
        names = self._task.metrics(self._labels)
        return [f"{lang}/{name}" for lang in [*self._groups, MEAN] for name in names]

    def __call__(self, model: nn.Module, accelerator: Accelerator) -> dict[str, Metrics]:
        """Return the scores by language, and their means; processes share the examples.

        They are those of fp32, whatever the training computes in, so that the checkpoint's are the
        same afterwards.
        """
        inner = accelerator.unwrap_model(model)
        with _in_fp32(inner):
            if accelerator.num_processes == 1 or is_sharded(accelerator):
                return self.of(inner)
            share = slice(accelerator.process_index, None, accelerator.num_processes)
            return self.of(inner, share, lambda results: gather_object([results]))

    def of(
        self,
        model: nn.Module,
        share: slice = slice(None),
        gather: Callable[[list[Any]], Sequence[list[Any]]] = lambda results: [results],
    ) -> dict[str, Metrics]:
        """Return the scores of a model by language, and their means.

        Args:
            model: With the task's head.
            share: Which of the examples this process does.
            gather: Gives what each of the processes found.
        """
        scores = {}
        for lang, (examples, prepared) in self._groups.items():
            task = self._task.inference(model, self._tokenizer, examples)
            parts = gather(list(task.results(prepared[share])))
            results = [parts[i % len(parts)][i // len(parts)] for i in range(len(examples))]
            scores[lang] = self._task.score(examples, prepared, results, self._labels)
        return with_means(scores)


def with_means(scores: Mapping[str, Metrics]) -> dict[str, Metrics]:
    """Return scores and, under "mean", the mean of each over the languages.

    Example:
        >>> with_means({"en": {"f1": 0.75}, "fr": {"f1": 0.25}})["mean"]
        {'f1': 0.5}
    """
    each = list(scores.values())
    means = {name: sum(found[name] for found in each) / len(each) for name in each[0]}
    return {**scores, MEAN: means}


@contextmanager
def _in_fp32(model: nn.Module) -> Iterator[None]:
    """Leave out what accelerate put around a model's call for mixed precision."""
    wrapped = model.__dict__.pop("forward", None)
    try:
        yield
    finally:
        if wrapped is not None:
            model.__dict__["forward"] = wrapped
