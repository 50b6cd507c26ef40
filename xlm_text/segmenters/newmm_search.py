"""newmm's way through a text, quicker.

newmm (PyThaiNLP's default) looks for the way through a text that takes the fewest words of its
dictionary, and only breaks where character clusters end.  Here the same ways are gone in the same
order, with PyThaiNLP's own dictionary, clusters and rule for what is in no dictionary; what is
saved is building words, and paths that are thrown away.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from heapq import heappop, heappush


def load_search(user_words: Sequence[str] = ()) -> Callable[[str], list[str]]:
    """Return what cuts a text as ``pythainlp.tokenize.word_tokenize`` does.

    ``user_words`` are in the dictionary beside the standard ones.

    >>> load_search()("ฉันรักภาษาไทย")
    ['ฉัน', 'รัก', 'ภาษาไทย']
    """
    from pythainlp.corpus.common import thai_words
    from pythainlp.tokenize import Trie, newmm, tcc_p, word_dict_trie
    from pythainlp.tokenize._utils import rejoin_formatted_num

    trie = Trie([*thai_words(), *user_words]) if user_words else word_dict_trie()
    first_letters = trie.root.children
    most_edges = newmm._MAX_GRAPH_SIZE
    skip_unknown = newmm._find_skip_end
    # What is no cluster counts character by character.
    clusters = re.compile(f"(?:{tcc_p._PAT_TCC.pattern})|.", re.DOTALL).finditer

    def search(text: str) -> list[str]:
        size = len(text)
        may_break = bytearray(size + 1)
        for cluster in clusters(text):
            may_break[cluster.end()] = 1
        words: list[str] = []
        # Where the words of the dictionary lead from each place between `done` and the waiting
        # ones, nearest first.
        ways: dict[int, list[int]] = {}
        edges = done = 0
        waiting = [0]
        while waiting[0] < size:
            start = end = heappop(waiting)
            reached = ways[start] = []
            children = first_letters
            while end < size and children is not None:
                node = children.get(text[end])
                if node is None:
                    break
                children = node.children
                end += 1
                if node.end and may_break[end]:
                    reached.append(end)
                    edges += 1
                    if end not in waiting:
                        heappush(waiting, end)
                    if edges > most_edges:
                        break
            if len(waiting) > 1:
                continue
            if waiting:
                # All ways meet here; mostly there is one.
                goal = waiting[0]
                for end in [goal] if start == done else _shortest_way(ways, done, goal):
                    words.append(text[done:end])
                    done = end
            else:
                done = skip_unknown(text, start, may_break, trie)
                words.append(text[start:done])
                waiting.append(done)
            edges = 0
            ways.clear()
        return rejoin_formatted_num(words)  # type: ignore[no-any-return]

    return search


def _shortest_way(ways: dict[int, list[int]], start: int, goal: int) -> list[int]:
    """Return the places on a way with the fewest steps, the first that is found breadth first."""
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
