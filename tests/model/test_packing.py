"""Packed sequences against the reference on each sequence alone and on padded batches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch._subclasses.fake_tensor import FakeTensorMode

from xlm_model import XLMConfig, XLMModel
from xlm_model.attention import PackedLayout, pack
from xlm_model.attention.packed import _varlen_kernel, groups_of, round_up
from xlm_model.tasks.batching import Batcher, Limits, chunks, prefetch
from xlm_text import InputError

from .helpers import TINY, reference

ROWS = [[1, *range(14, 14 + n), 1] for n in (7, 3, 3, 0, 12, 1)]
CONFIG = XLMConfig(**TINY)
LANGS = [[i % 3] * len(row) for i, row in enumerate(ROWS)]


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4, 5], [4, 0, 1, 2, 5, 3]])
def test_states_are_those_of_the_reference_on_the_padded_batch(
    causal: bool, order: list[int], tmp_path: Path
) -> None:
    theirs = reference("XLMModel", causal=causal, n_langs=3).eval()
    theirs.save_pretrained(tmp_path)
    ours = XLMModel.from_pretrained(tmp_path)
    rows, langs = ([x[i] for i in order] for x in (ROWS, LANGS))
    longest = max(map(len, rows))
    padded = torch.tensor([row + [2] * (longest - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    padded_langs = torch.tensor([row + [0] * (longest - len(row)) for row in langs])
    with torch.no_grad():
        expected = theirs(padded, attention_mask=mask, langs=padded_langs).last_hidden_state
        got = ours(**pack(rows, langs).inputs).last_hidden_state
    torch.testing.assert_close(got, expected[mask.bool()], rtol=1e-5, atol=1e-5)


def test_the_linear_layers_see_no_padding() -> None:
    model = XLMModel(CONFIG).eval()
    seen = []
    model.ffns[0].lin1.register_forward_hook(lambda _, given, __: seen.append(given[0].shape))
    model(**pack(ROWS).inputs)
    tokens = sum(map(len, ROWS))
    assert seen == [(round_up(tokens), 32)]
    assert tokens < round_up(tokens) < len(ROWS) * max(map(len, ROWS)) / 2


def test_groups_cover_all_tokens_once() -> None:
    groups = list(groups_of([5, 5, 5, 2, 1, 1]))
    assert [g.shape for g in groups] == [(3, 5), (1, 2), (2, 1)]
    assert [i for g in groups for i in range(g.tokens.start, g.tokens.stop)] == list(range(19))


@pytest.mark.parametrize(
    ("rows", "langs", "message"),
    [
        ([[1] * 25], None, "the sequence has 25 tokens: expected at most 24"),
        ([[1, 60, 1]], None, "input_ids holds 60: expected ids from 0 to 59"),
    ],
)
def test_what_does_not_fit_is_refused(rows: Any, langs: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        XLMModel(CONFIG)(**pack(rows, langs).inputs)


# The batcher ------------------------------------------------------------------------------


@given(
    sizes=st.lists(st.integers(1, 30), max_size=40),
    tokens=st.integers(1, 60),
    batch_size=st.none() | st.integers(1, 5),
)
@settings(deadline=None, max_examples=60)
def test_results_are_in_order_and_batches_within_their_limits(
    sizes: list[int], tokens: int, batch_size: int | None
) -> None:
    batches: list[list[int]] = []

    def compute(batch: list[tuple[int, int]]) -> list[int]:
        batches.append([size for _, size in batch])
        return [number for number, _ in batch]

    items = list(enumerate(sizes))
    batcher = Batcher(Limits(tokens, 8), batch_size)
    assert batcher.run(items, lambda item: item[1], compute) == list(range(len(sizes)))
    for batch in batches:
        assert len(batch) == 1 or sum(batch) <= tokens
        assert len(batch) <= (batch_size or len(batch))
    assert sorted((s for b in batches for s in b), reverse=True) == [s for b in batches for s in b]


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory."),
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes"),
    ],
)
def test_a_batch_without_memory_is_halved_and_the_rest_stays_small(error: Exception) -> None:
    tried = []

    def compute(batch: list[int]) -> list[int]:
        tried.append(len(batch))
        if len(batch) > 3:
            raise error
        return batch

    batcher = Batcher(Limits(1000, 100))
    assert batcher.run([5] * 16, lambda size: size, compute) == [5] * 16
    assert tried == [16, 8, 4, 2, 2, 2, 2, 2, 2, 2, 2]


def test_a_sequence_without_memory_is_one_clear_error() -> None:
    def compute(batch: list[int]) -> list[int]:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    with pytest.raises(InputError, match="out of memory with a single sequence of 7 tokens"):
        Batcher(Limits(1000, 100)).run([7, 3], lambda size: size, compute)


def test_other_errors_are_not_taken_for_a_lack_of_memory() -> None:
    def compute(batch: list[int]) -> list[int]:
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        Batcher(Limits(1000, 100)).run([7, 3], lambda size: size, compute)


def test_a_failing_source_gives_what_it_gave_before() -> None:
    def source() -> Any:
        yield from range(5)
        raise OSError("gone")

    seen = []
    with pytest.raises(OSError, match="gone"):
        seen.extend(prefetch(tuple, chunks(source(), 2)))
    assert seen == [(0, 1), (2, 3), (4,)]


def test_a_stream_is_read_no_further_than_one_window_ahead() -> None:
    read = 0

    def source() -> Any:
        nonlocal read
        for i in range(100):
            read = i + 1
            yield i

    for number, _ in enumerate(prefetch(tuple, chunks(source(), 10))):
        assert read <= (number + 2) * 10


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("causal", [False, True])
def test_a_gpu_gives_what_the_cpu_gives(dtype: torch.dtype, causal: bool) -> None:
    model = XLMModel(XLMConfig(**{**TINY, "causal": causal})).eval()
    with torch.no_grad():
        expected = model(**pack(ROWS).inputs).last_hidden_state
        got = model.to("cuda", dtype)(**pack(ROWS, device="cuda").inputs).last_hidden_state.cpu()
    tolerance = {torch.float32: 1e-4}.get(dtype, 0.1)
    torch.testing.assert_close(got.float(), expected, rtol=tolerance, atol=tolerance)


@pytest.mark.skipif(_varlen_kernel() is None, reason="this PyTorch has no such kernel")
@pytest.mark.parametrize("causal", [False, True])
def test_the_kernel_for_any_lengths_takes_what_it_is_given(causal: bool) -> None:
    """Without a GPU the operator itself still checks what it is called with."""
    layout = PackedLayout([3, 1, 5])
    with FakeTensorMode():
        query, key, value = (
            torch.empty(9, 4, 64, dtype=torch.bfloat16, device="cuda") for _ in range(3)
        )
        context = layout._all_at_once(_varlen_kernel(), query, key, value, causal)
    assert context.shape == query.shape
    assert context.dtype == query.dtype


@pytest.mark.parametrize("tokens", [1, 7, 8, 9, 63, 64, 65, 511, 512, 513, 1000, 1024, 1025, 9000])
def test_the_numbers_of_tokens_that_the_layers_see_are_few(tokens: int) -> None:
    rounded = round_up(tokens)
    assert tokens <= rounded <= tokens * (1 + (1 / 16 if tokens > 512 else 1 / 4))
    assert len({round_up(n) for n in range(1, 1025)}) < 50
