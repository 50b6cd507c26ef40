"""Parts of speech learnt in English, and scored in every language."""

from __future__ import annotations

import statistics

from benchmarks.treebanks.commands import Shell
from benchmarks.treebanks.data import LANGUAGES, PARTS, Treebanks
from benchmarks.treebanks.pretraining import MASKED, TRANSLATED, learn_translations
from benchmarks.treebanks.report import Report

SEEDS = (0, 1, 2)
HOW = ("--epochs", "10", "--batch-size", "8", "--learning-rate", "1e-3", "--truncation")


def run(shell: Shell, treebanks: Treebanks, report: Report) -> None:
    """Train on English from both checkpoints, several times, and score all languages."""
    learn_translations(shell, treebanks)
    train, valid, _ = (f"en={treebanks.tags('en', part)}" for part in PARTS)
    test = ",".join(f"{lang}={treebanks.tags(lang, 'test')}" for lang in LANGUAGES)
    found: dict[str, list[dict[str, dict[str, float]]]] = {MASKED: [], TRANSLATED: []}
    for seed in SEEDS:
        for start, scores in found.items():
            name = f"tags-{start}-{seed}"
            files = (f"{start}/best", train, "--valid", valid, "--test", test)
            shell.make(
                *(name, "xlm-model", "finetune", "tag", *files, *HOW, "--metric", "en/accuracy"),
                *("--seed", str(seed), "-q"),
            )
            scores.append(shell.read_json(f"{name}/scores.json")["test"])
    rows = []
    for lang in LANGUAGES:
        baseline, count = treebanks.most_frequent_tag(lang)
        row: list[str | float] = [lang, count, 100 * baseline]
        for start in found:
            each = [100 * scores[lang]["accuracy"] for scores in found[start]]
            row += [statistics.mean(each), statistics.stdev(each)]
        rows.append(row)
    report.add(
        "Words whose part of speech is right, in percent: learnt in English, scored in each "
        f"language. Means of {len(SEEDS)} seeds, and the standard deviations between them. "
        "The baseline gives each word the tag that is most frequent in the words scored.",
        ["language", "words", "baseline:1", "after MLM:1", "±:1", "after TLM, too:1", "±:1"],
        rows,
    )
