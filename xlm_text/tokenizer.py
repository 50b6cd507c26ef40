"""The tokenizer: what users of this package call."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokenizers import AddedToken

from xlm_text.analysis.analyzers import Cutters
from xlm_text.arguments import read_arguments
from xlm_text.attributes import LanguageAttributes
from xlm_text.bpe.original import OriginalSubwords
from xlm_text.bpe.subwords import Subwords
from xlm_text.bpe_tokenizer import BpeTokenizer
from xlm_text.checkpoints import KNOWN_LANGUAGES
from xlm_text.errors import InputError
from xlm_text.files.storage import load_pretrained, save_settings
from xlm_text.files.vocabulary import Vocabulary
from xlm_text.languages.table import choose_segmenter, no_such_language, segmenter_choices
from xlm_text.settings import Settings

if TYPE_CHECKING:
    from typing_extensions import Self


class XLMTokenizer(LanguageAttributes, BpeTokenizer):
    """Tokenizer of the XLM checkpoints, in every language they have.

    Most users load one with :meth:`from_pretrained`.

    Args:
        vocab_file: a ``vocab.json``, or a :class:`~xlm_text.Vocabulary` in its place.
        merges_file: the ``merges.txt`` that belongs to the file.
        settings: what ``arguments`` change; see :class:`~xlm_text.Settings`.
        added_tokens: tokens that were added to the vocabulary, by their ids.
        **arguments: changes to the settings.  A special token that the vocabulary lacks is added
            to it; an ``AddedToken`` keeps its flags.

    Example:
        >>> tokenizer = XLMTokenizer.from_pretrained()  # the small demonstration vocabulary
        >>> tokenizer.tokenize("我来到北京清华大学。", lang="zh")[0]
        '我</w>'

    """

    _cutting = BpeTokenizer._cutting | {
        *("do_lowercase_and_remove_accent", "faithful", "kytea_model", "normalize_unicode"),
        *("protected_patterns", "rules", "user_dictionary", *segmenter_choices()),
    }

    def __init__(
        self,
        vocab_file: str | Path | Vocabulary,
        merges_file: str | Path | None = None,
        *,
        settings: Settings | None = None,
        added_tokens: Mapping[int, AddedToken] | None = None,
        **arguments: Any,
    ) -> None:
        changes, named = read_arguments(arguments)
        settings = (settings or Settings()).change(**changes)
        super().__init__(vocab_file, merges_file, settings, added_tokens or {}, named)
        if settings.lang is not None:
            self.check_language(settings.lang)

    def __repr__(self) -> str:
        settings = self._settings
        known = "unknown" if settings.lang2id is None else ", ".join(settings.lang2id)
        added = len(self) - self.vocab_size
        return (
            f"{type(self).__name__}(name_or_path={self.name_or_path!r}, "
            f"vocab_size={self.vocab_size}, added_tokens={added}, languages=[{known}], "
            f"lang={settings.lang!r}, model_max_length={self.model_max_length}, "
            f"padding_side={settings.padding_side!r}, "
            f"truncation_side={settings.truncation_side!r}, "
            f"special_tokens={self.special_tokens_map})"
        )

    # Loading and saving -------------------------------------------------------------------

    @classmethod
    def _load(
        cls,
        where: str | Path | None,
        hub: Mapping[str, Any],
        subfolder: str | None,
        arguments: Mapping[str, Any],
    ) -> Self:
        stored = load_pretrained(where, hub, subfolder)
        return cls(
            stored.vocabulary,
            settings=stored.settings,
            added_tokens=stored.added_tokens,
            **arguments,
        )

    @classmethod
    def from_original(
        cls,
        codes_file: str | Path,
        vocab_file: str | Path,
        max_vocab: int | None = None,
        **settings: Any,
    ) -> XLMTokenizer:
        """Load fastBPE codes and vocabulary as the original implementation has them.

        ``max_vocab`` cuts the vocabulary to the size of the checkpoint, special words included
        (95000 for the fifteen-language ones).
        """
        return cls(Vocabulary.from_original(codes_file, vocab_file, max_vocab), **settings)

    def save_pretrained(self, save_directory: str | Path) -> tuple[str, ...]:
        """Write a folder that :meth:`from_pretrained` and transformers load; return the paths.

        Every setting is saved but ``kytea_model``, a path on this machine, and ``memory_limit``.
        """
        vocabulary = self.save_vocabulary(save_directory)
        return (*vocabulary, *save_settings(save_directory, self._settings, self._added.by_id()))

    def save_original(self, codes_file: str | Path, vocab_file: str | Path) -> None:
        """Write the vocabulary in the original format (fastBPE codes, words with counts)."""
        self._vocabulary.save_original(codes_file, vocab_file)

    # Inside -------------------------------------------------------------------------------

    def check_language(self, lang: str | None, *, needed: bool = True) -> str:
        """Return the language, the tokenizer's own for ``None``; raise if it cannot be used.

        ``needed=False`` says that nothing depends on a language that nobody named.
        """
        settings = self._settings
        if lang is None:
            lang = settings.default_lang
            if not needed:
                return lang
            if settings.leaves_language_open:
                self._choose_language(lang)
        if not isinstance(lang, str) or not lang:
            raise InputError(f"lang must be a language code such as 'en', not {lang!r}")
        known = settings.lang2id if settings.lang2id is not None else KNOWN_LANGUAGES
        if lang not in known and not settings.any_language:
            raise no_such_language(lang, known, settings.lang2id is not None)
        return lang

    def _described(self, lang: str, bypass: bool) -> tuple[str, bool, str]:
        settings = self._settings
        words_by = choose_segmenter(lang, settings.segmenter_of(lang))
        return settings.rules, settings.faithful, "white space" if bypass else words_by

    def _language(self, lang: str | None, needed: bool) -> str:
        return self.check_language(lang, needed=needed)

    def _wants_langs(self) -> bool:
        return self._settings.use_lang_emb

    def _ids_of_languages(self) -> Mapping[str, int] | None:
        return self._settings.lang2id

    @property
    def _lowers_added_tokens(self) -> bool:
        return self.do_lower_case

    def _choose_language(self, lang: str) -> None:
        """Warn that nobody named a language; raise if the reference's choice is none there is."""
        known = self._settings.lang2id
        languages = sorted(known or ())
        if known and lang not in known and not self._settings.any_language:
            problem = f"must be given: this tokenizer has several languages, {', '.join(languages)}"
            raise InputError(problem, argument="lang")
        self._notices.language(lang, languages)

    def _make_cutters(self) -> Cutters:
        return Cutters(self._settings, self._subwords, self._ids_of)

    def change_settings(self, **changes: Any) -> None:
        """Change some of the :class:`~xlm_text.Settings`, all of them or none.

        Raises:
            InputError: there is no such setting, it cannot have this value, or a special token is
                not in the vocabulary.

        """
        super().change_settings(**changes)
        if "faithful" in changes:
            self._subwords = self._make_subwords()

    def _subwords_kind(self) -> type[Subwords]:
        return OriginalSubwords if self._settings.faithful else Subwords
