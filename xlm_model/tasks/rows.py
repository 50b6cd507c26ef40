"""From texts to the rows of ids that a model reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from xlm_text import InputError, XLMTokenizer
from xlm_text.errors import Argument
from xlm_text.samples import check_string

if TYPE_CHECKING:
    from xlm_model.config import XLMConfig

Span = tuple[int, int]


@dataclass(frozen=True)
class Sample:
    """One text, or two that go together.

    lang: Its language; None: the tokenizer's own.
    pair: The second text.
    lang_pair: The second text's language; None: that of the first.
    """

    text: str
    lang: str | None = None
    pair: str | None = None
    lang_pair: str | None = None


@dataclass(frozen=True)
class Row:
    """A sequence as the model reads it; every list has an item for each token.

    ids: Special tokens included.
    langs: Language ids; None where the model has no language embeddings.
    offsets: Spans of the text, in code points; empty if they were not asked for.
    words: Number of each token's word, None for special tokens; empty if not asked for.
    second: Where the second text's tokens begin; None without one.
    """

    ids: list[int]
    langs: list[int] | None = None
    offsets: list[Span] = field(default_factory=list)
    words: list[int | None] = field(default_factory=list)
    second: int | None = None

    def __len__(self) -> int:
        return len(self.ids)


def make_rows(
    tokenizer: XLMTokenizer,
    config: XLMConfig,
    samples: Sequence[Sample],
    *,
    truncation: bool = False,
    offsets: bool = False,
    words: bool = False,
) -> list[Row]:
    """Tokenize samples of which all or none have a second text; one row for each.

    Raises:
        InputError: a text that is empty, too long (without `truncation`), of no known language or
            not valid Unicode.
    """
    longest = config.max_position_embeddings
    batch = call(
        tokenizer,
        config,
        samples,
        truncation="longest_first" if truncation else False,
        max_length=longest if truncation else None,
        return_offsets_mapping=offsets,
    )
    rows = [row_of(batch, i) for i in range(len(samples))]
    for row in rows:
        check_row(row, longest)
    if words:
        numbers = (batch.word_ids(i) for i in range(len(rows)))
        rows = [
            Row(r.ids, r.langs, r.offsets, w, r.second) for r, w in zip(rows, numbers, strict=True)
        ]
    return rows


def call(
    tokenizer: XLMTokenizer, config: XLMConfig, samples: Sequence[Sample], **options: Any
) -> Any:
    """Call the tokenizer on samples, with the columns that `row_of` reads."""
    langs = [tokenizer.check_language(sample.lang) for sample in samples]
    pairs = [sample.pair for sample in samples if sample.pair is not None]
    for i, sample in enumerate(samples):
        check_string("text", sample.text, i)  # the tokenizer takes ids, too; tasks do not
    lang_pairs = [sample.lang_pair or lang for sample, lang in zip(samples, langs, strict=True)]
    return tokenizer(
        [sample.text for sample in samples],
        pairs or None,
        lang=langs,
        lang_pair=lang_pairs if pairs else None,
        return_langs=config.has_lang_embeddings,
        return_attention_mask=False,
        return_special_tokens_mask=bool(pairs),
        verbose=False,  # what is too long is an error here
        **options,
    )


def row_of(batch: Any, i: int) -> Row:
    """Return one row of what `call` gave."""
    special = batch["special_tokens_mask"][i] if "special_tokens_mask" in batch else None
    return Row(
        ids=batch["input_ids"][i],
        langs=batch["langs"][i] if "langs" in batch else None,
        offsets=batch["offset_mapping"][i] if "offset_mapping" in batch else [],
        second=None if special is None else special.index(1, 1) + 1,
    )


def check_row(row: Row, longest: int) -> None:
    """Raise an `InputError` for a row without text, or longer than the model's positions."""
    texts = [len(row) - 2] if row.second is None else [row.second - 2, len(row) - row.second - 1]
    for name, count in zip(("text", "second text"), texts, strict=False):
        if not count:
            raise InputError(
                f"the {name} is empty, or has only characters that the tokenizer drops: "
                "expected at least one word"
            )
    if len(row) > longest:
        raise InputError(
            f"the text has {len(row)} tokens: expected at most {longest}, the model's "
            "max_position_embeddings",
            advice=("shorten it, or cut it with ", Argument("truncation", True)),
        )
