"""``xlm-model finetune`` and ``xlm-model evaluate``: tasks learnt from files, and their scores."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from . import options
from .model_command import make_command, read_words
from .training import shown, training_options, training_settings

if TYPE_CHECKING:
    from xlm_model.finetuning import FinetuningTask

# A comma between two sources, and none in the name of a file.
_BETWEEN_SOURCES = re.compile(r",(?=@?[\w-]+=)")


def _read_columns(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    found: dict[str, str] = {}
    for value in values:
        name, _, column = value.partition("=")
        if not name or not column or name in found:
            raise click.BadParameter(f"{value!r} is not a name and a column such as label=topic")
        found[name] = column
    return found


def _read_several(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    split = tuple(part for value in values for part in _BETWEEN_SOURCES.split(value))
    return options.check_sources(context, parameter, split)


def _sources_option(name: str, text: str) -> Callable[..., Any]:
    return click.option(
        name, multiple=True, callback=_read_several, metavar="LANG=FILE[,…]", help=text
    )


_checkpoint = click.argument("checkpoint", shell_complete=options.complete_where)
_columns = options.shared(
    "--column",
    "columns",
    multiple=True,
    callback=_read_columns,
    metavar="NAME=COLUMN",
    help="The column that has what is called NAME; a number, from 1, in files without a "
    "header. Once for each.",
)
_TOKENIZER = (*options.SEGMENTATION, "bos_token", "revision", "local_files_only")
_tokenizer = options.together(options.segmentation, options.bos_token, options.hub)
_truncation = click.option(
    "--truncation", is_flag=True, help="Cut texts that are too long for the model."
)
_windows = options.together(
    click.option("--window", type=int, help="Tokens of a window. Without it: all that fit."),
    click.option("--stride", type=int, help="Tokens that neighbouring windows share."),
    click.option(
        "--max-answer-tokens", type=click.IntRange(min=1), help="Longest answer. Without it 30."
    ),
)
_sources = click.argument(
    "sources", nargs=-1, required=True, callback=_read_several, metavar="LANG=FILE..."
)
_data = options.together(
    _sources,
    _sources_option("--valid", "What decides which checkpoint is best."),
    _sources_option("--test", "What the best checkpoint is scored on at the end."),
    click.option(
        "--output", "-o", required=True, type=click.Path(), metavar="FOLDER", help="Where to."
    ),
)
_how = options.together(
    _columns,
    options.shared(
        "--epochs",
        type=click.FloatRange(min=0, min_open=True),
        metavar="N",
        help="Passes over the data; 3, unless --steps are given.",
    ),
    options.shared(
        "--batch-size",
        type=click.IntRange(min=1),
        default=8,
        show_default=True,
        metavar="N",
        help="Examples of a batch; they are packed, whatever their lengths.",
    ),
    options.shared(
        "--head-learning-rate",
        type=click.FloatRange(min=0, min_open=True),
        metavar="RATE",
        help="That of the new head. Without it the encoder's.",
    ),
    options.shared(
        "--freeze",
        type=click.IntRange(min=0),
        metavar="N",
        help="Keep the embeddings and the first N layers as they are.",
    ),
    training_options(steps=None, learning_rate=2e-5, schedule="linear", weight_decay=0.0),
    _tokenizer,
)
_labels = options.together(
    click.option(
        "--labels",
        callback=read_words,
        metavar="A,B",
        help="All labels. Without it those of the data that are trained on.",
    ),
    click.option(
        "--class-weights",
        metavar="balanced|FILE",
        help="Weigh each class in the loss: in inverse proportion to how often it occurs, or as a "
        "JSON file says.",
    ),
)


@click.group("finetune")
def finetune() -> None:
    """Teach a checkpoint a task.

    CHECKPOINT is a folder or a name on the hub. Each LANG=FILE is data in a language: en=train.tsv;
    en-fr=pairs.tsv where the second text is in another; @lang=mixed.tsv where a column has the
    language. Files are TSV, CSV or JSON lines; for tag, also words and tags in columns (CoNLL,
    CoNLL-U); for answer, also SQuAD's JSON.

    The folder gets `best` and `last`, checkpoints that transformers loads, too, `scores.json`,
    `log.jsonl` and `curves.svg`.
    """


def _command(
    name: str, examples: str, *own: Callable[..., Any]
) -> Callable[[Callable[..., None]], click.Command]:
    """Make a command of the group, with options of its own between those of all."""

    def decorate(function: Callable[..., None]) -> click.Command:
        command = make_command(name, examples, _checkpoint, _data, *own, _how)(function)
        finetune.add_command(command)
        return command

    return decorate


@_command(
    "classify",
    """
xlm-model finetune classify xlm-mlm-xnli15-1024 en=train.tsv --test en=dev.tsv,fr=fr.tsv -o run
xlm-model finetune classify ./model @lang=topics.tsv --class-weights balanced --epochs 5 -o run
""",
    click.option(
        "--problem",
        type=click.Choice(["single", "multi", "regression"]),
        default="single",
        show_default=True,
        help="A label of a text is one of several; any number of them, with commas between; or a "
        "number.",
    ),
    _truncation,
    _labels,
)
def classify(columns: dict[str, str], problem: str, truncation: bool, **rest: Any) -> None:
    """Learn to classify texts, or pairs of texts.

    NAMEs of columns: text, label, and pair for the second text.
    """
    from xlm_model.finetuning import ClassifyTask

    _finetune(ClassifyTask(columns, problem=problem, truncation=truncation), **rest)


@_command(
    "tag",
    """
xlm-model finetune tag xlm-mlm-100-1280 en=train.conll --valid en=dev.conll -o names
xlm-model finetune tag ./model en=en.conllu --test fr=fr.conllu --column tags=deprel -o tags
""",
    _truncation,
    _labels,
)
def tag(columns: dict[str, str], truncation: bool, **rest: Any) -> None:
    """Learn to tag the words of sentences.

    NAMEs of columns: words and tags. In columns of words these are the first and the last, in
    CoNLL-U form and upos; in TSV and JSON lines a row is a sentence.
    """
    from xlm_model.finetuning import TagTask

    _finetune(TagTask(columns, truncation=truncation), **rest)


@_command(
    "answer",
    """
xlm-model finetune answer xlm-mlm-xnli15-1024 en=train-v1.1.json --valid en=dev-v1.1.json -o qa
xlm-model finetune answer ./model en=train-v2.0.json --head beam --window 32 --stride 8 -o qa
""",
    click.option(
        "--head",
        type=click.Choice(["simple", "beam"]),
        default="simple",
        show_default=True,
        help="beam: with a beam search, and a class for questions without an answer.",
    ),
    _windows,
)
def answer(
    columns: dict[str, str],
    head: str,
    window: int | None,
    stride: int | None,
    max_answer_tokens: int | None,
    **rest: Any,
) -> None:
    """Learn to answer questions with spans of contexts.

    NAMEs of columns outside of SQuAD's JSON: question, context, answer and start, the offset of its
    first character; without an answer these are empty.
    """
    from xlm_model.finetuning import AnswerTask

    longest = max_answer_tokens or AnswerTask.max_answer_tokens
    task = AnswerTask(columns, head=head, window=window, stride=stride, max_answer_tokens=longest)
    _finetune(task, **rest)


@_command(
    "choose",
    """
xlm-model finetune choose ./model en=swag.csv --column choices=ending0,ending1 -o endings
""",
    _truncation,
)
def choose(columns: dict[str, str], truncation: bool, **rest: Any) -> None:
    """Learn to choose which of several texts goes with another.

    NAMEs of columns: text, label (the number of the right choice, from 0), and choices, with commas
    between them; choice0, choice1 … unless set.
    """
    from xlm_model.finetuning import ChooseTask

    _finetune(ChooseTask(columns, truncation=truncation), **rest)


def _finetune(
    task: FinetuningTask,
    checkpoint: str,
    sources: tuple[str, ...],
    valid: tuple[str, ...],
    test: tuple[str, ...],
    output: str,
    resume: bool,
    tensorboard: bool,
    quiet: bool,
    epochs: float | None,
    steps: int | None,
    batch_size: int,
    head_learning_rate: float | None,
    freeze: int | None,
    labels: list[str] | None = None,
    class_weights: str | None = None,
    **rest: Any,
) -> None:
    """Fine-tune, and print the table of scores."""
    from xlm_model.finetuning import FinetuningSettings, finetune, score_table

    if epochs is not None and steps is not None:
        raise click.UsageError("expected either --epochs or --steps")
    tokenizer = {name: rest.pop(name) for name in _TOKENIZER}
    settings = FinetuningSettings(
        epochs=None if steps is not None else epochs or 3,
        batch_size=batch_size,
        head_learning_rate=head_learning_rate,
        freeze=freeze,
        class_weights=class_weights,
        labels=labels,
    )
    with shown(output, quiet) as callbacks:
        result = finetune(
            task,
            checkpoint,
            sources,
            output,
            valid=valid,
            test=test,
            tokenizer=options.load_any_tokenizer(checkpoint, **tokenizer),
            settings=training_settings({"steps": steps or 1, **rest}),
            finetuning_settings=settings,
            resume=resume,
            tensorboard=tensorboard,
            on_step=callbacks.on_step,
            on_evaluation=callbacks.on_evaluation,
            revision=tokenizer["revision"],
            local_files_only=tokenizer["local_files_only"],
        )
    training = result.training
    early = " (stopped early)" if training.finished == "patience" else ""
    click.echo(f"{result.checkpoint}: trained {training.step:,} steps{early}")
    for name, scores in (("valid", result.valid), ("test", result.test)):
        if scores:
            click.echo(f"\n{name}, step {training.best_step or training.step:,}:")
            click.echo(score_table(scores))


@make_command(
    "evaluate",
    """
xlm-model evaluate ./run/best en=en.tsv fr=fr.tsv
xlm-model evaluate ./run/best en=en.tsv --json | jq .en.f1
""",
    _checkpoint,
    _sources,
    click.option("--json", "as_json", is_flag=True, help="Print one JSON object."),
    _truncation,
    _windows,
    _columns,
    options.device,
    _tokenizer,
)
def evaluate(
    checkpoint: str,
    sources: tuple[str, ...],
    as_json: bool,
    columns: dict[str, str],
    device: str | None,
    truncation: bool,
    window: int | None,
    stride: int | None,
    max_answer_tokens: int | None,
    **tokenizer: Any,
) -> None:
    """Score a fine-tuned CHECKPOINT in each language.

    LANG=FILE and the options are those of `xlm-model finetune`; which task it is, the checkpoint
    says.
    """
    from xlm_model.finetuning import evaluate, score_table, task_of

    hub = {name: tokenizer[name] for name in ("revision", "local_files_only")}
    own = {
        "truncation": truncation,
        "window": window,
        "stride": stride,
        "max_answer_tokens": max_answer_tokens,
    }
    scores = evaluate(
        checkpoint,
        sources,
        task=task_of(checkpoint, columns, options={k: v for k, v in own.items() if v}, **hub),
        tokenizer=options.load_any_tokenizer(checkpoint, **tokenizer),
        device=device,
        **hub,
    )
    click.echo(json.dumps(scores, ensure_ascii=False) if as_json else score_table(scores))
