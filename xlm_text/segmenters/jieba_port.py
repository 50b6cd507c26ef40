"""Jieba's way through a text, with what its Rust port does in the same way.

The port (``rjieba``) has Jieba's dictionary, and finds the likeliest words by the same sums of the
same numbers.  What it makes of single characters that remain beside each other is not the same: of
two equally likely ways its hidden Markov model takes the other one.  So Jieba's model is used here,
as :mod:`xlm_text.segmenters.jieba_search` has it.  Jieba's own dictionary, half a second, is not
loaded.

That both ways are always the same was measured with the versions in :data:`SAME`; with others
there is Jieba itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version

from xlm_text.characters import HAN
from xlm_text.joining import SEPARATOR, map_together
from xlm_text.segmenters.jieba_search import by_blocks, load_unknown_words
from xlm_text.segmenters.segmenter import Segmenter

SAME = ({"jieba": "0.42.1", "rjieba": "0.2.2"},)
# The longest word of the dictionary has sixteen characters.
_LONGEST = 16

# What only the port takes for part of a block: Chinese characters that Jieba does not know.
_must_be_alone = re.compile(
    f"[{SEPARATOR}\u3400-\u4dbf\u9fd6-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
).search

# Single characters beside each other, in words with spaces around them.  No word of the dictionary
# is of ASCII letters and digits alone: where the port has one it has put characters together.
_SINGLES = f"(?:[{HAN}+#&._%-] |[a-zA-Z0-9]+ )"
# The space before a run is found first, and much faster than a look-behind would be.
_runs_of_singles = re.compile(f" ({_SINGLES}{_SINGLES}+)")
# So many runs are cached, and none that is longer: they hardly repeat.
_MOST_RUNS = 1 << 14
_LONGEST_RUN = 64


def is_same() -> bool:
    """Tell whether the versions that are here were found to give the same words."""
    try:
        return {name: version(name) for name in ("jieba", "rjieba")} in SAME
    except PackageNotFoundError:
        return False


class JiebaPort(Segmenter):
    """Cuts texts as a ``jieba.Tokenizer`` with the standard dictionary does.

    >>> JiebaPort()("他来到了网易杭研大厦") if is_same() else []
    ['他', '来到', '了', '网易', '杭研', '大厦']
    """

    def __init__(self) -> None:
        from rjieba import cut, cut_all

        self._likeliest = cut
        self._runs = _Runs(_load_singles(cut_all))
        super().__init__(by_blocks(self._cut_block))

    def spaced(self, texts: Sequence[str]) -> list[str]:
        """Return each text with a space between its words."""
        return map_together(texts, self._spaced, self._spaced_alone, _must_be_alone)

    def _spaced_alone(self, text: str) -> str:
        return " ".join(self(text))

    def _cut_block(self, block: str) -> list[str]:
        return self._spaced([block])[0].split(" ")

    def _spaced(self, texts: Sequence[str]) -> list[str]:
        # No block reaches across the separator.
        joined = SEPARATOR.join(["", *texts, ""])
        parts = _runs_of_singles.split(" ".join(self._likeliest(joined, False)))
        parts[1::2] = map(self._runs.__getitem__, parts[1::2])
        return [text[1:-1] for text in "".join(parts).split(SEPARATOR)[1:-1]]


class _Runs(dict[str, str]):
    """The words of runs of single characters with a space behind each.

    The words have that, too, and one in front, which was taken along with the run.
    """

    def __init__(self, words: Callable[[str], list[str]]) -> None:
        super().__init__()
        self._words = words

    def __missing__(self, run: str) -> str:
        words = " ".join(["", *self._words(run.replace(" ", "")), ""])
        if len(run) <= _LONGEST_RUN:
            if len(self) >= _MOST_RUNS:
                self.clear()
            self[run] = words
        return words


def _load_singles(cut_all: Callable[[str], list[str]]) -> Callable[[str], list[str]]:
    """Return what makes words of two or more single characters beside each other."""
    unknown_words = load_unknown_words()

    def singles(run: str) -> list[str]:
        # A word of the dictionary that was not the best way is left in characters.  One of ASCII
        # characters always is the best way.
        if len(run) <= _LONGEST and not run.isascii() and run in cut_all(run):
            return list(run)
        return unknown_words(run)

    return singles
