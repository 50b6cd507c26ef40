"""The warnings of this package: the result stands, but is hardly what the caller means."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from operator import add


class LanguageWarning(UserWarning):
    """Text was tokenized as English because nobody said which language it is in."""


class LengthWarning(UserWarning):
    """A text has more tokens than the model has positions."""


_OWN = ("xlm_text", "xlm_model")


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Issue a warning that points at whoever called this project, however deep it comes from."""
    level, frame = 1, sys._getframe()
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] in _OWN:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


class Notices:
    """The warnings of one tokenizer, each of which is given once."""

    def __init__(self) -> None:
        self._given: set[type[Warning]] = set()

    def language(self, lang: str, languages: Sequence[str]) -> None:
        """Warn that a text was taken for ``lang`` because nobody named another of ``languages``.

        There are none of these where the languages of a vocabulary are not known.
        """
        choice = f"lang, one of {', '.join(languages)}," if languages else "lang"
        self._warn(
            f"text is tokenized as {lang!r}, because nobody said which language it is in: give "
            f"{choice} or set it for good, as in "
            f"tokenizer.lang = {lang!r}, which save_pretrained keeps",
            LanguageWarning,
        )

    def length(
        self, first: Sequence[list[int]], second: Sequence[list[int]] | None, room: int
    ) -> None:
        """Warn if a text, or a pair, has more tokens than the model has room for."""
        if LengthWarning in self._given:
            return
        lengths = map(len, first)
        if second is not None:
            lengths = map(add, lengths, map(len, second))
        longest = max(lengths, default=0)
        if longest > room:
            self._warn(
                f"a text has {longest} tokens, and the model has room for {room}: it will fail "
                "with them (truncation=True cuts the text, verbose=False says nothing)",
                LengthWarning,
            )

    def _warn(self, message: str, category: type[Warning]) -> None:
        if category not in self._given:
            self._given.add(category)
            warn(message, category)
