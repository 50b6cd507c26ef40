"""The pieces of a Unigram model with their scores, and what prepares a text for it.

The Rust library has all of it.  What the reference makes of a checkpoint's files is made here, too:
of a ``tokenizer.json`` it takes the pieces and the table of characters, and puts its own stages
around them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, NamedTuple

from tokenizers import Tokenizer
from tokenizers.decoders import Decoder
from tokenizers.models import Unigram
from tokenizers.normalizers import Normalizer
from tokenizers.pre_tokenizers import PreTokenizer

from xlm_text.errors import InputError

# Where the reference has the unknown piece, whatever a file says.
UNKNOWN = 3
_SPACE = "▁"


class Stages(NamedTuple):
    """What the Rust library does before its model, and behind it.

    Attributes:
        normalizer: changes characters; ``None`` where none are changed.
        pre_tokenizer: cuts a text into parts that the model sees alone.
        decoder: makes text of pieces.

    """

    normalizer: Normalizer | None
    pre_tokenizer: PreTokenizer | None
    decoder: Decoder | None


@dataclass(frozen=True)
class UnigramVocabulary:
    """The pieces of a Unigram model, by their ids, and the stages around it.

    Attributes:
        entries: each piece with its score, the logarithm of its probability.
        charsmap: the table of SentencePiece that changes characters, in Base64; ``None`` where
            they stay.
        unknown: the id that unknown characters get.
        byte_fallback: whether they become pieces for their bytes.
        stages: the stages as a ``tokenizer.json`` has them, to be used as they are; ``None`` for
            those of the reference's own class.

    """

    entries: list[tuple[str, float]] = field(repr=False)
    charsmap: str | None = field(default=None, repr=False)
    unknown: int = UNKNOWN
    byte_fallback: bool = False
    stages: Mapping[str, Any] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if len(self.entries) <= self.unknown:
            raise InputError(
                f"a Unigram vocabulary has the unknown piece at the id {self.unknown}, but this "
                f"one has {len(self.entries)} pieces"
            )

    def __len__(self) -> int:
        return len(self.entries)

    def __getstate__(self) -> dict[str, Any]:
        # Only what it was given: a pickle is the same whether or not it was used.
        return {name: self.__dict__[name] for name in (field.name for field in fields(self))}

    @cached_property
    def ids(self) -> dict[str, int]:
        """The id of each piece; of one that stands twice, the later one."""
        return {piece: id_ for id_, (piece, _) in enumerate(self.entries)}

    def in_order(self) -> list[str]:
        """Return the pieces in the order of their ids."""
        return [piece for piece, _ in self.entries]

    def require(self, tokens: Iterable[str]) -> None:
        """Raise :class:`InputError` unless every one of ``tokens`` has an id."""
        missing = [token for token in tokens if token not in self.ids]
        if missing:
            raise InputError(
                f"the vocabulary has no entry for the special tokens {missing}: "
                "is it an XLM-RoBERTa vocabulary?"
            )

    @cached_property
    def model(self) -> Unigram:
        """The Rust model; tokenizers share it, and it takes a while to make."""
        try:
            return Unigram(self.entries, unk_id=self.unknown, byte_fallback=self.byte_fallback)
        except Exception as error:  # the library raises nothing more specific
            raise InputError(f"the Unigram vocabulary cannot be used: {error}") from None

    def make_stages(self, add_prefix_space: bool) -> Stages:
        """Return the stages around the model.

        ``add_prefix_space`` puts a space before the first word, as before all others; stages from
        a file say so themselves.
        """
        described = self.stages
        if described is None:
            described = _reference_stages(self.charsmap, add_prefix_space)
        # The library reads stages as parts of a whole tokenizer only: one of a single piece.
        empty = {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0]]}
        whole: dict[str, Any] = {"version": "1.0", "added_tokens": [], "model": empty}
        names = Stages._fields
        whole |= {name: described.get(name) for name in names}
        try:
            read = Tokenizer.from_str(json.dumps({**whole, "post_processor": None}))
        except Exception as error:
            raise InputError(f"the stages of the tokenizer cannot be used: {error}") from None
        return Stages(*(getattr(read, name) for name in names))


def _reference_stages(charsmap: str | None, add_prefix_space: bool) -> dict[str, Any]:
    scheme = "always" if add_prefix_space else "never"
    spaces = {"type": "Metaspace", "replacement": _SPACE, "prepend_scheme": scheme, "split": True}
    characters = {"type": "Precompiled", "precompiled_charsmap": charsmap}
    return {
        "normalizer": characters if charsmap else None,
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [{"type": "WhitespaceSplit"}, spaces],
        },
        "decoder": spaces,
    }
