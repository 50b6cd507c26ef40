"""The examples in the help of `xlm-model` run as they stand there."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from xlm_cli.finetune import finetune
from xlm_cli.model import main

import xlm_model
from xlm_text import XLMTokenizer, corpora, train

from .helpers import original, reference, small, write_keras

# The head that a command's own checkpoint has.
HEADS: dict[str, tuple[str, dict[str, Any]]] = {
    "answer": ("XLMForQuestionAnswering", {}),
    "choose": ("XLMForMultipleChoice", {}),
    "classify": ("XLMForSequenceClassification", {}),
    "embed": ("XLMModel", {}),
    "evaluate": ("XLMForSequenceClassification", {"id2label": {0: "x", 1: "y"}}),
    "fill-mask": ("XLMWithLMHeadModel", {}),
    "finetune": ("XLMWithLMHeadModel", {}),
    "generate": ("XLMWithLMHeadModel", {"causal": True}),
    "mine": ("XLMModel", {}),
    "pretrain": ("XLMWithLMHeadModel", {"max_position_embeddings": 128}),
    "score": ("XLMWithLMHeadModel", {}),
    "info": ("XLMWithLMHeadModel", {}),
    "tag": ("XLMForTokenClassification", {}),
}


# What a task is learnt from, by the name of its file.
QUESTION = {"question": "Who?", "answers": [{"text": "Anna", "answer_start": 0}]}
TASK_FILES = {
    ".tsv": "text\tlabel\tlang\nanna\tx\ten\nrained\ty\tfr\n",
    ".csv": "text,ending0,ending1,label\nIt rained,wet,rich,0\n",
    ".conll": "Anna B-PER\ncame O\n",
    ".conllu": "1\tAnna\t_\tPROPN\t_\t_\t2\tnsubj\n2\tcame\t_\tVERB\t_\t_\t0\troot\n",
    ".json": json.dumps({"data": [{"paragraphs": [{"context": "Anna came.", "qas": [QUESTION]}]}]}),
}


def examples(*command: str) -> list[str]:
    """Return the lines below ``Examples:`` in a command's help."""
    output = CliRunner().invoke(main, [*command, "--help"]).output
    lines = output.partition("Examples:\n")[2].partition("\n\n")[0].splitlines()
    return [line.strip() for line in lines]


COMMANDS = sorted(main.commands)
FINETUNE = sorted(finetune.commands)
LINES = [
    *((name, line) for name in COMMANDS for line in examples(name)),
    *(("finetune", line) for name in FINETUNE for line in examples("finetune", name)),
    *((shlex.split(line)[1], line) for line in examples()),
]


@pytest.fixture(scope="module")
def tokenizer() -> XLMTokenizer:
    """Return a tokenizer that has the languages and the whole words of the examples."""
    text = ["gut schlecht der hallo the committee who anna came it rained we got wet rich"] * 9
    return train(dict.fromkeys(("de", "en", "fr", "nl"), text), vocab_size=90)


def prepare(command: str, words: list[str], tokenizer: XLMTokenizer) -> None:
    """Make the files that an example names, in the current folder."""
    for word in words:
        path = Path(word)
        if path.suffix == ".pth":
            torch.save(original(reference("XLMWithLMHeadModel", n_langs=2)), path)
        elif path.suffix == ".txt":
            path.write_text("Der <special1>.\n" if command == "fill-mask" else "Hallo!\n")
        elif path.name.startswith("codes"):
            path.write_text("w o 10\nwo r 9\n")
        elif "=" in word and path.suffix in TASK_FILES:
            for source in word.split(","):
                name = source.rpartition("=")[2]
                Path(name).write_text(TASK_FILES[Path(name).suffix])
        elif word == "data":
            prepare_corpus(tokenizer)
        elif word == "small.json":
            path.write_text('{"emb_dim": 16, "n_layers": 1, "n_heads": 2}')
        elif path.name == "with-tf-model-h5":
            path.mkdir()
            write_keras(reference("XLMWithLMHeadModel"), path)
        elif word.startswith("./") and command in HEADS:
            head, settings = HEADS[command]
            small(getattr(xlm_model, head), tokenizer, **settings).save_pretrained(path)
            tokenizer.save_pretrained(path)


def prepare_corpus(tokenizer: XLMTokenizer) -> None:
    Path("en.txt").write_text("the committee came\n" * 40)
    Path("fr.txt").write_text("anna rained\n" * 40)
    sources = ["en=en.txt", "fr=fr.txt", "en-fr=en.txt,fr.txt"]
    corpora.prepare(sources, "data", model=tokenizer, blocks=16)


def test_every_command_has_an_example() -> None:
    assert {command for command, _ in LINES} == set(COMMANDS)
    taught = {shlex.split(line)[2] for command, line in LINES if command == "finetune"}
    assert taught == set(FINETUNE)


@pytest.mark.parametrize(("command", "line"), LINES)
def test_an_example_of_the_help_runs(
    command: str,
    line: str,
    tokenizer: XLMTokenizer,
    hub: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(hub / "hub"))
    monkeypatch.chdir(tmp_path)
    before, program, after = line.rpartition("xlm-model ")
    arguments = shlex.split(after.partition(" | ")[0])  # what reads the results is not ours
    prepare(command, arguments[1:], tokenizer)
    given = b""
    if before:
        given = subprocess.run(["bash", "-c", before.rstrip("| ")], capture_output=True).stdout
    result = CliRunner().invoke(main, arguments, input=given)
    assert program
    assert result.exit_code == 0, result.output
    assert result.stdout or "-o" in arguments or command == "convert"
