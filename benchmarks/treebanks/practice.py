"""What teaches a model to compare two texts, before it has to: it needs no label of a treebank.

A small model that has never looked from one text to another does not begin to do so from whether
they are translations. It does from finding a word again, and from finding a copy of a text.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from benchmarks.treebanks.data import Sentence, Treebanks, others

# How often each sentence is copied, and how many of its words are looked for.
COPIES = {"train": 4, "valid": 1}
WORDS = {"train": 4, "valid": 1}
# Shares of the words that are kept: of a copy beside its text, and of the two that are compared.
KEPT_BESIDE, KEPT_OF_TEXT, KEPT_OF_COPY = 0.7, 0.9, 0.5


def copies(treebanks: Treebanks, first: str, second: str, part: str) -> tuple[str, str]:
    """Write sentences of two languages, and some words of each, as if in the other language.

    Returns:
        The names of both files.
    """
    rng = random.Random(f"{first}-{second}")
    texts = [
        s.text
        for _ in range(COPIES[part])
        for lang in (first, second)
        for s in treebanks.part(lang, part)
    ]
    copied = [some_words(text, KEPT_BESIDE, rng) for text in texts]
    name = f"{part}.{first}-{second}"
    return (
        treebanks.write_texts(f"{name}.copied", texts),
        treebanks.write_texts(f"{name}.copies", copied),
    )


def copied_or_not(treebanks: Treebanks, first: str, second: str, part: str) -> str:
    """Write some words of a sentence beside others of it, and beside some of another sentence."""
    rng = random.Random(f"{first}-{second}")
    rows = (
        row for lang in (first, second) for row in _copied_or_not(treebanks.part(lang, part), rng)
    )
    return treebanks.write_pairs(f"{part}.{first}-{second}.copies", rows)


def _copied_or_not(sentences: Sequence[Sentence], rng: random.Random) -> Iterator[dict[str, str]]:
    for number, sentence in enumerate(sentences):
        (wrong,) = others(sentences, number, 1, rng)
        for other, label in ((number, "yes"), (wrong, "no")):
            yield {
                "text": some_words(sentence.text, KEPT_OF_TEXT, rng),
                "pair": some_words(sentences[other].text, KEPT_OF_COPY, rng),
                "label": label,
            }


def some_words(text: str, share: float, rng: random.Random) -> str:
    """Return words of a text, each with this probability, in order; the first one if none is left.

    Example:
        >>> some_words("one two three", 1.0, random.Random())
        'one two three'
    """
    words = text.split()
    return " ".join([word for word in words if rng.random() < share] or words[:1])


def words_to_find(treebanks: Treebanks, lang: str, part: str) -> str:
    """Write questions that are a word of the sentence, which stands in it but once."""
    rng = random.Random(lang)
    rows = (
        {"question": text, "context": sentence.text, "answer": text, "start": start}
        for sentence in treebanks.part(lang, part)
        for text, start in _some_once(sentence, WORDS[part], rng)
    )
    return treebanks.write_rows(f"{part}.{lang}.words", rows)


def _some_once(sentence: Sentence, count: int, rng: random.Random) -> list[tuple[str, int]]:
    once = [
        (word.form, word.start)
        for word in sentence.words
        if word.start is not None and sentence.text.count(word.form) == 1
    ]
    return rng.sample(once, min(count, len(once)))
