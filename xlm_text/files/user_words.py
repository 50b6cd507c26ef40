"""The user's dictionaries: words of a language that its segmenter is to know."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xlm_text.errors import InputError
from xlm_text.languages.table import COMPONENTS, LANGUAGES

_NAME = "user_dictionary"


def read_user_dictionary(given: Any) -> dict[str, tuple[str, ...]]:
    """Return the lines of the user's dictionary of each language.

    Args:
        given: for each language the path of a file, or its lines.

    Raises:
        InputError: it is something else, or a file cannot be read.

    >>> read_user_dictionary({"zh": ["云计算 5", "", "创新办 3 i "]})
    {'zh': ('云计算 5', '创新办 3 i')}

    """
    if not isinstance(given, Mapping) or not all(isinstance(lang, str) for lang in given):
        raise InputError(
            "must map languages to files or to lists of words, such as {'zh': 'words.txt'}, "
            f"not {given!r:.60}",
            argument=_NAME,
        )
    return {lang: _lines(lang, words) for lang, words in given.items()}


def check_segmenter(lang: str, segmenter: str) -> None:
    """Raise :class:`InputError` if a segmenter cannot be given words."""
    if "user_words" in COMPONENTS[segmenter].options:
        return
    able = [
        f"{code} with {name}"
        for code, row in LANGUAGES.items()
        for name in row.segmenters
        if "user_words" in COMPONENTS[name].options
    ]
    raise InputError(
        f"has words for {lang!r}, whose words {segmenter} finds, which takes none: there can be "
        f"some for {' and '.join(able)}",
        argument=_NAME,
    )


def _lines(lang: str, words: Any) -> tuple[str, ...]:
    if isinstance(words, str | Path):
        words = _read(Path(words)).split("\n")
    if not isinstance(words, list | tuple) or not all(isinstance(word, str) for word in words):
        raise InputError(
            f"must have the path of a file or a list of words for {lang!r}, not {words!r:.60}",
            argument=_NAME,
        )
    if any("\n" in word for word in words):
        raise InputError(f"has a line feed in a word for {lang!r}", argument=_NAME)
    return tuple(line for line in map(str.strip, words) if line)


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")  # Jieba, too, reads over a byte-order mark
    except UnicodeDecodeError as error:
        problem = f"not UTF-8 (byte {error.start}: {error.reason})"
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
    raise InputError(f"names {path}: {problem}", argument=_NAME)
