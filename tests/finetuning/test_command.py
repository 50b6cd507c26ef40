"""`xlm-model finetune` and `xlm-model evaluate`, as a user meets them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from xlm_model.finetuning import FinetuningSettings, TagTask, finetune, score_table
from xlm_model.training import TrainingSettings

try:
    from xlm_cli.model import main
except ModuleNotFoundError:  # not installed: the folder it is installed from
    from cli.model import main


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def write(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_a_command_does_what_the_function_does(
    checkpoint: Path, data: Path, tmp_path: Path
) -> None:
    train, dev, other = (data / f"tag.{name}.conll" for name in ("train.en", "dev.en", "dev.fr"))
    arguments = [checkpoint, f"en={train}", "--valid", f"en={dev},fr={other}", "--epochs", 1]
    arguments += ["--test", f"fr={other}", "--learning-rate", 0.01, "--batch-size", 16, "--seed", 3]
    output = tmp_path / "run"
    done = run("finetune", "tag", *arguments, "-o", output)
    assert (done.exit_code, done.stderr) == (0, "")
    result = finetune(
        TagTask(),
        checkpoint,
        {"en": train},
        tmp_path / "same",
        valid={"en": dev, "fr": other},
        test=[f"fr={other}"],
        settings=TrainingSettings(learning_rate=0.01, schedule="linear", seed=3),
        finetuning_settings=FinetuningSettings(epochs=1, batch_size=16),
    )
    first, *tables = done.stdout.split("\n\n")
    assert first.splitlines()[0].startswith("step 6: en f1 ")
    assert first.splitlines()[1] == f"{output}/best: trained 6 steps"
    assert tables == [
        f"valid, step 6:\n{score_table(result.valid)}",
        f"test, step 6:\n{score_table(result.test)}\n",
    ]
    written = json.loads((output / "scores.json").read_text())
    assert (written["valid"], written["test"]) == (result.valid, result.test)
    # The checkpoint's own scores, from another command.
    again = run("evaluate", output / "best", f"en={dev},fr={other}", "--device", "cpu")
    assert (again.exit_code, again.stdout) == (0, score_table(result.valid) + "\n")
    as_json = run("evaluate", output / "best", f"en={dev}", f"fr={other}", "--json")
    assert json.loads(as_json.stdout) == result.valid


@pytest.mark.parametrize(
    ("command", "pattern", "options"),
    [
        ("classify", "classify.{}.en.tsv", ["--class-weights", "balanced", "--freeze", 0]),
        ("choose", "choose.{}.en.jsonl", ["--head-learning-rate", 0.01]),
        ("answer", "answer2.{}.en.json", ["--head", "beam", "--window", 16, "--stride", 4]),
    ],
)
def test_each_command_trains_and_its_checkpoint_is_scored_alike(
    command: str, pattern: str, options: list[Any], checkpoint: Path, data: Path, tmp_path: Path
) -> None:
    train, dev = (f"en={data / pattern.format(split)}" for split in ("train", "dev"))
    arguments = [checkpoint, train, "--valid", dev, "--steps", 2, "-o", tmp_path / "run", "-q"]
    done = run("finetune", command, *arguments, *options)
    assert (done.exit_code, done.stderr) == (0, "")
    table = done.stdout.split("valid, step 2:\n")[1]
    windows = options[2:] if command == "answer" else []
    again = run("evaluate", tmp_path / "run" / "best", dev, *windows)
    assert (again.exit_code, again.stdout, again.stderr) == (0, table, "")


GOOD = "text\tlabel\na\tx\nb\ty\n"


@pytest.mark.parametrize(
    ("command", "text", "options", "message"),
    [
        ("classify", "text\tkind\na\tx\n", [], "line 2: has no column 'label', only 'text', 'kin"),
        ("classify", "text\tkind\na\tx\n", [], "'kind'; --column says which one is 'label'"),
        ("classify", "", [], "train.tsv: has no examples: expected one or more"),
        ("classify", GOOD, ["--labels", "x,z"], "line 3: has the label 'y': expected one that was"),
        ("classify", GOOD, ["--freeze", 9], "--freeze is 9: expected a number from 0 to 2"),
        ("classify", GOOD, ["--metric", "en/f1"], "--metric is 'en/f1', and there is nothing to"),
        ("classify", GOOD, ["--valid", "xx=train.tsv"], "xx: no language 'xx' (this checkpoint"),
        ("classify", GOOD, ["--valid", "en=nowhere.tsv"], "nowhere.tsv: No such file or directory"),
        ("classify", GOOD, ["--column", "tags=x"], "--column has 'tags': expected one of text"),
        ("classify", "text\tlabel\na\tx\n" + "b " * 70 + "\ty\n", [],
         "line 3: the text has 72 tokens: expected at most 64, the model's "
         "max_position_embeddings; shorten it, or cut it with --truncation"),
        ("tag", "words\ttags\na b\tX\n", [], "line 2: has 2 words and 1 tags: expected a tag for"),
        ("answer", "question\tcontext\tanswer\tstart\nq\tA b\tb\t0\n", [],
         "line 2: the answer is 'b', and the context has 'A' at 0: expected the same characters"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_that_says_where(
    command: str,
    text: str,
    options: list[Any],
    message: str,
    checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "train.tsv", text)
    done = run("finetune", command, checkpoint, "en=train.tsv", "-o", "run", *options)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("xlm-model: error: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["finetune", "tag", "m", "-o", "run"], "Missing argument 'LANG=FILE...'"),
        (["finetune", "tag", "m", "en=a"], "Missing option '--output'"),
        (["finetune", "tag", "m", "a", "-o", "run"], "'a' is not a language and a file"),
        (["finetune", "tag", "m", "en=a", "-o", "r", "--valid", "b"], "'b' is not a language"),
        (["finetune", "tag", "m", "en=a", "-o", "r", "--column", "x"], "'x' is not a name and a"),
        (["finetune", "tag", "m", "en=a", "-o", "r", "--epochs", "1", "--steps", "2"],
         "expected either --epochs or --steps"),
        (["finetune", "sing", "m"], "No such command 'sing'"),
        (["evaluate", "m"], "Missing argument 'LANG=FILE...'"),
    ],
)  # fmt: skip
def test_misuse(arguments: list[str], message: str) -> None:
    done = run(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_what_cannot_be_evaluated(checkpoint: Path, data: Path) -> None:
    dev = f"en={data / 'classify.dev.en.tsv'}"
    done = run("evaluate", checkpoint, dev)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "its head is language model: expected one of a task; fine-tune it" in done.stderr


@pytest.mark.parametrize("command", ["classify", "tag", "answer", "choose"])
def test_help_shows_examples(command: str) -> None:
    done = run("finetune", command, "--help")
    assert done.exit_code == 0
    assert f"xlm-model finetune {command} " in done.output.partition("Examples:")[2]
    assert "10000" not in done.output
