"""Attributes of the tokenizer that are settings: to set one changes what follows from it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from xlm_text.batches.rows import Format
from xlm_text.errors import InputError
from xlm_text.settings import NO_LIMIT, CommonSettings, Settings


class Setting:
    """An attribute that is the setting of its name, or of the one given."""

    def __init__(self, setting: str | None = None) -> None:
        self._setting = setting

    def __set_name__(self, owner: type, name: str) -> None:
        self._setting = self._setting or name

    def __get__(self, tokenizer: Attributes | None, owner: type | None = None) -> Any:
        if tokenizer is None:
            return self
        value = getattr(tokenizer.settings, str(self._setting))
        # Settings do not change; what callers get they may change as they like.
        if isinstance(value, Mapping):
            return dict(value)
        return list(value) if isinstance(value, tuple) else value

    def __set__(self, tokenizer: Attributes, value: Any) -> None:
        tokenizer.change_settings(**{str(self._setting): value})


class IdOf:
    """The id of a special token, or the ids of several; the token can be set by it, too.

    ``None`` where no token has the role.
    """

    def __init__(self, setting: str) -> None:
        self._setting = setting

    def __get__(self, tokenizer: Attributes | None, owner: type | None = None) -> Any:
        if tokenizer is None:
            return self
        tokens = getattr(tokenizer.settings, self._setting)
        return None if tokens is None else tokenizer.convert_tokens_to_ids(tokens)

    def __set__(self, tokenizer: Attributes, value: Any) -> None:
        if isinstance(value, str):
            raise InputError(f"the id of {self._setting} must be a whole number, not {value!r}")
        tokens = None if value is None else tokenizer.convert_ids_to_tokens(value)
        tokenizer.change_settings(**{self._setting: tokens})


class Attributes:
    """The attributes that a tokenizer has beside its methods.

    No others can be set, so that a misspelt one, or one of another kind of tokenizer, is an error
    and not a setting that changes nothing.
    """

    name_or_path: str = ""

    memory_limit = Setting()
    split_special_tokens = Setting()
    padding_side = Setting()
    truncation_side = Setting()
    clean_up_tokenization_spaces = Setting()
    bos_token, bos_token_id = Setting(), IdOf("bos_token")
    eos_token, eos_token_id = Setting(), IdOf("eos_token")
    unk_token, unk_token_id = Setting(), IdOf("unk_token")
    sep_token, sep_token_id = Setting(), IdOf("sep_token")
    pad_token, pad_token_id = Setting(), IdOf("pad_token")
    cls_token, cls_token_id = Setting(), IdOf("cls_token")
    mask_token, mask_token_id = Setting(), IdOf("mask_token")
    additional_special_tokens = Setting()
    additional_special_tokens_ids = IdOf("additional_special_tokens")
    extra_special_tokens = Setting("additional_special_tokens")
    extra_special_tokens_ids = IdOf("additional_special_tokens")

    _settings: CommonSettings
    _format: ClassVar = Format()

    @property
    def settings(self) -> CommonSettings:
        """How the tokenizer behaves."""
        return self._settings

    @abstractmethod
    def change_settings(self, **changes: Any) -> None:
        """Change some of the settings."""

    @abstractmethod
    def convert_tokens_to_ids(self, tokens: Any) -> Any:
        """Return the id of a token, or of each of several."""

    @abstractmethod
    def convert_ids_to_tokens(self, ids: Any, skip_special_tokens: bool = False) -> Any:
        """Return the token of an id, or of each of several."""

    def num_special_tokens_to_add(self, pair: bool = False) -> int:
        """Return how many special tokens a sequence, or a pair of them, gets."""
        return self._format.special_tokens(pair)

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_") and not hasattr(type(self), name):
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute {name!r} that could be set"
            )
        super().__setattr__(name, value)

    @property
    def model_max_length(self) -> int:
        """The longest sequence of the model, in tokens; 10^30 where there is no limit."""
        return self._settings.model_max_length or NO_LIMIT

    @model_max_length.setter
    def model_max_length(self, length: int | None) -> None:
        self.change_settings(model_max_length=length)

    @property
    def max_len_single_sentence(self) -> int:
        """How many tokens of a text the model has room for, beside the special ones."""
        return self.model_max_length - self.num_special_tokens_to_add()

    @property
    def max_len_sentences_pair(self) -> int:
        """How many tokens of two texts the model has room for, beside the special ones."""
        return self.model_max_length - self.num_special_tokens_to_add(pair=True)

    @property
    def model_input_names(self) -> list[str]:
        """The columns that a call gives by default."""
        return ["input_ids", "attention_mask"]

    @property
    def pad_token_type_id(self) -> int:
        """What padding is in ``token_type_ids``."""
        return 0

    @property
    def is_fast(self) -> bool:
        """``False``: it is none of the tokenizers that transformers calls fast."""
        return False


class LanguageAttributes(Attributes):
    """Those of a tokenizer to which the languages of texts matter: XLM's."""

    any_language = Setting()
    rules = Setting()
    faithful = Setting()
    zh_segmenter = Setting()
    th_segmenter = Setting()
    kytea_model = Setting()
    user_dictionary = Setting()
    protected_patterns = Setting()
    normalize_unicode = Setting()
    do_lowercase_and_remove_accent = Setting()
    lang2id = Setting()
    use_lang_emb = Setting()

    _settings: Settings

    @property
    def settings(self) -> Settings:
        """How the tokenizer behaves."""
        return self._settings

    @abstractmethod
    def check_language(self, lang: str | None) -> str:
        """Return the language if it can be used."""

    @property
    def lang(self) -> str:
        """The language of a text that is given without one; it can be set."""
        return self._settings.default_lang

    @lang.setter
    def lang(self, lang: str | None) -> None:
        self.change_settings(lang=None if lang is None else self.check_language(lang))

    @property
    def id2lang(self) -> dict[int, str] | None:
        """The language of each id; ``None`` where that is not known."""
        known = self._settings.lang2id
        return None if known is None else {id_: lang for lang, id_ in known.items()}

    @property
    def do_lower_case(self) -> bool:
        """Another name of ``do_lowercase_and_remove_accent``, as in the reference."""
        return self._settings.do_lowercase_and_remove_accent

    @property
    def model_input_names(self) -> list[str]:
        """The columns that a call gives by default."""
        return [*super().model_input_names, *["langs"] * self._settings.use_lang_emb]
