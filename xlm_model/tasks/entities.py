"""Entities, as the tags of their words say where each begins and goes on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

OUTSIDE = "O"
# Begins, is inside, ends, and is a single word.
_PREFIXES = ("B", "I", "E", "S")


class Entity(NamedTuple):
    """Neighbouring words that are one thing.

    Attributes:
        kind: What it is, such as "PER"; the tag without its prefix.
        first: Number of its first word.
        last: That of its last word.
    """

    kind: str
    first: int
    last: int


def find_entities(tags: Sequence[str]) -> Iterator[Entity]:
    """Find the entities of a sentence.

    One begins with B- or S-, behind E-, S- or O, and where the kind changes. Tags without a prefix
    are read as I-.

    Args:
        tags: One for each word.

    Example:
        >>> list(find_entities(["B-PER", "I-PER", "O", "B-LOC", "B-LOC"]))
        [Entity(kind='PER', first=0, last=1), Entity(kind='LOC', first=3, last=3), \
Entity(kind='LOC', first=4, last=4)]
    """
    first, before, kind_before = 0, OUTSIDE, ""
    for number, tag in enumerate(tags):
        prefix, kind = split_tag(tag)
        begins = prefix in ("B", "S") or before in ("E", "S", OUTSIDE) or kind != kind_before
        if before != OUTSIDE and (begins or prefix == OUTSIDE):
            yield Entity(kind_before, first, number - 1)
        if begins:
            first = number
        before, kind_before = prefix, kind
    if before != OUTSIDE:
        yield Entity(kind_before, first, len(tags) - 1)


def split_tag(tag: str) -> tuple[str, str]:
    """Return a tag's prefix and its kind.

    Example:
        >>> split_tag("B-PER"), split_tag("NOUN"), split_tag("O")
        (('B', 'PER'), ('I', 'NOUN'), ('O', ''))
    """
    if tag == OUTSIDE:
        return OUTSIDE, ""
    prefix, hyphen, kind = tag.partition("-")
    return (prefix, kind) if hyphen and prefix in _PREFIXES else ("I", tag)


def has_entities(tags: Sequence[str]) -> bool:
    """Whether tags mark entities, as B-PER does, and not words one by one, as NOUN does."""
    return any(tag.startswith(tuple(f"{prefix}-" for prefix in _PREFIXES)) for tag in tags)
