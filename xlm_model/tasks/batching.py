"""From a stream of examples to batches for the model and back, in order and in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import torch

from xlm_text.errors import Argument, InputError

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Limits:
    """How much is processed at once.

    Attributes:
        tokens: Most tokens of a batch; one longer sequence makes a batch of its own.
        chunk: Examples that are read, sorted by length and given back in order together.
    """

    tokens: int
    chunk: int


# On a CPU more tokens only push the activations out of its caches; a GPU wants to be filled.
CPU = Limits(tokens=1024, chunk=256)
ACCELERATOR = Limits(tokens=65536, chunk=4096)


def chunks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Cut a stream into lists; what was read before an error is given before it is raised.

    Example:
        >>> list(chunks("abcde", 2))
        [['a', 'b'], ['c', 'd'], ['e']]
    """
    chunk: list[Item] = []
    try:
        for item in items:
            chunk.append(item)
            if len(chunk) == size:
                yield chunk
                chunk = []
    except Exception:
        if chunk:
            yield chunk
        raise
    if chunk:
        yield chunk


def prefetch(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Map a function over a stream in a thread that is one item ahead of the consumer.

    The stream itself is read by the caller's thread: a thread that waits for a terminal could not
    be stopped. What was read before an error is given before it is raised.
    """
    with ThreadPoolExecutor(1) as pool:
        pending: Future[Result] | None = None
        try:
            for item in items:
                following = pool.submit(function, item)
                if pending is not None:
                    yield pending.result()
                pending = following
        except Exception:
            if pending is not None:
                yield pending.result()
            raise
        if pending is not None:
            yield pending.result()


class Batcher:
    """Runs a function over batches of like length.

    Running out of memory halves a batch, and all later ones with it.

    Args:
        limits: How much to process at once.
        batch_size: Most sequences of a batch; None for as many as the tokens allow.

    Example:
        >>> batcher = Batcher(Limits(tokens=6, chunk=8))
        >>> batcher.run(["aa", "bbbb", "c", "ddd"], len, lambda batch: [len(batch)] * len(batch))
        [3, 1, 3, 3]
    """

    def __init__(self, limits: Limits, batch_size: int | None = None) -> None:
        self.limits = limits
        self._tokens = limits.tokens
        self._count = batch_size or limits.tokens

    def run(
        self,
        items: Sequence[Item],
        size: Callable[[Item], int],
        compute: Callable[[list[Item]], Sequence[Result]],
    ) -> list[Result]:
        """Compute a result for each item, in the items' order.

        Args:
            items: What to process; they are batched with others of like size.
            size: Tokens of an item.
            compute: Gives the results of a batch, longest item first.

        Raises:
            InputError: there is no memory for a single item.
        """
        sizes = [size(item) for item in items]
        order = sorted(range(len(items)), key=sizes.__getitem__, reverse=True)
        results: dict[int, Result] = {}
        at = 0
        while at < len(order):
            batch = order[at : at + self._count]
            batch = batch[: self._fitting([sizes[i] for i in batch])]
            try:
                computed = compute([items[i] for i in batch])
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                self._shrink(len(batch), sum(sizes[i] for i in batch))
                continue
            results.update(zip(batch, computed, strict=True))
            at += len(batch)
        return [results[i] for i in range(len(items))]

    def _fitting(self, sizes: Sequence[int]) -> int:
        """Return how many of the items with these sizes make the next batch, at least one."""
        count = tokens = 0
        for size in sizes:
            tokens += size
            if tokens > self._tokens and count:
                break
            count += 1
        return count

    def _shrink(self, count: int, tokens: int) -> None:
        if count == 1:
            raise InputError(
                f"out of memory with a single sequence of {tokens} tokens: expected room for at "
                "least one; shorten the text, or change ",
                Argument("dtype"),
                " or ",
                Argument("device"),
            ) from None
        self._count = count // 2
        self._tokens = tokens // 2
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error of PyTorch, or of Python, is one of memory."""
    # On a CPU PyTorch raises a plain RuntimeError for it.
    is_named = isinstance(error, torch.OutOfMemoryError | MemoryError)
    return is_named or "can't allocate memory" in str(error)
