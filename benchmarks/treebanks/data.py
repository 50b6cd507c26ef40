"""From treebanks to the files that the commands read: sentences, tags, pairs, choices, questions.

A tenth of the sentences decides which checkpoint is best, and another tenth is scored. In the
parallel languages these are the same sentences, so that neither a sentence nor its translation is
ever trained on and scored.
"""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

PARALLEL = ("en", "fr", "de", "es", "ru", "ar", "zh", "th")
LANGUAGES = (*PARALLEL, "ja")
PARTS = ("train", "valid", "test")
CHOICES = 4
# Wrong translations are drawn from so many sentences, those nearest in length to the right one:
# what is the translation cannot be told by lengths.
NEAREST = 8
# How often each sentence is used, with other wrong ones: more to learn from, once to be scored on.
TIMES = {"train": 2, "valid": 1, "test": 1}
# Relations that most words have but once, and that stand in all of these treebanks.
RELATIONS = ("nsubj", "obj", "obl", "amod", "nmod", "advmod", "case", "mark")
# More of them, which are only learnt from: they tell what the others are not.
MORE_RELATIONS = (
    *("det", "conj", "cc", "aux", "xcomp", "acl", "advcl", "ccomp", "appos", "compound", "cop"),
)
# Stand around the word that is asked about.
MARKS = ("[ ", " ]")


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


@dataclass(frozen=True)
class Question:
    """Which word depends on another in a certain way.

    Attributes:
        sentence: Where both stand.
        relation: How it depends.
        head: Number of the other word, from 0.
        answer: Number of the word, from 0.
    """

    sentence: Sentence
    relation: str
    head: int
    answer: int

    @property
    def row(self) -> dict[str, Any]:
        """The question as `xlm-model finetune answer` reads it."""
        text, words = self.sentence.text, self.sentence.words
        head, answer = words[self.head], words[self.answer]
        assert head.start is not None
        assert answer.start is not None
        end = head.start + len(head.form)
        before, after = MARKS
        shift = len(before + after) if answer.start > head.start else 0
        return {
            "question": f"{self.relation}: {head.form}",
            "context": f"{text[: head.start]}{before}{head.form}{after}{text[end:]}",
            "answer": answer.form,
            "start": answer.start + shift,
        }


def read(folder: Path, lang: str) -> list[Sentence]:
    """Return the sentences of a treebank in CoNLL-U."""
    blocks = (folder / f"{lang}.conllu").read_text(encoding="utf-8").strip().split("\n\n")
    return [_sentence(block.split("\n")) for block in blocks]


def _sentence(lines: Sequence[str]) -> Sentence:
    text = next(line for line in lines if line.startswith("# text = ")).removeprefix("# text = ")
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    words = []
    position = last_part = 0
    for number, form, _, tag, _, _, head, relation, *_ in rows:
        if "." in number:  # a word that is only thought of
            continue
        first, _, last = number.partition("-")
        start = None
        if last or int(first) > last_part:
            start = text.index(form, position)
            position = start + len(form)
        if last:
            last_part = int(last)
        else:
            words.append(Word(form, tag, int(head), relation.partition(":")[0], start))
    return Sentence(text, tuple(words))


def part_of(number: int) -> str:
    """Return which part the sentence with a number belongs to."""
    return {4: "valid", 9: "test"}.get(number % 10, "train")


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

    def texts(self, lang: str, part: str) -> str:
        """Write one sentence to a line, and return the file's name."""
        return self.write_texts(f"{part}.{lang}", (s.text for s in self.part(lang, part)))

    def tags(self, lang: str, part: str) -> str:
        """Write words and tags in two columns."""
        blocks = (
            "".join(f"{word.form}\t{word.tag}\n" for word in sentence.words)
            for sentence in self.part(lang, part)
        )
        return self._write(f"{part}.{lang}.conll", blocks)

    def most_frequent_tag(self, lang: str) -> tuple[float, int]:
        """Return which share of the scored words has their most frequent tag, and all words."""
        tags = Counter(word.tag for s in self.part(lang, "test") for word in s.words)
        return tags.most_common(1)[0][1] / tags.total(), tags.total()

    def pairs(self, first: str, second: str, part: str) -> str:
        """Write sentences with their translation, and with that of another one."""
        return self.write_pairs(f"{part}.{first}-{second}", self.pair_rows(first, second, part))

    def pair_rows(self, first: str, second: str, part: str) -> list[dict[str, str]]:
        """Return sentences with their translation, and as often with others of its length."""
        ours, theirs = self.part(first, part), self.part(second, part)
        rng = random.Random(f"{first}-{second}")
        rows = []
        for i, (one, right) in enumerate(zip(ours, theirs, strict=True)):
            for wrong in others(theirs, i, TIMES[part], rng):
                for text, label in ((right.text, "yes"), (theirs[wrong].text, "no")):
                    rows.append({"text": one.text, "pair": text, "label": label})
        return rows

    def choices(self, first: str, second: str, part: str) -> str:
        """Write sentences with some texts, of which one is the translation."""
        rows = self.choice_rows(first, second, part)
        return self.write_rows(f"{part}.{first}-{second}.choices", rows)

    def choice_rows(self, first: str, second: str, part: str) -> list[dict[str, Any]]:
        """Return sentences with their translation among others of its length."""
        ours, theirs = self.part(first, part), self.part(second, part)
        rng = random.Random(f"{first}-{second}")
        rows = []
        for i, sentence in enumerate(ours):
            for _ in range(TIMES[part]):
                numbers = [i, *others(theirs, i, CHOICES - 1, rng)]
                rng.shuffle(numbers)
                texts = [theirs[number].text for number in numbers]
                rows.append({"text": sentence.text, "choices": texts, "label": numbers.index(i)})
        return rows

    def questions(self, lang: str, part: str) -> str:
        """Write which word depends on another in which way, as questions about the sentences."""
        rows = (question.row for question in self.questions_of(lang, part))
        return self.write_rows(f"{part}.{lang}.questions", rows)

    def questions_of(self, lang: str, part: str) -> list[Question]:
        """Return the questions of a part."""
        relations = (*RELATIONS, *MORE_RELATIONS) if part == "train" else RELATIONS
        return [question for s in self.part(lang, part) for question in _questions(s, relations)]

    def write_pairs(self, name: str, rows: Iterable[Mapping[str, str]]) -> str:
        """Write pairs of texts with a label as TSV, and return the file's name."""
        lines = ("\t".join(row.values()) for row in rows)
        return self._write(f"{name}.tsv", ("text\tpair\tlabel", *lines))

    def write_rows(self, name: str, rows: Iterable[Mapping[str, Any]]) -> str:
        """Write JSON lines, and return the file's name."""
        lines = (json.dumps(row, ensure_ascii=False) for row in rows)
        return self._write(f"{name}.jsonl", lines)

    def write_texts(self, name: str, texts: Iterable[str]) -> str:
        """Write one text to a line, and return the file's name."""
        return self._write(f"{name}.txt", texts)

    def _write(self, name: str, lines: Iterable[str]) -> str:
        text = "".join(f"{line}\n" for line in lines)
        (self._output / name).write_text(text, encoding="utf-8")
        return name


def others(sentences: Sequence[Sentence], number: int, count: int, rng: random.Random) -> list[int]:
    """Return the numbers of some other sentences, by chance among those of about its length."""
    text = sentences[number].text
    found = [i for i, other in enumerate(sentences) if other.text != text]
    found.sort(key=lambda i: difference(sentences[i].text, text))
    return rng.sample(found[:NEAREST], count)


def difference(one: str, other: str) -> float:
    """Return by how much the lengths of two texts differ, whichever is longer."""
    return abs(math.log(len(one) / len(other)))


def _questions(sentence: Sentence, relations: Sequence[str]) -> Iterator[Question]:
    """Yield the questions that have one answer, and ask about a word that stands in the text."""
    words = sentence.words
    for head, word in enumerate(words):
        if word.start is None:
            continue
        for relation in relations:
            found = [
                i for i, w in enumerate(words) if w.head == head + 1 and w.relation == relation
            ]
            if len(found) == 1 and words[found[0]].start is not None:
                yield Question(sentence, relation, head, found[0])


def pairs_of(languages: Sequence[str]) -> list[tuple[str, str]]:
    """Return all pairs of languages, each in one order."""
    return list(combinations(languages, 2))
