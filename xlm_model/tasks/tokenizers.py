"""What tasks ask of a tokenizer, and how they call one that has no languages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from xlm_model.config import XLMConfig
from xlm_text import AutoTokenizer, InputError, XLMTokenizer

# What tasks say, once, where a language is given all the same.
NO_LANGUAGES = "lang has no effect: this checkpoint tokenizes all languages alike"


@runtime_checkable
class TaskTokenizer(Protocol):
    """A tokenizer that tasks work with.

    Its call takes a list of texts, None or a list of second texts, and `truncation`, `max_length`,
    `stride`, `is_split_into_words`, `return_overflowing_tokens`, `return_offsets_mapping`,
    `return_attention_mask`, `return_special_tokens_mask` and `verbose`; it returns a mapping with a
    list for each text under `input_ids` and what was asked for, and `word_ids(i)`. Offsets count
    code points.

    One that has `check_language`, as `XLMTokenizer`, is also given `lang`, `lang_pair` and
    `return_langs`; any other one has no use for languages.
    """

    mask_token: Any
    mask_token_id: Any
    cls_token_id: Any
    sep_token: Any
    unk_token_id: Any

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Tokenize texts."""
        ...

    def __len__(self) -> int:
        """Return the number of tokens."""
        ...

    def tokenize(self, text: str) -> list[str]:
        """Return the pieces of a text."""
        ...

    def convert_tokens_to_ids(self, tokens: Any) -> Any:
        """Return the id of a piece, or of each."""
        ...

    def convert_ids_to_tokens(self, ids: Any) -> Any:
        """Return the piece of an id, or of each."""
        ...

    def convert_tokens_to_string(self, tokens: Any) -> str:
        """Return the text of pieces."""
        ...

    def decode(self, token_ids: Any, skip_special_tokens: bool = False) -> str:
        """Return the text of ids."""
        ...


def has_languages(tokenizer: Any) -> bool:
    """Whether a tokenizer depends on the language of a text."""
    return hasattr(tokenizer, "check_language")


def language_of(tokenizer: Any, lang: str | None) -> str | None:
    """Return the language that a text is tokenized in; None where there are none."""
    return tokenizer.check_language(lang) if has_languages(tokenizer) else None


def pieces_of(tokenizer: Any, word: str, lang: str | None) -> Sequence[str]:
    """Return the pieces of a word in a language."""
    options = {"lang": lang} if has_languages(tokenizer) else {}
    pieces: Sequence[str] = tokenizer.tokenize(word, **options)
    return pieces


def check_tokenizer(tokenizer: Any, config: XLMConfig) -> None:
    """Raise an `InputError` for a tokenizer that a model cannot work with.

    A model of XLM's own type takes this project's alone; one without languages any that has what
    tasks need.
    """
    if isinstance(tokenizer, XLMTokenizer):
        return
    kind = type(tokenizer)
    if not config.has_languages:
        if isinstance(tokenizer, TaskTokenizer):
            return
        raise InputError(
            f"is a {kind.__name__}: expected one with what xlm_model.tasks.tokenizers."
            "TaskTokenizer lists",
            argument="tokenizer",
        )
    given, where = f"a {kind.__name__}", "a folder or a name on the hub"
    if kind.__module__.startswith("transformers."):
        given = f"transformers' {kind.__name__}, which would drop the texts' languages"
        where = repr(getattr(tokenizer, "name_or_path", None) or "a folder that it was saved in")
    raise InputError(
        f"is {given}: expected xlm_text.XLMTokenizer.from_pretrained({where})",
        argument="tokenizer",
    )


def load_tokenizer(where: str | Path, config: XLMConfig, **hub: Any) -> Any:
    """Load the tokenizer of a checkpoint.

    Raises:
        InputError: the files are not there, or of a type that xlm_text does not read.
    """
    kind = XLMTokenizer if config.has_languages else AutoTokenizer
    return kind.from_pretrained(where, **hub)
