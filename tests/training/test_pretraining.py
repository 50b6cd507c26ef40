"""Pretraining: the same weights whatever happens on the way, and clear errors."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from tests.two_processes import run_two_processes
from xlm_model import XLMConfig, XLMWithLMHeadModel
from xlm_model.pretraining import ObjectiveSettings, parse_objectives, pretrain
from xlm_model.pretraining.rows import open_rows
from xlm_model.pretraining.sources import SourceReader
from xlm_model.training import TrainingError, TrainingResult, TrainingSettings, read_log
from xlm_text import XLMTokenizer, corpora
from xlm_text.corpora import Corpus
from xlm_text.errors import InputError

from .conftest import ROOT, SMALL, WORDS

pytestmark = pytest.mark.xdist_group("training")

OBJECTIVES = ["mlm:en,fr", "tlm:en-fr"]
SETTINGS = TrainingSettings(steps=9, every=3, learning_rate=1e-2, log_every=3)
HOW = ObjectiveSettings(batch_tokens=128)


def train(corpus: Corpus, output: Path, **options: Any) -> TrainingResult:
    options = {"config": SMALL, "settings": SETTINGS, "objective_settings": HOW, **options}
    if "checkpoint" in options:
        del options["config"]
    objectives = options.pop("objectives", OBJECTIVES)
    return pretrain(corpus.folder, objectives, output, **options)


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    return XLMWithLMHeadModel.from_pretrained(folder).state_dict()


@pytest.fixture(scope="module")
def whole(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training that nothing interrupted."""
    output = tmp_path_factory.mktemp("whole") / "run"
    train(corpus, output)
    return output


def test_it_learns_and_says_so(whole: Path) -> None:
    log = read_log(whole)
    scores = [entry["scores"] for entry in log if "scores" in entry]
    assert [entry["step"] for entry in log if "losses" in entry] == [1, 3, 6, 9]
    assert list(scores[0]) == ["mlm:en", "mlm:fr", "tlm:en-fr", "mean"]
    perplexities = [found["mean"]["perplexity"] for found in scores]
    assert perplexities == sorted(perplexities, reverse=True)
    svg = (whole / "curves.svg").read_text(encoding="utf-8")
    assert "held out: perplexity" in svg
    assert "tlm:en-fr" in svg


def test_held_out_text_can_be_a_corpus_of_its_own(
    corpus: Corpus, tokenizer: XLMTokenizer, tmp_path: Path
) -> None:
    """What is held out is read as it would be as a split: here, both are what is trained on."""
    how = ObjectiveSettings(batch_tokens=128, held_out="train")
    inside = train(corpus, tmp_path / "inside", objective_settings=how).scores
    how = ObjectiveSettings(batch_tokens=128, held_out=corpus.folder)
    outside = train(corpus, tmp_path / "outside", objective_settings=how).scores
    assert inside == outside


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"blocks": 16}, "was made with --blocks 16, .* with --blocks 32"),
        ({"blocks": 32, "special_tokens": False}, None),
        ({"blocks": 32, "model": None}, "was not made with the tokenizer of"),
    ],
)
def test_a_held_out_corpus_must_be_made_in_the_same_way(
    corpus: Corpus,
    tokenizer: XLMTokenizer,
    options: dict[str, Any],
    message: str | None,
    tmp_path: Path,
) -> None:
    (tmp_path / "en.txt").write_text("the cat sees a dog\n" * 9)
    other = corpora.prepare(
        [f"en={tmp_path}/en.txt"], tmp_path / "other", **{"model": tokenizer, **options}
    )
    how = ObjectiveSettings(batch_tokens=128, held_out=other.folder)
    if message is None:
        scores = train(corpus, tmp_path / "run", objective_settings=how).scores
        assert list(scores) == ["mlm:en", "mean"]
    else:
        with pytest.raises(InputError, match=message):
            train(corpus, tmp_path / "run", objective_settings=how)


def test_transformers_loads_the_checkpoints(whole: Path) -> None:
    for name in ("last", "best"):
        theirs = transformers.XLMWithLMHeadModel.from_pretrained(whole / name).eval()
        ours = XLMWithLMHeadModel.from_pretrained(whole / name)
        ids = torch.tensor([[1, 20, 5, 21, 1]])
        langs = torch.full_like(ids, ours.config.lang2id["fr"])
        torch.testing.assert_close(
            theirs(ids, langs=langs).logits, ours(ids, langs=langs).logits, atol=1e-5, rtol=1e-5
        )
    tokenizer = XLMTokenizer.from_pretrained(whole / "best")
    assert tokenizer.lang2id == ours.config.lang2id
    assert ours.config.objective == "MLM+TLM"


KILLED = """
import os, signal, sys
sys.path.insert(0, {root!r})
from tests.training.test_pretraining import HOW, OBJECTIVES, SETTINGS, SMALL, pretrain

def kill(step, scores):
    if step == 6:
        os.kill(os.getpid(), signal.SIGKILL)

options = dict(settings=SETTINGS, objective_settings=HOW, on_evaluation=kill)
pretrain({data!r}, OBJECTIVES, {output!r}, config=SMALL, **options)
"""


@pytest.mark.slow
def test_a_killed_training_goes_on_to_the_very_same_weights(
    corpus: Corpus, whole: Path, tmp_path: Path
) -> None:
    output = tmp_path / "run"
    script = KILLED.format(root=str(ROOT), data=corpus.folder, output=str(output))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert json.loads((output / "last/training/progress.json").read_text())["step"] == 3
    # Other processes make the batches, too.
    result = train(
        corpus, output, resume=True, settings=TrainingSettings(**{**vars(SETTINGS), "workers": 1})
    )
    assert (result.step, result.finished) == (9, "steps")
    expected = weights_of(whole / "last")
    for name, weight in weights_of(output / "last").items():
        torch.testing.assert_close(weight, expected[name], atol=1e-6, rtol=0, msg=name)
    entries = [[e["step"] for e in read_log(folder) if "losses" in e] for folder in (output, whole)]
    assert entries[0] == entries[1]


SHARED = """
import os, sys
sys.path.insert(0, {root!r})
from torch import distributed
from tests.training.test_pretraining import HOW, OBJECTIVES, SMALL, TrainingSettings, pretrain

settings = TrainingSettings(steps=2, every=2, accumulate=2, learning_rate=1e-2)
pretrain({data!r}, OBJECTIVES, {output!r}, config=SMALL, settings=settings, objective_settings=HOW)
distributed.barrier()
distributed.destroy_process_group()
# All is saved.  gloo's threads may abort a process that takes its time to end.
sys.stderr.flush()
os._exit(0)
"""


@pytest.mark.slow
def test_two_processes_make_the_same_weights(corpus: Corpus, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    two = tmp_path / "two"
    script.write_text(SHARED.format(root=str(ROOT), data=corpus.folder, output=str(two)))
    run_two_processes(script)
    settings = TrainingSettings(steps=2, every=2, accumulate=2, learning_rate=1e-2)
    train(corpus, tmp_path / "one", settings=settings)
    expected = weights_of(tmp_path / "one/last")
    for name, weight in weights_of(two / "last").items():
        torch.testing.assert_close(weight, expected[name], atol=1e-6, rtol=0, msg=name)
    # The one evaluates in two parts, the other as a whole.
    scores = [read_log(folder)[-1]["scores"]["mean"]["loss"] for folder in (tmp_path / "one", two)]
    assert scores[0] == pytest.approx(scores[1], rel=1e-5)


def test_a_finished_training_is_left_as_it_is(corpus: Corpus, whole: Path) -> None:
    before = (whole / "last/model.safetensors").stat().st_mtime_ns
    assert train(corpus, whole, resume=True).step == 9
    assert (whole / "last/model.safetensors").stat().st_mtime_ns == before


def test_another_training_is_not_gone_on_with(corpus: Corpus, whole: Path) -> None:
    with pytest.raises(InputError, match="holds a training; choose another folder; resume=True"):
        train(corpus, whole)
    other = TrainingSettings(**{**vars(SETTINGS), "learning_rate": 0.5})
    with pytest.raises(InputError, match=r"learning_rate was 0\.01 and is 0\.5"):
        train(corpus, whole, resume=True, settings=other)


def test_a_loss_that_is_no_number_leaves_the_last_good_state(
    corpus: Corpus, tmp_path: Path
) -> None:
    settings = TrainingSettings(steps=20, every=20, learning_rate=1e30, warmup_steps=0)
    with pytest.raises(TrainingError, match="not a finite number"):
        train(corpus, tmp_path / "run", settings=settings)
    assert all(weight.isfinite().all() for weight in weights_of(tmp_path / "run/last").values())


def test_a_full_disk_leaves_the_former_checkpoint_whole(corpus: Corpus, tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(step: int, scores: object) -> None:
        if step == 6:
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))

    output = tmp_path / "run"
    try:
        with pytest.raises(TrainingError, match=r"step 6 .*; the checkpoint of step 3 is whole"):
            train(corpus, output, on_evaluation=fill)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert weights_of(output / "last")
    assert [path.name for path in output.glob(".*partial")] == []
    assert train(corpus, output, resume=True).step == 9


def test_it_stops_when_nothing_gets_better(corpus: Corpus, tmp_path: Path) -> None:
    settings = TrainingSettings(
        steps=50, every=1, learning_rate=1e-12, patience=2, metric="mlm:en/accuracy"
    )
    result = train(corpus, tmp_path / "run", settings=settings, objectives=["mlm:en"])
    assert (result.finished, result.best_step, result.step) == ("patience", 1, 3)
    assert result.checkpoint == tmp_path / "run/best"


# From a checkpoint ------------------------------------------------------------------------------


def test_a_checkpoint_learns_a_new_language_and_longer_rows(corpus: Corpus, tmp_path: Path) -> None:
    short = {**SMALL, "max_position_embeddings": 32, "lang2id": {"en": 0}}
    settings = TrainingSettings(steps=1, every=1)
    first = train(corpus, tmp_path / "one", objectives=["mlm:en"], config=short, settings=settings)
    assert XLMConfig.from_pretrained(first.checkpoint).n_langs == 1
    with pytest.warns(UserWarning, match="fr is new to it"):
        second = train(
            corpus,
            tmp_path / "two",
            checkpoint=first.checkpoint,
            settings=settings,
            objective_settings=ObjectiveSettings(batch_tokens=128, max_pair_tokens=40),
            new_positions="copy",
        )
    config = XLMConfig.from_pretrained(second.checkpoint)
    assert (config.lang2id, config.max_position_embeddings) == ({"en": 0, "fr": 1}, 42)


def test_what_a_checkpoint_was_not_made_for_is_refused(
    corpus: Corpus, whole: Path, tmp_path: Path
) -> None:
    best = whole / "best"
    with pytest.raises(InputError, match=r"learnt MLM\+TLM, .* any_objective=True trains it"):
        train(corpus, tmp_path / "a", checkpoint=best, objectives=["clm:en"])
    settings = TrainingSettings(steps=1)
    result = train(
        corpus,
        tmp_path / "b",
        checkpoint=best,
        objectives=["clm:en"],
        any_objective=True,
        settings=settings,
    )
    assert XLMConfig.from_pretrained(result.checkpoint).causal


def test_another_vocabulary_is_refused(whole: Path, tmp_path: Path) -> None:
    text = tmp_path / "en.txt"
    text.write_text("the old house by the river\n" * 40, encoding="utf-8")
    other = corpora.prepare([f"en={text}"], str(tmp_path / "data"), blocks=32)
    with pytest.raises(
        InputError, match=r"made with another vocabulary: .* pieces differ, such as"
    ):
        train(other, tmp_path / "run", checkpoint=whole / "best", objectives=["mlm:en"])


def test_of_weights_without_a_vocabulary_the_size_is_compared(
    corpus: Corpus, tokenizer: XLMTokenizer, tmp_path: Path
) -> None:
    XLMWithLMHeadModel(XLMConfig(**SMALL, vocab_size=100)).save_pretrained(tmp_path / "weights")
    message = f"a vocabulary of {len(tokenizer):,} entries: expected the checkpoint's, 100"
    with pytest.raises(InputError, match=message):
        train(corpus, tmp_path / "run", checkpoint=tmp_path / "weights", objectives=["mlm:en"])


# Data -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["parquet", "bin"])
def test_texts_of_mixed_languages_are_told_apart(
    format: str, tokenizer: XLMTokenizer, tmp_path: Path
) -> None:
    lines = [
        {"text": " ".join(WORDS[lang][(i * j) % 12] for j in range(1, 9)), "lang": lang}
        for i in range(40)
        for lang in ("en", "fr")
    ]
    texts = tmp_path / "mixed.jsonl"
    texts.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    mixed = corpora.prepare(
        [f"@lang={texts}"], str(tmp_path / "data"), model=tokenizer, blocks=32, format=format
    )
    settings = TrainingSettings(steps=12, every=12)
    result = train(mixed, tmp_path / "run", objectives=["mlm:en,fr"], settings=settings)
    names = {name for entry in read_log(tmp_path / "run") for name in entry["losses"]}
    assert names == {"mlm:en", "mlm:fr"}
    # Without held-out text there is no best one.
    assert result.checkpoint == tmp_path / "run/last"
    for lang in ("en", "fr"):
        rows = open_rows(mixed, "train", lang, tmp_path / "rows", vocab_size=len(tokenizer))
        found = Counter(id_ for i in range(len(rows)) for id_ in rows[i][0].tolist())
        own = [line["text"] for line in lines if line["lang"] == lang]
        encoded = tokenizer(own, lang=lang, add_special_tokens=False)["input_ids"]
        expected = Counter(id_ for ids in encoded for id_ in ids)
        del found[tokenizer.sep_token_id]
        assert found == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"objectives": ["mlm:de"]}, "mlm:de: .* has no texts of de to train on: there are en, fr"),
        ({"objectives": ["tlm:en-de"]}, "tlm:en-de: .* has no pairs of en-de"),
        ({"objectives": ["mlm:en-fr"]}, "'mlm:en-fr' is no objective: expected mlm or clm"),
        ({"objectives": []}, "got no objectives"),
        ({"config": {**SMALL, "vocab_size": 7}}, "vocab_size is 7: expected"),
        ({"config": {**SMALL, "max_position_embeddings": 8}}, "rows of 102 tokens: expected at"),
        (
            {"objective_settings": ObjectiveSettings(held_out="test")},
            "held_out is 'test': expected one of train",
        ),
        (
            {"settings": TrainingSettings(metric="mlm:en/f1")},
            "metric is 'mlm:en/f1': expected one of mlm:en/loss",
        ),
    ],
)
def test_what_does_not_fit_is_said(
    options: dict[str, Any], message: str, corpus: Corpus, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        train(corpus, tmp_path / "run", **options)
    assert not (tmp_path / "run" / "training.json").exists()


def test_a_pair_has_one_sentence_end_before_and_behind_each_text(
    corpus: Corpus, tokenizer: XLMTokenizer, tmp_path: Path
) -> None:
    config = XLMConfig(**SMALL, vocab_size=len(tokenizer), n_langs=2, lang2id={"en": 0, "fr": 1})
    specs = parse_objectives(["tlm:en-fr"])
    reader = SourceReader(corpus, specs, config, tokenizer, ObjectiveSettings(), tmp_path)
    (source,) = reader.train()
    batch = source.batch(np.arange(5), np.random.default_rng(0))
    ids = batch.input_ids.clone()
    ids[batch.kept] = batch.labels
    encoded = [
        tokenizer(
            (Path(corpus.folder).parent / f"{lang}.txt").read_text(encoding="utf-8").splitlines(),
            lang=lang,
            add_special_tokens=False,
        )["input_ids"]
        for lang in ("en", "fr")
    ]
    expected = [
        [1, *a, 1, 1, *b, 1] for pair in zip(*encoded, strict=True) for a, b in (pair, pair[::-1])
    ]
    assert all(row.tolist() in expected for row in ids.split(batch.lengths))


def test_sentences_are_no_streams(tokenizer: XLMTokenizer, tmp_path: Path) -> None:
    text = tmp_path / "en.txt"
    text.write_text("the old house\n" * 9, encoding="utf-8")
    rows = corpora.prepare([f"en={text}"], str(tmp_path / "data"), model=tokenizer)
    with pytest.raises(InputError, match=r"has sentences as rows: .* --blocks 256"):
        train(rows, tmp_path / "run", objectives=["mlm:en"])


def test_pairs_that_are_too_long_are_left_out_and_counted(corpus: Corpus, tmp_path: Path) -> None:
    how = ObjectiveSettings(batch_tokens=128, max_pair_tokens=20)
    with pytest.warns(UserWarning, match=r"tlm:en-fr: \d+ pairs with a text of more than 20 token"):
        train(corpus, tmp_path / "run", objective_settings=how, settings=TrainingSettings(steps=1))
