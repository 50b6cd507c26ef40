"""A model that compares two texts: it learns to find again what stands in the other one.

It has a vocabulary of its own, of four languages: words are fewer pieces than with that of all
nine, and so are easier to find.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain

from benchmarks.treebanks import practice
from benchmarks.treebanks.commands import Shell
from benchmarks.treebanks.data import MARKS, Treebanks
from benchmarks.treebanks.pretraining import CONFIG, HOW, RELATED, TRANSLATIONS

MODEL, VOCABULARY = "related-model", 1500
ROWS = (16, 64)
STEPS = (1000, 600)
COPY_STEPS = 1000
# Texts with both their ends in sequences of 256.
LONGEST = 254
# The mean of all tokens, so that what each one has found is in the summary. With that of the first
# token alone copies were not told from other texts after 600 steps.
SUMMARY = {"summary_type": "mean"}
LANGS = {lang: (lang,) for lang in RELATED}
PAIRS = {f"{a}-{b}": (a, b) for a, b in TRANSLATIONS}
FOUND_WORDS, COMPARED = "found-words", "compared-copies"

_PARTS = ("train", "valid")
_FIND = ("--epochs", "2", "--batch-size", "16", "--learning-rate", "1e-3", "-q")
_COMPARE = (*_FIND, "--truncation")


def learn_to_compare(shell: Shell, treebanks: Treebanks) -> None:
    """Train on masked words, on finding a word in a sentence, and on telling a sentence's copy.

    What is made already stays as it is.
    """
    _learn_masked_words(shell, treebanks)
    words = arguments(LANGS, partial(practice.words_to_find, treebanks), _PARTS)
    how = ("xlm-model", "finetune", "answer", "copies/best", *words, *_FIND)
    shell.make(FOUND_WORDS, *how)
    pairs = arguments(PAIRS, partial(practice.copied_or_not, treebanks), _PARTS)
    how = ("xlm-model", "finetune", "classify", f"{FOUND_WORDS}/best", *pairs, *_COMPARE)
    shell.make(COMPARED, *how)


def arguments(
    names: Mapping[str, Sequence[str]], make: Callable[..., str], parts: Sequence[str]
) -> tuple[str, ...]:
    """Make files, and return what `xlm-model finetune` is told of them.

    Args:
        names: Languages of each file, by what the command calls it.
        make: Makes one of these and a part, and returns its name.
        parts: Training's first; then those of --valid and of --test.
    """
    train, *held_out = (
        [f"{name}={make(*langs, part)}" for name, langs in names.items()] for part in parts
    )
    options = zip(("--valid", "--test"), map(",".join, held_out), strict=False)
    return (*train, *chain.from_iterable(options))


def _learn_masked_words(shell: Shell, treebanks: Treebanks) -> None:
    """Train on sentences alone, in rows that grow, and then on each beside some of its words."""
    _prepare(shell, treebanks)
    mlm = ("--objective", "mlm:" + ",".join(RELATED))
    start: tuple[str, ...] = ("--config", "related.json")
    for rows, steps in zip(ROWS, STEPS, strict=True):
        how = (*mlm, *_data(rows), *start, "--steps", str(steps), *HOW)
        shell.make(f"related-mlm-{rows}", "xlm-model", "pretrain", *how)
        start = ("--from", f"related-mlm-{rows}/best", "--new-positions", "copy")
    tlm = ("--objective", "tlm:" + ",".join(PAIRS), "--max-pair-tokens", str(LONGEST))
    how = (*tlm, *_data("copies"), *start, "--steps", str(COPY_STEPS), *HOW)
    shell.make("copies", "xlm-model", "pretrain", *how)


def _data(name: str | int) -> tuple[str, ...]:
    train, valid = (f"related-{part}-{name}" for part in _PARTS)
    return ("--data", train, "--held-out", valid)


def _prepare(shell: Shell, treebanks: Treebanks) -> None:
    """Learn a vocabulary, and make corpora: of sentences, and of pairs with copies."""
    config = json.dumps({**CONFIG, **SUMMARY})
    (shell.folder / "related.json").write_text(config, encoding="utf-8")
    texts = {part: [f"{lang}={treebanks.texts(lang, part)}" for lang in RELATED] for part in _PARTS}
    asked = f"en={treebanks.write_texts('asked.en', _question_words(treebanks))}"
    size = ("--vocab-size", str(VOCABULARY), "-q")
    shell.make(MODEL, "xlm-tok", "train", *texts["train"], asked, *size)
    for part in _PARTS:
        pairs = [
            f"{name}={','.join(practice.copies(treebanks, *langs, part))}"
            for name, langs in PAIRS.items()
        ]
        for name, files, rows in (
            *((f"{rows}", texts[part], rows) for rows in ROWS),
            ("copies", pairs, LONGEST + 2),
        ):
            how = ("--blocks", str(rows), "--model", MODEL, "-q")
            shell.make(f"related-{part}-{name}", "xlm-tok", "prepare", *files, *how)


def _question_words(treebanks: Treebanks) -> Iterator[str]:
    """Yield the words of questions that no sentence has, as often as they are asked."""
    for question in treebanks.questions_of("en", "train"):
        yield f"{question.relation}: {''.join(MARKS)}"
