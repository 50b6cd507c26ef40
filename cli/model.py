"""The command `xlm-model`: say what a checkpoint is, convert it, train it, put text through it."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import click

from . import options
from .finetune import evaluate, finetune
from .model_run import ModelCommand
from .model_tasks import COMMANDS
from .pretrain import pretrain
from .program import Program

EXAMPLES = """
\b
Examples:
  xlm-model info xlm-mlm-xnli15-1024
  xlm-model info --json ./my-checkpoint
  xlm-model convert mlm_tlm_xnli15_1024.pth ./xnli15 --codes codes_xnli_15
  xlm-model embed xlm-mlm-100-1280 --lang sw sentences.txt -o vectors.jsonl
  xlm-model pretrain --data data --objective mlm:en,fr --config small.json --steps 20 -o run
  xlm-model finetune tag ./model en=en.conllu --test fr=fr.conllu -o tags

Exit status: 0 done, 1 could not, 2 misuse, 130 interrupted, 143 terminated.
"""

REVISION = options.shared("--revision", metavar="NAME", help="Branch, tag or commit on the hub.")


class ModelProgram(Program):
    """The group of commands."""

    command_class = ModelCommand


@click.group(
    cls=ModelProgram,
    name="xlm-model",
    epilog=EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="xlm-toolkit", prog_name="xlm-model")
def main() -> None:
    """Look at XLM checkpoints, convert them, train them, and put text through them.

    CHECKPOINT is a folder, a file (.safetensors, .bin, .h5, the original .pth, an index of shards)
    or a name on the Hugging Face hub. Nothing in a checkpoint is ever run.
    """
    warnings.formatwarning = lambda message, *_, **__: f"Note: {message}\n"


@main.command()
@click.argument("checkpoint", shell_complete=options.complete_where)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@REVISION
def info(checkpoint: str, as_json: bool, revision: str | None) -> None:
    """Print what CHECKPOINT is: languages, size, objective, head.

    \b
    Examples:
      xlm-model info xlm-mlm-17-1280
      xlm-model info --json ./my-checkpoint | jq .parameters
    """
    from xlm_model.convert import describe

    facts = describe(checkpoint, revision=revision)
    if as_json:
        click.echo(json.dumps(facts, ensure_ascii=False))
        return
    width = max(map(len, facts)) + 2
    for key, value in facts.items():
        if value is not None:
            shown = " ".join(value) if isinstance(value, list) else _readable(value)
            click.echo(f"{key.replace('_', ' '):{width}}{shown}")


@main.command()
@click.argument("checkpoint", shell_complete=options.complete_where)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--codes",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="BPE codes (fastBPE), to become merges.txt; a .pth file does not hold them.",
)
@click.option(
    "--cased",
    is_flag=True,
    help="The checkpoint keeps case and accents (17 and 100 languages); a .pth file does not say.",
)
@REVISION
def convert(
    checkpoint: str, folder: Path, codes: Path | None, cased: bool, revision: str | None
) -> None:
    """Write CHECKPOINT into FOLDER in the published format, vocabulary included.

    FOLDER must be new or empty; it appears only once it is whole.

    \b
    Examples:
      xlm-model convert mlm_tlm_xnli15_1024.pth ./xnli15 --codes codes_xnli_15
      xlm-model convert mlm_17_1280.pth ./wiki17 --codes codes_xnli_17 --cased
      xlm-model convert ./with-tf-model-h5 ./converted
    """
    from xlm_model.convert import convert
    from xlm_text.files.folders import MERGES_FILE, VOCAB_FILE

    written = convert(checkpoint, folder, codes=codes, cased=cased, revision=revision)
    click.echo(f"{folder}: {', '.join(written)}")
    missing = [name for name in (VOCAB_FILE, MERGES_FILE) if name not in written]
    if missing:
        click.echo(
            f"Note: no {' and no '.join(missing)}, which a tokenizer needs"
            + ("; pass --codes" if MERGES_FILE in missing else ""),
            err=True,
        )


def _readable(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)


for _command in (*COMMANDS, pretrain, finetune, evaluate):
    main.add_command(_command)


if __name__ == "__main__":
    main(prog_name="xlm-model")
