"""The arguments of a call that say how its rows are put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from xlm_text.batches.tensors import TENSORS
from xlm_text.errors import InputError
from xlm_text.settings import NO_LIMIT, UNLIMITED, CommonSettings, is_whole

PADDING = ("do_not_pad", "longest", "max_length")
TRUNCATION = ("do_not_truncate", "longest_first", "only_first", "only_second")


@dataclass(frozen=True, kw_only=True)
class Options:
    """The arguments of a call that say how the rows are put together.

    Those that :meth:`~xlm_text.XLMTokenizer.pad` does not take have a default.
    """

    padding: str
    padding_side: str
    pad_to_multiple_of: int | None
    truncation: str
    truncation_side: str
    max_length: int | None
    stride: int
    return_tensors: str | None
    add_special_tokens: bool = True
    return_token_type_ids: bool | None = False
    return_attention_mask: bool = True
    return_overflowing_tokens: bool = False
    return_special_tokens_mask: bool = False
    return_offsets_mapping: bool = False
    return_length: bool = False
    return_langs: bool = False

    def room(self, special_tokens: int) -> int | None:
        """Return how many tokens of the texts a row can hold; ``None`` for any number.

        ``special_tokens`` are those of a row that has some.
        """
        if self.truncation == "do_not_truncate" or self.max_length is None:
            return None
        special = special_tokens if self.add_special_tokens else 0
        if self.max_length < special:
            raise InputError(
                f"is {self.max_length}, which has no room for the {special} special tokens",
                argument="max_length",
            )
        return self.max_length - special


def read_options(
    settings: CommonSettings,
    *,
    padding: bool | str = False,
    truncation: bool | str | None = False,
    max_length: int | None = None,
    stride: int = 0,
    pad_to_multiple_of: int | None = None,
    padding_side: str | None = None,
    return_tensors: str | None = None,
    return_attention_mask: bool | None = True,
    **columns: Any,
) -> Options:
    """Check the arguments of a call and fill in what follows from others.

    The rules are the reference's: ``max_length`` alone, with neither truncation nor padding
    named (not even ``"do_not_pad"``), means truncation; without it the model's longest sequence
    counts, and where that is not known nothing is cut or padded to it.
    """
    if truncation is None and max_length is not None and padding is False:
        truncation = True
    padding = _padding_strategy(padding)
    truncation = _truncation_strategy(truncation)
    side = settings.padding_side if padding_side is None else padding_side
    if side not in ("left", "right"):
        raise InputError(f"padding_side must be 'left' or 'right', not {side!r}")
    _check_number("max_length", max_length, 0)
    _check_number("stride", stride, 0)
    _check_number("pad_to_multiple_of", pad_to_multiple_of, 1)
    if return_tensors is not None and return_tensors not in TENSORS:
        raise InputError(
            f"return_tensors must be one of {(*TENSORS,)} or None, not {return_tensors!r}"
        )
    if max_length is None and (padding == "max_length" or truncation != "do_not_truncate"):
        max_length = settings.model_max_length or NO_LIMIT
    if max_length is not None and max_length >= UNLIMITED:
        max_length, truncation = None, "do_not_truncate"
        padding = "do_not_pad" if padding == "max_length" else padding
    if (
        pad_to_multiple_of
        and max_length
        and max_length % pad_to_multiple_of
        and truncation != "do_not_truncate"
        and padding != "do_not_pad"
    ):
        raise InputError(
            f"max_length={max_length} is not a multiple of pad_to_multiple_of="
            f"{pad_to_multiple_of}, so rows cannot be both cut to the one and padded to the other"
        )
    return Options(
        padding=padding,
        padding_side=side,
        pad_to_multiple_of=pad_to_multiple_of,
        truncation=truncation,
        truncation_side=settings.truncation_side,
        max_length=max_length,
        stride=stride,
        return_tensors=return_tensors,
        return_attention_mask=return_attention_mask is not False,
        **columns,
    )


def _check_number(name: str, value: Any, least: int) -> None:
    if value is not None and not is_whole(value, least):
        problem = f"must be a whole number from {least} on, not {value!r}"
        raise InputError(problem, argument=name)


def _padding_strategy(padding: bool | str | None) -> str:
    """Return the name of a padding strategy, for which ``True`` and ``False`` stand too."""
    if padding is True:
        return "longest"
    if padding is False or padding is None:
        return "do_not_pad"
    if padding not in PADDING:
        raise InputError(f"padding must be True, False or one of {PADDING}, not {padding!r}")
    return padding


def _truncation_strategy(truncation: bool | str | None) -> str:
    """Return the name of a truncation strategy, for which ``True`` and ``False`` stand too."""
    if truncation is True:
        return "longest_first"
    if truncation is False or truncation is None:
        return "do_not_truncate"
    if truncation not in TRUNCATION:
        raise InputError(
            f"must be True, False or one of {TRUNCATION}, not {truncation!r}",
            argument="truncation",
        )
    return truncation
