"""The command `xlm-model mine`: the sentences of two files that are translations of each other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from .lines import STANDARD_INPUT, check_readable
from .model_command import (
    check_language_given,
    checkpoint,
    lang_pair,
    layer,
    load_task,
    make_command,
    pooling,
    read_languages,
    shared,
    split_options,
    truncation,
)
from .model_run import Places, read_errors, results
from .output import open_output
from .progress import Advance, progress
from .skipped import Skipped, open_skipped

if TYPE_CHECKING:
    import torch

    from xlm_model.tasks.base import Task


class _Sentences(NamedTuple):
    """The different lines of a file that can be used.

    Attributes:
        numbers: Of each line, from 1.
        texts: The lines.
        vectors: Shape `(lines, dim)`.
    """

    numbers: list[int]
    texts: list[str]
    vectors: torch.Tensor


@make_command(
    "mine",
    """
xlm-model mine xlm-mlm-tlm-xnli15-1024 en.txt de.txt --lang en --pair-lang de -o pairs.jsonl
xlm-model mine ./model a.txt b.txt --lang en --pair-lang fr --layer -2 --retrieval intersect
""",
    checkpoint,
    click.argument("source", type=click.Path(allow_dash=True)),
    click.argument("target", type=click.Path(allow_dash=True)),
    lang_pair,
    layer,
    pooling,
    click.option(
        "--margin",
        type=click.Choice(["ratio", "distance", "absolute"]),
        default="ratio",
        show_default=True,
        help="How a score sets the cosine against the average of the nearest sentences: divided by "
        "it, minus it, or not at all.",
    ),
    click.option(
        "--retrieval",
        type=click.Choice(["max", "intersect", "forward", "backward"]),
        default="max",
        show_default=True,
        help="Best pairs of the lines of SOURCE (forward), of TARGET (backward), those that are "
        "both (intersect), or all, no line twice (max).",
    ),
    click.option(
        "--neighbours",
        type=click.IntRange(min=1),
        default=4,
        show_default=True,
        help="How many of the nearest sentences count.",
    ),
    click.option("--threshold", type=float, help="Leave out pairs with a lower score."),
    click.option(
        "--index",
        metavar="NAME",
        help="Find the nearest through this index of faiss, such as HNSW32 or IVF1024,Flat. "
        "Without it all sentences are compared.",
    ),
    truncation,
    shared,
)
def mine(
    checkpoint: str,
    source: str,
    target: str,
    lang: str | None,
    pair_lang: str | None,
    output: str | None,
    quiet: bool,
    layer: int | None,
    pooling: str | None,
    truncation: bool,
    **others: Any,
) -> None:
    """Find pairs of lines of SOURCE and TARGET that are translations of each other.

    Writes a JSON object for each pair, the highest score first. A line that occurs several times
    counts once, where it stands first.
    """
    from xlm_model import tasks
    from xlm_model.tasks.neighbours import make_index

    files = [source, target]
    if files == [STANDARD_INPUT] * 2:
        raise click.UsageError("SOURCE and TARGET are both standard input: expected one of them")
    loading, reading, own = split_options(others)
    check_readable(files)
    check_language_given(checkpoint, lang, loading)
    settings = {"layer": layer, "pooling": pooling, "truncation": truncation}
    embed = load_task("SentenceEmbedding", checkpoint, loading, settings)
    langs = [*read_languages(embed.tokenizer, lang, pair_lang or lang).values()]
    if own["index"] is not None:
        make_index(own["index"], embed.config.emb_dim)  # an error comes before hours of work
    skip, errors = read_errors(reading["errors"], reading["on_error"])
    with (
        open_output(output, files) as out,
        open_skipped(reading["skipped"], files) as left_out,
        progress(files, output, quiet) as advance,
    ):
        first, second = (
            _embed(embed, file, code, errors, left_out if skip else None, advance)
            for file, code in zip(files, langs, strict=True)
        )
        for pair in tasks.mine(first.vectors, second.vectors, **own):
            row = {
                "score": pair.score,
                "line": first.numbers[pair.source],
                "pair_line": second.numbers[pair.target],
                "text": first.texts[pair.source],
                "pair_text": second.texts[pair.target],
            }
            out.write(f"{json.dumps(row, ensure_ascii=False)}\n".encode())


def _embed(
    embed: Task[str, torch.Tensor],
    file: str,
    lang: str | None,
    errors: str,
    left_out: Skipped | None,
    advance: Advance,
) -> _Sentences:
    """Read a file and embed its lines, each once; the vectors stay where the model works."""
    import torch

    seen: set[str] = set()

    def parse(line: str) -> str | None:
        if line in seen:
            return None
        seen.add(line)
        return line

    places = Places(left_out)
    numbers, texts, vectors = [], [], []
    examples = places.examples([file], errors, parse)
    for place, vector in results(embed, examples, places, lang, None, advance):
        numbers.append(place.number)
        texts.append(place.example)
        vectors.append(vector)
        advance(1, place.size)
    stacked = torch.stack(vectors) if vectors else torch.empty(0, embed.config.emb_dim)
    return _Sentences(numbers, texts, stacked.to(embed.device))
