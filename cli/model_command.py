"""What the commands of `xlm-model` that put text through a checkpoint share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from . import options
from .model_run import ModelCommand, run

if TYPE_CHECKING:
    from xlm_model.tasks.base import Task

DTYPES = ("float32", "bfloat16", "float16", "int8")


def _read_batch_size(context: click.Context, parameter: click.Parameter, given: str) -> int | None:
    if given == "auto":
        return None
    if not given.isascii() or not given.isdigit() or int(given) < 1:
        raise click.BadParameter(f"{given!r}: expected auto, or a whole number above 0")
    return int(given)


def read_words(
    context: click.Context, parameter: click.Parameter, given: str | None
) -> list[str] | None:
    """Cut the value of an option at its commas."""
    words = None if given is None else [word.strip() for word in given.split(",")]
    if words and not all(words):
        raise click.BadParameter(f"{given!r}: expected words with commas between them")
    return words


_tokenizer = options.together(options.segmentation, options.bos_token, options.hub)
# Whatever chooses the tokenizer is passed on to it; the rest is the task's.
_TOKENIZER = [str(p.name) for p in click.command("tokenizer")(_tokenizer(lambda: None)).params]
_LOADING = ("device", "dtype", "batch_size", *_TOKENIZER)
_READING = ("errors", "on_error", "skipped")

checkpoint = click.argument("checkpoint", shell_complete=options.complete_where)
shared = options.together(
    click.option(
        "--lang",
        metavar="CODE",
        shell_complete=options.complete_language,
        help="The language of the text, such as en, zh or ro; not for checkpoints that read all "
        "languages alike.",
    ),
    options.device,
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
lang_pair = click.option(
    "--pair-lang",
    metavar="CODE",
    shell_complete=options.complete_language,
    help="The language of the second text, if it is another.",
)
truncation = click.option(
    "--truncation", is_flag=True, help="Cut texts that are too long for the model."
)
labels = click.option(
    "--labels",
    callback=read_words,
    metavar="A,B",
    help="Names of the classes. Without it those of the checkpoint.",
)
layer = click.option(
    "--layer",
    type=int,
    metavar="N",
    help="Take the states of layer N; 0: the embeddings, -1: the last layer, as without it.",
)
pooling = click.option(
    "--pooling",
    type=click.Choice(["mean", "first", "max"]),
    help="A line's vector: the mean of its tokens' states, that of the first, or the largest "
    "number of all in each dimension. Without it: what a folder of sentence-transformers declares, "
    "else the mean.",
)
any_objective = click.option(
    "--any-objective", is_flag=True, help="Use a checkpoint that was trained for something else."
)


def task_command(
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
            lang: str | None,
            output: str | None,
            quiet: bool,
            pair_lang: str | None = None,
            **others: Any,
        ) -> None:
            loading, reading, own = split_options(others)
            check_language_given(checkpoint, lang, loading)
            settings = function(**own)
            parse, render = settings.pop("parse", str), settings.pop("render", asdict)
            made = load_task(settings.pop("task", task), checkpoint, loading, settings)
            languages = read_languages(made.tokenizer, lang, pair_lang)
            run(
                made,
                files,
                lang=languages["lang"],
                lang_pair=languages["lang_pair"],
                output=output,
                quiet=quiet,
                parse=parse,
                render=render,
                **reading,
            )

        call.__doc__ = function.__doc__
        return make_command(name, examples, checkpoint, options.files, shared, *decorators)(call)

    return decorate


def make_command(
    name: str, examples: str, *decorators: Callable[..., Any]
) -> Callable[[Callable[..., None]], click.Command]:
    """Make a command of a function, its arguments and options, and lines for the help's end."""
    lines = "".join(f"\n  {line}" for line in examples.strip().splitlines())
    make = click.command(name, cls=ModelCommand, epilog=f"\b\nExamples:{lines}\n")
    return lambda function: make(options.together(*decorators)(function))


def split_options(given: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Part the options into those of loading, those of reading lines, and a command's own."""
    loading = {name: given[name] for name in _LOADING}
    reading = {name: given[name] for name in _READING}
    return loading, reading, {k: v for k, v in given.items() if k not in {*loading, *reading}}


def check_language_given(checkpoint: str, lang: str | None, loading: dict[str, Any]) -> None:
    """Raise a `click.UsageError` if there is no language, before a model is loaded for nothing."""
    if lang is not None:
        return
    from xlm_model.auto import read_config_of
    from xlm_model.errors import ConfigError

    hub = {name: loading[name] for name in ("revision", "local_files_only")}
    try:
        has_languages = read_config_of(checkpoint, hub).has_languages
    except ConfigError:
        has_languages = True
    if has_languages:
        raise click.UsageError("Missing option '--lang'.")


def read_languages(
    tokenizer: Any, lang: str | None, pair_lang: str | None
) -> dict[str, str | None]:
    """Return the languages of a task's texts; None where the tokenizer has no use for them."""
    if not hasattr(tokenizer, "check_language"):
        if lang is not None or pair_lang is not None:
            click.echo("--lang has no effect: the checkpoint reads all languages alike", err=True)
        return {"lang": None, "lang_pair": None}
    pair = None if pair_lang is None else tokenizer.check_language(pair_lang)
    return {"lang": tokenizer.check_language(lang), "lang_pair": pair}


def load_task(
    name: str, checkpoint: str, loading: dict[str, Any], settings: dict[str, Any]
) -> Task[Any, Any]:
    """Load a task.

    Args:
        name: The class in `xlm_model.tasks`.
        checkpoint: A folder, or a name on the hub.
        loading: What `split_options` says of loading.
        settings: The task's own options.
    """
    import torch

    from xlm_model import tasks

    dtype = loading["dtype"]
    tokenizer = options.load_any_tokenizer(
        checkpoint, **{name: loading[name] for name in _TOKENIZER}
    )
    made: Task[Any, Any] = getattr(tasks, name).from_pretrained(
        checkpoint,
        tokenizer=tokenizer,
        device=loading["device"],
        dtype=None if dtype in (None, "int8") else getattr(torch, dtype),
        int8=dtype == "int8",
        batch_size=loading["batch_size"],
        revision=loading["revision"],
        local_files_only=loading["local_files_only"],
        **settings,
    )
    return made


def columns(*names: str, more: bool = False) -> Callable[[str], list[str]]:
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
