"""The manifest: what went into a corpus, and what came out."""

from __future__ import annotations

import hashlib
import json
import tempfile
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from xlm_text.corpora.options import Options
from xlm_text.corpora.plan import Plan
from xlm_text.corpora.store import Store
from xlm_text.errors import InputError
from xlm_text.tokenizer import XLMTokenizer

MANIFEST = "manifest.json"
STATISTICS = "statistics.json"
PROBLEMS = "problems.jsonl"
TOKENIZER = "tokenizer"
_FORMAT = 1
# The packages that ids, or the bytes of shards, depend on.
_PACKAGES = (
    "xlm-toolkit",
    "tokenizers",
    "sacremoses",
    "jieba",
    "rjieba",
    "pythainlp",
    "nlpo3",
    "kytea",
    "vaporetto",
    "pyarrow",
)
# Settings that change no id.
_NO_MATTER = ("memory_limit", "lang", "kytea_model")


def versions() -> dict[str, str]:
    """Return the versions of what the bytes of a corpus depend on, beside this package's code."""
    # Case and accents are those of Python's tables.
    found = {"unicode": unicodedata.unidata_version}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def environment() -> dict[str, str]:
    """Return what all machines that make a corpus together must have in common."""
    return {**versions(), "xlm_text's code": _hash_of_code()[:12]}


def describe(tokenizer: XLMTokenizer, options: Options, plan: Plan) -> dict[str, Any]:
    """Return everything that the bytes of a corpus depend on."""
    found = {
        "format": _FORMAT,
        "tokenizer": _describe_tokenizer(tokenizer),
        "versions": versions(),
        "options": {**asdict(options), "split": dict(options.split)},
        "sources": [
            {
                "langs": list(source.langs),
                "lang_column": source.lang_column,
                "format": source.format,
                "columns": list(source.columns),
                "files": [asdict(fact) for fact in facts],
            }
            for source, facts in zip(plan.sources, plan.facts, strict=True)
        ],
    }
    read_again: dict[str, Any] = json.loads(json.dumps(found))  # as a file would give it
    return read_again


def _describe_tokenizer(tokenizer: XLMTokenizer) -> dict[str, Any]:
    settings = asdict(tokenizer.settings)
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save_pretrained(folder)
        files = {path.name: _hash(path) for path in sorted(Path(folder).iterdir())}
    kytea_model = tokenizer.settings.kytea_model
    return {
        "files": files,
        "code": _hash_of_code(),
        "settings": {name: value for name, value in settings.items() if name not in _NO_MATTER},
        "kytea_model": None if kytea_model is None else _hash(Path(kytea_model)),
    }


def _hash_of_code() -> str:
    """Return a hash of this package's code: rules stand in it as data.

    In a release it says no more than the version does.  In a clone it changes with any change of
    the code, even of a comment: nobody but the tests can say whether ids stay the same, and a
    corpus of two kinds of ids is worse than work that is done again.
    """
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(f"{path.relative_to(package).as_posix()}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while data := file.read(1 << 20):
            digest.update(data)
    return digest.hexdigest()


def read_manifest(store: Store) -> dict[str, Any] | None:
    """Return the manifest of a folder; ``None`` if it has none.

    Raises:
        InputError: it is none of ours, or of a version that this one does not know.

    """
    data = store.read(MANIFEST)
    if data is None:
        return None
    try:
        found = json.loads(data)
        known = found["format"] == _FORMAT
    except (ValueError, TypeError, KeyError):
        raise InputError(f"{store.shown(MANIFEST)}: is no manifest of a corpus") from None
    if not known:
        raise InputError(
            f"{store.shown(MANIFEST)}: has format {found['format']!r}: expected {_FORMAT}"
        )
    return found  # type: ignore[no-any-return]


def write_json(store: Store, name: str, value: Mapping[str, Any]) -> None:
    """Write a JSON file that people can read, too."""
    store.write(name, (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode())


def check_same(store: Store, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raise an :class:`InputError` that says what differs from what a folder was begun with."""
    # What went well with `strict` has no mistakes, so it is the same with the others.
    if before["options"]["errors"] == "strict":
        before = {**before, "options": {**before["options"], "errors": now["options"]["errors"]}}
    _check_code(store, before, now)
    differing = list(_differences({name: before.get(name) for name in now}, now))
    if differing:
        more = f" (and {len(differing) - 5} more)" if len(differing) > 5 else ""
        raise InputError(
            f"{store.shown('')}: was begun with something else: {'; '.join(differing[:5])}{more}. "
            "Repeat what was, choose another output folder, or delete this one"
        )


def _check_code(store: Store, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raise an :class:`InputError` if the same version has other code, as in a clone."""
    was, is_ = (found["tokenizer"].get("code") for found in (before, now))
    if was != is_ and before["versions"] == now["versions"]:
        raise InputError(
            f"{store.shown('')}: was begun with other code of xlm_text: go on with the commit that "
            "began it, choose another output folder, or delete this one"
        )


def _differences(before: Any, now: Any, name: str = "") -> Iterator[str]:
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys([*before, *now]):
            place = f"{name}.{key}" if name else str(key)
            yield from _differences(before.get(key), now.get(key), place)
    elif _is_list(before) and _is_list(now) and len(before) == len(now):
        for i, (one, other) in enumerate(zip(before, now, strict=True), 1):
            yield from _differences(one, other, f"{name}[{_label(one, i)}]")
    elif before != now:
        yield f"{name} was {_brief(before)} and is {_brief(now)}"


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _label(value: Any, number: int) -> str:
    return str(value["path"]) if isinstance(value, Mapping) and "path" in value else str(number)


def _brief(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}…"
