"""The commands that put text through a checkpoint, as a user meets them."""

from __future__ import annotations

import gzip
import json
import os
import pty
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result

import xlm_model
from xlm_model import XLMConfig, tasks
from xlm_text import XLMTokenizer

try:
    from xlm_cli.model import main

    MODULE = "xlm_cli.model"
except ModuleNotFoundError:  # not installed: the folder it is installed from
    from cli.model import main

    MODULE = "cli.model"

LINES = ["The river <special1> the town.", "<special1> is it?", "She said <special1>!"]


@pytest.fixture(scope="module")
def tokenizer() -> XLMTokenizer:
    return XLMTokenizer.from_pretrained()


@pytest.fixture
def checkpoint(tmp_path: Path, tokenizer: XLMTokenizer) -> Any:
    """Return what writes a small checkpoint with some head and gives its folder."""

    def write(name: str, **settings: Any) -> str:
        config: dict[str, Any] = {
            "emb_dim": 32, "n_layers": 2, "n_heads": 4, "max_position_embeddings": 64,
            "n_langs": 9, "lang2id": tokenizer.lang2id,
        }  # fmt: skip
        model = getattr(xlm_model, name)(
            XLMConfig(vocab_size=len(tokenizer), **{**config, **settings})
        )
        folder = tmp_path / name
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        return str(folder)

    return write


def run(*arguments: object, text: str | bytes = "") -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], input=text)


def objects(result: Result) -> list[Any]:
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    return [json.loads(line) for line in result.stdout.splitlines()]


def as_json(value: Any) -> Any:
    return json.loads(json.dumps(value))


def close(got: Any, right: Any) -> None:
    """Compare what two runs give, whose batches may differ in the last bits."""
    if isinstance(right, dict):
        assert got.keys() == right.keys()
        for key in right:
            close(got[key], right[key])
    elif isinstance(right, list):
        assert len(got) == len(right)
        for one, other in zip(got, right, strict=True):
            close(one, other)
    else:
        assert got == (pytest.approx(right, rel=1e-4) if isinstance(right, float) else right)


def test_each_command_gives_what_its_task_gives(checkpoint: Any, tmp_path: Path) -> None:
    text = "The river flows.\nWhere?\n"
    pairs = "Which river?\tThe river Spree flows.\nWho?\tAnna came home.\n"
    two = [line.split("\t") for line in pairs.splitlines()]
    lm = checkpoint("XLMWithLMHeadModel")
    clm = checkpoint("XLMWithLMHeadModel", causal=True)
    masked = [line.replace("river", "<special1>") for line in text.splitlines()[:1]]
    lm = checkpoint("XLMWithLMHeadModel")
    found = objects(run("fill-mask", lm, "--lang", "en", "--top-k", 2, text=masked[0] + "\n"))
    right = tasks.FillMask.from_pretrained(lm, top_k=2)(masked, "en")
    close(found, [{"masks": as_json([asdict(mask) for mask in masks])} for masks in right])

    arguments = ["--pair", "--lang", "en", "--pair-lang", "de", "--scored", "second", "--tokens"]
    found = objects(run("score", lm, *arguments, text=pairs))
    score = tasks.TextScoring.from_pretrained(lm, scored="second")
    scores = score([tuple(p) for p in two], "en", "de")
    close(found, [{**asdict(one), "count": len(one.tokens)} for one in scores])

    clm = checkpoint("XLMWithLMHeadModel", causal=True)
    options = ["--max-new-tokens", 4, "--temperature", 0.9, "--seed", 5]
    found = objects(run("generate", clm, "--lang", "en", *options, text=text))
    go_on = tasks.TextGeneration.from_pretrained(clm, max_new_tokens=4, temperature=0.9, seed=5)
    assert found == [asdict(one) for one in go_on(text.splitlines(), "en")]

    classifier = checkpoint("XLMForSequenceClassification", num_labels=3)
    arguments = ["--pair", "--lang", "en", "--pair-lang", "de", "--labels", "a,b,c"]
    found = objects(run("classify", classifier, *arguments, text=pairs))
    classify = tasks.TextClassification.from_pretrained(classifier, labels=["a", "b", "c"])
    close(found, [asdict(one) for one in classify([tuple(p) for p in two], "en", "de")])

    tagger = checkpoint("XLMForTokenClassification")
    found = objects(run("tag", tagger, "--lang", "en", "--aggregation", "max", text=text))
    tag = tasks.TokenClassification.from_pretrained(tagger, aggregation="max")
    close(found, [{"tags": [asdict(t) for t in tags]} for tags in tag(text.splitlines(), "en")])

    reader = checkpoint("XLMForQuestionAnsweringSimple")
    found = objects(run("answer", reader, "--lang", "en", "--n-best", 2, "--no-answer", text=pairs))
    answer = tasks.QuestionAnswering.from_pretrained(reader, n_best=2, no_answer=True)
    close(found, [{"answers": [asdict(a) for a in one]} for one in answer(two, "en")])

    chooser = checkpoint("XLMForMultipleChoice")
    choices = "It rained.\tWe got wet.\tWe got rich.\n"
    found = objects(run("choose", chooser, "--lang", "en", text=choices))
    choose = tasks.MultipleChoice.from_pretrained(chooser)
    [right_choice] = choose([("It rained.", ["We got wet.", "We got rich."])], "en")
    close(found, [asdict(right_choice)])

    found = objects(run("score", clm, "--lang", "en", text=text))
    scores = tasks.TextScoring.from_pretrained(clm)(text.splitlines(), "en")
    rows = [
        {"log_prob": s.log_prob, "perplexity": s.perplexity, "count": len(s.tokens)} for s in scores
    ]
    close(found, rows)

    found = objects(run("embed", clm, "--lang", "en", text=text))
    vectors = tasks.SentenceEmbedding.from_pretrained(clm)(text.splitlines(), "en")
    for got, vector in zip(found, vectors, strict=True):
        torch.testing.assert_close(torch.tensor(got["vector"]), vector)
    options = ["--layer", 1, "--pooling", "max", "--normalize"]
    found = objects(run("embed", clm, "--lang", "en", *options, text=text))
    embed = tasks.SentenceEmbedding.from_pretrained(clm, layer=1, pooling="max", normalize=True)
    for got, vector in zip(found, embed(text.splitlines(), "en"), strict=True):
        torch.testing.assert_close(torch.tensor(got["vector"]), vector)
    found = objects(run("embed", clm, "--lang", "en", "--tokens", text=text))
    for got, one in zip(
        found, tasks.TokenEmbedding.from_pretrained(clm)(text.splitlines(), "en"), strict=True
    ):
        assert got["tokens"] == one.tokens
        assert got["offsets"] == [list(span) for span in one.offsets]
        torch.testing.assert_close(torch.tensor(got["vectors"]), one.vectors)


@pytest.mark.parametrize(
    "options",
    [
        ["--batch-size", 1],
        ["--dtype", "bfloat16"],
        pytest.param(["--dtype", "int8"], marks=pytest.mark.slow),
    ],
)
def test_files_and_an_output_file(options: list[Any], checkpoint: Any, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("\n".join(LINES) + "\n")
    (tmp_path / "b").write_text(LINES[0])
    out = tmp_path / "out.jsonl"
    arguments = ["--lang", "en", tmp_path / "a", tmp_path / "b", "-o", out, *options]
    result = run("fill-mask", checkpoint("XLMWithLMHeadModel"), *arguments)
    assert (result.exit_code, result.output) == (0, "")
    assert len(out.read_text().splitlines()) == 4
    again = run("fill-mask", tmp_path / "XLMWithLMHeadModel", "--lang", "en", out, "-o", out)
    assert again.exit_code == 1
    assert "out.jsonl is the input: write the results to another file" in again.stderr


@pytest.mark.parametrize(
    ("text", "options", "written", "message"),
    [
        ("<special1>\n\n<special1>\n", [], 1, "standard input: line 2: the text is empty"),
        ("<special1>\nno\n", [], 1, "line 2: the text has no mask: expected <special1>"),
        ("<special1> <special1>\n", ["--max-masks", 1], 0, "at most 1, --max-masks"),
        ("<special1> " + "a " * 70, [], 0, "shorten it, or cut it with --truncation"),
        (b"<special1>\n\xff\n", [], 1, "line 2, byte 1: not UTF-8"),
        ("<special1>\n", ["--top-k", 0], 0, "--top-k is 0: expected at least 1"),
        ("<special1>\n", ["--device", "cuda:9"], 0, "--device is 'cuda:9': expected one that"),
        ("<special1>\n", ["--lang", "xx"], 0, "no language 'xx'"),
        ("<special1>\n", ["--candidates", "a,counterrevolutionaries"], 0, "expected one piece"),
    ],
)
def test_a_line_that_cannot_be_used(
    text: Any, options: list[Any], written: int, message: str, checkpoint: Any
) -> None:
    arguments = [checkpoint("XLMWithLMHeadModel"), "--lang", "en", *options]
    result = run("fill-mask", *arguments, text=text)
    assert result.exit_code == 1
    assert result.stderr.startswith("xlm-model: error: ")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert len(result.stdout.splitlines()) == written


def test_lines_that_cannot_be_used_can_be_left_out(checkpoint: Any, tmp_path: Path) -> None:
    model = checkpoint("XLMWithLMHeadModel")
    good = [f"<special1> number {i}" for i in range(700)]
    lines = [line.encode() for line in good]
    bad = {
        1: b"no mask",
        5: b"",
        6: b"\xff <special1>",
        300: b"<special1> " + b"a " * 70,
        703: b"x",
    }
    for i, line in bad.items():
        lines.insert(i, line)
    (tmp_path / "text").write_bytes(b"\n".join(lines))
    arguments = ["fill-mask", model, "--lang", "en", "--top-k", 1, tmp_path / "text"]
    result = run(*arguments, "--on-error", "skip", "--skipped", tmp_path / "skipped")
    assert result.exit_code == 0, result.output
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["line"] for row in rows] == [i + 1 for i in range(705) if i not in bad]
    alone = objects(run(*arguments[:-1], text="\n".join(good)))
    close([row["masks"] for row in rows], [row["masks"] for row in alone])
    said = f"xlm-model: 5 lines left out: {tmp_path / 'text'}: lines 2, 6-7, 301, 704 (the first: "
    assert result.stderr.startswith(said)
    listed = [line.split("\t") for line in (tmp_path / "skipped").read_text().splitlines()]
    assert sorted(int(number) for _, number, _ in listed) == [i + 1 for i in bad]
    assert {reason for _, _, reason in listed} >= {
        "the text has no mask: expected <special1> where a word is to be found",
        "byte 1: not UTF-8 (invalid start byte)",
    }


def test_left_out_pairs_and_lines_of_several_files(checkpoint: Any, tmp_path: Path) -> None:
    model = checkpoint("XLMForSequenceClassification")
    (tmp_path / "a").write_text("one\ttwo\nno tab\n")
    (tmp_path / "b").write_text("\n\t\nthree\tfour\n")
    files = [tmp_path / "a", tmp_path / "b"]
    result = run("classify", model, "--pair", "--lang", "en", *files, "--errors", "skip")
    assert result.exit_code == 0, result.output
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(row["file"], row["line"]) for row in rows] == [(str(files[0]), 1), (str(files[1]), 3)]
    assert f"{files[0]}: line 2; {files[1]}: lines 1-2 (" in result.stderr


def test_output_is_kept_compressed_and_numbered_from_the_line_that_follows(
    checkpoint: Any, tmp_path: Path
) -> None:
    out = tmp_path / "out.jsonl.gz"
    text = "river\n" * 300 + "\n"
    result = run("embed", checkpoint("XLMModel"), "--lang", "en", "-o", out, text=text)
    assert result.exit_code == 1
    assert "standard input: line 301: the text is empty" in result.stderr
    assert gzip.decompress(out.read_bytes()).count(b"\n") == 300


def test_an_unforeseen_error_is_one_line(checkpoint: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise ZeroDivisionError("what nobody foresaw")

    monkeypatch.setattr(tasks.SentenceEmbedding, "compute", fail)
    arguments = ["embed", checkpoint("XLMModel"), "--lang", "en"]
    result = run(*arguments, text="river\n")
    assert (result.exit_code, result.stdout) == (1, "")
    said = "xlm-model: error: unexpected ZeroDivisionError: what nobody foresaw (tests/model/"
    assert result.stderr.startswith("xlm-model: error: unexpected ZeroDivisionError: what nobody ")
    assert result.stderr.count("\n") == 1, said
    assert "Traceback" in run(*arguments, "--debug", text="river\n").stderr


@pytest.mark.parametrize(
    ("command", "model", "options", "says", "silent"),
    [
        ("classify", "XLMModel", [], "does not fit XLMForSequenceClassification", "new_head"),
        ("generate", "XLMWithLMHeadModel", [], "; --any-objective does it anyway", "=True"),
        ("embed", "XLMModel", ["--dtype", "int8", "--device", "meta"], "--dtype int8 works", "="),
        ("generate", "XLMWithLMHeadModel", ["--top-p", 2], "--top-p is 2.0: expected at", "top_p"),
        ("generate", "XLMWithLMHeadModel", ["--top-k", 2], "expected a --temperature", "top_k"),
        ("answer", "XLMForQuestionAnswering", ["--window", 3], "--window is 3: expected", "ยง"),
        (
            "classify",
            "XLMForSequenceClassification",
            ["--labels", "a"],
            "--labels has 1 names",
            "ยง",
        ),
        (
            "embed",
            "XLMModel",
            ["--layer", 9],
            "--layer is 9: expected 0, the embeddings, to 2",
            "=",
        ),
        ("embed", "XLMModel", ["--lang", "zh-CN"], "did you mean zh?); --any-language", "=True"),
        (
            "embed",
            "XLMModel",
            ["--lang", "ja", "--kytea-model", "max_masks"],
            "max_masks",
            "_model",
        ),
    ],
)
def test_messages_name_options_that_the_command_has(
    command: str, model: str, options: list[Any], says: str, silent: str, checkpoint: Any
) -> None:
    text = "a\tb\n" if command == "answer" else "a\n"
    result = run(command, checkpoint(model), "--lang", "en", *options, text=text)
    assert (result.exit_code, result.stdout) == (1, "")
    assert says in result.stderr
    assert silent not in result.stderr


@pytest.mark.parametrize(
    ("command", "model", "text", "message"),
    [
        ("fill-mask", "XLMModel", "x\n", "XLMWithLMHeadModel"),
        ("classify", "XLMWithLMHeadModel", "x\n", "does not fit XLMForSequenceClassification"),
        ("generate", "XLMWithLMHeadModel", "x\n", "cannot generate with a MLM checkpoint"),
        ("score", "XLMModel", "x\n", "does not fit XLMWithLMHeadModel"),
        ("answer", "XLMForQuestionAnswering", "no tab\n", "line 1: the line has 0 tabs: expected"),
        ("choose", "XLMForMultipleChoice", "a\tb\n", "expected a text and a choice and a choice"),
    ],
)
def test_what_does_not_belong_together(
    command: str, model: str, text: str, message: str, checkpoint: Any
) -> None:
    result = run(command, checkpoint(model), "--lang", "en", text=text)
    assert (result.exit_code, result.stdout) == (1, "")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fill-mask"], "Missing argument 'CHECKPOINT'"),
        (["fill-mask", "x"], "Missing option '--lang'"),
        (["embed", "x", "--lang", "en", "--batch-size", "0"], "expected auto, or a whole number"),
        (["classify", "x", "--lang", "en", "--labels", "a,,b"], "words with commas"),
        (["tag", "x", "--lang", "en", "--dtype", "int4"], "'--dtype'"),
    ],
)
def test_misuse(arguments: list[str], message: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "command",
    ["fill-mask", "classify", "tag", "answer", "choose", "generate", "score", "embed", "mine"],
)
def test_help_shows_examples(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"xlm-model {command} " in result.output.partition("Examples:")[2]


def start(*arguments: object, **files: Any) -> subprocess.Popen[bytes]:
    """Run the command in a process of its own."""
    root = str(Path(__file__).parents[2])
    path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    return subprocess.Popen(
        [sys.executable, "-m", MODULE, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        # Shells start what runs in the background with Ctrl-C ignored, and that is inherited.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        **{**pipes, **files},
    )


def test_ctrl_c_leaves_whole_lines_and_says_where_it_stopped(checkpoint: Any) -> None:
    """The program is stopped while it works, or waits for more of its input, which never ends."""
    with start("embed", checkpoint("XLMModel"), "--lang", "en") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        # More than two windows: results of the first come once the second has been read.
        process.stdin.write(b"river\n" * 600)
        process.stdin.flush()
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        lines = [first, *process.stdout.readlines()]
        errors = process.stderr.read().decode()
    assert process.returncode == 130, errors
    assert all(line.endswith(b"\n") and len(json.loads(line)["vector"]) == 32 for line in lines)
    count = f"{len(lines)} line{'' if len(lines) == 1 else 's'} written"
    following = f"the next is standard input: line {len(lines) + 1}"
    assert errors == f"xlm-model: error: interrupted: {count}, {following}\n"


def test_sigterm_is_handled_as_ctrl_c_is(checkpoint: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with start("embed", checkpoint("XLMModel"), "--lang", "en", "-o", out) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(b"river\n" * 600)
        process.stdin.flush()
        while not out.exists() or not out.stat().st_size:
            assert process.poll() is None
            os.sched_yield()
        process.terminate()
        errors = process.stderr.read().decode()
    assert process.returncode == 143, errors
    lines = out.read_bytes().splitlines(keepends=True)
    assert all(line.endswith(b"\n") and len(json.loads(line)["vector"]) == 32 for line in lines)
    following = f"the next is standard input: line {len(lines) + 1}"
    plural = "" if len(lines) == 1 else "s"
    said = f"terminated: {len(lines)} line{plural} written, {following}"
    assert errors == f"xlm-model: error: {said}\n"


def test_a_reader_that_leaves_early_ends_the_work_quietly(checkpoint: Any, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("river\n" * 1500)
    arguments = [checkpoint("XLMModel"), "--lang", "en", tmp_path / "text"]
    with start("embed", *arguments) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_a_terminal_shows_progress_and_nothing_else_does(checkpoint: Any, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("river\n" * 5)
    arguments = ["embed", checkpoint("XLMModel"), "--lang", "en", tmp_path / "text"]
    terminal, inside = pty.openpty()
    with start(*arguments, stderr=inside) as process:
        os.close(inside)
        output = process.communicate()[0]
        shown = b""
        try:
            while data := os.read(terminal, 65536):
                shown += data
        except OSError:  # how Linux says that the other side was closed
            pass
    os.close(terminal)
    assert process.returncode == 0
    assert b"100%" in shown
    assert len(output.splitlines()) == 5
    assert run(*arguments).stderr == ""
