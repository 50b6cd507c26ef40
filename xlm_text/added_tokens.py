"""Tokens that are found in the text before anything else looks at it, and never cut."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property

from tokenizers import AddedToken

# A part of a text: its characters, where it begins, and whether it is an added token.
Part = tuple[str, int, bool]


class AddedTokens:
    """The added tokens of a tokenizer, with their ids.

    A token that the vocabulary has keeps its id there; others count on from its end.
    """

    def __init__(self) -> None:
        self.ids: dict[str, int] = {}
        self._tokens: dict[str, AddedToken] = {}

    def add(self, token: AddedToken, id_: int) -> None:
        """Add a token, or give one that is there its new flags."""
        self.ids[token.content] = id_
        self._tokens[token.content] = token
        self.__dict__.pop("_pattern", None)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        # Where two could begin at the same place the longer one is meant.
        longest_first = sorted(self.ids, key=len, reverse=True)
        return re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    def __contains__(self, token: str) -> bool:
        return token in self.ids

    def by_id(self) -> dict[int, AddedToken]:
        """Return each token by its id, in order."""
        return {id_: self._tokens[text] for text, id_ in sorted(self.ids.items(), key=_second)}

    def search(self, text: str) -> re.Match[str] | None:
        """Find the first added token in a text."""
        return self._pattern.search(text)

    def split(self, text: str) -> list[Part]:
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
                    parts[i - 1] = (parts[i - 1][0] + part, left_start)
                    parts[i] = ("", start)
                elif right and right[0] != " ":
                    parts[i + 1] = (part + parts[i + 1][0], start)
                    parts[i] = ("", start)
        return [(part, start, part in self.ids) for part, start in parts if part]

    def _find(self, text: str) -> Iterator[tuple[str, int]]:
        done = 0
        for match in self._pattern.finditer(text):
            if done < match.start():
                yield text[done : match.start()], done
            yield match[0], match.start()
            done = match.end()
        if done < len(text):
            yield text[done:], done


def _second(item: tuple[str, int]) -> int:
    return item[1]
