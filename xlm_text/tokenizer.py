"""The tokenizer: what users of this package call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tokenizers import AddedToken

from xlm_text.analysis import Analysis, Analyzer
from xlm_text.calling import Call, read_options
from xlm_text.checkpoints import KNOWN_LANGUAGES
from xlm_text.encoding import BatchEncoding
from xlm_text.errors import InputError
from xlm_text.languages import choose_segmenter, no_such_language
from xlm_text.padding import pad_columns, padded_length, read_rows, to_tensors
from xlm_text.pipelines import Pipeline, WhiteSpacePipeline, load_pipeline
from xlm_text.samples import check_string, read_samples
from xlm_text.settings import Settings
from xlm_text.spans import Span
from xlm_text.storage import load_pretrained, save_settings
from xlm_text.streaming import batches, map_in_order
from xlm_text.subwords import Subwords
from xlm_text.texts import Text, Texts
from xlm_text.tokens import TokenTable
from xlm_text.vocabulary import Vocabulary


class XLMTokenizer(TokenTable):
    """Tokenizer of the XLM checkpoints, in every language they have.

    Most users load one with :meth:`from_pretrained`.

    Args:
        vocabulary: the pieces and merges.
        settings: everything else; see :class:`~xlm_text.Settings`.
        added_tokens: tokens that were added to the vocabulary, by their ids.

    Example:
        >>> tokenizer = XLMTokenizer.from_pretrained()  # the small demonstration vocabulary
        >>> tokenizer.tokenize("我来到北京清华大学。", lang="zh")[0]
        '我</w>'

    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        settings: Settings | None = None,
        added_tokens: Mapping[int, AddedToken] | None = None,
    ) -> None:
        super().__init__(vocabulary, settings or Settings(), added_tokens or {})
        self._subwords = Subwords(vocabulary.ids, vocabulary.merges, self._settings.unk_token)

    # What it is ---------------------------------------------------------------------------

    @property
    def lang(self) -> str:
        """The language of a text that is given without one; it can be set."""
        return self._settings.lang

    @lang.setter
    def lang(self, lang: str) -> None:
        self._settings = self._settings.change(lang=self.check_language(lang))

    @property
    def lang2id(self) -> dict[str, int] | None:
        """The id of each language of the checkpoint; ``None`` where that is not known."""
        known = self._settings.lang2id
        return None if known is None else dict(known)

    @property
    def id2lang(self) -> dict[int, str] | None:
        """The language of each id."""
        known = self._settings.lang2id
        return None if known is None else {id_: lang for lang, id_ in known.items()}

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
        stored = load_pretrained(where, hub)
        return cls(stored.vocabulary, stored.settings.change(**settings), stored.added_tokens)

    @classmethod
    def from_files(
        cls, vocab_file: str | Path, merges_file: str | Path, **settings: Any
    ) -> XLMTokenizer:
        """Load from a ``vocab.json`` and a ``merges.txt``, and settings by name."""
        vocabulary = Vocabulary.from_files(vocab_file, merges_file)
        return cls(vocabulary, Settings().change(**settings))

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
        vocabulary = Vocabulary.from_original(codes_file, vocab_file, max_vocab)
        return cls(vocabulary, Settings().change(**settings))

    def save_pretrained(self, save_directory: str | Path) -> tuple[str, ...]:
        """Write a folder that :meth:`from_pretrained` and transformers load; return the paths."""
        vocabulary = self.save_vocabulary(save_directory)
        return (*vocabulary, *save_settings(save_directory, self._settings, self._added.by_id()))

    def save_vocabulary(
        self, save_directory: str | Path, filename_prefix: str | None = None
    ) -> tuple[str, str]:
        """Write ``vocab.json`` and ``merges.txt`` only; return their paths."""
        try:
            Path(save_directory).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{save_directory}: not a folder ({error.strerror})") from None
        return self._vocabulary.save(save_directory, filename_prefix)

    def save_original(self, codes_file: str | Path, vocab_file: str | Path) -> None:
        """Write the vocabulary in the original format (fastBPE codes, words with counts)."""
        self._vocabulary.save_original(codes_file, vocab_file)

    # From text to tokens ------------------------------------------------------------------

    def tokenize(
        self, text: str, lang: str | None = None, bypass_tokenizer: bool = False
    ) -> list[str]:
        """Cut a text into pieces; the last piece of each word ends in ``</w>``.

        Args:
            text: the text.  Special and added tokens in it stay whole.
            lang: its language; by default the tokenizer's own.
            bypass_tokenizer: only split at white space and apply the merges, for text that went
                through the preprocessing elsewhere.

        Raises:
            InputError: ``text`` is not a string or not valid Unicode, or the checkpoint does not
                have the language.
            MissingComponentError: what the language needs is not on this machine.

        """
        check_string("text", text)
        texts = self._texts(self.check_language(lang), bypass_tokenizer)
        return texts.analysis(text).tokens

    def words(self, text: str, lang: str | None = None) -> list[str]:
        """Return the words of a text as they are before they are cut into pieces."""
        check_string("text", text)
        return self._texts(self.check_language(lang), bypass=False).words(text)

    def __call__(
        self,
        text: str | Sequence[Any],
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
        return_token_type_ids: bool = False,
        return_attention_mask: bool = True,
        return_overflowing_tokens: bool = False,
        return_special_tokens_mask: bool = False,
        return_offsets_mapping: bool = False,
        return_length: bool = False,
        *,
        lang: str | Sequence[str] | None = None,
        lang_pair: str | Sequence[str] | None = None,
        bypass_tokenizer: bool = False,
        return_langs: bool | None = None,
    ) -> BatchEncoding:
        """Turn texts into model inputs.

        Names, defaults and results are those that users of transformers know; ``lang``,
        ``lang_pair``, ``bypass_tokenizer`` and ``return_langs`` are this package's.

        Args:
            text: a text, a list of texts, or a list of pairs of texts.
            text_pair: the second text, or one for each of the list.
            add_special_tokens: put ``bos_token`` in front and ``sep_token`` behind each text.
            padding: ``True`` or ``"longest"`` pads to the longest row, ``"max_length"`` to
                ``max_length``, or to the model's longest sequence without it.
            truncation: ``True`` or ``"longest_first"``, ``"only_first"``, ``"only_second"``.
                ``max_length`` alone, without padding, means ``True``.
            max_length: the longest row, in tokens, special tokens included.
            stride: how many tokens a row shares with the one before it where
                ``return_overflowing_tokens`` makes several of a text.
            is_split_into_words: a text is a list of words; each is tokenized on its own.
            pad_to_multiple_of: round the padded length up.
            padding_side: ``"left"`` or ``"right"``, instead of the tokenizer's setting.
            return_tensors: ``"np"`` or ``"pt"``; lists without it.
            return_token_type_ids: add ``token_type_ids``; XLM's models look them up among their
                word embeddings, so they are hardly ever wanted.
            return_attention_mask: add ``attention_mask``: 1, and 0 for padding.
            return_overflowing_tokens: give a further row for each part of a text that did not
                fit, and ``overflow_to_sample_mapping``, the number of each row's text.
            return_special_tokens_mask: add ``special_tokens_mask``.
            return_offsets_mapping: add ``offset_mapping``: for each token the span
                ``(start, end)`` of its text, in code points, end exclusive; ``(0, 0)`` for
                special tokens and padding.
            return_length: add ``length``.
            lang: the language, or one for each text; by default the tokenizer's own.
            lang_pair: that of the second texts; by default that of the first.
            bypass_tokenizer: only split at white space and apply the merges.
            return_langs: add ``langs``, the id of each token's language; padding has that of its
                neighbour.  By default where the model has language embeddings.

        Raises:
            InputError: an argument cannot be used; the message names it, its value and the
                position in the batch.
            MissingComponentError: what a language needs is not on this machine.

        Example:
            >>> tokenizer = XLMTokenizer.from_pretrained()
            >>> batch = tokenizer(["Hello!", "你好！"], lang=["en", "zh"], padding=True)
            >>> [len(row) for row in batch["input_ids"]], batch["attention_mask"][1]
            ([5, 5], [1, 1, 1, 1, 1])

        """
        options = read_options(
            self._settings,
            {
                "add_special_tokens": add_special_tokens,
                "padding": padding,
                "truncation": truncation,
                "max_length": max_length,
                "stride": stride,
                "pad_to_multiple_of": pad_to_multiple_of,
                "padding_side": padding_side,
                "return_tensors": return_tensors,
                "return_token_type_ids": return_token_type_ids,
                "return_attention_mask": return_attention_mask,
                "return_overflowing_tokens": return_overflowing_tokens,
                "return_special_tokens_mask": return_special_tokens_mask,
                "return_offsets_mapping": return_offsets_mapping,
                "return_length": return_length,
                "bypass": bypass_tokenizer,
                "return_langs": return_langs,
            },
        )
        samples = read_samples(self, text, text_pair, lang, lang_pair, is_split_into_words)
        return Call(self, samples, options).run()

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
        workers: int = 1,
        batch_size: int = 1000,
        **options: Any,
    ) -> Iterator[list[int]]:
        """Yield the ids of each text of a stream, in order, in constant memory.

        Args:
            texts: texts or pairs, perhaps without end.
            workers: processes to work in; 1 is this one.
            batch_size: how many texts are tokenized together.
            **options: as in the call, with one ``lang`` for all.

        Example:
            >>> tokenizer = XLMTokenizer.from_pretrained()
            >>> rows = tokenizer.encode_iterator(["Hello!", "Goodbye."], lang="en")
            >>> [len(row) for row in rows]
            [5, 7]

        """
        call = partial(self.batch_encode, **options)
        for rows in map_in_order(call, batches(texts, batch_size), workers):
            yield from rows

    def pad(
        self,
        encoded_inputs: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        padding: bool | str = True,
        max_length: int | None = None,
        pad_to_multiple_of: int | None = None,
        padding_side: str | None = None,
        return_attention_mask: bool | None = None,
        return_tensors: str | None = None,
    ) -> BatchEncoding:
        """Pad rows that were made earlier: one row, a batch, or a list of rows.

        The arguments are those of the call.  Columns that are not the tokenizer's stay as they
        are.
        """
        columns, batched = read_rows(encoded_inputs)
        if return_attention_mask is not False and "attention_mask" not in columns:
            columns["attention_mask"] = [[1] * len(row) for row in columns["input_ids"]]
        options = read_options(
            self._settings,
            {
                "padding": padding,
                "truncation": False,
                "max_length": max_length,
                "stride": 0,
                "pad_to_multiple_of": pad_to_multiple_of,
                "padding_side": padding_side,
                "return_tensors": return_tensors,
            },
        )
        lengths = [len(row) for row in columns["input_ids"]]
        length = padded_length(
            lengths, options.padding, options.max_length, options.pad_to_multiple_of
        )
        if length is not None:
            pad_token_id = self._id(self._settings.pad_token)
            columns = pad_columns(columns, length, options.padding_side, pad_token_id)
        if not batched:
            columns = {name: column[0] for name, column in columns.items()}
        return BatchEncoding(to_tensors(columns, return_tensors))

    def ids_of(self, texts: Sequence[Text], lang: str, bypass: bool) -> list[list[int]]:
        """Return the ids of texts, or of texts cut into words, without special tokens around."""
        return self._texts(lang, bypass).ids(texts)

    def ids_and_offsets_of(
        self, texts: Sequence[Text], lang: str, bypass: bool
    ) -> tuple[list[list[int]], list[list[Span]]]:
        """Return the ids of texts and, for each of them, its span of the text or word."""
        return self._texts(lang, bypass).ids_and_offsets(texts)

    def analyses_of(self, texts: Sequence[Text], lang: str, bypass: bool) -> list[Analysis]:
        """Return the tokens of texts with their places; those of words count from each word."""
        return self._texts(lang, bypass).analyses(texts)

    def check_language(self, lang: str | None) -> str:
        """Return the language, the tokenizer's own for ``None``; raise if it cannot be used."""
        lang = self._settings.lang if lang is None else lang
        if not isinstance(lang, str) or not lang:
            raise InputError(f"lang must be a language code such as 'en', not {lang!r}")
        known = self.lang2id if self.lang2id is not None else KNOWN_LANGUAGES
        if lang not in known and not self._settings.any_language:
            raise no_such_language(lang, known, self.lang2id is not None)
        return lang

    def _texts(self, lang: str, bypass: bool) -> Texts:
        key = None if bypass else lang
        texts = self._texts_by_language.get(key)
        if texts is None:
            settings = self._settings
            if bypass:
                pipeline: Pipeline = WhiteSpacePipeline()
            else:
                chosen = {"zh": settings.zh_segmenter, "th": settings.th_segmenter}
                component = choose_segmenter(lang, chosen.get(lang))
                pipeline = load_pipeline(lang, component, settings.kytea_model)
            analyzer = Analyzer(
                pipeline,
                settings.do_lowercase_and_remove_accent and not bypass,
                self._subwords,
                self.convert_tokens_to_ids,
                settings.memory_limit,
            )
            texts = Texts(analyzer, self._added)
            self._texts_by_language[key] = texts
        return texts

    def _add(self, tokens: Iterable[str | AddedToken], special: bool) -> int:
        # What was remembered may not be true with the new tokens.
        self._texts_by_language: dict[str | None, Texts] = {}
        return super()._add(tokens, special)

    def __getstate__(self) -> dict[str, Any]:
        # What is remembered is quicker worked out again than carried along, and segmenters
        # cannot be.
        return {**self.__dict__, "_texts_by_language": {}}
