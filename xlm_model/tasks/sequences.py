"""From texts to the sequences of ids that a model reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from xlm_model.attention import PackedBatch, pack
from xlm_model.config import XLMConfig
from xlm_model.tasks.tokenizers import TaskTokenizer, has_languages, language_of
from xlm_text import InputError
from xlm_text.batches.samples import check_string
from xlm_text.errors import Argument

Offset = tuple[int, int]


@dataclass(frozen=True)
class TextInput:
    """One text, or two that go together.

    Attributes:
        text: The first, or only, one; as a list of words if it is cut into words already.
        lang: Its language; None: the tokenizer's own.
        pair: The second text.
        lang_pair: The second text's language; None: that of the first.
    """

    text: str | Sequence[str]
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
        separators: Special tokens between the two.
    """

    ids: list[int]
    langs: list[int] | None = None
    offsets: list[Offset] = field(default_factory=list)
    words: list[int | None] = field(default_factory=list)
    second: int | None = None
    separators: int = 1

    @property
    def first_tokens(self) -> int:
        """Number of the tokens of the first, or only, text."""
        if self.second is None:
            return len(self.ids) - 2
        return self.second - 1 - self.separators

    def __len__(self) -> int:
        return len(self.ids)


def pack_sequences(
    sequences: Sequence[TokenSequence], device: torch.device | str = "cpu"
) -> PackedBatch:
    """Put sequences one behind the other."""
    langs = [sequence.langs for sequence in sequences if sequence.langs is not None]
    return pack([sequence.ids for sequence in sequences], langs or None, device)


def tokenize(
    tokenizer: TaskTokenizer,
    config: XLMConfig,
    texts: Sequence[TextInput],
    *,
    truncation: bool = False,
    offsets: bool = False,
    words: bool = False,
    reserved: int = 0,
    max_length: int | None = None,
) -> list[TokenSequence]:
    """Tokenize texts of which all or none have a second text, or are words; a sequence for each.

    Args:
        tokenizer: The checkpoint's.
        config: The model's.
        texts: The texts or pairs.
        truncation: Cut what is too long.
        offsets: Fill the sequences' offsets.
        words: Fill the numbers of their words.
        reserved: Tokens that the caller adds to each sequence, for which room is left.
        max_length: Tokens of the longest sequence; None: as many as the model has positions.

    Raises:
        InputError: a text that is empty, too long (without `truncation`), of no known language or
            not valid Unicode.
    """
    longest = min(max_length or config.max_tokens, config.max_tokens)
    told = config.longest_told if longest == config.max_tokens else f"max_length, {longest}"
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
        check_sequence(sequence, longest, reserved, told)
    if words:
        numbers = (batch.word_ids(i) for i in range(len(sequences)))
        sequences = [replace(r, words=w) for r, w in zip(sequences, numbers, strict=True)]
    return sequences


def call(
    tokenizer: TaskTokenizer, config: XLMConfig, texts: Sequence[TextInput], **options: Any
) -> Any:
    """Call the tokenizer on texts, with the columns that `sequence_of` reads."""
    pairs = [text.pair for text in texts if text.pair is not None]
    words = bool(texts) and is_words(texts[0].text)
    for i, text in enumerate(texts):
        if not words:
            check_string("text", text.text, i)  # the tokenizer takes ids, too; tasks do not
    if has_languages(tokenizer):
        langs = [language_of(tokenizer, text.lang) for text in texts]
        lang_pairs = [text.lang_pair or lang for text, lang in zip(texts, langs, strict=True)]
        options |= {
            "lang": langs,
            "lang_pair": lang_pairs if pairs else None,
            "return_langs": config.has_lang_embeddings,
        }
    return tokenizer(
        [text.text for text in texts],
        pairs or None,
        is_split_into_words=words,
        return_attention_mask=False,
        return_special_tokens_mask=bool(pairs),
        verbose=False,  # what is too long is an error here
        **options,
    )


def is_words(text: Any) -> bool:
    """Whether a text is cut into words already."""
    return isinstance(text, Sequence) and not isinstance(text, str | bytes)


def sequence_of(batch: Any, i: int) -> TokenSequence:
    """Return one sequence of what `call` gave."""
    special = batch["special_tokens_mask"][i] if "special_tokens_mask" in batch else None
    second, separators = None, 1
    if special is not None:
        # One token between the two texts, or, as RoBERTa has it, two.
        first = special.index(1, 1)
        separators = 2 if special[first : first + 2] == [1, 1] and first + 2 < len(special) else 1
        second = first + separators
    return TokenSequence(
        ids=batch["input_ids"][i],
        langs=batch["langs"][i] if "langs" in batch else None,
        offsets=batch["offset_mapping"][i] if "offset_mapping" in batch else [],
        second=second,
        separators=separators,
    )


def check_sequence(
    sequence: TokenSequence, longest: int, reserved: int = 0, told: str | None = None
) -> None:
    """Raise an `InputError` for a sequence without text, or longer than the model's positions.

    Args:
        sequence: The tokens.
        longest: As many as the model has positions.
        reserved: Tokens that are still to be added.
        told: The limit as the message puts it.
    """
    texts = [sequence.first_tokens]
    if sequence.second is not None:
        texts.append(len(sequence) - sequence.second - 1)
    for name, count in zip(("text", "second text"), texts, strict=False):
        if not count:
            raise InputError(
                f"the {name} is empty, or has only characters that the tokenizer drops: "
                "expected at least one word"
            )
    length = len(sequence) + reserved
    if length > longest:
        raise InputError(
            f"the text has {length} tokens: expected at most {told or longest}",
            advice=("shorten it, or cut it with ", Argument("truncation", True)),
        )
