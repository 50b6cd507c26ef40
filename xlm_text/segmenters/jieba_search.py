"""Jieba's way through a block of text, quicker.

Jieba looks for the likeliest words of its dictionary, and where single characters remain beside
each other a hidden Markov model says which of them are words (Jieba's ``Tokenizer.cut`` and
``finalseg``).  Here the same sums are made of the same numbers in the same order, so that even
ties and rounding come out alike; what is saved is looking up and building what is known already.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from math import log
from typing import Any

from xlm_text.characters import only_chinese

BLOCK = "[\u4e00-\u9fd5a-zA-Z0-9+#&._%-]+"

# Jieba cuts each block by itself; between them every character is a word.
_parts = re.compile(f"{BLOCK}|\r\n|.", re.DOTALL).findall

# What the model's tables have in the place of the logarithm of 0.
_NEVER = -3.14e100

Scores = tuple[float, float, float, float]
# A character Begins a word, is in its Middle, Ends it, or is one by itSelf.
_B, _M, _E, _S = range(4)


class _Costs(dict[int, float]):
    """The log-probability of a word, by how often it was counted; many words share a count."""

    def __init__(self, total: int) -> None:
        super().__init__()
        self._log_total = log(total)

    def __missing__(self, count: int) -> float:
        self[count] = log(count or 1) - self._log_total
        return self[count]


def load_search(
    tokenizer: Any, fall_apart: frozenset[str] = frozenset()
) -> Callable[[str], list[str]]:
    """Return what cuts blocks as a ``jieba.Tokenizer`` does.

    A block is of what :data:`BLOCK` matches; Jieba cuts each of a text's by itself.

    Args:
        tokenizer: the tokenizer, with its dictionary.
        fall_apart: words of the model that are to fall apart into characters.

    >>> import jieba
    >>> tokenizer = jieba.Tokenizer()
    >>> _ = jieba.setLogLevel("WARNING")
    >>> tokenizer.initialize()
    >>> load_search(tokenizer)("他来到了网易杭研大厦")
    ['他', '来到', '了', '网易', '杭研', '大厦']
    """
    counts: dict[str, int] = tokenizer.FREQ
    costs = _Costs(tokenizer.total)
    count_of, alone = counts.get, costs[0]
    unknown_words = load_unknown_words(fall_apart)

    def ends_of_words(text: str) -> list[int]:
        """Return where the best word from each character on ends."""
        size = len(text)
        scores = [0.0] * (size + 1)
        ends = [0] * size
        for start in range(size - 1, -1, -1):
            best, best_end = alone + scores[start + 1], start + 1
            end, found = start + 1, False
            count = count_of(text[start])
            # The dictionary has every beginning of its words, with a count of 0 if it is none.
            while count is not None:
                if count:
                    score = costs[count] + scores[end]
                    # Of equally good words the longest counts.
                    if not found or score >= best:
                        best, best_end, found = score, end, True
                end += 1
                if end > size:
                    break
                count = count_of(text[start:end])
            scores[start], ends[start] = best, best_end
        return ends

    def singles(run: str) -> list[str]:
        # A word of the dictionary that was not the best way is left in characters.
        if len(run) < 2 or count_of(run):
            return list(run)
        return unknown_words(run)

    def search(text: str) -> list[str]:
        ends = ends_of_words(text)
        words: list[str] = []
        start = first_single = 0
        while start < len(text):
            end = ends[start]
            if end - start > 1:
                words += singles(text[first_single:start])
                words.append(text[start:end])
                first_single = end
            start = end
        return words + singles(text[first_single:])

    return search


def by_blocks(search: Callable[[str], list[str]]) -> Callable[[str], list[str]]:
    """Return what cuts any text, by what cuts blocks."""

    def cut(text: str) -> list[str]:
        words: list[str] = []
        for part in _parts(text):
            words += [part] if len(part) == 1 or part == "\r\n" else search(part)
        return words

    return cut


def load_unknown_words(fall_apart: frozenset[str] = frozenset()) -> Callable[[str], list[str]]:
    """Return what makes words of characters that are no words of the dictionary.

    Args:
        fall_apart: words that are to fall apart into characters.

    """
    from jieba import finalseg

    cut_unknown = _load_model()

    def in_chinese(run: str) -> list[str]:
        words = cut_unknown(run)
        if fall_apart.isdisjoint(words):
            return words
        return [part for word in words for part in (word if word in fall_apart else (word,))]

    def unknown_words(run: str) -> list[str]:
        words: list[str] = []
        for part in finalseg.re_han.split(run):
            if only_chinese(part):
                words += in_chinese(part)
            else:
                words += filter(None, finalseg.re_skip.split(part))
        return words

    return unknown_words


class _Scores(dict[str, Scores]):
    """The scores of characters in each place of a word; those that are met are cached."""

    def __init__(self, score_in: Sequence[Callable[[str, float], float]]) -> None:
        super().__init__()
        self._score_in = score_in

    def __missing__(self, char: str) -> Scores:
        begin, middle, end, alone = (score(char, _NEVER) for score in self._score_in)
        self[char] = scores = (begin, middle, end, alone)
        return scores


def _load_model() -> Callable[[str], list[str]]:
    """Return what finds words in characters by their likeliest places in words."""
    from jieba.finalseg import emit_P, start_P, trans_P

    scores_of = _Scores([emit_P[place].get for place in "BMES"])
    first_b, first_m, first_e, first_s = (start_P[place] for place in "BMES")
    e_b, s_b, m_m, b_m, s_s, e_s, b_e, m_e = (
        trans_P[before][place] for before, place in ("EB", "SB", "MM", "BM", "SS", "ES", "BE", "ME")
    )

    def places(text: str) -> list[int]:
        own_b, own_m, own_e, own_s = scores_of[text[0]]
        b, m, e, s = first_b + own_b, first_m + own_m, first_e + own_e, first_s + own_s
        # For each later character: what is before it if it is in each of the places.
        came_from: list[tuple[int, int, int, int]] = []
        for char in text[1:]:
            own_b, own_m, own_e, own_s = scores_of[char]
            to_b, or_b, from_b = s + s_b + own_b, e + e_b + own_b, _S
            to_m, or_m, from_m = m + m_m + own_m, b + b_m + own_m, _M
            to_e, or_e, from_e = m + m_e + own_e, b + b_e + own_e, _M
            to_s, or_s, from_s = s + s_s + own_s, e + e_s + own_s, _S
            # Of equally likely ones the later letter counts.
            if or_b > to_b:
                to_b, from_b = or_b, _E
            if or_m > to_m:
                to_m, from_m = or_m, _B
            if or_e > to_e:
                to_e, from_e = or_e, _B
            if or_s > to_s:
                to_s, from_s = or_s, _E
            b, m, e, s = to_b, to_m, to_e, to_s
            came_from.append((from_b, from_m, from_e, from_s))
        place = _S if s >= e else _E
        found = [place]
        for before in reversed(came_from):
            place = before[place]
            found.append(place)
        return found[::-1]

    def cut_unknown(text: str) -> list[str]:
        words, begin = [], 0
        for at, place in enumerate(places(text)):
            if place >= _E:
                words.append(text[begin : at + 1])
                begin = at + 1
        return words

    return cut_unknown
