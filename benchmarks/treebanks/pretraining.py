"""Masked words guessed by their neighbours, and by their translation.

What is trained here, the experiment with parts of speech begins with.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from benchmarks.treebanks.commands import Shell
from benchmarks.treebanks.counting import perplexities
from benchmarks.treebanks.data import LANGUAGES, PARTS, Treebanks, pairs_of
from benchmarks.treebanks.guesses import BESIDE, Guesser, added, gain
from benchmarks.treebanks.report import Report

# Hardly more than the characters, of which Chinese and Japanese have most: the pieces of the other
# languages are letters, and frequent groups of them.
VOCABULARY = 4300
# Rows are short at first: which of the others are neighbours is then learnt in minutes. They grow,
# as the tasks have longer texts.
ROWS = (16, 64, 192)
STEPS = (1500, 1000, 6000)
TLM_STEPS = 5000
# Without dropout, and with weights of about 1/sqrt(emb_dim), so small a model learns much sooner.
CONFIG = {
    "emb_dim": 128,
    "n_layers": 2,
    "n_heads": 4,
    "max_position_embeddings": ROWS[0],
    "dropout": 0.0,
    "attention_dropout": 0.0,
    "init_std": 0.08,
    "embed_init_std": 0.1,
}
# Texts with both their ends in the longest rows.
LONGEST = ROWS[-1] - 2
# Only where many words are written alike does so small a model find what is a translation of what.
RELATED = ("en", "fr", "de", "es")
TRANSLATIONS = pairs_of(RELATED)
MASKED, TRANSLATED = f"mlm-{ROWS[-1]}", "tlm"

HOW = (
    *("--schedule", "linear", "--learning-rate", "2e-3"),
    # Languages take turns, batch by batch: an update is of several.
    *("--batch-tokens", "512", "--accumulate", "4", "-q"),
)


def learn_masked_words(shell: Shell, treebanks: Treebanks) -> None:
    """Train on all languages, in rows that grow.

    What a former experiment has made stays as it is.
    """
    _prepare(shell, treebanks)
    mlm = ("--objective", "mlm:" + ",".join(LANGUAGES))
    start: tuple[str, ...] = ("--config", "small.json")
    for rows, steps in zip(ROWS, STEPS, strict=True):
        how = (*mlm, *_data(rows), *start, "--steps", str(steps), *HOW)
        shell.make(f"mlm-{rows}", "xlm-model", "pretrain", *how)
        start = ("--from", f"mlm-{rows}/best", "--new-positions", "copy")


def learn_translations(shell: Shell, treebanks: Treebanks) -> None:
    """Train the model that has learnt masked words on translations, too."""
    learn_masked_words(shell, treebanks)
    tlm = ("--objective", "tlm:" + ",".join(map("-".join, TRANSLATIONS)))
    pairs = ("--from", f"{MASKED}/best", "--max-pair-tokens", str(LONGEST))
    how = (*tlm, *_data(ROWS[-1]), *pairs, "--steps", str(TLM_STEPS), *HOW)
    shell.make(TRANSLATED, "xlm-model", "pretrain", *how)


def _data(rows: int) -> tuple[str, ...]:
    return ("--data", f"train-{rows}", "--held-out", f"valid-{rows}")


def _prepare(shell: Shell, treebanks: Treebanks) -> None:
    """Learn a vocabulary, and make corpora of streams, the longest with pairs beside them."""
    (shell.folder / "small.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    texts = {part: {lang: treebanks.texts(lang, part) for lang in LANGUAGES} for part in PARTS}
    alone = {part: [f"{lang}={text}" for lang, text in texts[part].items()] for part in PARTS}
    size = ("--vocab-size", str(VOCABULARY), "-q")
    shell.make("model", "xlm-tok", "train", *alone["train"], *size)
    for part in PARTS:
        pairs = [f"{a}-{b}={texts[part][a]},{texts[part][b]}" for a, b in TRANSLATIONS]
        for rows in ROWS:
            files = [*alone[part], *(pairs if rows == ROWS[-1] else [])]
            how = ("--blocks", str(rows), "--model", "model", "-q")
            shell.make(f"{part}-{rows}", "xlm-tok", "prepare", *files, *how)


def run(shell: Shell, treebanks: Treebanks, report: Report) -> None:
    """Train, and score both claims: neighbours help, and translations do."""
    learn_translations(shell, treebanks)
    _report_perplexities(shell, report)
    _report_guesses(shell, treebanks, report)


def _report_perplexities(shell: Shell, report: Report) -> None:
    folders = (shell.folder / f"train-{ROWS[-1]}", shell.folder / f"test-{ROWS[-1]}")
    counted, found = perplexities(shell.folder / MASKED / "best", *folders)
    report.add(
        "Perplexity of the same masked pieces: by how often each occurs in the language's text "
        "that is trained on, and by the model.",
        ["language", "counts:1", "MLM:1"],
        [
            [name.removeprefix("mlm:"), counted[name]["perplexity"], found[name]["perplexity"]]
            for name in counted
        ],
    )


def _report_guesses(shell: Shell, treebanks: Treebanks, report: Report) -> None:
    rows: list[list[str | float]] = []
    gains: list[list[str | float]] = []
    for title, name in (("MLM", MASKED), ("MLM, then TLM", TRANSLATED)):
        guesser = Guesser(shell.folder / name / "best", treebanks, RELATED)
        parts = [guesser.guess(*pair) for pair in _both_ways(TRANSLATIONS)]
        found = {beside: added([part[beside] for part in parts]) for beside in BESIDE}
        count = int(found["translation"].counts.sum())
        rows += [[title, beside, g.loss, 100 * g.accuracy] for beside, g in found.items()]
        gains += [
            [title, beside, *gain(found[beside], found["translation"])]
            for beside in ("nothing", "another")
        ]
    report.add(
        f"The same {count:,} masked pieces of sentences in en, fr, de and es, by what stands "
        "beside the sentence: nothing, its translation into another of these languages, or "
        "another sentence in that language.",
        ["trained by", "beside", "loss:3", "guessed, %:1"],
        rows,
    )
    report.add(
        "By how much the loss is lower beside the translation, and the standard error over "
        "sentences.",
        ["trained by", "than beside", "lower by:4", "±:4"],
        gains,
    )


def _both_ways(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [both for a, b in pairs for both in ((a, b), (b, a))]
