"""Random numbers that depend on a seed and on what they are for, and on nothing drawn before.

So any process can draw what belongs to a batch, in any order, and again after a resume.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What numbers are drawn for; two purposes of one seed share no numbers."""

    SOURCES = 1
    ROWS = 2
    BATCH = 3
    HELD_OUT = 4
    DROPOUT = 5
    WEIGHTS = 6


def generator(seed: int, purpose: Purpose, *numbers: int) -> np.random.Generator:
    """Return a generator for one purpose.

    Args:
        seed: Of the training.
        purpose: What the numbers are for.
        *numbers: Which one of these, such as the number of a batch.

    Example:
        >>> one = generator(0, Purpose.BATCH, 7).integers(1000)
        >>> bool(one == generator(0, Purpose.BATCH, 7).integers(1000))
        True
    """
    return np.random.default_rng(np.random.SeedSequence([seed, int(purpose), *numbers]))


def torch_seed(seed: int, purpose: Purpose, *numbers: int) -> int:
    """Return a seed for PyTorch's own generator; arguments as for `generator`."""
    return int(generator(seed, purpose, *numbers).integers(1 << 62))
