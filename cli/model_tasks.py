"""The commands of `xlm-model` that put text through a checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from . import options
from .model_run import ModelCommand, run

if TYPE_CHECKING:
    import torch

    from xlm_model.tasks.base import Task

DTYPES = ("float32", "bfloat16", "float16", "int8")


def _read_batch_size(context: click.Context, parameter: click.Parameter, given: str) -> int | None:
    if given == "auto":
        return None
    if not given.isascii() or not given.isdigit() or int(given) < 1:
        raise click.BadParameter(f"{given!r}: expected auto, or a whole number above 0")
    return int(given)


def _read_words(
    context: click.Context, parameter: click.Parameter, given: str | None
) -> list[str] | None:
    words = None if given is None else [word.strip() for word in given.split(",")]
    if words and not all(words):
        raise click.BadParameter(f"{given!r}: expected words with commas between them")
    return words


_tokenizer = options.together(options.segmentation, options.bos_token, options.hub)
# Whatever chooses the tokenizer is passed on to it; the rest is the task's.
_TOKENIZER = [str(p.name) for p in click.command("tokenizer")(_tokenizer(lambda: None)).params]

_shared = options.together(
    click.argument("checkpoint", shell_complete=options.complete_where),
    options.files,
    options.lang,
    options.shared(
        "--device",
        metavar="NAME",
        help="Such as cpu or cuda:1. Without it: the GPU if there is one.",
    ),
    options.shared(
        "--dtype",
        type=click.Choice(DTYPES),
        help="What the weights are turned into. Without it they stay as stored. int8: the linear "
        "layers only, on a CPU.",
    ),
    options.shared(
        "--batch-size",
        callback=_read_batch_size,
        default="auto",
        show_default=True,
        metavar="N",
        help="Most sequences at once; auto: as many as suit the device.",
    ),
    _tokenizer,
    options.errors,
    options.shared(
        "--on-error",
        type=click.Choice(["stop", "skip"]),
        default="stop",
        show_default=True,
        help="What to do with a line that cannot be used, such as one too long for the model: "
        "stop, or leave it out and say so at the end. Each object then has the number of its "
        "line.",
    ),
    options.output,
    options.quiet,
)
_lang_pair = click.option(
    "--pair-lang",
    metavar="CODE",
    shell_complete=options.complete_language,
    help="The language of the second text, if it is another.",
)
_truncation = click.option(
    "--truncation", is_flag=True, help="Cut texts that are too long for the model."
)
_labels = click.option(
    "--labels",
    callback=_read_words,
    metavar="A,B",
    help="Names of the classes. Without it those of the checkpoint.",
)
_any_objective = click.option(
    "--any-objective", is_flag=True, help="Use a checkpoint that was trained for something else."
)


def _command(
    name: str, task: str, examples: str, *decorators: Callable[..., Any]
) -> Callable[[Callable[..., dict[str, Any]]], click.Command]:
    """Make a command of a function that gives the task's options, how to read a line and show one.

    Args:
        name: The command's.
        task: The class in `xlm_model.tasks`.
        examples: Lines for the help's end.
        *decorators: The command's own options.
    """

    def decorate(function: Callable[..., dict[str, Any]]) -> click.Command:
        def call(
            checkpoint: str,
            files: tuple[str, ...],
            lang: str,
            device: str | None,
            dtype: str | None,
            batch_size: int | None,
            errors: str,
            on_error: str,
            skipped: str | None,
            output: str | None,
            quiet: bool,
            pair_lang: str | None = None,
            **others: Any,
        ) -> None:
            tokenizer_options = {name: others.pop(name) for name in _TOKENIZER}
            settings = function(**others)
            parse, render = settings.pop("parse", str), settings.pop("render", asdict)
            load = {
                "device": device,
                "dtype": _dtype(dtype),
                "int8": dtype == "int8",
                "batch_size": batch_size,
                "revision": tokenizer_options["revision"],
                "local_files_only": tokenizer_options["local_files_only"],
            }
            made = _load(settings.pop("task", task), checkpoint, tokenizer_options, load | settings)
            run(
                made,
                files,
                lang=made.tokenizer.check_language(lang),
                lang_pair=None if pair_lang is None else made.tokenizer.check_language(pair_lang),
                errors=errors,
                on_error=on_error,
                skipped=skipped,
                output=output,
                quiet=quiet,
                parse=parse,
                render=render,
            )

        call.__doc__ = function.__doc__
        lines = "".join(f"\n  {line}" for line in examples.strip().splitlines())
        make = click.command(name, cls=ModelCommand, epilog=f"\b\nExamples:{lines}\n")
        return make(options.together(_shared, *decorators)(call))

    return decorate


def _dtype(name: str | None) -> torch.dtype | None:
    import torch

    return None if name in (None, "int8") else getattr(torch, str(name))


def _load(
    name: str, checkpoint: str, tokenizer_options: dict[str, Any], settings: dict[str, Any]
) -> Task[Any, Any]:
    from xlm_model import tasks

    tokenizer = options.load_tokenizer(checkpoint, **tokenizer_options)
    made: Task[Any, Any] = getattr(tasks, name).from_pretrained(
        checkpoint, tokenizer=tokenizer, **settings
    )
    return made


def _columns(*names: str, more: bool = False) -> Callable[[str], list[str]]:
    """Return what cuts a line at its tabs, into texts that are called so."""

    def parse(line: str) -> list[str]:
        texts = line.split("\t")
        if len(texts) != len(names) and not (more and len(texts) > len(names)):
            kind = " and ".join(names) + (" …" if more else "")
            raise ValueError(
                f"the line has {len(texts) - 1} tabs: expected {kind}, with a tab between them"
            )
        return texts

    return parse


@_command(
    "fill-mask",
    "FillMask",
    """
echo 'Paris is the <special1> of France.' | xlm-model fill-mask xlm-mlm-en-2048 --lang en
xlm-model fill-mask ./model --lang de --candidates gut,schlecht reviews.txt
""",
    click.option("--top-k", type=int, default=5, show_default=True, help="Words for each mask."),
    click.option(
        "--candidates",
        callback=_read_words,
        metavar="A,B",
        help="Score only these words, in each mask.",
    ),
    click.option(
        "--max-masks", type=int, default=32, show_default=True, help="Most masks of a line."
    ),
    _truncation,
    _any_objective,
)
def fill_mask(**settings: Any) -> dict[str, Any]:
    """Fill the masks, <special1>, of each line.

    Reads FILES, or standard input; writes a JSON object for each line.
    """
    return {**settings, "render": lambda masks: {"masks": [asdict(mask) for mask in masks]}}


@_command(
    "classify",
    "TextClassification",
    """
xlm-model classify ./sentiment --lang fr reviews.txt
printf 'It rains.\\tEs ist nass.\\n' | xlm-model classify ./xnli --pair --lang en --pair-lang de
""",
    click.option("--pair", is_flag=True, help="A line holds two texts with a tab between them."),
    _lang_pair,
    _labels,
    _truncation,
)
def classify(pair: bool, **settings: Any) -> dict[str, Any]:
    """Classify each line, or pair of texts.

    Reads FILES, or standard input; writes a JSON object for each line.
    """
    return {**settings, "parse": _columns("a text", "a second text")} if pair else settings


@_command(
    "tag",
    "TokenClassification",
    "xlm-model tag ./names --lang nl --aggregation max articles.txt",
    click.option(
        "--aggregation",
        type=click.Choice(["none", "first", "average", "max"]),
        default="first",
        show_default=True,
        help="A word's label: its first token's, the average's, or the surest token's; none: one "
        "for each token.",
    ),
    _labels,
    _truncation,
)
def tag(**settings: Any) -> dict[str, Any]:
    """Label the words of each line.

    Reads FILES, or standard input; writes a JSON object for each line.
    """
    return {**settings, "render": lambda tags: {"tags": [asdict(one) for one in tags]}}


@_command(
    "answer",
    "QuestionAnswering",
    "printf 'Who?\\tAnna came.\\n' | xlm-model answer ./squad --lang en --n-best 3",
    _lang_pair,
    click.option("--n-best", type=int, default=1, show_default=True, help="Answers of each line."),
    click.option("--no-answer", is_flag=True, help="Say so where there is no answer."),
    click.option(
        "--max-answer-tokens", type=int, default=30, show_default=True, help="Longest answer."
    ),
    click.option("--window", type=int, help="Tokens of a window. Without it: all that fit."),
    click.option("--stride", type=int, help="Tokens that neighbouring windows share."),
)
def answer(**settings: Any) -> dict[str, Any]:
    """Answer the question of each line from the context behind its tab.

    Reads FILES, or standard input; writes a JSON object for each line.
    """
    return {
        **settings,
        "parse": _columns("a question", "a context"),
        "render": lambda answers: {"answers": [asdict(one) for one in answers]},
    }


@_command(
    "choose",
    "MultipleChoice",
    "printf 'It rained.\\tWe got wet.\\tWe got rich.\\n' | xlm-model choose ./swag --lang en",
    _lang_pair,
    _truncation,
)
def choose(**settings: Any) -> dict[str, Any]:
    """Choose what follows the text of each line from the choices behind its tabs.

    Reads FILES, or standard input; writes a JSON object for each line.
    """
    cut = _columns("a text", "a choice", "a choice", more=True)
    return {**settings, "parse": lambda line: (cut(line)[0], cut(line)[1:])}


@_command(
    "generate",
    "TextGeneration",
    """
echo 'The committee' | xlm-model generate xlm-clm-enfr-1024 --lang en --bos-token '</s>'
xlm-model generate ./model --lang fr --temperature 0.8 --top-p 0.9 --seed 1 prompts.txt
""",
    click.option(
        "--max-new-tokens", type=int, default=50, show_default=True, help="Where to stop."
    ),
    click.option("--temperature", type=float, help="Choose by chance; 1 leaves the model's odds."),
    click.option("--top-k", type=int, help="Choose among so many of the likeliest tokens."),
    click.option("--top-p", type=float, help="Choose among the likeliest with this probability."),
    click.option("--repetition-penalty", type=float, default=1.0, help="Above 1 to repeat less."),
    click.option("--seed", type=int, default=0, show_default=True, help="Where chance begins."),
    click.option("--num-beams", type=int, default=1, help="Search with so many hypotheses."),
    click.option("--length-penalty", type=float, default=1.0, help="Above 1 for longer results."),
    _any_objective,
)
def generate(**settings: Any) -> dict[str, Any]:
    """Continue each line, with a checkpoint of a causal language model.

    Reads FILES, or standard input; writes a JSON object for each line.
    """
    return settings


@_command(
    "embed",
    "SentenceEmbedding",
    """
xlm-model embed xlm-mlm-100-1280 --lang sw sentences.txt -o vectors.jsonl
xlm-model embed ./model --lang en --tokens sentences.txt
""",
    click.option(
        "--pooling",
        type=click.Choice(["mean", "first"]),
        default="mean",
        show_default=True,
        help="A line's vector: the mean of its tokens' states, or that of the first.",
    ),
    click.option("--tokens", is_flag=True, help="A vector for each token in place of one a line."),
    _truncation,
)
def embed(tokens: bool, pooling: str, **settings: Any) -> dict[str, Any]:
    """Turn each line into a vector, or a vector for each token.

    Reads FILES, or standard input; writes a JSON object for each line.
    """
    if not tokens:
        return {**settings, "pooling": pooling, "render": lambda one: {"vector": _numbers(one)}}
    return {
        **settings,
        "task": "TokenEmbedding",
        "render": lambda one: {
            "tokens": one.tokens,
            "offsets": one.offsets,
            "vectors": [_numbers(vector) for vector in one.vectors],
        },
    }


def _numbers(vector: torch.Tensor) -> list[float]:
    """Return the numbers with no more digits than fp32 has."""
    return [float(str(number)) for number in vector.numpy()]


COMMANDS = (fill_mask, classify, tag, answer, choose, generate, embed)
