"""newmm's way through a text, faster.

newmm (PyThaiNLP's default) looks for the way through a text that takes the fewest words of its
dictionary, and only breaks where character clusters end.  Here the same ways are gone in the same
order, with PyThaiNLP's own dictionary, clusters and expressions; what is saved is building words,
paths that are thrown away, and most nodes of the dictionary's trie.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from heapq import heappop, heappush
from itertools import accumulate
from typing import Any

# Behind the text: neither a text nor a word has it.
_NO_CHARACTER = "\ud800"
# What a node of a trie has, beside what follows by its first character, if a word ends there.
_END = ""
# What follows is a node, or the rest of the only word that goes on there: most of a trie would be
# nodes with one child each.  A node that no text has led to yet is the list of all rests there:
# most of them are never needed, and to make them all takes longer than many a text.
_Node = dict[str, Any]


@cache
def _standard() -> _Node:
    from pythainlp.corpus.common import thai_words

    return _make_node(set(map(str.strip, thai_words())))


def _make_node(rests: Iterable[str]) -> _Node:
    by_first: dict[str, list[str]] = {}
    node: _Node = {}
    for rest in rests:
        if rest:
            by_first.setdefault(rest[0], []).append(rest[1:])
        else:
            node[_END] = ""
    for char, group in by_first.items():
        node[char] = group if len(group) > 1 else group[0]
    return node


def load_search(user_words: Sequence[str] = ()) -> Callable[[str], list[str]]:
    """Return what cuts a text as ``pythainlp.tokenize.word_tokenize`` does.

    ``user_words`` are in the dictionary beside the standard ones.

    >>> load_search()("ฉันรักภาษาไทย")
    ['ฉัน', 'รัก', 'ภาษาไทย']
    """
    from pythainlp.corpus.common import thai_words
    from pythainlp.tokenize import newmm
    from pythainlp.tokenize._utils import _DIGITS_WITH_SEPARATOR, rejoin_formatted_num

    trie = (
        _make_node(set(map(str.strip, (*thai_words(), *user_words)))) if user_words else _standard()
    )
    most_edges = newmm._MAX_GRAPH_SIZE
    not_thai = newmm._PAT_NONTHAI.match
    is_short = newmm._PAT_THAI_TWOCHARS.match
    has_number = _DIGITS_WITH_SEPARATOR.search
    clusters = find_clusters()

    def ends_of_words(text: str, start: int, may_break: bytearray) -> list[int]:
        """Return where words of the dictionary end that begin at a place, nearest first."""
        ends = []
        node, end = trie, start
        while (following := node.get(text[end])) is not None:
            end += 1
            if following.__class__ is str:
                if text.startswith(following, end):
                    end += len(following)
                    if may_break[end]:
                        ends.append(end)
                break
            if following.__class__ is list:
                following = node[text[end - 1]] = _make_node(following)
            if may_break[end] and _END in following:
                ends.append(end)
            node = following
        return ends

    def end_of_unknown(text: str, start: int, may_break: bytearray) -> int:
        """Return where what is in no dictionary ends."""
        size = len(may_break) - 1
        if match := not_thai(text, start, size):
            return int(match.end())
        end = may_break.find(1, start + 1)
        while end < size:
            # A word of two consonants may be part of what is unknown.
            known = ends_of_words(text, end, may_break)
            if not all(is_short(text[end:after]) for after in known) or not_thai(text, end, size):
                break
            end = may_break.find(1, end + 1)
        return end

    def fewest_words(text: str, done: int, ends: list[int], may_break: bytearray) -> list[int]:
        """Return where the words end up to the place where all ways meet again."""
        # Where the words of the dictionary lead from each place, nearest first.
        ways = {done: ends[: most_edges + 1]}
        waiting = ways[done].copy()
        edges = len(waiting)
        while len(waiting) > 1:
            start = heappop(waiting)
            reached = ends_of_words(text, start, may_break)
            if edges + len(reached) > most_edges:
                # Of a place at least one word counts.
                del reached[max(most_edges + 1 - edges, 1) :]
            ways[start] = reached
            edges += len(reached)
            for end in reached:
                if end not in waiting:
                    heappush(waiting, end)
        return _shortest_way(ways, done, waiting[0])

    def search(text: str) -> list[str]:
        size = len(text)
        may_break = bytearray(size + 1)
        for end in accumulate(map(len, clusters(text))):
            may_break[end] = 1
        padded = text + _NO_CHARACTER
        words: list[str] = []
        done = 0
        while done < size:
            ends = ends_of_words(padded, done, may_break)
            if len(ends) > 1:
                ends = fewest_words(padded, done, ends, may_break)
            elif not ends:
                ends = [end_of_unknown(padded, done, may_break)]
            for end in ends:
                words.append(text[done:end])
                done = end
        return rejoin_formatted_num(words) if has_number(text) else words

    return search


def find_clusters() -> Callable[[str], list[str]]:
    """Return what cuts a text into character clusters; what is no cluster, into characters.

    PyThaiNLP tries one expression after another at each place.  Here those that begin with the same
    characters are together, so that most are left out at once; nothing else changes, as an
    expression that begins with other characters of the same set has its place behind them.
    """
    from pythainlp.tokenize import tcc_p

    by_first: dict[str, list[str]] = {}
    for expression in tcc_p._RE_TCC:
        first = re.match(r"\[[^]]*\]|.", expression)
        assert first is not None, expression
        by_first.setdefault(first[0], []).append(expression[first.end() :])
    expressions = "|".join(f"{first}(?:{'|'.join(rest)})" for first, rest in by_first.items())
    # Groups that are not captured, so that whole clusters are found.
    expressions = re.sub(r"\((?!\?)", "(?:", expressions)
    return re.compile(f"[^\u0e00-\u0e7f]|{expressions}|.", re.DOTALL).findall


def _shortest_way(ways: dict[int, list[int]], start: int, goal: int) -> list[int]:
    """Return the places on a way with the fewest steps, the first that is found breadth first."""
    if goal in ways[start]:
        return [goal]
    came_from: dict[int, int] = {start: start}
    queue = [start]
    for place in queue:
        for following in ways.get(place, ()):
            if following == goal:
                found = [goal]
                while place != start:
                    found.append(place)
                    place = came_from[place]
                return found[::-1]
            if following not in came_from:
                came_from[following] = place
                queue.append(following)
    raise RuntimeError(f"newmm's graph has no way from {start} to {goal}: {ways}")
