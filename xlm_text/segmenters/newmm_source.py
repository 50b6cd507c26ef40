"""What newmm works with: its dictionary, expressions and clusters, as PyThaiNLP has them.

They are kept on disk, so that nearly every process reads them from there: importing PyThaiNLP and
making the dictionary's trie takes seven times as long.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

from xlm_text.collector import paused
from xlm_text.files.disk_cache import cached, fingerprint

# What a node has, beside what follows by its first character, if a word ends there.
END = ""
# What follows is a node, or the rest of the only word that goes on there: most of a trie would be
# nodes with one child each.
Node = dict[str, Any]

# Where all of this stands in PyThaiNLP.
_FILES = ("corpus/words_th.txt", "tokenize/newmm.py", "tokenize/tcc_p.py", "tokenize/_utils.py")


class NewmmRules(NamedTuple):
    """What newmm has beside its dictionary.

    Attributes:
        most_edges: how many words it follows at most before all ways meet.
        not_thai: finds what is no Thai at a place.
        is_short: tells whether a text is Thai of at most two consonants.
        numbers: finds numbers with separators.
        clusters: expressions of the character clusters, those that count first before the others.
        spaces: the spaces in words of the dictionary, each with the characters beside it.

    """

    most_edges: int
    not_thai: re.Pattern[str]
    is_short: re.Pattern[str]
    numbers: re.Pattern[str]
    clusters: list[str]
    spaces: frozenset[str]


@cache
def load_rules() -> NewmmRules:
    """Return what newmm has beside its dictionary."""
    most_edges, expressions, clusters, spaces = cached(
        "newmm-1-rules", fingerprint("pythainlp", *_FILES), _ask
    )
    not_thai, is_short, numbers = (re.compile(pattern, flags) for pattern, flags in expressions)
    return NewmmRules(most_edges, not_thai, is_short, numbers, clusters, frozenset(spaces))


@cache
def standard_trie() -> Node:
    """Return the trie of PyThaiNLP's standard dictionary, which all share."""
    return _load_trie()


def trie_with(words: Iterable[str]) -> Node:
    """Return a trie of the words of the standard dictionary and these."""
    trie = _load_trie()
    for word in words:
        add_word(trie, word.strip())
    return trie


def add_word(node: Node, word: str) -> None:
    """Add a word to a trie.

    >>> trie = {}
    >>> for word in ("ab", "abcd", "x"):
    ...     add_word(trie, word)
    >>> trie
    {'a': {'b': {'': '', 'c': 'd'}}, 'x': ''}
    """
    for i, char in enumerate(word):
        following = node.get(char)
        rest = word[i + 1 :]
        if following is None or following == rest:
            node[char] = rest
            return
        if following.__class__ is str:
            child: Node = {}
            add_word(child, following)
            node[char] = following = child
        node = following
    node[END] = ""


def spaces_in(words: Iterable[str]) -> set[str]:
    """Return the spaces in words, each with the characters beside it.

    >>> spaces_in(["ab cd", "ef"])
    {'b c'}
    """
    return {
        word[match.start() - 1 : match.end() + 1]
        for word in map(str.strip, words)
        # Few words have one, and looking for it in the others takes a while.
        if " " in word
        for match in re.finditer(" ", word)
    }


def _load_trie() -> Node:
    # None of the nodes is garbage.
    with paused():
        trie: Node = cached("newmm-1-words", fingerprint("pythainlp", *_FILES), _make_trie)
    return trie


def _make_trie() -> Node:
    from pythainlp.corpus.common import thai_words

    trie: Node = {}
    for word in sorted(set(map(str.strip, thai_words()))):
        add_word(trie, word)
    return trie


def _ask() -> list[Any]:
    from pythainlp.corpus.common import thai_words
    from pythainlp.tokenize import newmm, tcc_p
    from pythainlp.tokenize._utils import _DIGITS_WITH_SEPARATOR

    expressions = (newmm._PAT_NONTHAI, newmm._PAT_THAI_TWOCHARS, _DIGITS_WITH_SEPARATOR)
    return [
        newmm._MAX_GRAPH_SIZE,
        [[expression.pattern, expression.flags] for expression in expressions],
        list(tcc_p._RE_TCC),
        sorted(spaces_in(thai_words())),
    ]
