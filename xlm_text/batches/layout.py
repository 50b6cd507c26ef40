"""From the tokens of texts and the options of a call to the batch: a pure function.

The row of a sample is ``start first end`` or ``start first end second end``, perhaps with two of
``end`` in the middle.  Every column is laid out in the same way, from a list for each text and what
stands for the special tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from xlm_text.batches.calling import Side
from xlm_text.batches.encoding import BatchEncoding
from xlm_text.batches.options import Options
from xlm_text.batches.padding import pad_columns, padded_length
from xlm_text.batches.rows import Format, Frame, Rows, Window, whole_windows
from xlm_text.batches.tensors import to_tensors
from xlm_text.batches.truncation import cut_window
from xlm_text.collector import paused
from xlm_text.errors import InputError


@paused()
def lay_out(
    first: Side,
    second: Side | None,
    options: Options,
    frame: Frame,
    lang2id: Mapping[str, int] | None,
    batched: bool,
) -> BatchEncoding:
    """Build the columns that the options ask for.

    Args:
        first: the first texts.
        second: the second texts, one for each of the first, if there are any.
        options: what the rows shall be like.
        frame: the special tokens.
        lang2id: the id of each language, where that is known.
        batched: whether the caller gave a list, and so gets one back.

    """
    windows = _cut(first, second, options, frame.format)
    return _Layout(first, second, options, frame, lang2id, batched, windows).batch()


def _cut(
    first: Side, second: Side | None, options: Options, format_: Format
) -> list[Window] | None:
    room = options.room(format_.special_tokens(second is not None))
    if room is None:
        return None
    stride = options.stride if options.return_overflowing_tokens else None
    return [
        part
        for window in _whole_windows(first, second)
        for part in cut_window(
            window, room, options.truncation, options.truncation_side, stride, format_.halves
        )
    ]


def _whole_windows(first: Side, second: Side | None) -> list[Window]:
    return whole_windows(map(len, first.ids), None if second is None else map(len, second.ids))


@dataclass
class _Layout:
    first: Side
    second: Side | None
    options: Options
    frame: Frame
    lang2id: Mapping[str, int] | None
    batched: bool
    # What each row has; None where every row is a whole sample.
    windows: list[Window] | None

    def batch(self) -> BatchEncoding:
        options, first, second = self.options, self.first, self.second
        start = end = 0
        if options.add_special_tokens:
            start, end = self.frame.id_of("start"), self.frame.id_of("end")
        ids = None if second is None else second.ids
        columns: dict[str, Any] = {"input_ids": self._rows(first.ids, ids, start, end)}
        lengths = [len(row) for row in columns["input_ids"]]
        if options.return_token_type_ids:
            columns["token_type_ids"] = self._token_types()
        if options.return_special_tokens_mask:
            zeros = None if ids is None else _zeros(ids)
            columns["special_tokens_mask"] = self._rows(_zeros(first.ids), zeros, 1, 1)
        if options.return_attention_mask:
            columns["attention_mask"] = [[1] * length for length in lengths]
        if options.return_langs:
            columns["langs"] = self._langs()
        if options.return_offsets_mapping:
            offsets = None if second is None else second.offsets
            columns["offset_mapping"] = self._rows(first.offsets, offsets, (0, 0), (0, 0))
        length = padded_length(
            lengths, options.padding, options.max_length, options.pad_to_multiple_of
        )
        if length is not None:
            pad = self.frame.id_of("pad")
            columns = pad_columns(columns, length, options.padding_side, pad)
        return self._result(columns, lengths, length or 0)

    def _result(self, columns: dict[str, Any], lengths: list[int], length: int) -> BatchEncoding:
        options = self.options
        frame = self.frame
        if not options.add_special_tokens:
            frame = frame._replace(start=None, end=None)
        side = options.padding_side
        second = None if self.second is None else self.second.source
        rows = Rows(self.first.source, second, self.windows, frame, length, side)
        if options.return_overflowing_tokens:
            columns["overflow_to_sample_mapping"] = [w.sample for w in self._all_windows]
        if options.return_length:
            # A single text is measured with its padding, as in the reference.
            padded = [len(row) for row in columns["input_ids"]]
            with_padding = frame.format.padded_length or not self.batched
            columns["length"] = padded if with_padding else lengths
        single = not self.batched and not options.return_overflowing_tokens
        if single and options.return_tensors is None:
            as_list = {"length"} if frame.format.padded_length else set()
            columns = {
                name: column if name in as_list else column[0] for name, column in columns.items()
            }
        return BatchEncoding(to_tensors(columns, options.return_tensors, own=True), rows)

    @cached_property
    def _all_windows(self) -> list[Window]:
        return _whole_windows(self.first, self.second) if self.windows is None else self.windows

    def _rows(
        self,
        first: Sequence[list[Any]],
        second: Sequence[list[Any]] | None,
        opening: Any,
        closing: Any,
    ) -> list[list[Any]]:
        special = self.options.add_special_tokens
        if self.windows is None and second is None:
            return [[opening, *row, closing] for row in first] if special else [*first]
        start, end = ([opening], [closing]) if special else ([], [])
        between = end * self.frame.format.separators
        rows = []
        for sample, part, other in self._all_windows:
            row = [*start, *first[sample][part.start : part.stop]]
            if second is not None and other is not None:
                row += between
                row += second[sample][other.start : other.stop]
            row += end
            rows.append(row)
        return rows

    def _sizes(self) -> list[tuple[int, int]]:
        """Return how many tokens of each row belong to the first and to the second text."""
        special = int(self.options.add_special_tokens)
        behind = special * self.frame.format.separators
        return [
            (len(w.first) + 2 * special, 0 if w.second is None else len(w.second) + behind)
            for w in self._all_windows
        ]

    def _token_types(self) -> list[list[int]]:
        # Without special tokens the reference gives the second text no type of its own.
        second = self.frame.format.second_type if self.options.add_special_tokens else 0
        return [[0] * n + [second] * m for n, m in self._sizes()]

    def _langs(self) -> list[list[int]]:
        lang2id = self.lang2id
        if lang2id is None:
            raise InputError("return_langs needs to know lang2id, which this tokenizer does not")
        used = {*self.first.source.langs, *(self.second.source.langs if self.second else ())}
        for lang in used:
            if lang not in lang2id:
                raise InputError(
                    f"the checkpoint has no id for {lang!r}: return_langs=False leaves langs out"
                )
        rows = []
        for window, (n, m) in zip(self._all_windows, self._sizes(), strict=True):
            row = [lang2id[self.first.source.langs[window.sample]]] * n
            if m and self.second is not None:
                row += [lang2id[self.second.source.langs[window.sample]]] * m
            rows.append(row)
        return rows


def _zeros(rows: Sequence[list[int]]) -> list[list[int]]:
    return [[0] * len(row) for row in rows]
