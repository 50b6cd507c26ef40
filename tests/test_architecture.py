"""How the packages' modules depend on each other, read from their source; one test imports some."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def modules_of(package: str) -> dict[str, Path]:
    """Return the files of a package by the names of their modules."""
    found = {}
    for file in (ROOT / package).rglob("*.py"):
        parts = file.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


def imports_of(name: str, file: Path, modules: dict[str, Path]) -> set[str]:
    """Return the package's own modules that one imports when it is imported itself.

    What stands under `if TYPE_CHECKING` counts: such an import, too, says that two modules cannot
    be understood without each other. What stands in a function does not.
    """
    found = set()
    for node in _outside_functions(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            source = node.module or ""
            if node.level:
                parts = name.split(".")[: None if file.name == "__init__.py" else -1]
                parts = parts[: len(parts) - node.level + 1]
                source = ".".join([*parts, *([source] if source else [])])
            for alias in node.names:
                submodule = f"{source}.{alias.name}"
                found.add(submodule if submodule in modules else source)
    return found & modules.keys()


def _outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from _outside_functions(child)


@pytest.mark.parametrize("package", ["xlm_text", "xlm_model"])
def test_no_modules_import_each_other_in_a_circle(package: str) -> None:
    modules = modules_of(package)
    graph = {name: imports_of(name, file, modules) for name, file in modules.items()}
    assert any(graph.values()), "no imports were found"
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(reversed(error.args[1])))


# They hold a folder as the corpora do, and read corpora.
TRAINING, PRETRAINING = "xlm_model.training", "xlm_model.pretraining"
FINETUNING = "xlm_model.finetuning"
# A room, and the rooms of its package that it may use.
LAYERS = {
    "xlm_text.alignment": {"xlm_text.characters"},
    "xlm_text.rules": {"xlm_text.alignment", "xlm_text.characters", "xlm_text.files"},
    "xlm_text.segmenters": {
        *("xlm_text.characters", "xlm_text.collector", "xlm_text.errors", "xlm_text.files"),
        *("xlm_text.joining", "xlm_text.languages"),
    },
    "xlm_text.pipelines": {
        *("xlm_text.alignment", "xlm_text.characters", "xlm_text.joining", "xlm_text.languages"),
        *("xlm_text.rules", "xlm_text.segmenters"),
    },
    "xlm_text.cache": {"xlm_text.pipelines"},
    "xlm_text.bpe": {"xlm_text.collector", "xlm_text.files"},
    "xlm_text.analysis": {
        *("xlm_text.alignment", "xlm_text.bpe", "xlm_text.cache", "xlm_text.collector"),
        *("xlm_text.errors", "xlm_text.languages", "xlm_text.patterns", "xlm_text.pipelines"),
        *("xlm_text.rules", "xlm_text.settings"),
    },
    "xlm_text.batches": {
        *("xlm_text.alignment", "xlm_text.analysis", "xlm_text.collector", "xlm_text.errors"),
        *("xlm_text.sequences", "xlm_text.settings"),
    },
    "xlm_text.unigram": {
        *("xlm_text.analysis", "xlm_text.errors", "xlm_text.files", "xlm_text.settings"),
    },
    "xlm_text.streams": {"xlm_text.errors", "xlm_text.sequences", "xlm_text.settings"},
    "xlm_text.corpora": {
        *("xlm_text.bpe", "xlm_text.errors", "xlm_text.files", "xlm_text.streams"),
        *("xlm_text.tokenizer", "xlm_text.training"),
    },
    "xlm_model.attention": set(),
    "xlm_model.checkpoints": {
        *("xlm_model.config", "xlm_model.errors", "xlm_model.families", "xlm_model.names"),
    },
    # What differs from XLM, and no encoder of its own.
    "xlm_model.roberta": {
        *("xlm_model.attention", "xlm_model.checkpoints", "xlm_model.config"),
        *("xlm_model.config_rules", "xlm_model.encoder", "xlm_model.errors", "xlm_model.heads"),
        *("xlm_model.inputs", "xlm_model.linear", "xlm_model.names", "xlm_model.outputs"),
    },
    "xlm_model.flaubert": {
        *("xlm_model.config", "xlm_model.config_rules", "xlm_model.encoder", "xlm_model.heads"),
    },
    # Nothing of a model's inside: what tasks give, in other words.
    "xlm_model.pipelines": {
        *("xlm_model.generation", "xlm_model.loading_arguments", "xlm_model.tasks"),
    },
    "xlm_model.heads": {
        *("xlm_model.attention", "xlm_model.checkpoints", "xlm_model.config"),
        *("xlm_model.encoder", "xlm_model.errors", "xlm_model.inputs", "xlm_model.linear"),
        *("xlm_model.losses", "xlm_model.outputs", "xlm_model.pretrained"),
        "xlm_model.resizing",
    },
    "xlm_model.generation": {
        *("xlm_model.attention", "xlm_model.heads", "xlm_model.inputs", "xlm_model.modes"),
    },
    TRAINING: {"xlm_model.errors", "xlm_model.pretrained"},
    PRETRAINING: {
        *("xlm_model.attention", "xlm_model.checkpoints", "xlm_model.config", "xlm_model.errors"),
        *("xlm_model.heads", TRAINING),
    },
    FINETUNING: {
        "xlm_model.auto",
        *("xlm_model.attention", "xlm_model.checkpoints", "xlm_model.config", "xlm_model.encoder"),
        *("xlm_model.errors", "xlm_model.heads", "xlm_model.inputs", "xlm_model.pretrained"),
        *("xlm_model.tasks", TRAINING),
    },
    # What both frameworks share, and nothing of PyTorch's.
    "xlm_model.tf": {
        *("xlm_model.checkpoints", "xlm_model.config", "xlm_model.errors", "xlm_model.inputs"),
        *("xlm_model.outputs", "xlm_model.positions"),
    },
}


@pytest.mark.parametrize("room", LAYERS)
def test_a_room_uses_only_those_below_it(room: str) -> None:
    modules = modules_of(room.split(".")[0])
    inside = {name: file for name, file in modules.items() if f"{name}.".startswith(f"{room}.")}
    assert len(inside) > 1
    used = {
        ".".join(imported.split(".")[:2])
        for name, file in inside.items()
        for imported in imports_of(name, file, modules)
    }
    assert used - {room} <= LAYERS[room]


def test_nothing_needs_the_keras_models() -> None:
    modules = modules_of("xlm_model") | modules_of("xlm_text") | modules_of("cli")
    users = {
        name
        for name, file in modules.items()
        if any(f"{i}.".startswith("xlm_model.tf.") for i in imports_of(name, file, modules))
    }
    assert users
    assert all(f"{name}.".startswith("xlm_model.tf.") for name in users)


def test_what_both_frameworks_share_imports_neither() -> None:
    shared = [
        name
        for name in modules_of("xlm_model")
        if ".".join(name.split(".")[:2]) in LAYERS["xlm_model.tf"]
        and name != "xlm_model.checkpoints.pickles"  # the files that only PyTorch can read
    ]
    assert len(shared) > 8
    lines = [
        *("import sys", *(f"import {name}" for name in ["xlm_model", *shared])),
        "print({'torch', 'keras', 'tensorflow', 'jax'} & sys.modules.keys())",
    ]
    found = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=False
    )
    assert found.stdout == "set()\n", found.stderr


def test_a_circle_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "toy"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "one.py").write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from toy.two import b\n"
    )
    (package / "two.py").write_text("from . import one\n")
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    modules = modules_of("toy")
    assert imports_of("toy.one", modules["toy.one"], modules) == {"toy.two"}
    assert imports_of("toy.two", modules["toy.two"], modules) == {"toy.one"}
    with pytest.raises(pytest.fail.Exception, match=r"toy\.one → toy\.two|toy\.two → toy\.one"):
        test_no_modules_import_each_other_in_a_circle("toy")


# What only one room may use: it is large, and not everybody has it.
HEAVY = {"pyarrow", "fsspec", "ray"}


def everything_imported(file: Path) -> set[str]:
    """Return the names of all modules that a file imports, in its functions and types, too."""
    nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    found = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    sources = [node for node in nodes if isinstance(node, ast.ImportFrom) and not node.level]
    found |= {f"{node.module}.{alias.name}" for node in sources for alias in node.names}
    return found


def is_in(name: str, room: str) -> bool:
    return f"{name}.".startswith(f"{room}.")


def test_only_the_corpora_use_what_is_made_for_them() -> None:
    modules = modules_of("xlm_text") | modules_of("xlm_model") | modules_of("cli")
    users = {
        name
        for name, file in modules.items()
        if {imported.partition(".")[0] for imported in everything_imported(file)} & HEAVY
    }
    rooms = ("xlm_text.corpora", TRAINING, PRETRAINING)
    assert {name for name in users if not any(is_in(name, room) for room in rooms)} == set()
    assert {"xlm_text.corpora.files", "xlm_text.corpora.ray_engine"} <= users


def test_tokenization_does_not_know_of_corpora() -> None:
    modules = modules_of("xlm_text") | modules_of("xlm_model")
    users = {
        name
        for name, file in modules.items()
        if any(is_in(imported, "xlm_text.corpora") for imported in everything_imported(file))
    }
    rooms = ("xlm_text.corpora", TRAINING, PRETRAINING)
    rooms = (*rooms, FINETUNING)  # its sources are written as theirs
    assert {name for name in users if not any(is_in(name, room) for room in rooms)} == set()
    assert len(users) > 10


def test_nothing_needs_the_training() -> None:
    modules = modules_of("xlm_text") | modules_of("xlm_model") | modules_of("cli")
    users = {
        name
        for name, file in modules.items()
        for room in (TRAINING, PRETRAINING, FINETUNING)
        if any(is_in(imported, room) for imported in imports_of(name, file, modules))
    }
    rooms = (TRAINING, PRETRAINING, FINETUNING)
    outside = {name for name in users if not any(is_in(name, room) for room in rooms)}
    assert outside == {"cli.progress", "cli.finetune"}, "for their types alone"


def test_every_package_is_installed() -> None:
    listed = set(re.findall(r'"(xlm_\w[\w.]*)"', _section("packages = [")))
    found = {
        ".".join(file.parent.relative_to(ROOT).parts)
        for package in ("xlm_text", "xlm_model")
        for file in (ROOT / package).rglob("__init__.py")
    }
    assert listed == found | {"xlm_cli"}


def _section(start: str) -> str:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return text.partition(start)[2].partition("]\n")[0]
