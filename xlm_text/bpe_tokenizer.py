"""What the tokenizers with words and merges share: XLM's and FlauBERT's."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from tokenizers import AddedToken

from xlm_text.analysis.added_tokens import AddedTokens
from xlm_text.analysis.columns import Detail
from xlm_text.analysis.texts import Texts
from xlm_text.base import BaseTokenizer
from xlm_text.batches.samples import check_string
from xlm_text.bpe.subwords import Subwords
from xlm_text.decoding import WordDecoder
from xlm_text.errors import InputError
from xlm_text.files.storage import make_folder
from xlm_text.files.vocabulary import Vocabulary
from xlm_text.settings import CommonSettings

if TYPE_CHECKING:
    from typing_extensions import Self

    from xlm_text.analysis.explanation import Explanation


class MakesCutters(Protocol):
    """Has what cuts texts, for one state of the settings and tokens."""

    def texts(self, lang: str, bypass: bool, added: AddedTokens) -> Texts:
        """Return what cuts texts of a language; ``bypass`` only splits them at white space."""
        ...


class BpeTokenizer(WordDecoder, BaseTokenizer):
    """A tokenizer that finds words, and cuts them into pieces by merges."""

    _vocabulary: Vocabulary

    def __init__(
        self,
        vocab_file: str | Path | Vocabulary,
        merges_file: str | Path | None,
        settings: CommonSettings,
        added_tokens: Mapping[int, AddedToken],
        named: Mapping[str, str | AddedToken],
    ) -> None:
        vocabulary = _vocabulary(vocab_file, merges_file)
        self._cutters: MakesCutters | None = None
        super().__init__(vocabulary, settings, added_tokens, named)
        self._subwords = self._make_subwords()

    @classmethod
    def from_files(cls, vocab_file: str | Path, merges_file: str | Path, **settings: Any) -> Self:
        """Load from a ``vocab.json`` and a ``merges.txt``, and settings by name."""
        return cls(vocab_file, merges_file, **settings)

    def save_vocabulary(
        self, save_directory: str | Path, filename_prefix: str | None = None
    ) -> tuple[str, str]:
        """Write ``vocab.json`` and ``merges.txt`` only; return their paths."""
        make_folder(save_directory)
        return self._vocabulary.save(save_directory, filename_prefix)

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
            lang: its language; by default the tokenizer's own.  FlauBERT's has French only.
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
        lang = self._language(lang, not bypass_tokenizer)
        texts = self._cutter(lang, bypass_tokenizer, split_special_tokens)
        return texts.columns([text], Detail.TOKENS).tokens[0]

    def words(self, text: str, lang: str | None = None) -> list[str]:
        """Return the words of a text as they are before they are cut into pieces."""
        check_string("text", text)
        return self._cutter(self._language(lang, True)).words(text)

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
            >>> from xlm_text import XLMTokenizer
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
        lang = self._language(lang, not bypass_tokenizer)
        texts = self._cutter(lang, bypass_tokenizer, split_special_tokens)
        described = self._described(lang, bypass_tokenizer)
        parts = texts.explain(text, self.unk_token_id)
        return Explanation(text, lang, *described, texts.composed(text), parts)

    # Inside -------------------------------------------------------------------------------

    @abstractmethod
    def _described(self, lang: str, bypass: bool) -> tuple[str, bool, str]:
        """Return the rule set, whether it is faithful, and what finds the words of a language."""

    @abstractmethod
    def _make_cutters(self) -> MakesCutters:
        """Make what cuts texts."""

    def _make_subwords(self) -> Subwords:
        unk = self._settings.unk_token or "<unk>"
        vocabulary = self._vocabulary
        return self._subwords_kind()(vocabulary.ids, vocabulary.merges, unk, vocabulary.key)

    def _subwords_kind(self) -> type[Subwords]:
        return Subwords

    def _cutter(self, lang: str, bypass: bool = False, split: bool | None = None) -> Texts:
        cutters = self._cutters
        if cutters is None:
            cutters = self._cutters = self._make_cutters()
        split = self._settings.split_special_tokens if split is None else split
        return cutters.texts(lang, bypass, self._none_added if split else self._added)

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
