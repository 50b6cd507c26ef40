"""The original format of vocabularies: fastBPE's codes and words, line by line.

A codes file has a merge on each line, two pieces and a count; a vocabulary file a word and its
count.  A word that goes on is marked by a final ``@@``; in the published format it is the other
way round, and a piece that ends a word is marked by ``</w>``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from xlm_text.bpe.subwords import END_OF_WORD, Merge
from xlm_text.errors import InputError

# The first ids of every XLM vocabulary, in this order.
CONTROL_TOKENS = ("<s>", "</s>", "<pad>", "<unk>")
SPECIAL_TOKENS = tuple(f"<special{i}>" for i in range(10))
RESERVED = dict.fromkeys(CONTROL_TOKENS + SPECIAL_TOKENS)
_CONTINUES = "@@"


def published_piece(word: str) -> str:
    """Return the published spelling of a word of the original vocabulary.

    Only a *final* ``@@`` marks a word that goes on: fastBPE puts it there, and a text may hold the
    two characters elsewhere.  The special words are themselves.

    >>> list(map(published_piece, ["the", "th@@", "a@@b", "@@@@", "<unk>"]))
    ['the</w>', 'th', 'a@@b</w>', '@@', '<unk>']
    """
    if word in RESERVED:
        return word
    return word.removesuffix(_CONTINUES) if word.endswith(_CONTINUES) else word + END_OF_WORD


def original_word(piece: str) -> str:
    """Return the spelling of a published piece in the original vocabulary."""
    return piece.removesuffix(END_OF_WORD) if piece.endswith(END_OF_WORD) else piece + _CONTINUES


def words_to_ids(lines: Sequence[str], name: str, max_vocab: int | None = None) -> dict[str, int]:
    """Return the id of each published piece that the lines of a vocabulary file give.

    A line that holds U+2028, does not have exactly two fields, or repeats a word has no id, as in
    the original implementation.

    Args:
        lines: the lines, without their ends.
        name: what errors call the file.
        max_vocab: how many ids there are at most, those of the special words included.

    Raises:
        InputError: a count is no number; most lines have no id, so that this is some other file;
            two words are the same piece.

    """
    words: dict[str, int] = dict.fromkeys(RESERVED, 0)
    used, left_out = 0, []
    for number, line in enumerate(lines, 1):
        fields = line.split()
        if "\u2028" in line or len(fields) != 2:
            if fields:
                left_out.append(number)
            continue
        if not fields[1].isdecimal():
            raise _no_count(name, number, line)
        used += 1
        words.setdefault(fields[0], number)
    if len(left_out) > used:
        number = left_out[0]
        raise _no_count(name, number, lines[number - 1], f"; {len(left_out)} lines are like that")
    if not used:
        raise InputError(
            f"{name}: a vocabulary has a word and its count on each line, but it is empty"
        )
    ids: dict[str, int] = {}
    for id_, (word, number) in enumerate(list(words.items())[:max_vocab]):
        piece = published_piece(word)
        if ids.setdefault(piece, id_) != id_:
            raise InputError(
                f"{name}, line {number}: the word {word!r} is the piece {piece!r}, "
                "which another word is already"
            )
    return ids


def codes_to_merges(lines: Sequence[str], name: str) -> list[Merge]:
    """Return the merges that the lines of a codes file give; errors call the file ``name``.

    Raises:
        InputError: this is some other file.

    """
    merges = parse_merges(lines)
    filled = [(number, line.split()) for number, line in enumerate(lines, 1) if line.strip()]
    alone = [(number, fields) for number, fields in filled if len(fields) < 2]
    if len(alone) * 2 > len(filled):
        number, fields = alone[0]
        raise InputError(
            f"{name}, line {number}: a codes file has two pieces and a count on each line, such as "
            f"'th e</w> 90', not {fields[0]!r:.60}"
        )
    if filled and _are_counted_words(fields for _, fields in filled):
        raise InputError(
            f"{name}, line {filled[0][0]}: {' '.join(filled[0][1])!r:.60} and all other lines are "
            "a word and its count: is it the vocabulary, in the place of the codes?"
        )
    return merges


def parse_merges(lines: Iterable[str]) -> list[Merge]:
    """Return the first two white-space-separated fields of each line.

    Of a line that stands twice only the later one counts, as in the reference.
    """
    merges = [tuple(line.split(None, 2)[:2]) for line in lines]
    if len(set(merges)) < len(merges):
        merges = list(dict.fromkeys(reversed(merges)))[::-1]
    return merges


def _are_counted_words(lines: Iterable[list[str]]) -> bool:
    """Tell whether each line is a word and its count, the highest one first."""
    last: int | None = None
    for fields in lines:
        if len(fields) != 2 or not fields[1].isdecimal():
            return False
        count = int(fields[1])
        if last is not None and count > last:
            return False
        last = count
    return True


def _no_count(name: str, number: int, line: str, more: str = "") -> InputError:
    return InputError(
        f"{name}, line {number}: a vocabulary has a word and its count on each line, such as "
        f"'the 90', not {line.strip()!r:.60}{more} (are the codes and the vocabulary swapped?)"
    )


def word_lines(pieces: Sequence[str]) -> Iterator[str]:
    """Give the lines of a vocabulary file; ranks from the end stand for the counts."""
    for piece, count in zip(pieces, range(len(pieces), 0, -1), strict=True):
        yield f"{original_word(piece)} {count}"
