"""The tokenizer of FlauBERT's checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokenizers import AddedToken

from xlm_text.analysis.analyzers import FlaubertCutters
from xlm_text.arguments import read_arguments
from xlm_text.attributes import Setting
from xlm_text.bpe_tokenizer import BpeTokenizer
from xlm_text.errors import InputError
from xlm_text.files.storage import load_flaubert, save_settings
from xlm_text.files.vocabulary import Vocabulary
from xlm_text.settings import FlaubertSettings

if TYPE_CHECKING:
    from typing_extensions import Self


class FlaubertTokenizer(BpeTokenizer):
    """Tokenizer of FlauBERT's checkpoints: French, prepared in a way of its own.

    Two apostrophes or grave accents in a row become a quote, characters are composed (NFC), and,
    where the checkpoint was trained so, capitals go; accents stay.  The rest is XLM's.  ``lang``
    is accepted wherever :class:`~xlm_text.XLMTokenizer` has it, and ignored.

    Args:
        vocab_file: a ``vocab.json``, or a :class:`~xlm_text.Vocabulary` in its place.
        merges_file: the ``merges.txt`` that belongs to the file.
        settings: what ``arguments`` change; see :class:`~xlm_text.FlaubertSettings`.
        added_tokens: tokens that were added to the vocabulary, by their ids.
        **arguments: changes to the settings.  A special token that the vocabulary lacks is added
            to it; an ``AddedToken`` keeps its flags.

    Example:
        >>> from xlm_text import XLMTokenizer
        >>> paths = XLMTokenizer.from_pretrained().save_vocabulary("checkpoint")
        >>> tokenizer = FlaubertTokenizer(*paths, do_lowercase=True)
        >>> tokenizer.words("``L’Été'' commence.")
        ['"', "l'", 'été', '"', 'commence', '.']

    """

    _cutting = BpeTokenizer._cutting | {"do_lowercase"}
    _settings: FlaubertSettings

    do_lowercase = Setting()

    def __init__(
        self,
        vocab_file: str | Path | Vocabulary,
        merges_file: str | Path | None = None,
        *,
        settings: FlaubertSettings | None = None,
        added_tokens: Mapping[int, AddedToken] | None = None,
        **arguments: Any,
    ) -> None:
        changes, named = read_arguments(arguments)
        settings = (settings or FlaubertSettings()).change(**changes)
        super().__init__(vocab_file, merges_file, settings, added_tokens or {}, named)

    @property
    def settings(self) -> FlaubertSettings:
        """How the tokenizer behaves."""
        return self._settings

    # Loading and saving -------------------------------------------------------------------

    @classmethod
    def _load(
        cls,
        where: str | Path | None,
        hub: Mapping[str, Any],
        subfolder: str | None,
        arguments: Mapping[str, Any],
    ) -> Self:
        if where is None:
            raise InputError("must be a folder or a name on the hub, not None", argument="where")
        stored = load_flaubert(where, hub, subfolder)
        return cls(
            stored.vocabulary,
            settings=stored.settings,
            added_tokens=stored.added_tokens,
            **arguments,
        )

    def save_pretrained(self, save_directory: str | Path) -> tuple[str, ...]:
        """Write a folder that :meth:`from_pretrained` and transformers load; return the paths."""
        vocabulary = self.save_vocabulary(save_directory)
        return (*vocabulary, *save_settings(save_directory, self._settings, self._added.by_id()))

    # Inside -------------------------------------------------------------------------------

    def _described(self, lang: str, bypass: bool) -> tuple[str, bool, str]:
        return "sacremoses", False, "white space" if bypass else "moses"

    def _language(self, lang: str | None, needed: bool) -> str:
        return "fr"

    def _make_cutters(self) -> FlaubertCutters:
        return FlaubertCutters(self._settings, self._subwords, self._ids_of)
