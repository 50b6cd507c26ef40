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
        """
        parts = list(self._find(text))
        for i, (part, start, found) in enumerate(parts):
            if not found:
                continue
            flags = self._tokens[part]
            if flags.rstrip and i + 1 < len(parts):
                right, right_start, right_found = parts[i + 1]
                stripped = right.lstrip()
                skipped = len(right) - len(stripped)
                parts[i + 1] = (stripped, right_start + skipped, right_found)
            if flags.lstrip and i > 0:
                left, left_start, left_found = parts[i - 1]
                parts[i - 1] = (left.rstrip(), left_start, left_found)
            if flags.single_word:
                if i > 0 and parts[i - 1][0] and not parts[i - 1][0].endswith(" "):
                    parts[i - 1] = (parts[i - 1][0] + part, parts[i - 1][1], False)
                    parts[i] = ("", start, False)
                elif i + 1 < len(parts) and parts[i + 1][0][:1] not in ("", " "):
                    parts[i + 1] = (part + parts[i + 1][0], start, False)
                    parts[i] = ("", start, False)
        return [part for part in parts if part[0]]

    def _find(self, text: str) -> Iterator[Part]:
        done = 0
        for match in self._pattern.finditer(text):
            if done < match.start():
                yield text[done : match.start()], done, False
            yield match[0], match.start(), True
            done = match.end()
        if done < len(text):
            yield text[done:], done, False


def _second(item: tuple[str, int]) -> int:
    return item[1]
