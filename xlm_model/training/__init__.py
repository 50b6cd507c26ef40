"""Training: the loop that pretraining and fine-tuning share.

Needs the extra `train` (accelerate); nothing else imports it.

Example:
    >>> from xlm_model.training import TrainingSettings
    >>> TrainingSettings(steps=1000).warmup
    100
"""

from __future__ import annotations

from xlm_text.errors import MissingComponentError

try:
    import accelerate  # noqa: F401
    import pyarrow  # noqa: F401
except ImportError as error:
    raise MissingComponentError(
        f"{error}; in a clone of this project: pip install '.[train]'"
    ) from None

from xlm_model.errors import TrainingError
from xlm_model.training.loop import StepDone, Training, TrainingResult
from xlm_model.training.reporting import read_log
from xlm_model.training.settings import TrainingSettings

__all__ = [
    "StepDone",
    "Training",
    "TrainingError",
    "TrainingResult",
    "TrainingSettings",
    "read_log",
]
