"""`xlm-model pretrain`: what it prints, and how it fails."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from xlm_cli.model import main
from xlm_cli.progress import training_progress

from xlm_model import XLMConfig
from xlm_model.training import StepDone, read_log
from xlm_text.corpora import Corpus

from .conftest import SMALL

pytestmark = pytest.mark.xdist_group("training")


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("config") / "small.json"
    file.write_text(json.dumps(SMALL))
    return file


def pretrain(corpus: Corpus, output: Path, *arguments: object) -> Result:
    given = ["--data", corpus.folder, "-o", output, "--steps", 2, "--every", 1, *arguments]
    return CliRunner().invoke(main, ["pretrain", *map(str, given)])


@pytest.fixture(scope="module")
def trained(corpus: Corpus, config: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training of all three objectives, with what the command printed."""
    folder = tmp_path_factory.mktemp("trained")
    objectives = ["--objective", "mlm:en", "--objective", "tlm:en-fr", "--objective", "clm:fr"]
    options = ["--sample-alpha", 0.5, "--context-size", 4, "--batch-tokens", 128]
    result = pretrain(corpus, folder / "run", *objectives, "--config", config, *options)
    assert (result.exit_code, result.stderr) == (0, "")
    (folder / "printed").write_text(result.stdout)
    return folder


def test_it_prints_the_scores_that_it_logs(trained: Path) -> None:
    *lines, last = (trained / "printed").read_text().splitlines()
    best = "best" if (trained / "run/best").exists() else "last"
    assert last == f"{trained}/run/{best}: trained 2 steps"
    scores = [entry for entry in read_log(trained / "run") if "scores" in entry]
    assert len(lines) == len(scores) == 2
    for line, entry in zip(lines, scores, strict=True):
        start, _, rest = line.partition(": ")
        assert start == f"step {entry['step']}"
        parts = rest.split(", ")
        assert [part.split()[0] for part in parts] == ["mlm:en", "tlm:en-fr", "clm:fr", "mean"]
        for part in parts:
            name, *pairs = part.split()
            found = dict(zip(pairs[::2], map(float, pairs[1::2]), strict=True))
            assert found == pytest.approx(entry["scores"][name], rel=1e-3)


def test_a_model_of_both_kinds_goes_on_with_both(
    corpus: Corpus, trained: Path, tmp_path: Path
) -> None:
    config = XLMConfig.from_pretrained(trained / "run/last")
    assert config.extra["clm_steps"] == [["fr", None]]
    assert config.extra["mlm_steps"] == [["en", None], ["en", "fr"]]
    both = ["--objective", "mlm:en", "--objective", "clm:en"]
    result = pretrain(corpus, tmp_path / "run", *both, "--from", trained / "run/last", "-q")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.count("\n") == 1
    again = XLMConfig.from_pretrained(tmp_path / "run/last").extra["clm_steps"]
    assert again == [["fr", None], ["en", None]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--objective", "mlm:de", "--config", "CONFIG"], "has no texts of de to train on: there"),
        (["--objective", "mlm", "--config", "CONFIG"], "'mlm' is no objective: expected mlm or"),
        (
            ["--objective", "clm:en", "--config", "CONFIG", "--context-size", "31"],
            "--context-size is 31: expected less than 31, as rows have 32 tokens",
        ),
        (
            ["--objective", "mlm:en", "--config", "CONFIG", "--metric", "mlm:fr/loss"],
            "--metric is 'mlm:fr/loss': expected one of mlm:en/loss",
        ),
        (["--objective", "mlm:en", "--from", "nowhere"], "nowhere"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    arguments: list[str], message: str, corpus: Corpus, config: Path, tmp_path: Path
) -> None:
    given = [str(config) if argument == "CONFIG" else argument for argument in arguments]
    result = pretrain(corpus, tmp_path / "run", *given)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("xlm-model: error: ")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--objective", "mlm:en"],
        ["--objective", "mlm:en", "--config", "CONFIG", "--from", "somewhere"],
        ["--config", "CONFIG"],
        ["--objective", "mlm:en", "--config", "CONFIG", "--steps", "0"],
        ["--objective", "mlm:en", "--config", "CONFIG", "--precision", "fp16"],
    ],
)
def test_misuse_exits_with_2(
    arguments: list[str], corpus: Corpus, config: Path, tmp_path: Path
) -> None:
    given = [str(config) if argument == "CONFIG" else argument for argument in arguments]
    result = pretrain(corpus, tmp_path / "run", *given)
    assert result.exit_code == 2
    assert "see `xlm-model pretrain --help`" in result.stderr


def test_advice_names_options(corpus: Corpus, config: Path, trained: Path, tmp_path: Path) -> None:
    run = trained / "run"
    again = pretrain(corpus, run, "--objective", "mlm:en", "--config", config)
    assert again.stderr == (
        f"xlm-model: error: {run}: holds a training; choose another folder; --resume goes on "
        "with it\n"
    )
    causal = pretrain(corpus, tmp_path / "a", "--objective", "clm:en", "--config", config, "-q")
    assert causal.exit_code == 0, causal.stderr
    masked = pretrain(
        corpus, tmp_path / "b", "--objective", "mlm:en", "--from", tmp_path / "a/best"
    )
    assert masked.stderr == (
        f"xlm-model: error: {tmp_path}/a/best: learnt CLM, and cannot go on with masked words "
        "without forgetting it; --any-objective trains it anyway\n"
    )


def test_notes_are_shown_one_to_a_line(corpus: Corpus, config: Path, tmp_path: Path) -> None:
    objective = ["--objective", "tlm:en-fr", "--config", config, "--max-pair-tokens", 20]
    result = pretrain(corpus, tmp_path / "run", *objective)
    assert result.exit_code == 0
    assert result.stderr.startswith("Note: tlm:en-fr: ")
    assert result.stderr.endswith(" pairs with a text of more than 20 tokens are left out\n")
    assert result.stderr.count("\n") == 1


def test_an_interruption_says_how_to_go_on(
    corpus: Corpus, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0

    def interrupt(*_: object) -> str:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt
        return ""

    monkeypatch.setattr("xlm_cli.training._line", interrupt)
    result = pretrain(corpus, tmp_path / "run", "--objective", "mlm:en", "--config", config)
    assert result.exit_code == 130
    assert result.stderr == (
        f"xlm-model: error: interrupted: --resume goes on from {tmp_path}/run/last\n"
    )


def test_a_log_gets_a_line_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    now = 0.0
    context = click.Context(click.Command("pretrain"), info_name="xlm-model")
    with context, training_progress(clock=lambda: now) as display:
        for step in range(101, 114):
            display.step(StepDone(step, 1000, 3.21987, 12345.6))
            now += 10
    assert stream.getvalue().splitlines() == [
        "xlm-model: 11%, step 107 of 1,000, loss 3.220, 12,346 tokens/s, 2 h 29 min left",
        "xlm-model: 11%, step 113 of 1,000, loss 3.220, 12,346 tokens/s, 2 h 28 min left",
    ]
