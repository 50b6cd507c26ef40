"""newmm's way through a text, faster.

newmm (PyThaiNLP's default) looks for the way through a text that takes the fewest words of its
dictionary, and only breaks where character clusters end.  Here the same ways are gone in the same
order, with PyThaiNLP's own dictionary, clusters and expressions; what is saved is building words,
paths that are thrown away, and most nodes of the dictionary's trie.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from heapq import heappop, heappush
from itertools import accumulate, pairwise

from xlm_text.segmenters.newmm_source import END, load_rules, standard_trie, trie_with

# Behind the text: neither a text nor a word has it.
_NO_CHARACTER = "\ud800"


def load_search(user_words: Sequence[str] = ()) -> Callable[[str], list[str]]:
    """Return what cuts a text as ``pythainlp.tokenize.word_tokenize`` does.

    ``user_words`` are in the dictionary beside the standard ones.

    >>> load_search()("ฉันรักภาษาไทย")
    ['ฉัน', 'รัก', 'ภาษาไทย']
    """
    trie = trie_with(user_words) if user_words else standard_trie()
    rules = load_rules()
    most_edges = rules.most_edges
    not_thai = rules.not_thai.match
    is_short = rules.is_short.match
    numbers = rules.numbers.finditer
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
            if may_break[end] and END in following:
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
        spans = [match.span() for match in numbers(text)]
        return join_numbers(words, spans) if spans else words

    return search


def find_clusters() -> Callable[[str], list[str]]:
    """Return what cuts a text into character clusters; what is no cluster, into characters.

    PyThaiNLP tries one expression after another at each place.  Here those that begin with the same
    characters are together, so that most are left out at once; nothing else changes, as an
    expression that begins with other characters of the same set has its place behind them.
    """
    by_first: dict[str, list[str]] = {}
    for expression in load_rules().clusters:
        first = re.match(r"\[[^]]*\]|.", expression)
        assert first is not None, expression
        by_first.setdefault(first[0], []).append(expression[first.end() :])
    expressions = "|".join(f"{first}(?:{'|'.join(rest)})" for first, rest in by_first.items())
    # Groups that are not captured, so that whole clusters are found.
    expressions = re.sub(r"\((?!\?)", "(?:", expressions)
    return re.compile(f"[^\u0e00-\u0e7f]|{expressions}|.", re.DOTALL).findall


def join_numbers(words: Sequence[str], spans: Iterable[tuple[int, int]]) -> list[str]:
    """Join the words that numbers with separators were cut into.

    The words that begin in a number become one.  A word in which a number begins behind something
    else is not among them.  PyThaiNLP does this, too; importing it takes longer than to cut 500
    sentences.

    Args:
        words: all words of a text.
        spans: where the numbers begin and end in the text, in order.

    >>> join_numbers(["at", " ", "12", ":", "30"], [(3, 8)])
    ['at', ' ', '12:30']
    """
    text = "".join(words)
    starts = [0, *accumulate(map(len, words))]
    inside: set[int] = set()
    for start, end in spans:
        inside.update(starts[bisect_left(starts, start) + 1 : bisect_left(starts, end)])
    return [text[start:end] for start, end in pairwise(s for s in starts if s not in inside)]


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
