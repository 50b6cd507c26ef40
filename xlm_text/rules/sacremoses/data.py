"""The character classes and nonbreaking prefixes of sacremoses, without importing all of it.

They lie in modules of their own, which are loaded here by themselves.  Where they are not found
(the bounds in ``pyproject.toml`` name the versions that have them) sacremoses itself is asked.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from functools import cache
from importlib.machinery import PathFinder
from types import ModuleType

from xlm_text.rules.sacremoses.source import of_sacremoses

# Letters of these are put together from several lists.
_FROM_SACREMOSES = frozenset({"zh", "ja", "ko", "cjk"})
_NUMERIC_ONLY = " #NUMERIC_ONLY#"


@dataclass(frozen=True)
class MosesData:
    """What the word rules of a language know of characters and abbreviations.

    Attributes:
        alphanumeric: the characters that make words.
        letters: those of them that are letters.
        numbers: the digits and other numbers, between which a comma stays.
        lowercase: characters before which every word keeps a full stop.
        abbreviations: the words that keep a full stop whatever follows.
        numeric: the words that keep one before a digit.

    """

    alphanumeric: str
    letters: frozenset[str]
    numbers: frozenset[str]
    lowercase: frozenset[str]
    abbreviations: frozenset[str]
    numeric: frozenset[str]


def moses_data(lang: str) -> MosesData:
    """Return the data of a language."""
    characters, prefixes = _characters(), _load_alone("_data_nonbreaking_prefixes")
    if lang in _FROM_SACREMOSES or characters is None or prefixes is None:
        return _ask_sacremoses(lang)
    return MosesData(*characters, *nonbreaking_prefixes(lang))


@cache
def _characters() -> tuple[str, frozenset[str], frozenset[str], frozenset[str]] | None:
    """Return what makes words, letters, numbers and lower case: large, and of all languages."""
    classes, indic = _load_alone("_data_perluniprops"), _load_alone("indic")
    if classes is None or indic is None:
        return None
    signs = "".join([*indic.VIRAMAS, *indic.NUKTAS])
    return (
        classes.PERLUNIPROPS["IsAlnum"] + signs,
        frozenset(classes.PERLUNIPROPS["IsAlpha"] + signs),
        frozenset(classes.PERLUNIPROPS["IsN"]),
        frozenset(classes.PERLUNIPROPS["IsLower"]),
    )


def nonbreaking_prefixes(lang: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the words that keep a full stop before anything, and those that do before numbers."""
    prefixes = _load_alone("_data_nonbreaking_prefixes")
    if prefixes is None:
        from sacremoses import MosesTokenizer

        return _abbreviations(MosesTokenizer(lang=lang).NONBREAKING_PREFIXES)
    files = prefixes.NONBREAKING_PREFIXES
    text = files.get(f"nonbreaking_prefix.{lang}", files["nonbreaking_prefix.en"])
    lines = [line.strip() for line in text.splitlines()]
    return _abbreviations([line for line in lines if line and not line.startswith("#")])


def _ask_sacremoses(lang: str) -> MosesData:
    def ask() -> tuple[str, str, str, str, list[str]]:
        from sacremoses import MosesTokenizer

        moses = MosesTokenizer(lang=lang)
        kinds = (moses.IsAlnum, moses.IsAlpha, moses.IsN, moses.IsLower)
        return *kinds, moses.NONBREAKING_PREFIXES

    alphanumeric, letters, numbers, lowercase, prefixes = of_sacremoses(f"data-{lang}", ask)
    sets = (frozenset(letters), frozenset(numbers), frozenset(lowercase))
    return MosesData(alphanumeric, *sets, *_abbreviations(prefixes))


def _abbreviations(prefixes: list[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Part what abbreviates before anything from what does before numbers only."""
    numeric = {prefix.removesuffix(_NUMERIC_ONLY) for prefix in prefixes if _NUMERIC_ONLY in prefix}
    return frozenset(prefixes) - numeric, frozenset(numeric)


@cache
def _load_alone(name: str) -> ModuleType | None:
    package = importlib.util.find_spec("sacremoses")
    if package is None or package.submodule_search_locations is None:
        return None
    spec = PathFinder.find_spec(name, list(package.submodule_search_locations))
    if spec is None or spec.loader is None:
        return None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
