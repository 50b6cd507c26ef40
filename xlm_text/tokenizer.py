"""The tokenizer: what users of this package call."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokenizers import AddedToken

from xlm_text.analysis.analyzers import Cutters
from xlm_text.analysis.columns import Detail
from xlm_text.analysis.texts import Texts
from xlm_text.arguments import read_arguments
from xlm_text.attributes import LanguageAttributes
from xlm_text.base import BaseTokenizer
from xlm_text.batches.samples import check_string
from xlm_text.bpe.original import OriginalSubwords
from xlm_text.bpe.subwords import Subwords
from xlm_text.checkpoints import KNOWN_LANGUAGES
from xlm_text.decoding import WordDecoder
from xlm_text.errors import InputError
from xlm_text.files.storage import load_pretrained, make_folder, save_settings
from xlm_text.files.vocabulary import Vocabulary
from xlm_text.languages.table import choose_segmenter, no_such_language, segmenter_choices
from xlm_text.settings import Settings

if TYPE_CHECKING:
    from xlm_text.analysis.explanation import Explanation


class XLMTokenizer(LanguageAttributes, WordDecoder, BaseTokenizer):
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

    _vocabulary: Vocabulary
    _cutting = BaseTokenizer._cutting | {
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
        vocabulary = _vocabulary(vocab_file, merges_file)
        self._cutters: Cutters | None = None
        super().__init__(vocabulary, settings, added_tokens or {}, named)
        self._subwords = self._make_subwords()
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
    def from_pretrained(
        cls,
        where: str | Path | None = None,
        *,
        revision: str | None = None,
        cache_dir: str | Path | None = None,
        local_files_only: bool = False,
        token: str | None = None,
        subfolder: str | None = None,
        **settings: Any,
    ) -> XLMTokenizer:
        """Load a tokenizer.

        Args:
            where: a folder in the published layout; the name of a checkpoint on the hub, with
                or without ``FacebookAI/``; or ``None`` for the small vocabulary that comes with
                this package, which is for demonstration only.
            revision: a branch, tag or commit on the hub.
            cache_dir: where the hub's files are kept, instead of its usual cache.
            local_files_only: use what the cache has, and never the network.
            token: a hub token, for private repositories.
            subfolder: where the files are in the folder, or in the repository on the hub.
            **settings: changes to the :class:`~xlm_text.Settings` that the files name.

        Raises:
            InputError: there is no such folder or checkpoint, a file cannot be used, or a
                setting does not exist.

        """
        hub = {
            "revision": revision,
            "cache_dir": cache_dir,
            "local_files_only": local_files_only,
            "token": token,
        }
        stored = load_pretrained(where, hub, subfolder)
        tokenizer = cls(
            stored.vocabulary,
            settings=stored.settings,
            added_tokens=stored.added_tokens,
            **settings,
        )
        tokenizer.name_or_path = "" if where is None else str(where)
        return tokenizer

    @classmethod
    def from_files(
        cls, vocab_file: str | Path, merges_file: str | Path, **settings: Any
    ) -> XLMTokenizer:
        """Load from a ``vocab.json`` and a ``merges.txt``, and settings by name."""
        return cls(vocab_file, merges_file, **settings)

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

    def save_vocabulary(
        self, save_directory: str | Path, filename_prefix: str | None = None
    ) -> tuple[str, str]:
        """Write ``vocab.json`` and ``merges.txt`` only; return their paths."""
        make_folder(save_directory)
        return self._vocabulary.save(save_directory, filename_prefix)

    def save_original(self, codes_file: str | Path, vocab_file: str | Path) -> None:
        """Write the vocabulary in the original format (fastBPE codes, words with counts)."""
        self._vocabulary.save_original(codes_file, vocab_file)

    # From text to tokens ------------------------------------------------------------------

    def tokenize(
        self,
        text: str,
        lang: str | None = None,
        bypass_tokenizer: bool = False,
        split_special_tokens: bool | None = None,
    ) -> list[str]:
        """Cut a text into pieces; the last piece of each word ends in ``</w>``.

        Args:
            text: the text.  Special and added tokens in it stay whole.
            lang: its language; by default the tokenizer's own.
            bypass_tokenizer: only split at white space and apply the merges, for text that went
                through the preprocessing elsewhere.
            split_special_tokens: special and added tokens in the text are text like any other; by
                default the tokenizer's setting.

        Raises:
            InputError: ``text`` is not a string or not valid Unicode, or the checkpoint does not
                have the language.
            MissingComponentError: what the language needs is not on this machine.

        """
        check_string("text", text)
        lang = self.check_language(lang, needed=not bypass_tokenizer)
        texts = self._cutter(lang, bypass_tokenizer, split_special_tokens)
        return texts.columns([text], Detail.TOKENS).tokens[0]

    def words(self, text: str, lang: str | None = None) -> list[str]:
        """Return the words of a text as they are before they are cut into pieces."""
        check_string("text", text)
        return self._cutter(self.check_language(lang)).words(text)

    def explain(
        self,
        text: str,
        lang: str | None = None,
        bypass_tokenizer: bool = False,
        split_special_tokens: bool | None = None,
    ) -> Explanation:
        """Say how a text comes to its pieces: each step, and which rule cut or changed what.

        The arguments are those of :meth:`tokenize`.  What comes is made for people, as a string,
        and for programs, as data; it is not made for speed.

        Example:
            >>> tokenizer = XLMTokenizer.from_pretrained()
            >>> print(tokenizer.explain("L’été.", lang="fr"))
            fr, words by moses, rules sacremoses
            0:6 L’été.
              replace-unicode-punctuation         L'été.
              tokenizer: split at an apostrophe   L' été.
              tokenizer: split off a full stop    L' été .
              split at white space                L' | été | .
              lower case, no accents              l' | ete | .
              = l'                                l'</w> (4441, 0:2)
              = ete                               ete</w> (4927, 2:5)
              = .                                 .</w> (26, 5:6)

        """
        from xlm_text.analysis.explanation import Explanation  # hardly ever needed

        check_string("text", text)
        lang = self.check_language(lang, needed=not bypass_tokenizer)
        texts = self._cutter(lang, bypass_tokenizer, split_special_tokens)
        settings = self._settings
        words_by = choose_segmenter(lang, settings.segmenter_of(lang))
        if bypass_tokenizer:
            words_by = "white space"
        composed = texts.composed(text)
        parts = texts.explain(text, self.unk_token_id)
        return Explanation(text, lang, settings.rules, settings.faithful, words_by, composed, parts)

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

    def _cutter(self, lang: str, bypass: bool = False, split: bool | None = None) -> Texts:
        settings, cutters = self._settings, self._cutters
        if cutters is None:
            cutters = self._cutters = Cutters(settings, self._subwords, self._ids_of)
        split = settings.split_special_tokens if split is None else split
        return cutters.texts(lang, bypass, self._none_added if split else self._added)

    def change_settings(self, **changes: Any) -> None:
        """Change some of the :class:`~xlm_text.Settings`, all of them or none.

        Raises:
            InputError: there is no such setting, it cannot have this value, or a special token is
                not in the vocabulary.

        """
        super().change_settings(**changes)
        if "faithful" in changes:
            self._subwords = self._make_subwords()

    def _make_subwords(self) -> Subwords:
        kind = OriginalSubwords if self._settings.faithful else Subwords
        unk = self._settings.unk_token or "<unk>"
        return kind(self._vocabulary.ids, self._vocabulary.merges, unk)

    def _forget(self) -> None:
        # What the caches hold may not be true any more.  Batches that were made before go on
        # using what they were made with, so that it must not change under them.
        if self._cutters is not None:
            self._cutters = None
            self._added = self._make_added(self._added.by_id())

    def __getstate__(self) -> dict[str, Any]:
        # Segmenters cannot be carried along.
        return {**super().__getstate__(), "_cutters": None}


def _vocabulary(vocab_file: str | Path | Vocabulary, merges_file: str | Path | None) -> Vocabulary:
    if isinstance(vocab_file, Vocabulary):
        if merges_file is not None:
            raise InputError("merges_file must be left out where a Vocabulary is given")
        return vocab_file
    for name, path in (("vocab_file", vocab_file), ("merges_file", merges_file)):
        if not isinstance(path, str | Path):
            raise InputError(f"{name} must be the path of a file, not {path!r:.60}")
    assert merges_file is not None
    return Vocabulary.from_files(vocab_file, merges_file)
