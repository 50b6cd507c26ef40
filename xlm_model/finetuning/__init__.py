"""Fine-tuning: a checkpoint learns a task from examples in files, and is scored in each language.

Needs the extra `train`; nothing else imports it.

Example:
    >>> from xlm_model.finetuning import TagTask
    >>> TagTask({"tags": "xpos"}).column_names
    {'words': 'words', 'tags': 'xpos'}
"""

from __future__ import annotations

from importlib.util import find_spec

from xlm_text.errors import MissingComponentError

# Looked for and not imported, which takes seconds.
if missing := [x for x in ("accelerate", "seqeval", "sklearn", "torchmetrics") if not find_spec(x)]:
    raise MissingComponentError(
        f"No module named {missing[0]!r}; in a clone of this project: pip install '.[train]'"
    )

from xlm_model.finetuning.answer import AnswerTask
from xlm_model.finetuning.choose import ChooseTask
from xlm_model.finetuning.classify import ClassifyTask
from xlm_model.finetuning.evaluate import evaluate, task_of
from xlm_model.finetuning.run import FinetuningResult, finetune
from xlm_model.finetuning.settings import FinetuningSettings
from xlm_model.finetuning.table import score_table
from xlm_model.finetuning.tag import TagTask
from xlm_model.finetuning.task import FinetuningTask

__all__ = [
    "AnswerTask",
    "ChooseTask",
    "ClassifyTask",
    "FinetuningResult",
    "FinetuningSettings",
    "FinetuningTask",
    "TagTask",
    "evaluate",
    "finetune",
    "score_table",
    "task_of",
]
