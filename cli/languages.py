"""``xlm-tok languages``: what each language uses, and whether it is ready on this machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import click

from . import options
from .program import Command, option_names


@dataclass(frozen=True)
class Row:
    """What is said of a language; the fields are the keys of the JSON objects.

    Attributes:
        language: its code.
        id: the checkpoint's id of it; ``None`` where no checkpoint was chosen, or has none.
        segmenter: what finds its words.
        package: the package that does.
        version: the version of it that is installed, if any.
        verified: whether the words of that version were compared with the reference.
        prefixes: the language whose nonbreaking prefixes the Moses rules use.
        ready: whether texts can be tokenized.
        problem: what is wrong, if anything.

    """

    language: str
    id: int | None
    segmenter: str
    package: str
    version: str | None
    verified: bool
    prefixes: str | None
    ready: bool
    problem: str | None


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  xlm-tok languages
  xlm-tok languages --zh-segmenter rjieba --format jsonl
""",
)
@options.model("the languages of all published checkpoints.")
@options.segmenters
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "jsonl"]),
    default="text",
    show_default=True,
    help="A table, or a JSON object on each line.",
)
def languages(
    model: str | None,
    revision: str | None,
    local_files_only: bool,
    kytea_model: str | None,
    format_: str,
    **chosen: str | None,
) -> None:
    """Say what each language uses, and whether it is ready here.

    The columns: the code; the checkpoint's id of it; what finds the words; the version of that;
    whose nonbreaking prefixes (abbreviations such as "Dr.") the Moses rules take.
    """
    from xlm_text import InputError, XLMTokenizer
    from xlm_text.checkpoints import KNOWN_LANGUAGES

    ids: dict[str, int | None] = dict.fromkeys(sorted(KNOWN_LANGUAGES))
    if model is not None:
        tokenizer = options.load_any_tokenizer(model, revision, local_files_only)
        if not isinstance(tokenizer, XLMTokenizer):
            raise InputError(f"{model}: {type(tokenizer).__name__} has no languages to list")
        ids = dict(tokenizer.lang2id or ids)
    rows = [_row(lang, id_, chosen, kytea_model) for lang, id_ in ids.items()]
    for line in map(_json, rows) if format_ == "jsonl" else _table(rows):
        click.echo(line.encode())


def _row(
    lang: str, id_: int | None, chosen: Mapping[str, str | None], kytea_model: str | None
) -> Row:
    from xlm_text.languages.table import COMPONENTS, choose_segmenter, language

    segmenter = choose_segmenter(lang, chosen.get(language(lang).setting or ""))
    component = COMPONENTS[segmenter]
    version = component.installed()
    verified = version in component.verified
    problem = _obstacle(segmenter, kytea_model)
    ready = problem is None
    if ready and not verified:
        problem = f"verified with {component.package} {', '.join(component.verified)} only"
    return Row(
        language=lang,
        id=id_,
        segmenter=segmenter,
        package=component.package,
        version=version,
        verified=verified,
        prefixes=None if component.load else _prefixes(lang),
        ready=ready,
        problem=problem,
    )


def _obstacle(segmenter: str, kytea_model: str | None) -> str | None:
    from xlm_text import InputError, MissingComponentError
    from xlm_text.languages.table import COMPONENTS, require
    from xlm_text.segmenters import load_segmenter

    try:
        require(segmenter)
        if "kytea_model" in COMPONENTS[segmenter].options:  # takes more than its package
            load_segmenter(segmenter, kytea_model=kytea_model)
    except (InputError, MissingComponentError) as error:
        return error.describe(option_names(click.get_current_context().command))
    return None


def _prefixes(lang: str) -> str | None:
    """Return the language whose prefixes sacremoses takes; it has no call for that."""
    try:
        from sacremoses.corpus import NonbreakingPrefixes
    except ImportError:
        return None
    return lang if lang in NonbreakingPrefixes().available_langs.values() else "en"


def _json(row: Row) -> str:
    return json.dumps(asdict(row), ensure_ascii=False)


def _table(rows: list[Row]) -> list[str]:
    head = ("language", "id", "words by", "version", "prefixes", "ready", "")
    cells = [head, *map(_cells, rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]


def _cells(row: Row) -> tuple[str, ...]:
    prefixes = {None: "-", "en": "English", row.language: "own"}[row.prefixes]
    by = row.segmenter if row.segmenter == row.package else f"{row.segmenter} ({row.package})"
    return (
        row.language,
        "-" if row.id is None else str(row.id),
        by,
        row.version or "-",
        prefixes,
        "yes" if row.ready else "no",
        row.problem or "",
    )
