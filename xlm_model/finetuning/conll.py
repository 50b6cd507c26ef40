"""Sentences in columns: a word on each line with its tags, an empty line between sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from xlm_text.errors import InputError

# The columns of CoNLL-U, by the names that its description has.
CONLLU = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
_DOCUMENT = "-DOCSTART-"


def read_sentences(
    lines: Iterable[str],
    place: Callable[[], str],
    words: str,
    tags: str,
    *,
    is_conllu: bool,
) -> Iterator[tuple[int, list[str], list[str]]]:
    """Give the words and the tags of each sentence, and the number of its first line.

    In CoNLL-U comments, ranges of words ("1-2") and empty words ("1.1") are left out; elsewhere
    the lines that begin a document.

    Args:
        lines: Of a file, without their ends.
        place: Says where the last line stands.
        words: The column of the words, a number from 1, or in CoNLL-U a name; "words" is the usual
            one: "form", or the first.
        tags: That of the tags; "tags" is the usual one: "upos", or the last.
        is_conllu: Whether it is CoNLL-U.

    Raises:
        InputError: a line without one of the two; names it.

    Example:
        >>> lines = ["Anna B-PER", "lives O", "", "Hm O"]
        >>> list(read_sentences(lines, str, "words", "tags", is_conllu=False))
        [(1, ['Anna', 'lives'], ['B-PER', 'O']), (4, ['Hm'], ['O'])]
    """
    at = [_column(name, is_conllu) for name in (words, tags)]
    first = 0
    sentence: tuple[list[str], list[str]] = ([], [])
    for number, line in enumerate(lines, 1):
        if not line.strip():
            if sentence[0]:
                yield first, *sentence
            sentence = ([], [])
            continue
        if is_conllu and line.startswith("#"):
            continue
        fields = line.split("\t") if "\t" in line else line.split()
        if is_conllu and not fields[0].isdecimal():
            if fields[0][:1].isdecimal():
                continue
            raise InputError(f"{place()}: begins with {fields[0]!r}: expected the word's number")
        if fields[0] == _DOCUMENT:
            continue
        if len(fields) < 2 or any(i >= len(fields) for i in at):
            raise InputError(
                f"{place()}: has {len(fields)} columns: expected a word and its tag in columns "
                f"{at[0] + 1} and {at[1] + 1 if at[1] >= 0 else 'the last'}"
            )
        if not sentence[0]:
            first = number
        for i, values in zip(at, sentence, strict=True):
            values.append(fields[i])
    if sentence[0]:
        yield first, *sentence


def _column(name: str, is_conllu: bool) -> int:
    """Return the index of a column; -1 is the last."""
    if name.isdecimal() and int(name):
        return int(name) - 1
    if is_conllu:
        name = {"words": "form", "tags": "upos"}.get(name, name.lower())
        if name in CONLLU:
            return CONLLU.index(name)
        expected = f"a number from 1, or one of {', '.join(CONLLU)}"
    else:
        if name in ("words", "tags"):
            return 0 if name == "words" else -1
        expected = "a number from 1, as the file has no names of columns"
    raise InputError(f"is {name!r}: expected {expected}", argument="columns")
