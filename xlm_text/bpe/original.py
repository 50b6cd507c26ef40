"""Pieces and their ids as the original implementation's own programs find them.

There ``fastBPE`` writes the pieces into a file, each but the last of a word with ``@@`` behind it,
and the program that reads the file splits it at all white space and looks up what it finds.  The
two do not agree about every word:

- White space other than the space is a character like others to fastBPE, and none to the reader: a
  piece of it alone is gone, and ``@@`` alone is unknown.
- A last piece that ends in ``@@`` is read as one that goes on.
- A piece that is one of the special words is left out.

All other words have the same pieces and ids as in the reference: merges apply to pieces that the
vocabulary does not have (fastBPE is run without one), and only a final piece can be unknown.
"""

from __future__ import annotations

import re

from xlm_text.bpe.subwords import END_OF_WORD, Subwords
from xlm_text.files.vocabulary import CONTROL_TOKENS, SPECIAL_TOKENS

_CONTINUES = "@@"
_LEFT_OUT = frozenset(CONTROL_TOKENS + SPECIAL_TOKENS) - {"<unk>"}
_not_read_as_written = re.compile(rf"\s|{_CONTINUES}|<").search


class OriginalSubwords(Subwords):
    """Cuts words into the pieces that the original reads."""

    @staticmethod
    def falls_apart(word: str) -> bool:  # noqa: D102
        return _not_read_as_written(word) is not None

    @staticmethod
    def _read_back(pieces: list[str]) -> list[str]:
        """Write pieces as fastBPE does, and read them as the original does.

        >>> OriginalSubwords._read_back(["a", "\u3000", "b", "c</w>"])
        ['a', '', 'b', 'c</w>']
        """
        written = f"{_CONTINUES} ".join(pieces).removesuffix(END_OF_WORD)
        return [
            word.removesuffix(_CONTINUES) if word.endswith(_CONTINUES) else word + END_OF_WORD
            for word in written.split()
            if word not in _LEFT_OUT
        ]
