"""``xlm-tok convert``: between the original format of vocabularies and the published one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from . import options
from .output import open_folder, refuse_inputs
from .program import Command, Program


@click.group(cls=Program)
def convert() -> None:
    """Convert vocabularies between their two formats.

    The original one (fastBPE) is a codes file and a vocabulary file. The published one is a
    folder with vocab.json, merges.txt and settings, which --model and transformers take.
    """


@convert.command(
    cls=Command,
    epilog="""\b
Examples:
  xlm-tok convert from-original codes vocab xnli15 --checkpoint xlm-mlm-tlm-xnli15-1024
  xlm-tok convert from-original codes vocab enfr --max-vocab 30000 --languages en,fr
""",
)
@click.argument("codes", type=click.Path())
@click.argument("vocab", type=click.Path())
@click.argument("folder", type=click.Path(file_okay=False))
@click.option(
    "--checkpoint",
    metavar="NAME",
    shell_complete=options.complete_where,
    help="The published checkpoint whose vocabulary this is: sets its size, its languages and "
    "its casing.",
)
@click.option(
    "--max-vocab",
    type=int,
    metavar="N",
    help="Cut the vocabulary to the size of the checkpoint, special words included.",
)
@options.languages
@click.option(
    "--keep-case", is_flag=True, help="The checkpoint was trained with upper case and accents."
)
@options.bos_token
def from_original(
    codes: str,
    vocab: str,
    folder: str,
    checkpoint: str | None,
    max_vocab: int | None,
    languages: dict[str, int] | None,
    keep_case: bool,
    bos_token: str | None,
) -> None:
    """Make a published FOLDER of fastBPE CODES and VOCAB."""
    from xlm_text import XLMTokenizer
    from xlm_text.files.vocabulary import MERGES_FILE, VOCAB_FILE

    settings: dict[str, Any] = {}
    if checkpoint is not None:
        size, settings = _of_checkpoint(checkpoint)
        max_vocab = size if max_vocab is None else max_vocab
    settings |= options.language_settings(languages)
    if keep_case:
        settings["do_lowercase_and_remove_accent"] = False
    if bos_token is not None:
        settings["bos_token"] = bos_token
    for name in (VOCAB_FILE, MERGES_FILE):
        refuse_inputs(os.path.join(folder, name), (codes, vocab))
    tokenizer = XLMTokenizer.from_original(codes, vocab, max_vocab, **settings)
    with open_folder(folder) as made:
        tokenizer.save_pretrained(made)


@convert.command(
    cls=Command,
    epilog="""\b
Examples:
  xlm-tok convert to-original enfr codes vocab
""",
)
@click.argument("where", shell_complete=options.complete_where)
@click.argument("codes", type=click.Path(dir_okay=False))
@click.argument("vocab", type=click.Path(dir_okay=False))
@options.hub
def to_original(where: str, codes: str, vocab: str, **hub: Any) -> None:
    """Write fastBPE CODES and VOCAB of a model.

    WHERE is a folder or the name of a checkpoint.

    The counts of words and pairs are not known any more: the codes have none, and in the
    vocabulary falling numbers stand for them.
    """
    if os.path.realpath(codes) == os.path.realpath(vocab):
        raise click.UsageError("CODES and VOCAB cannot be one file")
    model = Path(where)
    for written in (codes, vocab):
        refuse_inputs(written, [str(path) for path in model.iterdir()] if model.is_dir() else [])
    options.load_tokenizer(where, **hub).save_original(codes, vocab)


def _of_checkpoint(name: str) -> tuple[int, dict[str, Any]]:
    """Return the vocabulary size and the settings of a published checkpoint."""
    from xlm_text import CHECKPOINTS
    from xlm_text.checkpoints import published

    checkpoint = published(name)
    if checkpoint is None:
        raise click.BadParameter(
            f"{name!r} is none of {', '.join(CHECKPOINTS)}", param_hint="--checkpoint"
        )
    return checkpoint.vocab_size, {
        "lang2id": checkpoint.lang2id,
        "do_lowercase_and_remove_accent": checkpoint.do_lowercase_and_remove_accent,
        "use_lang_emb": checkpoint.language_embeddings,
        "model_max_length": 512,
    }
