"""The call of the tokenizer: what the arguments mean, and how the rows are put together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from xlm_text.analysis import Analysis
from xlm_text.encoding import BatchEncoding, Rows, Window
from xlm_text.errors import InputError
from xlm_text.padding import TENSORS, pad_columns, padded_length, padding_strategy, to_tensors
from xlm_text.samples import Samples
from xlm_text.settings import Settings
from xlm_text.spans import Span
from xlm_text.texts import Text
from xlm_text.truncation import cut_window, truncation_strategy


class Tokenizer(Protocol):
    """What the call needs of the tokenizer."""

    @property
    def settings(self) -> Settings: ...  # noqa: D102
    @property
    def lang2id(self) -> dict[str, int] | None: ...  # noqa: D102
    def ids_of(self, texts: Sequence[Text], lang: str, bypass: bool) -> list[list[int]]: ...  # noqa: D102
    def ids_and_offsets_of(  # noqa: D102
        self, texts: Sequence[Text], lang: str, bypass: bool
    ) -> tuple[list[list[int]], list[list[Span]]]: ...
    def analyses_of(  # noqa: D102
        self, texts: Sequence[Text], lang: str, bypass: bool
    ) -> list[Analysis]: ...
    def convert_tokens_to_ids(self, tokens: str) -> int: ...  # noqa: D102
    def convert_ids_to_tokens(self, ids: int) -> str: ...  # noqa: D102


@dataclass(frozen=True, kw_only=True)
class Options:
    """The arguments of a call that say how the rows are put together.

    Those that :meth:`~xlm_text.XLMTokenizer.pad` does not take have a default.
    """

    padding: str
    padding_side: str
    pad_to_multiple_of: int | None
    truncation: str
    max_length: int | None
    stride: int
    return_tensors: str | None
    add_special_tokens: bool = True
    bypass: bool = False
    return_token_type_ids: bool = False
    return_attention_mask: bool = True
    return_overflowing_tokens: bool = False
    return_special_tokens_mask: bool = False
    return_offsets_mapping: bool = False
    return_length: bool = False
    return_langs: bool | None = None

    def room(self, pair: bool) -> int | None:
        """Return how many tokens of the texts a row can hold; ``None`` for any number."""
        if self.truncation == "do_not_truncate" or self.max_length is None:
            return None
        special = (3 if pair else 2) if self.add_special_tokens else 0
        if self.max_length < special:
            raise InputError(
                f"is {self.max_length}, which has no room for the {special} special tokens",
                argument="max_length",
            )
        return self.max_length - special


def read_options(settings: Settings, arguments: dict[str, Any]) -> Options:
    """Check the arguments of a call and fill in what follows from others.

    The rules are the reference's: ``max_length`` alone, with neither truncation nor padding
    named (not even ``"do_not_pad"``), means truncation; without it the model's longest sequence
    counts, and where that is not known nothing is cut or padded to it.
    """
    padding, truncation = arguments.pop("padding"), arguments.pop("truncation")
    max_length = arguments.pop("max_length")
    if truncation is None and max_length is not None and padding is False:
        truncation = True
    padding = padding_strategy(padding)
    truncation = truncation_strategy(truncation)
    for name, value in (("max_length", max_length), ("stride", arguments["stride"])):
        if value is not None and (not isinstance(value, int) or value < 0):
            raise InputError(f"must be a whole number from 0 on, not {value!r}", argument=name)
    wanted = padding == "max_length" or truncation != "do_not_truncate"
    if max_length is None and wanted:
        max_length = settings.model_max_length
        if max_length is None:
            padding = "do_not_pad" if padding == "max_length" else padding
            truncation = "do_not_truncate"
    side = arguments.pop("padding_side") or settings.padding_side
    if side not in ("left", "right"):
        raise InputError(f"padding_side must be 'left' or 'right', not {side!r}")
    multiple, tensors = arguments["pad_to_multiple_of"], arguments["return_tensors"]
    if multiple is not None and (not isinstance(multiple, int) or multiple < 1):
        raise InputError(f"pad_to_multiple_of must be a whole number from 1 on, not {multiple!r}")
    if tensors is not None and tensors not in TENSORS:
        raise InputError(f"return_tensors must be one of {TENSORS} or None, not {tensors!r}")
    if (
        multiple
        and max_length
        and max_length % multiple
        and truncation != "do_not_truncate"
        and padding != "do_not_pad"
    ):
        raise InputError(
            f"max_length={max_length} is not a multiple of pad_to_multiple_of={multiple}, "
            "so rows cannot be both cut to the one and padded to the other"
        )
    return Options(
        padding=padding,
        padding_side=side,
        truncation=truncation,
        max_length=max_length,
        **arguments,
    )


class Call:
    """One call: from samples to a :class:`~xlm_text.encoding.BatchEncoding`.

    The row of a sample is ``bos first sep`` or ``bos first sep second sep``.  Every column is
    laid out in the same way, from a list for each text and what stands for the special tokens.
    """

    def __init__(self, tokenizer: Tokenizer, samples: Samples, options: Options) -> None:
        self.tokenizer = tokenizer
        self.samples = samples
        self.options = options
        self.first, self.first_offsets = self._tokenize(samples.texts, samples.langs)
        self.second: list[list[int]] | None = None
        self.second_offsets: list[list[Span]] | None = None
        if samples.pairs is not None:
            self.second, self.second_offsets = self._tokenize(samples.pairs, samples.pair_langs)
        # None where every row is a whole sample, which then need not be described one by one.
        self.windows = self._cut()
        self._analyses: dict[int, list[Analysis]] = {}

    def run(self) -> BatchEncoding:
        """Build the columns that the options ask for."""
        options, settings = self.options, self.tokenizer.settings
        id_of = self.tokenizer.convert_tokens_to_ids
        bos, sep = id_of(settings.bos_token), id_of(settings.sep_token)
        columns = {"input_ids": self._lay_out(self.first, self.second, bos, sep)}
        lengths = [len(row) for row in columns["input_ids"]]
        if options.return_token_type_ids:
            columns["token_type_ids"] = self._token_types()
        if options.return_special_tokens_mask:
            columns["special_tokens_mask"] = self._lay_out(
                _zeros(self.first), None if self.second is None else _zeros(self.second), 1, 1
            )
        if options.return_attention_mask:
            columns["attention_mask"] = [[1] * length for length in lengths]
        if options.return_langs or (options.return_langs is None and settings.use_lang_emb):
            columns["langs"] = self._langs()
        if options.return_offsets_mapping:
            columns["offset_mapping"] = self._lay_out(
                self.first_offsets, self.second_offsets, (0, 0), (0, 0)
            )
        length = padded_length(
            lengths, options.padding, options.max_length, options.pad_to_multiple_of
        )
        if length is not None:
            pad_token_id = id_of(settings.pad_token)
            columns = pad_columns(columns, length, options.padding_side, pad_token_id)
        return self._result(columns, lengths)

    def _result(self, columns: dict[str, Any], lengths: list[int]) -> BatchEncoding:
        options = self.options
        rows = Rows(
            columns["input_ids"],
            self._all_windows,
            options.add_special_tokens,
            options.padding_side,
            self._analysis,
            self.tokenizer.convert_ids_to_tokens,
        )
        if options.return_overflowing_tokens:
            columns["overflow_to_sample_mapping"] = [w.sample for w in self._all_windows()]
        if options.return_length:
            # A single text is measured with its padding, as in the reference.
            padded = [len(row) for row in columns["input_ids"]]
            columns["length"] = lengths if self.samples.batched else padded
        single = not self.samples.batched and not options.return_overflowing_tokens
        if single and options.return_tensors is None:
            columns = {name: column[0] for name, column in columns.items()}
        return BatchEncoding(to_tensors(columns, options.return_tensors), rows)

    # The texts ----------------------------------------------------------------------------

    def _tokenize(
        self, texts: list[Text], langs: list[str]
    ) -> tuple[list[list[int]], list[list[Span]]]:
        """Return the ids of texts, all of one language together, and the offsets if wanted."""
        if len(set(langs)) == 1:
            return self._tokenize_in(langs[0], texts)
        ids: list[list[int]] = [[]] * len(texts)
        offsets: list[list[Span]] = [[]] * len(texts)
        for lang, members in _by_language(langs):
            found = self._tokenize_in(lang, [texts[i] for i in members])
            for i, row, places in zip(members, *found, strict=True):
                ids[i], offsets[i] = row, places
        return ids, offsets

    def _tokenize_in(
        self, lang: str, texts: list[Text]
    ) -> tuple[list[list[int]], list[list[Span]]]:
        bypass = self.options.bypass
        if self.options.return_offsets_mapping:
            return self.tokenizer.ids_and_offsets_of(texts, lang, bypass)
        return self.tokenizer.ids_of(texts, lang, bypass), [[]] * len(texts)

    def _analysis(self, sample: int, sequence: int) -> Analysis:
        # Whoever asks for one row gets to know all of them: together they are worked out quicker.
        if sequence not in self._analyses:
            samples = self.samples
            texts, langs = samples.texts, samples.langs
            if sequence == 1:
                assert samples.pairs is not None
                texts, langs = samples.pairs, samples.pair_langs
            analyses = [_NOTHING] * len(texts)
            for lang, members in _by_language(langs):
                chosen = [texts[i] for i in members]
                found = self.tokenizer.analyses_of(chosen, lang, self.options.bypass)
                for i, analysis in zip(members, found, strict=True):
                    analyses[i] = analysis
            self._analyses[sequence] = analyses
        return self._analyses[sequence][sample]

    # The rows -----------------------------------------------------------------------------

    def _cut(self) -> list[Window] | None:
        options = self.options
        room = options.room(self.second is not None)
        if room is None:
            return None
        stride = options.stride if options.return_overflowing_tokens else None
        side = self.tokenizer.settings.truncation_side
        return [
            part
            for window in self._whole_windows()
            for part in cut_window(window, room, options.truncation, side, stride)
        ]

    def _all_windows(self) -> list[Window]:
        return self._whole_windows() if self.windows is None else self.windows

    def _whole_windows(self) -> list[Window]:
        firsts = [range(len(row)) for row in self.first]
        if self.second is None:
            return [Window(i, first, None) for i, first in enumerate(firsts)]
        seconds = [range(len(row)) for row in self.second]
        return [Window(i, *pair) for i, pair in enumerate(zip(firsts, seconds, strict=True))]

    def _lay_out(
        self, first: list[list[Any]], second: list[list[Any]] | None, opening: Any, closing: Any
    ) -> list[list[Any]]:
        special = self.options.add_special_tokens
        if self.windows is None and second is None:
            return [[opening, *row, closing] for row in first] if special else first
        start, end = ([opening], [closing]) if special else ([], [])
        rows = []
        for sample, part, other in self._all_windows():
            row = [*start, *first[sample][part.start : part.stop], *end]
            if second is not None and other is not None:
                row += second[sample][other.start : other.stop]
                row += end
            rows.append(row)
        return rows

    def _sizes(self) -> list[tuple[int, int]]:
        """Return how many tokens of each row belong to the first and to the second text."""
        special = int(self.options.add_special_tokens)
        return [
            (len(w.first) + 2 * special, 0 if w.second is None else len(w.second) + special)
            for w in self._all_windows()
        ]

    def _token_types(self) -> list[list[int]]:
        # Without special tokens the reference gives the second text no type of its own.
        second = int(self.options.add_special_tokens)
        return [[0] * n + [second] * m for n, m in self._sizes()]

    def _langs(self) -> list[list[int]]:
        lang2id = self.tokenizer.lang2id
        if lang2id is None:
            raise InputError("return_langs needs to know lang2id, which this tokenizer does not")
        used = {*self.samples.langs, *(self.samples.pair_langs if self.second else ())}
        for lang in used:
            if lang not in lang2id:
                raise InputError(
                    f"the checkpoint has no id for {lang!r}: return_langs=False leaves langs out"
                )
        rows = []
        for window, (n, m) in zip(self._all_windows(), self._sizes(), strict=True):
            row = [lang2id[self.samples.langs[window.sample]]] * n
            if m:
                row += [lang2id[self.samples.pair_langs[window.sample]]] * m
            rows.append(row)
        return rows


def _zeros(rows: list[list[int]]) -> list[list[int]]:
    return [[0] * len(row) for row in rows]


def _by_language(langs: list[str]) -> Iterator[tuple[str, list[int]]]:
    """Give each language the numbers of its texts."""
    for lang in dict.fromkeys(langs):
        yield lang, [i for i, other in enumerate(langs) if other == lang]


_NOTHING = Analysis([], [], [])
