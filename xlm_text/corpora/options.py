"""How a corpus is made: everything that its bytes depend on but the input and the tokenizer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b

from xlm_text.corpora.reading import ERRORS
from xlm_text.errors import Argument, InputError

FORMATS = ("parquet", "bin")
DEFAULT_SPLIT = (("train", 1.0),)
SHARD_BYTES = 64_000_000


@dataclass(frozen=True)
class Options:
    """See :func:`xlm_text.corpora.prepare` for what they mean."""

    blocks: int | None = None
    split: tuple[tuple[str, float], ...] = DEFAULT_SPLIT
    format: str = "parquet"
    offsets: bool = False
    max_length: int | None = None
    special_tokens: bool = True
    errors: str = "strict"
    shard_bytes: int = SHARD_BYTES

    def __post_init__(self) -> None:
        _one_of("format", self.format, FORMATS)
        check_errors(self.errors)
        for name, least in (("blocks", 2), ("max_length", 3), ("shard_bytes", 1)):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or value < least):
                raise InputError(
                    f"must be a whole number from {least} on, not {value!r}", argument=name
                )
        if self.offsets and (self.blocks is not None or self.format == "bin"):
            raise InputError(
                *(Argument("offsets"), " belong to rows of single texts in Parquet: leave out "),
                *(Argument("offsets"), ", or ", Argument("blocks"), " and the format bin"),
            )


def check_errors(errors: str) -> None:
    """Raise an :class:`InputError` unless it is a way to treat lines that cannot be used."""
    _one_of("errors", errors, ERRORS)


def read_split(shares: Mapping[str, float] | None) -> tuple[tuple[str, float], ...]:
    """Check the shares of a split; they must add up to 1.

    >>> read_split({"train": 0.9, "valid": 0.1})
    (('train', 0.9), ('valid', 0.1))
    """
    if shares is None:
        return DEFAULT_SPLIT
    for name, share in shares.items():
        if not name or not name.replace("_", "").isalnum() or name == "tokenizer":
            raise InputError(
                f"has {name!r}, which cannot be the name of a folder", argument="split"
            )
        if not 0 <= share <= 1:
            raise InputError(
                f"has a share of {name!r} that must be from 0 to 1, not {share!r}", argument="split"
            )
    if not shares or abs(sum(shares.values()) - 1) > 1e-9:
        total = sum(shares.values())
        raise InputError(f"has shares that must add up to 1, not to {total:g}", argument="split")
    return tuple(shares.items())


class Splitter:
    """Says for each text which split it belongs to, by its hash.

    The same text belongs to the same one, whatever file, line or language it is found in.  A pair
    goes with its first text.
    """

    def __init__(self, split: tuple[tuple[str, float], ...]) -> None:
        self.names = [name for name, _ in split]
        total, self._bounds = 0.0, []
        for _, share in split:
            total += share
            self._bounds.append(round(total * 2**64))
        self._bounds[-1] = 2**64  # whatever the rounding

    def __call__(self, text: str) -> int:
        """Return the number of a text's split."""
        digest = blake2b(text.strip().encode(), digest_size=8).digest()
        place = int.from_bytes(digest, "big")
        return next(i for i, bound in enumerate(self._bounds) if place < bound)


def _one_of(name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InputError(f"must be one of {', '.join(allowed)}, not {value!r}", argument=name)
