"""How the objectives make batches of a corpus."""

from __future__ import annotations

from dataclasses import dataclass

from xlm_model.training import rules
from xlm_text.errors import InputError


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
        held_out: The split that is evaluated on, or the folder of another corpus; None: "valid" if
            there is one.

    Raises:
        InputError: a value that cannot be used.

    Example:
        >>> ObjectiveSettings(mask=0.9, keep=0.05).share
        0.15
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

    def __post_init__(self) -> None:
        rules.check(self, _RULES)
        if self.mask + self.keep > 1 + 1e-9:
            raise InputError(
                f"mask is {self.mask} and keep is {self.keep}: expected a sum of 1 at most"
            )


_SHARE = rules.number(lambda value: 0 <= value <= 1, "a number from 0 to 1")
_RULES = {
    "batch_tokens": rules.count(1),
    "alpha": rules.FROM_0,
    "share": rules.number(lambda value: 0 < value <= 1, "a number above 0, 1 at most"),
    "mask": _SHARE,
    "keep": _SHARE,
    "sample_alpha": rules.FROM_0,
    "max_pair_tokens": rules.count(1),
    "context_size": rules.count(0),
    "held_out": rules.NAME,
}
