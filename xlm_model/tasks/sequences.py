"""From texts to the sequences of ids that a model reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from xlm_model.config import XLMConfig
from xlm_text import InputError, XLMTokenizer
from xlm_text.batches.samples import check_string
from xlm_text.errors import Argument

Offset = tuple[int, int]


@dataclass(frozen=True)
class TextInput:
    """One text, or two that go together.

    Attributes:
        text: The first, or only, one.
        lang: Its language; None: the tokenizer's own.
        pair: The second text.
        lang_pair: The second text's language; None: that of the first.
    """

    text: str
    lang: str | None = None
    pair: str | None = None
    lang_pair: str | None = None


@dataclass(frozen=True)
class TokenSequence:
    """A sequence as the model reads it; every list has an item for each token.

    Attributes:
        ids: Special tokens included.
        langs: Language ids; None where the model has no language embeddings.
        offsets: Start and end in the text, in code points; empty if they were not asked for.
        words: Number of each token's word, None for special tokens; empty if not asked for.
        second: Where the second text's tokens begin; None without one.
    """

    ids: list[int]
    langs: list[int] | None = None
    offsets: list[Offset] = field(default_factory=list)
    words: list[int | None] = field(default_factory=list)
    second: int | None = None

    def __len__(self) -> int:
        return len(self.ids)


def tokenize(
    tokenizer: XLMTokenizer,
    config: XLMConfig,
    texts: Sequence[TextInput],
    *,
    truncation: bool = False,
    offsets: bool = False,
    words: bool = False,
    reserved: int = 0,
) -> list[TokenSequence]:
    """Tokenize texts of which all or none have a second text; one sequence for each.

    Args:
        tokenizer: The checkpoint's.
        config: The model's.
        texts: The texts or pairs.
        truncation: Cut what is too long.
        offsets: Fill the sequences' offsets.
        words: Fill the numbers of their words.
        reserved: Tokens that the caller adds to each sequence, for which room is left.

    Raises:
        InputError: a text that is empty, too long (without `truncation`), of no known language or
            not valid Unicode.
    """
    longest = config.max_position_embeddings
    batch = call(
        tokenizer,
        config,
        texts,
        truncation="longest_first" if truncation else False,
        max_length=longest - reserved if truncation else None,
        return_offsets_mapping=offsets,
    )
    sequences = [sequence_of(batch, i) for i in range(len(texts))]
    for sequence in sequences:
        check_sequence(sequence, longest, reserved)
    if words:
        numbers = (batch.word_ids(i) for i in range(len(sequences)))
        sequences = [
            TokenSequence(r.ids, r.langs, r.offsets, w, r.second)
            for r, w in zip(sequences, numbers, strict=True)
        ]
    return sequences


def call(
    tokenizer: XLMTokenizer, config: XLMConfig, texts: Sequence[TextInput], **options: Any
) -> Any:
    """Call the tokenizer on texts, with the columns that `sequence_of` reads."""
    langs = [tokenizer.check_language(text.lang) for text in texts]
    pairs = [text.pair for text in texts if text.pair is not None]
    for i, text in enumerate(texts):
        check_string("text", text.text, i)  # the tokenizer takes ids, too; tasks do not
    lang_pairs = [text.lang_pair or lang for text, lang in zip(texts, langs, strict=True)]
    return tokenizer(
        [text.text for text in texts],
        pairs or None,
        lang=langs,
        lang_pair=lang_pairs if pairs else None,
        return_langs=config.has_lang_embeddings,
        return_attention_mask=False,
        return_special_tokens_mask=bool(pairs),
        verbose=False,  # what is too long is an error here
        **options,
    )


def sequence_of(batch: Any, i: int) -> TokenSequence:
    """Return one sequence of what `call` gave."""
    special = batch["special_tokens_mask"][i] if "special_tokens_mask" in batch else None
    return TokenSequence(
        ids=batch["input_ids"][i],
        langs=batch["langs"][i] if "langs" in batch else None,
        offsets=batch["offset_mapping"][i] if "offset_mapping" in batch else [],
        second=None if special is None else special.index(1, 1) + 1,
    )


def check_sequence(sequence: TokenSequence, longest: int, reserved: int = 0) -> None:
    """Raise an `InputError` for a sequence without text, or longer than the model's positions.

    Args:
        sequence: The tokens.
        longest: As many as the model has positions.
        reserved: Tokens that are still to be added.
    """
    texts = (
        [len(sequence) - 2]
        if sequence.second is None
        else [sequence.second - 2, len(sequence) - sequence.second - 1]
    )
    for name, count in zip(("text", "second text"), texts, strict=False):
        if not count:
            raise InputError(
                f"the {name} is empty, or has only characters that the tokenizer drops: "
                "expected at least one word"
            )
    length = len(sequence) + reserved
    if length > longest:
        raise InputError(
            f"the text has {length} tokens: expected at most {longest}, the model's "
            "max_position_embeddings",
            advice=("shorten it, or cut it with ", Argument("truncation", True)),
        )
