"""Parts of a text that stay one word: URLs, e-mail addresses, what a user's expression matches."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from xlm_text.errors import InputError

# What addresses are made of, beside some marks: letters of the scripts that put spaces between
# words, so that Chinese behind an address is none of it, and digits.
_LETTER = r"[^\W\u0e00-\U0010ffff]"
# A mark belongs to a URL if more of it follows, and a bracket if it is closed.
_IN_URL = rf"(?:{_LETTER}|[/#&=+$%@~_*-])"
_URL = rf"""(?<![A-Za-z0-9])(?i:(?:https?|ftp)://|www\.)
    (?: {_IN_URL}
      | [.,:;!?'](?={_IN_URL})
      | \( (?:{_IN_URL}|[.,:;!?'])* \) )+"""
_IN_LOCAL = rf"(?:{_LETTER}|[.!\#$%&'*+/=?^_`{{|}}~-])"
_EMAIL = rf"""(?<![^\W\u0e00-\U0010ffff])(?<![.!\#$%&'*+/=?^_`{{|}}~-])
    {_LETTER}{_IN_LOCAL}*@
    (?:{_LETTER}(?:{_LETTER}|-)*\.)+{_LETTER}{{2,}}(?!{_LETTER}|-)"""
NAMED = {"urls": _URL, "emails": _EMAIL}


class ProtectedPatterns:
    """Finds the parts of texts that are to stay one word.

    Args:
        patterns: names of :data:`NAMED`, or regular expressions.

    Raises:
        InputError: an expression cannot be used.

    >>> patterns = ProtectedPatterns(("urls", "emails", r"#\\w+"))
    >>> text = "See https://x.org/a_(b), or ask a.b@x.org. #now!"
    >>> [text[start:end] for start, end in patterns.find(text)]
    ['https://x.org/a_(b)', 'a.b@x.org', '#now']

    """

    def __init__(self, patterns: Sequence[str]) -> None:
        self._searches = [compile_pattern(pattern).search for pattern in patterns]

    def find(self, text: str) -> list[tuple[int, int]]:
        """Return the spans of a text, which do not overlap.

        The one that begins first counts, and of those that begin at one place that of the first
        pattern.
        """
        found: list[tuple[int, int]] = []
        following = [self._next(search, text, 0) for search in self._searches]
        while spans := [span for span in following if span is not None]:
            start, end = min(spans, key=_start)
            found.append((start, end))
            for i, span in enumerate(following):
                if span is not None and span[0] < end:
                    following[i] = self._next(self._searches[i], text, end)
        return found

    @staticmethod
    def _next(
        search: Callable[[str, int], re.Match[str] | None], text: str, start: int
    ) -> tuple[int, int] | None:
        match = search(text, start)
        while match is not None and match.start() == match.end():
            # Nothing cannot be a word.
            start = match.end() + 1
            match = search(text, start) if start <= len(text) else None
        return None if match is None else match.span()


@lru_cache(maxsize=64)
def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Return the expression of a name, or of what is written.

    Raises:
        InputError: it is no expression, or matches nothing at all.

    """
    if pattern in NAMED:
        return re.compile(NAMED[pattern], re.VERBOSE)
    names = " or ".join(map(repr, NAMED))
    try:
        compiled = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise InputError(
            f"must be {names} or a regular expression, not {pattern!r:.60} ({error})",
            argument="protected_patterns",
        ) from None
    if compiled.match(""):
        raise InputError(
            f"must match at least one character, which {pattern!r:.60} need not",
            argument="protected_patterns",
        )
    return compiled


def _start(span: tuple[int, int]) -> int:
    return span[0]
