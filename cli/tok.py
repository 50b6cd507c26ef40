"""``xlm-tok``: XLM tokenization on the command line."""

from __future__ import annotations

import click

from .convert import convert
from .decode import decode
from .encode import encode
from .explain import explain
from .languages import languages
from .prepare import prepare
from .program import Program
from .show import show
from .stats import stats
from .train import train


@click.group(cls=Program, name="xlm-tok", context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="xlm-toolkit", prog_name="xlm-tok")
def main() -> None:
    """Tokenize text exactly as the XLM checkpoints want it, in every language they have."""


for _command in (encode, decode, show, explain, languages, train, prepare, stats, convert):
    main.add_command(_command)


if __name__ == "__main__":
    main(prog_name="xlm-tok")
