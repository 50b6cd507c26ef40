"""The call: what every kind of tokenizer does with texts, whatever cuts them into pieces."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xlm_text.batches.calling import Cutter, Side, tokenize
from xlm_text.batches.encoding import BatchEncoding
from xlm_text.batches.layout import lay_out
from xlm_text.batches.options import Options, read_options
from xlm_text.batches.padding import pad_rows
from xlm_text.batches.rows import Frame
from xlm_text.batches.samples import Given, Samples, read_samples
from xlm_text.batches.tensors import to_tensors
from xlm_text.decoding import Decoder
from xlm_text.errors import InputError
from xlm_text.notices import Notices
from xlm_text.settings import CommonSettings
from xlm_text.streams.texts import EncodeBatch, check_stream, encode_stream
from xlm_text.tokens import Pieces

if TYPE_CHECKING:
    from typing_extensions import Self


class BaseTokenizer(Decoder):
    """What every kind of tokenizer has: the call, and what is made of it.

    A kind says how it is loaded (:meth:`_load`), what cuts texts (:meth:`_cutter`), which language
    a text is in (:meth:`_language`), and how its rows are put together (``_format``).
    """

    def __init__(
        self,
        vocabulary: Pieces,
        settings: CommonSettings,
        added: Mapping[int, Any],
        named: Mapping[str, Any],
    ) -> None:
        self._notices = Notices()
        super().__init__(vocabulary, settings, added, named)

    def __repr__(self) -> str:
        added = len(self) - self.vocab_size
        return (
            f"{type(self).__name__}(name_or_path={self.name_or_path!r}, "
            f"vocab_size={self.vocab_size}, added_tokens={added}, "
            f"model_max_length={self.model_max_length}, "
            f"padding_side={self._settings.padding_side!r}, "
            f"truncation_side={self._settings.truncation_side!r}, "
            f"special_tokens={self.special_tokens_map})"
        )

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
    ) -> Self:
        """Load a tokenizer.

        Args:
            where: a folder in the published layout, or the name of a checkpoint on the hub; one of
                XLM's may go without ``FacebookAI/``.  ``None`` is the small XLM vocabulary that
                comes with this package, which is for demonstration only.
            revision: a branch, tag or commit on the hub.
            cache_dir: where the hub's files are kept, instead of its usual cache.
            local_files_only: use what the cache has, and never the network.
            token: a hub token, for private repositories.
            subfolder: where the files are in the folder, or in the repository on the hub.
            **settings: changes to the settings that the files name.

        Raises:
            InputError: there is no such folder or checkpoint, a file cannot be used, or a
                setting does not exist.
            MissingComponentError: the package that reads a file is not installed.

        """
        hub = {
            "revision": revision,
            "cache_dir": cache_dir,
            "local_files_only": local_files_only,
            "token": token,
        }
        tokenizer = cls._load(where, hub, subfolder, settings)
        tokenizer.name_or_path = "" if where is None else str(where)
        return tokenizer

    @classmethod
    @abstractmethod
    def _load(
        cls,
        where: str | Path | None,
        hub: Mapping[str, Any],
        subfolder: str | None,
        arguments: Mapping[str, Any],
    ) -> Self:
        """Load a tokenizer, with ``arguments`` as changes to its settings."""

    @abstractmethod
    def tokenize(self, text: str) -> list[str]:
        """Cut a text into pieces."""

    @abstractmethod
    def save_pretrained(self, save_directory: str | Path) -> tuple[str, ...]:
        """Write a folder that :meth:`from_pretrained` and transformers load; return the paths."""

    @abstractmethod
    def _cutter(self, lang: str, bypass: bool, split: bool | None) -> Cutter:
        """Return what cuts texts of a language; the arguments are those of the call."""

    def _language(self, lang: str | None, needed: bool) -> str:
        """Return the language of a text; raise if it cannot be used.

        ``needed`` says whether it matters where nobody named one.
        """
        return ""

    def _wants_langs(self) -> bool:
        """Whether the model takes the languages of tokens."""
        return False

    def _ids_of_languages(self) -> Mapping[str, int] | None:
        """Return the id of each language, where that is known."""
        return None

    def __call__(
        self,
        text: str | Sequence[Any] | None = None,
        text_pair: str | Sequence[Any] | None = None,
        add_special_tokens: bool = True,
        padding: bool | str = False,
        truncation: bool | str | None = None,
        max_length: int | None = None,
        stride: int = 0,
        is_split_into_words: bool = False,
        pad_to_multiple_of: int | None = None,
        padding_side: str | None = None,
        return_tensors: str | None = None,
        return_token_type_ids: bool | None = False,
        return_attention_mask: bool | None = True,
        return_overflowing_tokens: bool = False,
        return_special_tokens_mask: bool = False,
        return_offsets_mapping: bool = False,
        return_length: bool = False,
        *,
        lang: str | Sequence[str] | None = None,
        lang_pair: str | Sequence[str] | None = None,
        bypass_tokenizer: bool = False,
        split_special_tokens: bool | None = None,
        text_target: str | Sequence[Any] | None = None,
        lang_target: str | Sequence[str] | None = None,
        return_langs: bool | None = None,
        verbose: bool = True,
    ) -> BatchEncoding:
        """Turn texts into model inputs.

        Names, defaults and results are those that users of transformers know; ``lang``,
        ``lang_pair``, ``bypass_tokenizer`` and ``return_langs`` are this package's.

        Args:
            text: a text, a list of texts, or a list of pairs of texts.  An array or column of
                strings is a list, and a list of ids is a text that was tokenized already.
            text_pair: the second text, or one for each of the list.
            add_special_tokens: put the special tokens around texts: ``<s> A </s>`` and
                ``<s> A </s> B </s>``, for XLM-RoBERTa ``<s> A </s></s> B </s>``.
            padding: ``True`` or ``"longest"`` pads to the longest row, ``"max_length"`` to
                ``max_length``, or to the model's longest sequence without it.
            truncation: ``True`` or ``"longest_first"``, ``"only_first"``, ``"only_second"``.
                ``max_length`` alone, without padding, means ``True``.
            max_length: the longest row, in tokens, special tokens included.
            stride: how many tokens a row shares with the one before it where
                ``return_overflowing_tokens`` makes several of a text.
            is_split_into_words: a text is a list of words; each is tokenized on its own.  In a
                list of texts a tuple of two such lists is a pair.
            pad_to_multiple_of: round the padded length up.
            padding_side: ``"left"`` or ``"right"``, instead of the tokenizer's setting.
            return_tensors: ``"np"``, ``"pt"`` or ``"tf"``; lists without it.
            return_token_type_ids: add ``token_type_ids``; XLM's models look them up among their
                word embeddings, and XLM-RoBERTa's have one type, so they are hardly ever wanted.
            return_attention_mask: add ``attention_mask``: 1, and 0 for padding.
            return_overflowing_tokens: give a further row for each part of a text that did not
                fit, and ``overflow_to_sample_mapping``, the number of each row's text.
            return_special_tokens_mask: add ``special_tokens_mask``.
            return_offsets_mapping: add ``offset_mapping``: for each token the span
                ``(start, end)`` of its text, in code points, end exclusive; ``(0, 0)`` for
                special tokens and padding.
            return_length: add ``length``.
            lang: the language, or one for each text; by default the tokenizer's own.
                XLM-RoBERTa's tokenizer has no use for it.
            lang_pair: that of the second texts; by default that of the first.
            bypass_tokenizer: only split at white space and apply the merges; not for
                XLM-RoBERTa's, which has none.
            split_special_tokens: special and added tokens in the texts are text like any other;
                by default the tokenizer's setting.
            text_target: a text, or one for each of the list, whose ids become ``labels``; alone,
                it is what the call gives.
            lang_target: its language; by default that of the first texts.
            verbose: whether to warn of a text that is too long for the model.
            return_langs: add ``langs``, the id of each token's language; padding has that of its
                neighbour.  By default where the model has language embeddings.

        Raises:
            InputError: an argument cannot be used; the message names it, its value and the
                position in the batch.
            MissingComponentError: what a language needs is not on this machine.

        Warns:
            LanguageWarning: the checkpoint has several languages, and nobody said which one this
                is.  Once for each tokenizer.
            LengthWarning: a row is longer than the model's longest sequence, and nothing was said
                about its length.  Once for each tokenizer.

        Example:
            >>> from xlm_text import XLMTokenizer
            >>> tokenizer = XLMTokenizer.from_pretrained()
            >>> batch = tokenizer(["Hello!", "你好！"], lang=["en", "zh"], padding=True)
            >>> [len(row) for row in batch["input_ids"]], batch["attention_mask"][1]
            ([5, 5], [1, 1, 1, 1, 1])

        """
        options = read_options(
            self._settings,
            padding=padding,
            truncation=truncation,
            max_length=max_length,
            stride=stride,
            pad_to_multiple_of=pad_to_multiple_of,
            padding_side=padding_side,
            return_tensors=return_tensors,
            add_special_tokens=add_special_tokens,
            return_token_type_ids=return_token_type_ids,
            return_attention_mask=return_attention_mask,
            return_overflowing_tokens=return_overflowing_tokens,
            return_special_tokens_mask=return_special_tokens_mask,
            return_offsets_mapping=return_offsets_mapping,
            return_length=return_length,
            return_langs=self._wants_langs() if return_langs is None else return_langs,
        )
        read = partial(
            read_samples,
            self._language,
            self.convert_ids_to_tokens,
            words=is_split_into_words,
            needed=not bypass_tokenizer,
        )
        load = partial(self._cutter, bypass=bypass_tokenizer, split=split_special_tokens)
        batch = None
        if text is not None or text_target is None:
            samples = read(text, text_pair, lang, lang_pair)
            first, second = tokenize(samples, load, return_offsets_mapping)
            batch = self._lay_out(first, second, options, samples.batched, verbose)
        if text_target is not None:
            samples = read(text_target, None, lang if lang_target is None else lang_target, None)
            target, _ = tokenize(samples, load, return_offsets_mapping)
            labels = self._lay_out(target, None, options, samples.batched, verbose)
            if batch is None:
                return labels
            batch["labels"] = labels["input_ids"]
        assert batch is not None
        return batch

    def prepare_for_model(
        self,
        ids: Sequence[int],
        pair_ids: Sequence[int] | None = None,
        *,
        lang: str | None = None,
        lang_pair: str | None = None,
        return_tensors: str | None = None,
        prepend_batch_axis: bool = False,
        verbose: bool = True,
        **options: Any,
    ) -> BatchEncoding:
        """Make model inputs of the ids of one text, or of a pair: what a call does behind them.

        The other options are those of the call.  Tensors have no axis for the batch unless
        ``prepend_batch_axis`` asks for one.

        Example:
            >>> from xlm_text import XLMTokenizer
            >>> tokenizer = XLMTokenizer.from_pretrained()
            >>> tokenizer.prepare_for_model([20, 21], [22], max_length=7, padding="max_length")
            {'input_ids': [0, 20, 21, 1, 22, 1, 2],
             'attention_mask': [1, 1, 1, 1, 1, 1, 0]}

        """
        if options.get("return_langs") is None:
            options["return_langs"] = self._wants_langs()
        rows = read_options(self._settings, **options)
        langs = [self._language(code, False) for code in (lang, lang_pair or lang)]
        given = [
            [Given(list(part), self.convert_ids_to_tokens(part))]
            for part in (ids, pair_ids)
            if part is not None
        ]
        texts, pairs = given[0], given[1] if len(given) > 1 else None
        samples = Samples(texts, langs[:1], pairs, langs[1:], batched=False)
        load = partial(self._cutter, bypass=False, split=None)
        sides = tokenize(samples, load, rows.return_offsets_mapping)
        batch = self._lay_out(*sides, rows, False, verbose)
        return batch.convert_to_tensors(return_tensors, prepend_batch_axis)

    def encode(
        self,
        text: str | Sequence[Any],
        text_pair: str | Sequence[Any] | None = None,
        add_special_tokens: bool = True,
        **options: Any,
    ) -> Any:
        """Return only the ids that a call with the same arguments gives."""
        options["return_attention_mask"] = False
        return self(text, text_pair, add_special_tokens, **options)["input_ids"]

    def batch_encode(
        self, texts: Sequence[Any], add_special_tokens: bool = True, **options: Any
    ) -> list[list[int]]:
        """Return only the ids of a list of texts or pairs."""
        if isinstance(texts, str):
            raise InputError("texts must be a list of texts, not one string")
        ids: list[list[int]] = self.encode(texts, None, add_special_tokens, **options)
        return ids

    def encode_iterator(
        self,
        texts: Iterable[Any],
        *,
        lang: str | Iterable[str] | None = None,
        lang_pair: str | Iterable[str] | None = None,
        workers: int = 1,
        batch_size: int = 1000,
        **options: Any,
    ) -> Iterator[Any]:
        """Yield the ids of each text of a stream, in order, in constant memory.

        Args:
            texts: texts or pairs, perhaps without end.
            lang: the language, or an iterable with that of each text, which is read in step with
                the texts.
            lang_pair: that of the second texts; by default that of the first.
            workers: processes to work in; 1 is this one.
            batch_size: how many texts are tokenized together.
            **options: those of the call that say which ids a text gets.  With
                ``return_offsets_mapping=True`` each item is a pair: the ids, and their spans.

        Raises:
            InputError: an argument cannot be used; at once.  Or a text cannot be used: when the
                rows of all texts before it are out.  Its ``number`` counts from the first text.

        Example:
            >>> from xlm_text import XLMTokenizer
            >>> tokenizer = XLMTokenizer.from_pretrained()
            >>> rows = tokenizer.encode_iterator(["Hello!", "Au revoir."], lang=["en", "fr"])
            >>> [len(row) for row in rows]
            [5, 6]

        """
        check_stream(texts, lang, lang_pair, workers, batch_size, options)
        if lang is None or isinstance(lang, str):
            lang = self._language(lang, not options.get("bypass_tokenizer"))
        if isinstance(lang_pair, str):
            self._language(lang_pair, True)
        encode = EncodeBatch(self, options)
        encode.check()
        return encode_stream(encode, texts, lang, lang_pair, batch_size, workers)

    def pad(
        self,
        encoded_inputs: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        padding: bool | str = True,
        max_length: int | None = None,
        pad_to_multiple_of: int | None = None,
        padding_side: str | None = None,
        return_attention_mask: bool | None = None,
        return_tensors: str | None = None,
        verbose: bool = True,
    ) -> BatchEncoding:
        """Pad rows that were made earlier: one row, a batch, or a list of rows.

        The arguments are those of the call.  Columns that are not the tokenizer's stay as they
        are; as tensors, whole numbers, fractions and truth values stay what they are, too.
        """
        options = read_options(
            self._settings,
            padding=padding,
            max_length=max_length,
            pad_to_multiple_of=pad_to_multiple_of,
            padding_side=padding_side,
            return_tensors=return_tensors,
        )
        pad = self._frame.id_of("pad") if options.padding != "do_not_pad" else None
        columns = pad_rows(encoded_inputs, options, pad, return_attention_mask is not False)
        return BatchEncoding(to_tensors(columns, return_tensors))

    def _lay_out(
        self, first: Side, second: Side | None, options: Options, batched: bool, verbose: bool
    ) -> BatchEncoding:
        limit = self._settings.model_max_length
        if verbose and limit is not None and options.max_length is None:
            special = self.num_special_tokens_to_add(second is not None)
            room = limit - special * options.add_special_tokens
            self._notices.length(first.ids, None if second is None else second.ids, room)
        return lay_out(first, second, options, self._frame, self._ids_of_languages(), batched)

    def __getstate__(self) -> dict[str, Any]:
        # What is cached is quicker computed again than carried along.  Without what use alone has
        # made, a pickle is the same before and after: its hash tells programs that cache results
        # (`datasets` does) which tokenizer made them.
        state = {**self.__dict__, "_notices": Notices()}
        state["_framed"] = None, Frame(None, None, None)
        state.pop("_pieces", None)
        return state
