"""The commands of `xlm-model` that put text through a checkpoint."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from .model_command import (
    any_objective,
    columns,
    labels,
    lang_pair,
    layer,
    pooling,
    read_words,
    task_command,
    truncation,
)
from .model_mine import mine

if TYPE_CHECKING:
    import torch

    from xlm_model.tasks import Score


@task_command(
    "fill-mask",
    "FillMask",
    """
echo 'Paris is the <special1> of France.' | xlm-model fill-mask xlm-mlm-en-2048 --lang en
xlm-model fill-mask ./model --lang de --candidates gut,schlecht reviews.txt
""",
    click.option("--top-k", type=int, default=5, show_default=True, help="Words for each mask."),
    click.option(
        "--candidates",
        callback=read_words,
        metavar="A,B",
        help="Score only these words, in each mask.",
    ),
    click.option(
        "--max-masks", type=int, default=32, show_default=True, help="Most masks of a line."
    ),
    truncation,
    any_objective,
)
def fill_mask(**settings: Any) -> dict[str, Any]:
    """Fill the masks, <special1>, of each line.

    Reads FILES, or standard input; writes a JSON object for each line.
    """
    return {**settings, "render": lambda masks: {"masks": [asdict(mask) for mask in masks]}}


@task_command(
    "classify",
    "TextClassification",
    """
xlm-model classify ./sentiment --lang fr reviews.txt
printf 'It rains.\\tEs ist nass.\\n' | xlm-model classify ./xnli --pair --lang en --pair-lang de
""",
    click.option("--pair", is_flag=True, help="A line holds two texts with a tab between them."),
    lang_pair,
    labels,
    truncation,
)
def classify(pair: bool, **settings: Any) -> dict[str, Any]:
    """Classify each line, or pair of texts.

    Reads FILES, or standard input; writes a JSON object for each line.
    """
    return {**settings, "parse": columns("a text", "a second text")} if pair else settings


@task_command(
    "tag",
    "TokenClassification",
    "xlm-model tag ./names --lang nl --aggregation max articles.txt",
    click.option(
        "--aggregation",
        type=click.Choice(["none", "first", "average", "max", "entities"]),
        default="first",
        show_default=True,
        help="A word's label: its first token's, the average's, or the surest token's; none: one "
        "for each token; entities: words with B- and I- joined.",
    ),
    labels,
    truncation,
)
def tag(**settings: Any) -> dict[str, Any]:
    """Label the words, or the entities, of each line.

    Reads FILES, or standard input; writes a JSON object for each line.
    """
    return {**settings, "render": lambda tags: {"tags": [asdict(one) for one in tags]}}


@task_command(
    "answer",
    "QuestionAnswering",
    "printf 'Who?\\tAnna came.\\n' | xlm-model answer ./squad --lang en --n-best 3",
    lang_pair,
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
        "parse": columns("a question", "a context"),
        "render": lambda answers: {"answers": [asdict(one) for one in answers]},
    }


@task_command(
    "choose",
    "MultipleChoice",
    "printf 'It rained.\\tWe got wet.\\tWe got rich.\\n' | xlm-model choose ./swag --lang en",
    lang_pair,
    truncation,
)
def choose(**settings: Any) -> dict[str, Any]:
    """Choose what follows the text of each line from the choices behind its tabs.

    Reads FILES, or standard input; writes a JSON object for each line.
    """
    cut = columns("a text", "a choice", "a choice", more=True)
    return {**settings, "parse": lambda line: (cut(line)[0], cut(line)[1:])}


@task_command(
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
    any_objective,
)
def generate(**settings: Any) -> dict[str, Any]:
    """Continue each line, with a checkpoint of a causal language model.

    Reads FILES, or standard input; writes a JSON object for each line.
    """
    return settings


@task_command(
    "score",
    "TextScoring",
    """
xlm-model score xlm-clm-enfr-1024 --lang en --bos-token '</s>' sentences.txt
printf 'It rains.\\tEs regnet.\\n' | xlm-model score ./tlm --pair --lang en --pair-lang de --tokens
""",
    click.option("--pair", is_flag=True, help="A line holds two texts with a tab between them."),
    lang_pair,
    click.option(
        "--scored",
        type=click.Choice(["both", "first", "second"]),
        default="both",
        show_default=True,
        help="Which text of a pair is scored; the other one stands beside it.",
    ),
    click.option("--tokens", is_flag=True, help="Write the score of each token, too."),
    truncation,
)
def score(pair: bool, tokens: bool, **settings: Any) -> dict[str, Any]:
    """Score how likely each line is, or each pair of translations.

    A checkpoint of a causal language model gives the log-likelihood; any other the
    pseudo-log-likelihood, with a mask in the place of each token. Reads FILES, or standard input;
    writes a JSON object for each line.
    """

    def render(found: Score) -> dict[str, Any]:
        shown = asdict(found)
        each = shown.pop("tokens")
        return {**shown, "count": len(each), **({"tokens": each} if tokens else {})}

    parse = columns("a text", "a second text") if pair else str
    return {**settings, "parse": parse, "render": render}


@task_command(
    "embed",
    "SentenceEmbedding",
    """
xlm-model embed xlm-mlm-100-1280 --lang sw sentences.txt -o vectors.jsonl
xlm-model embed ./model --lang en --tokens sentences.txt
""",
    layer,
    pooling,
    click.option("--normalize", is_flag=True, help="Make the length of each vector 1."),
    click.option("--tokens", is_flag=True, help="A vector for each token in place of one a line."),
    truncation,
)
def embed(tokens: bool, pooling: str | None, **settings: Any) -> dict[str, Any]:
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


COMMANDS = (fill_mask, classify, tag, answer, choose, generate, score, embed, mine)
