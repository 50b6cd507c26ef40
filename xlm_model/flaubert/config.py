"""What the `config.json` of a FlauBERT checkpoint says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from xlm_model import config_rules as rules
from xlm_model.config import XLMConfig


@dataclass(init=False)
class FlaubertConfig(XLMConfig):
    """Every setting of a FlauBERT model: those of `XLMConfig`, and two more.

    Attributes:
        pre_norm: Layers normalize what comes in, and not what goes out.
        layerdrop: Share of the layers that a training step leaves out, drawn anew each time.

    Example:
        >>> FlaubertConfig(emb_dim=32, n_heads=4, pre_norm=True).pre_norm
        True
    """

    model_type: ClassVar[str] = "flaubert"
    # Its text is French, and its training had no pairs.
    has_languages: ClassVar[bool] = False
    restarts_pairs: ClassVar[bool] = False

    pre_norm: bool = field(default=False, metadata=rules.FLAG)
    layerdrop: float = field(default=0.0, metadata=rules.SHARE)
