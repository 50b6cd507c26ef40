"""Run the code of a page as its reader would: every block, in order, in the folder of the start.

    python tests/docs/run_page.py README.md

How a block is run stands in its first line, behind the three backticks:

``python``
    With ``>>>`` it must print what it shows, as in doctest; without, it is run.  All blocks of a
    page share their names.
``console``
    Each line behind ``$`` must print, on both of a terminal's streams, the lines below it.
``sh``
    A script for bash, each of whose commands must succeed.
``text``
    What the ``sh`` or ``python`` block before it prints.

Other blocks are no code.  ``...`` in what is shown stands for anything.  A block behind a comment
``<!-- not run: WHY -->`` is left out, as are the README's two commands, which `.ci/run` runs.

Exits with 1 and says what differs; prints what was left out, one reason to a line.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import re
import subprocess
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(
    r"(?:^<!-- (?P<comment>[^\n]*) -->\n)?^```(?P<kind>\w*)\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
# Run by .ci/run, as they make and use an environment of their own.
_COMMANDS = ("quick-start", "quick-start-output", "run-the-tests")
_KINDS = ("python", "console", "sh", "text", "")


class PageError(Exception):
    """What a page shows is not what happens."""


@dataclass(frozen=True)
class Block:
    """A block of code.

    Attributes:
        line: Number of its first line in the page.
        kind: What stands behind its backticks.
        code: Its lines.
        reason: Why it is not run; None: it is run.
    """

    line: int
    kind: str
    code: str
    reason: str | None = None


def blocks(page: str) -> Iterator[Block]:
    """Give the blocks of a page in order.

    >>> [block] = blocks("Text\\n```sh\\ntrue\\n```\\n")
    >>> block
    Block(line=3, kind='sh', code='true\\n', reason=None)
    """
    for found in _BLOCK.finditer(page):
        line = page.count("\n", 0, found.start("code")) + 1
        kind, comment = found["kind"], found["comment"] or ""
        if kind not in _KINDS:
            raise PageError(f"line {line}: {kind!r} is no kind of block: expected {_KINDS}")
        if not kind and re.search(r"^(\$|>>>) ", found["code"], re.MULTILINE):
            raise PageError(f"line {line}: this block is code: say behind its backticks which")
        reason = comment if comment in _COMMANDS else None
        if comment.startswith("not run: "):
            reason = comment.removeprefix("not run: ")
        yield Block(line, kind, found["code"], reason)
    count = len(re.findall(r"^\s*```", page, re.MULTILINE))
    if count != 2 * len(_BLOCK.findall(page)):
        raise PageError("a block does not begin and end in the first column of a line")


def check(line: int, shown: str, printed: str) -> None:
    """Raise PageError where what is printed is not what is shown."""
    options = doctest.ELLIPSIS | doctest.REPORT_NDIFF
    checker = doctest.OutputChecker()
    if not checker.check_output(shown, printed, options):
        example = doctest.Example("", shown)
        raise PageError(f"line {line}:\n{checker.output_difference(example, printed, options)}")


def shell(line: int, script: str, *, succeed: bool) -> str:
    """Run a script with bash and return what it prints."""
    done = subprocess.run(
        ["bash", "-o", "pipefail", *(["-e"] if succeed else []), "-c", script],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    if succeed and done.returncode:
        raise PageError(f"line {line}: exit status {done.returncode}\n{script}{done.stdout}")
    return done.stdout


def console(block: Block) -> None:
    """Run each command of a session on a terminal, and compare what it prints."""
    line = block.line
    for example in re.split(r"^\$ ", block.code, flags=re.MULTILINE)[1:]:
        command, _, shown = example.partition("\n")
        check(line, shown, shell(line, command, succeed=False))
        line += example.count("\n")


def python(block: Block, names: dict[str, object]) -> str:
    """Run Python, and return what it prints; with ``>>>`` compare that with what is shown."""
    printed = io.StringIO()
    if ">>>" in block.code:
        # Not a dictionary of its own: what is defined here is there in the next block.
        test = doctest.DocTestParser().get_doctest(block.code, {}, "page", "page", block.line - 1)
        test.globs = names
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS, verbose=False)
        if runner.run(test, out=printed.write, clear_globs=False).failed:
            raise PageError(printed.getvalue())
        return ""
    with contextlib.redirect_stdout(printed):
        try:
            exec(compile("\n" * (block.line - 1) + block.code, "page", "exec"), names)
        except Exception as error:
            raise PageError(f"line {block.line}:\n{traceback.format_exc()}") from error
    return printed.getvalue()


def run(page: str) -> list[str]:
    """Run a page; return why blocks of it were left out."""
    names: dict[str, object] = {"__name__": "__main__"}
    printed, left_out = "", []
    for block in blocks(page):
        if block.reason is not None:
            left_out.append(block.reason)
            printed = ""
        elif block.kind == "text":
            check(block.line, block.code, printed)
        elif block.kind == "console":
            console(block)
        elif block.kind == "python":
            printed = python(block, names)
        elif block.kind == "sh":
            printed = shell(block.line, block.code, succeed=True)
    return left_out


def main() -> int:
    """Run the page that the command line names; return the exit status."""
    path = Path(sys.argv[1])
    try:
        print(*run(path.read_text(encoding="utf-8")), sep="\n")
    except PageError as error:
        print(f"{path}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
