"""The tokenizer of XLM-RoBERTa's checkpoints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokenizers import AddedToken
from tokenizers.processors import TemplateProcessing

from xlm_text.arguments import read_arguments
from xlm_text.attributes import Setting
from xlm_text.base import BaseTokenizer
from xlm_text.batches.rows import Format
from xlm_text.batches.samples import check_string
from xlm_text.decoding import decode_rows
from xlm_text.detokenization import close_spaces
from xlm_text.errors import InputError
from xlm_text.settings import XLMRobertaSettings
from xlm_text.unigram.cutter import UnigramCutter, rust_tokenizer
from xlm_text.unigram.storage import (
    StoredUnigram,
    load_unigram,
    read_unigram_file,
    save_unigram,
)
from xlm_text.unigram.vocabulary import UnigramVocabulary

if TYPE_CHECKING:
    from typing_extensions import Self


class XLMRobertaTokenizer(BaseTokenizer):
    """Tokenizer of XLM-RoBERTa's checkpoints, and of the many that were made from them.

    Most users load one with :meth:`from_pretrained`.  A text is cut in the same way whatever its
    language: ``lang`` is accepted wherever :class:`~xlm_text.XLMTokenizer` has it, and ignored.

    Args:
        vocabulary: a ``tokenizer.json``, a ``sentencepiece.bpe.model``, or a
            :class:`~xlm_text.UnigramVocabulary`.
        settings: what ``arguments`` change; see :class:`~xlm_text.XLMRobertaSettings`.
        added_tokens: tokens that were added to the vocabulary, by their ids.
        **arguments: changes to the settings.  A special token that the vocabulary lacks is added
            to it; an ``AddedToken`` keeps its flags.

    Example:
        >>> from xlm_text import UnigramVocabulary
        >>> pieces = ["<s>", "<pad>", "</s>", "<unk>", "▁plante", "s", "▁cré", "ent", "<mask>"]
        >>> vocabulary = UnigramVocabulary([(piece, -float(i)) for i, piece in enumerate(pieces)])
        >>> tokenizer = XLMRobertaTokenizer(vocabulary)
        >>> tokenizer.tokenize("plantes créent"), tokenizer("plantes <mask>")["input_ids"]
        (['▁plante', 's', '▁cré', 'ent'], [0, 4, 5, 8, 2])

    """

    _format = Format(
        roles=("bos_token", "eos_token", "pad_token"),
        separators=2,
        second_type=0,
        halves=True,
        padded_length=True,
    )
    _cutting = BaseTokenizer._cutting | {"add_prefix_space"}
    _settings: XLMRobertaSettings
    _vocabulary: UnigramVocabulary

    add_prefix_space = Setting()

    def __init__(
        self,
        vocabulary: str | Path | UnigramVocabulary,
        *,
        settings: XLMRobertaSettings | None = None,
        added_tokens: Mapping[int, AddedToken] | None = None,
        **arguments: Any,
    ) -> None:
        changes, named = read_arguments(arguments)
        stored = _read(vocabulary)
        self._cutters: dict[bool, UnigramCutter] = {}
        settings = (settings or stored.settings).change(**changes)
        added = stored.added_tokens if added_tokens is None else added_tokens
        super().__init__(stored.vocabulary, settings, added, named)

    @property
    def settings(self) -> XLMRobertaSettings:
        """How the tokenizer behaves."""
        return self._settings

    @property
    def is_fast(self) -> bool:
        """``True``: the Rust library cuts the texts, as transformers' fast tokenizers."""
        return True

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
        stored = load_unigram(where, hub, subfolder)
        return cls(
            stored.vocabulary,
            settings=stored.settings,
            added_tokens=stored.added_tokens,
            **{**_by_role(stored.settings, stored.named), **arguments},
        )

    def save_pretrained(self, save_directory: str | Path) -> tuple[str, ...]:
        """Write a folder that :meth:`from_pretrained` and transformers load; return the paths.

        The pieces, whatever file they came from, are in its ``tokenizer.json``.
        """
        rust = rust_tokenizer(self._vocabulary, self._stages(), self._added)
        rust.post_processor = self._template()
        as_it_is = self._vocabulary.stages is not None
        return save_unigram(save_directory, rust, self._settings, as_it_is)

    def _template(self) -> TemplateProcessing:
        """Return what the library puts around texts, so that others do it as this package."""
        start, end = self._settings.bos_token, self._settings.eos_token
        before, behind = ([] if token is None else [token] for token in (start, end))
        return TemplateProcessing(
            single=[*before, "$A", *behind],
            pair=[*before, "$A", *behind * self._format.separators, "$B", *behind],
            special_tokens=[(token, self._id(token)) for token in {*before, *behind}],
        )

    # Text and tokens ----------------------------------------------------------------------

    def tokenize(
        self,
        text: str,
        pair: str | None = None,
        add_special_tokens: bool = False,
        *,
        lang: str | None = None,
        split_special_tokens: bool | None = None,
    ) -> list[str]:
        """Cut a text, or a pair, into pieces; the first one of each word begins with ``▁``.

        Args:
            text: the text.  Special and added tokens in it stay whole.
            pair: a second text.
            add_special_tokens: put the special tokens around texts, too.
            lang: accepted, and ignored.
            split_special_tokens: special tokens in the text are text like any other; by default
                the tokenizer's setting.

        Raises:
            InputError: a text is not a string or not valid Unicode.

        """
        for name, given in (("text", text), ("pair", pair)):
            if given is not None:
                check_string(name, given)
        batch = self(
            text,
            pair,
            add_special_tokens,
            split_special_tokens=split_special_tokens,
            verbose=False,
        )
        return batch.tokens()

    def decode(
        self,
        token_ids: Any,
        skip_special_tokens: bool = False,
        clean_up_tokenization_spaces: bool | None = None,
        *,
        spaces_between_special_tokens: bool | None = None,
    ) -> Any:
        """Return the text of ids; of rows of ids, a list of texts.

        Args:
            token_ids: ids, as a list, an array, a tensor or a single number, or rows of them.
            skip_special_tokens: leave the special tokens out.
            clean_up_tokenization_spaces: close the space before English punctuation and
                contractions; by default as the tokenizer's setting of that name says.
            spaces_between_special_tokens: accepted, and ignored, as in the reference.

        Raises:
            InputError: an id is not a whole number of the vocabulary.

        """
        if clean_up_tokenization_spaces is None:
            clean_up_tokenization_spaces = self._settings.clean_up_tokenization_spaces
        rust = self._cutter("").rust

        def decode(ids: list[int]) -> str:
            self.convert_ids_to_tokens(ids)  # the library leaves out what it does not know
            text: str = rust.decode(ids, skip_special_tokens=skip_special_tokens)
            return close_spaces(text) if clean_up_tokenization_spaces else text

        return decode_rows(token_ids, decode)

    def convert_tokens_to_string(self, tokens: Iterable[str]) -> str:
        """Join pieces to a text."""
        decoder = self._cutter("").rust.decoder
        text: str = " ".join(tokens) if decoder is None else decoder.decode(list(tokens))
        return text

    # Inside -------------------------------------------------------------------------------

    def _cutter(self, lang: str, bypass: bool = False, split: bool | None = None) -> UnigramCutter:
        if bypass:
            problem = "has no meaning here: there is nothing but pieces to cut a text into"
            raise InputError(problem, argument="bypass_tokenizer")
        split = self._settings.split_special_tokens if split is None else split
        cutter = self._cutters.get(split)
        if cutter is None:
            limit = self._settings.memory_limit
            cutter = UnigramCutter(self._vocabulary, self._stages(), self._added, split, limit)
            self._cutters[split] = cutter
        return cutter

    def _stages(self) -> Any:
        return self._vocabulary.make_stages(self._settings.add_prefix_space)

    def _forget(self) -> None:
        # Batches that were made before go on using what they were made with, so that it must not
        # change under them.
        if self._cutters:
            self._cutters = {}
            self._added = self._make_added(self._added.by_id())

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_cutters": {}}


def _read(vocabulary: Any) -> StoredUnigram:
    if isinstance(vocabulary, UnigramVocabulary):
        return StoredUnigram(vocabulary, XLMRobertaSettings())
    if isinstance(vocabulary, str | Path):
        return read_unigram_file(Path(vocabulary))
    problem = f"must be a file or a UnigramVocabulary, not {vocabulary!r:.60}"
    raise InputError(problem, argument="vocabulary")


def _by_role(settings: XLMRobertaSettings, flagged: Mapping[str, AddedToken]) -> dict[str, Any]:
    """Return special tokens as arguments, those with flags as ``AddedToken``."""
    if not flagged:
        return {}
    roles = {name: flagged.get(token, token) for name, token in settings.named_tokens.items()}
    extra = [flagged.get(token, token) for token in settings.additional_special_tokens]
    return {**roles, "additional_special_tokens": extra}
