"""Every block of code of every page does what the page says, run as a reader would."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("pages")  # one process that everything is loaded in

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    str(page.relative_to(ROOT)) for page in [ROOT / "README.md", *ROOT.glob("docs/**/*.md")]
)
# The blocks that are not run here, by what their pages say about them.
LEFT_OUT = {
    "README.md": ["quick-start", "quick-start-output", "run-the-tests"],
    "docs/corpora.md": [
        "needs Spark and Java",
        "needs Dask",
        "needs DuckDB",
        "needs Spark and Java",
        "needs real vocabularies and a quiet machine",
    ],
    "docs/development.md": ["takes hours", "needs the treebanks' text"],
    "docs/experiments.md": ["needs the treebanks, and minutes"],
    "docs/relatives.md": ["needs the shared data and a quiet machine"],
    "docs/rules.md": ["needs real vocabularies"],
    "docs/tensorflow.md": ["needs an old release of transformers"],
    "docs/training.md": ["needs several GPUs", "needs real vocabularies"],
    "docs/speed.md": ["needs real vocabularies and a quiet machine"],
}


def run(page: Path, folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["page", page],
        cwd=folder,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_the_code_of_a_page_does_what_it_shows(
    page: str, environment: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "reader"
    folder.mkdir()
    done = run(ROOT / page, folder, environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:-1] == LEFT_OUT.get(page, [""])


@pytest.mark.parametrize(
    "page",
    [
        "```python\n>>> 1 + 1\n3\n\n```",
        "```python\nx = y\n```",
        "```python\nimport torch\nx = 1 / 0\n```",
        "```python\nprint(2)\n```\nIt prints\n```text\n3\n```",
        "```sh\nfalse\ntrue\n```",
        "```sh\nfalse | cat\n```",
        "```sh\necho 2\n```\n```text\n3\n```",
        "```console\n$ echo 2\n2\n$ echo 3\n4\n```",
        "```bash\ntrue\n```",
        "```\n$ echo 2\n3\n```",
        "- a list\n  ```sh\n  true\n  ```",
    ],
)
def test_what_a_page_shows_wrongly_is_noticed(
    page: str, environment: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "page.md"
    file.write_text(f"# A page\n\n{page}\n")
    done = run(file, tmp_path, environment)
    assert done.returncode == 1
    assert done.stderr.startswith(f"{file}: ")


def test_blocks_share_names_files_and_order(environment: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "page.md"
    file.write_text(
        "```python\n>>> x = 2\n\n```\n```python\nopen('a', 'w').write(str(x))\n```\n"
        "```sh\ncat a; echo\n```\n```text\n2\n```\n```console\n$ cat a b\n2cat: ...\n```\n"
        "<!-- not run: needs a moon -->\n```sh\nfalse\n```\n"
    )
    done = run(file, tmp_path, environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, "needs a moon\n", "")


def anchors(page: Path) -> set[str]:
    """Return the places of a page that a link can name, as they are made of its headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)\s]+)\)", text)
    for link in links:
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_the_contents_name_every_page() -> None:
    contents = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    pages = {path.name for path in ROOT.glob("docs/*.md")} - {"README.md"}
    pages |= {f"tasks/{path.name}" for path in ROOT.glob("docs/tasks/*.md")}
    assert {name for name in pages if f"]({name})" in contents} == pages


def test_nothing_says_to_install_from_an_index_what_is_on_none() -> None:
    files = [ROOT / page for page in PAGES]
    for package in ("xlm_text", "xlm_model", "cli"):
        files += (ROOT / package).rglob("*.py")
    assert [file for file in files if "xlm-toolkit[" in file.read_text(encoding="utf-8")] == []
