"""From treebanks to the files that the commands read: sentences, tags, pairs, choices, questions.

A fifth of the sentences is held out, in the parallel languages the same ones, so that neither a
sentence nor its translation is ever trained on and evaluated on.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

PARALLEL = ("en", "fr", "de", "es", "ru", "ar", "zh", "th")
LANGUAGES = (*PARALLEL, "ja")
PARTS = ("train", "valid")
HELD_OUT = 5  # each fifth sentence
CHOICES = 4
# Relations that a word has but once or twice, and that stand in all of these treebanks.
RELATIONS = ("nsubj", "obj", "obl", "amod", "nmod", "advmod", "case", "mark")


@dataclass(frozen=True)
class Word:
    """A word of a tree.

    Attributes:
        form: The word itself.
        tag: Its universal part of speech.
        head: Number of the word that it depends on, from 1; 0: of none.
        relation: How.
        start: Where it begins in the sentence, in code points; None: it does not stand there as it
            is, such as the parts of a contraction.
    """

    form: str
    tag: str
    head: int
    relation: str
    start: int | None


@dataclass(frozen=True)
class Sentence:
    """A sentence and its tree."""

    text: str
    words: tuple[Word, ...]


def read(folder: Path, lang: str) -> list[Sentence]:
    """Return the sentences of a treebank in CoNLL-U."""
    blocks = (folder / f"{lang}.conllu").read_text(encoding="utf-8").strip().split("\n\n")
    return [_sentence(block.split("\n")) for block in blocks]


def _sentence(lines: Sequence[str]) -> Sentence:
    text = next(line for line in lines if line.startswith("# text = ")).removeprefix("# text = ")
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    words = []
    position = 0
    for row in (row for row in rows if row[0].isdecimal()):
        start = text.find(row[1], position)
        if start >= 0:
            position = start + len(row[1])
        relation = row[7].partition(":")[0]
        words.append(Word(row[1], row[3], int(row[6]), relation, start if start >= 0 else None))
    return Sentence(text, tuple(words))


def part_of(number: int) -> str:
    """Return which part the sentence with a number belongs to."""
    return "valid" if number % HELD_OUT == HELD_OUT - 1 else "train"


class Treebanks:
    """All sentences, and the files that are made of them.

    Args:
        source: Folder with a file `LANG.conllu` for each language.
        output: Folder for what is made.
    """

    def __init__(self, source: Path, output: Path) -> None:
        self.sentences = {lang: read(source, lang) for lang in LANGUAGES}
        self._output = output
        output.mkdir(parents=True, exist_ok=True)

    def part(self, lang: str, part: str) -> list[Sentence]:
        """Return the sentences of a part, in order."""
        return [s for i, s in enumerate(self.sentences[lang]) if part_of(i) == part]

    def texts(self, lang: str, part: str) -> Path:
        """Write one sentence to a line."""
        return self._write(f"{part}.{lang}.txt", (s.text for s in self.part(lang, part)))

    def tags(self, lang: str, part: str) -> Path:
        """Write words and tags in two columns."""
        blocks = (
            "".join(f"{word.form}\t{word.tag}\n" for word in sentence.words)
            for sentence in self.part(lang, part)
        )
        return self._write(f"{part}.{lang}.conll", blocks)

    def pairs(self, first: str, second: str, part: str) -> Path:
        """Write sentences with their translation, and with that of another one.

        The other one is the sentence of nearest length of those that come later, so that length
        gives nothing away.
        """
        ours, theirs = self.part(first, part), self.part(second, part)
        rng = random.Random(f"{first}-{second}")
        lines = ["text\tpair\tlabel"]
        for i, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            wrong = theirs[_alike(theirs, i, 1, rng)[0]]
            lines += [f"{one.text}\t{other.text}\tyes", f"{one.text}\t{wrong.text}\tno"]
        return self._write(f"{part}.{first}-{second}.tsv", lines)

    def choices(self, first: str, second: str, part: str) -> Path:
        """Write sentences with four choices of a translation, one of them right."""
        ours, theirs = self.part(first, part), self.part(second, part)
        rng = random.Random(f"{first}-{second}")
        lines = []
        for i, sentence in enumerate(ours):
            numbers = [i, *_alike(theirs, i, CHOICES - 1, rng)]
            rng.shuffle(numbers)
            texts = [theirs[number].text for number in numbers]
            row = {"text": sentence.text, "choices": texts, "label": numbers.index(i)}
            lines.append(json.dumps(row, ensure_ascii=False))
        return self._write(f"{part}.{first}-{second}.choices.jsonl", lines)

    def questions(self, lang: str, part: str) -> Path:
        """Write which word depends on another in which way, as a question about the sentence."""
        rows = (row for s in self.part(lang, part) for row in _questions(s))
        lines = (json.dumps(row, ensure_ascii=False) for row in rows)
        return self._write(f"{part}.{lang}.questions.jsonl", lines)

    def _write(self, name: str, lines: Iterable[str]) -> Path:
        path = self._output / name
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return path


def _alike(
    sentences: Sequence[Sentence], number: int, count: int, rng: random.Random
) -> list[int]:
    """Return the numbers of some other sentences of about the same length, by chance."""
    length = len(sentences[number].text)
    others = [i for i in range(len(sentences)) if i != number]
    others.sort(key=lambda i: abs(len(sentences[i].text) - length))
    return rng.sample(others[: 4 * count], count)


def _questions(sentence: Sentence) -> Iterator[dict[str, object]]:
    """Yield the questions that have one answer: `nsubj of wrote`."""
    words = sentence.words
    heads = [word.form for word in words]
    for number, word in enumerate(words, 1):
        if heads.count(word.form) > 1 or word.start is None:
            continue
        for relation in RELATIONS:
            found = [w for w in words if w.head == number and w.relation == relation]
            if len(found) == 1 and found[0].start is not None:
                answer = {"text": found[0].form, "answer_start": found[0].start}
                yield {
                    "question": f"{relation}: {word.form}",
                    "context": sentence.text,
                    "answers": [answer],
                }


def pairs_of(languages: Sequence[str]) -> list[tuple[str, str]]:
    """Return all pairs of languages, each in one order."""
    return list(combinations(languages, 2))
