"""The tokenizer: what users of this package call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokenizers import AddedToken

from xlm_text.analysis.analyzers import Cutters
from xlm_text.analysis.columns import Detail
from xlm_text.analysis.texts import Texts
from xlm_text.arguments import read_arguments
from xlm_text.batches.calling import Side, tokenize
from xlm_text.batches.encoding import BatchEncoding
from xlm_text.batches.layout import lay_out
from xlm_text.batches.options import Options, read_options
from xlm_text.batches.padding import pad_rows
from xlm_text.batches.rows import Frame
from xlm_text.batches.samples import Given, Samples, check_string, read_samples
from xlm_text.batches.tensors import to_tensors
from xlm_text.bpe.original import OriginalSubwords
from xlm_text.bpe.subwords import Subwords
from xlm_text.checkpoints import KNOWN_LANGUAGES
from xlm_text.decoding import Decoder
from xlm_text.errors import InputError
from xlm_text.files.storage import load_pretrained, save_settings
from xlm_text.files.vocabulary import Vocabulary
from xlm_text.languages.table import choose_segmenter, no_such_language
from xlm_text.notices import Notices
from xlm_text.settings import Settings
from xlm_text.streams.texts import EncodeBatch, check_stream, encode_stream

if TYPE_CHECKING:
    from xlm_text.analysis.explanation import Explanation


class XLMTokenizer(Decoder):
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
        self._notices = Notices()
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
        texts = self._texts(lang, bypass_tokenizer, split_special_tokens)
        return texts.columns([text], Detail.TOKENS).tokens[0]

    def words(self, text: str, lang: str | None = None) -> list[str]:
        """Return the words of a text as they are before they are cut into pieces."""
        check_string("text", text)
        return self._texts(self.check_language(lang)).words(text)

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
        texts = self._texts(lang, bypass_tokenizer, split_special_tokens)
        settings = self._settings
        words_by = choose_segmenter(lang, settings.segmenter_of(lang))
        if bypass_tokenizer:
            words_by = "white space"
        composed = texts.composed(text)
        parts = texts.explain(text, self.unk_token_id)
        return Explanation(text, lang, settings.rules, settings.faithful, words_by, composed, parts)

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
            add_special_tokens: put ``bos_token`` in front and ``sep_token`` behind each text.
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
            return_langs=return_langs,
        )
        read = partial(read_samples, self, words=is_split_into_words, needed=not bypass_tokenizer)
        load = partial(self._texts, bypass=bypass_tokenizer, split=split_special_tokens)
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
            >>> tokenizer = XLMTokenizer.from_pretrained()
            >>> tokenizer.prepare_for_model([20, 21], [22], max_length=7, padding="max_length")
            {'input_ids': [0, 20, 21, 1, 22, 1, 2],
             'attention_mask': [1, 1, 1, 1, 1, 1, 0]}

        """
        rows = read_options(self._settings, **options)
        langs = [self.check_language(code, needed=False) for code in (lang, lang_pair or lang)]
        given = [
            [Given(list(part), self.convert_ids_to_tokens(part))]
            for part in (ids, pair_ids)
            if part is not None
        ]
        texts, pairs = given[0], given[1] if len(given) > 1 else None
        samples = Samples(texts, langs[:1], pairs, langs[1:], batched=False)
        sides = tokenize(samples, self._texts, rows.return_offsets_mapping)
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
            >>> tokenizer = XLMTokenizer.from_pretrained()
            >>> rows = tokenizer.encode_iterator(["Hello!", "Au revoir."], lang=["en", "fr"])
            >>> [len(row) for row in rows]
            [5, 6]

        """
        check_stream(texts, lang, lang_pair, workers, batch_size, options)
        if lang is None or isinstance(lang, str):
            lang = self.check_language(lang, needed=not options.get("bypass_tokenizer"))
        if isinstance(lang_pair, str):
            self.check_language(lang_pair)
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
        pad = self._frame.id_of("pad_token") if options.padding != "do_not_pad" else None
        columns = pad_rows(encoded_inputs, options, pad, return_attention_mask is not False)
        return BatchEncoding(to_tensors(columns, return_tensors))

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

    def _choose_language(self, lang: str) -> None:
        """Warn that nobody named a language; raise if the reference's choice is none there is."""
        known = self._settings.lang2id
        languages = sorted(known or ())
        if known and lang not in known and not self._settings.any_language:
            problem = f"must be given: this tokenizer has several languages, {', '.join(languages)}"
            raise InputError(problem, argument="lang")
        self._notices.language(lang, languages)

    def _lay_out(
        self, first: Side, second: Side | None, options: Options, batched: bool, verbose: bool
    ) -> BatchEncoding:
        limit = self._settings.model_max_length
        if verbose and limit is not None and options.max_length is None:
            special = self.num_special_tokens_to_add(second is not None)
            room = limit - special * options.add_special_tokens
            self._notices.length(first.ids, None if second is None else second.ids, room)
        return lay_out(first, second, options, self._frame, self._settings.lang2id, batched)

    def _texts(self, lang: str, bypass: bool = False, split: bool | None = None) -> Texts:
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
        # What is cached is quicker computed again than carried along, and segmenters cannot be.
        # Without what use alone has made, a pickle is the same before and after: its hash tells
        # programs that cache results (`datasets` does) which tokenizer made them.
        state = {**self.__dict__, "_cutters": None, "_notices": Notices()}
        state["_framed"] = None, Frame(None, None, None)
        state.pop("_pieces", None)
        return state


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
