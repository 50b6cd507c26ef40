"""Tokens that are found in the text before anything else looks at it, and never cut."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import accumulate
from typing import Any

from ahocorasick_rs import AhoCorasick, Implementation, MatchKind
from tokenizers import AddedToken

# A part of a text: its characters, where it begins, and whether it is an added token.
Found = tuple[str, int, bool]

# The automaton that looks at each byte of a text once has a table of this many bytes at most; with
# more tokens one that is slower and smaller takes its place.
_MOST_TABLE_BYTES = 1 << 26


class AddedTokens:
    """The added tokens of a tokenizer, with their ids.

    A token that the vocabulary has keeps its id there; others count on from its end.

    Where several are in a text at the same place, the one that begins first counts, and of those
    that begin there the longest.  So says the reference, too; but where one stands inside another,
    it misses the inner one if a character is put into the outer one behind it ("a" in "ba.>", with
    the tokens "a" and "ba>").  All are looked for at once: their number hardly matters.

    Args:
        vocab_size: the size of the vocabulary.

    Attributes:
        ids: the id of each token.
        beyond: how many of them the vocabulary does not have.

    """

    def __init__(self, vocab_size: int) -> None:
        self.ids: dict[str, int] = {}
        self.beyond = 0
        self._vocab_size = vocab_size
        self._tokens: dict[str, AddedToken] = {}

    def add(self, token: AddedToken, id_: int) -> None:
        """Add a token, or give one that is there its new flags."""
        if token.content not in self.ids and id_ >= self._vocab_size:
            self.beyond += 1
        self.ids[token.content] = id_
        self._tokens[token.content] = token
        for derived in _DERIVED:
            self.__dict__.pop(derived, None)

    @cached_property
    def _matcher(self) -> AhoCorasick:
        tokens = list(filter(None, self.ids))
        values = set("".join(tokens).encode())
        # Each byte of a token is a state at most, and each has a column for every byte value.
        size = sum(len(token.encode()) for token in tokens) * 4 << len(values).bit_length()
        return AhoCorasick(
            tokens,
            matchkind=MatchKind.LeftmostLongest,
            implementation=Implementation.DFA if size <= _MOST_TABLE_BYTES else None,
        )

    @cached_property
    def _first_character(self) -> Callable[[str], object]:
        characters = sorted({token[0] for token in self.ids if token})
        return re.compile(f"[{re.escape(''.join(characters))}]" if characters else "(?!)").search

    @cached_property
    def _by_id(self) -> dict[int, AddedToken]:
        return {id_: self._tokens[text] for text, id_ in sorted(self.ids.items(), key=_second)}

    def __getstate__(self) -> dict[str, Any]:
        # What is derived is quickly made again, and was perhaps not made yet: a copy of a tokenizer
        # is the same whether or not it was used.
        return {name: value for name, value in self.__dict__.items() if name not in _DERIVED}

    def __contains__(self, token: str) -> bool:
        return token in self.ids

    def by_id(self) -> dict[int, AddedToken]:
        """Return each token by its id, in order."""
        return self._by_id

    def holders(self, texts: Sequence[str]) -> set[int]:
        """Return the numbers of the texts that may have added tokens in them.

        The others have none.
        """
        # One search for all texts is much cheaper than one for each, and mostly the characters that
        # tokens begin with, "<" and the like, are in none of them.
        joined = "\n".join(texts)
        if not self._first_character(joined):
            return set()
        found = self._matcher.find_matches_as_indexes(joined)
        if not found:
            return set()
        ends = list(accumulate(len(text) + 1 for text in texts))
        holders: set[int] = set()
        for _, start, end in found:
            # A token with a line feed may seem to be in two texts, and hide one that is in them.
            holders.update(range(bisect_right(ends, start), bisect_right(ends, end - 1) + 1))
        return holders

    def split(self, text: str) -> list[Found]:
        """Cut a text into added tokens and what lies between them.

        A token's ``lstrip`` and ``rstrip`` take the white space beside it away; with
        ``single_word`` it is a token only between white space, else part of the text before it
        or, at the beginning, behind it.

        The flags work one after another from left to right, each on what those before it left,
        and what is a token is looked up again in the end, all as in the reference.
        """
        parts = list(self._find(text))
        for i, (part, start) in enumerate(parts):
            if part not in self.ids:
                continue
            flags = self._tokens[part]
            left, left_start = parts[i - 1] if i > 0 else ("", 0)
            right, right_start = parts[i + 1] if i + 1 < len(parts) else ("", 0)
            if flags.rstrip and right:
                stripped = right.lstrip()
                parts[i + 1] = (stripped, right_start + len(right) - len(stripped))
            if flags.lstrip and left:
                parts[i - 1] = (left.rstrip(), left_start)
            if flags.single_word:
                if left and left[-1] != " ":
                    rest, _ = parts[i - 1]
                    parts[i - 1] = (rest + part, left_start if rest else start)
                    parts[i] = ("", start)
                elif right and right[0] != " ":
                    parts[i + 1] = (part + parts[i + 1][0], start)
                    parts[i] = ("", start)
        return [(part, start, part in self.ids) for part, start in parts if part]

    def _find(self, text: str) -> Iterator[tuple[str, int]]:
        done = 0
        for _, start, end in self._matcher.find_matches_as_indexes(text):
            if done < start:
                yield text[done:start], done
            yield text[start:end], start
            done = end
        if done < len(text):
            yield text[done:], done


_DERIVED = ("_matcher", "_first_character", "_by_id")


def _second(item: tuple[str, int]) -> int:
    return item[1]
