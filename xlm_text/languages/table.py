"""What each language needs: one table, and the state of this machine beside it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from xlm_text.errors import Argument, InputError, MissingComponentError


@dataclass(frozen=True)
class Component:
    """A package that decides which words a text falls into.

    ``verified`` are the versions whose output was compared with the reference; the bounds in
    ``pyproject.toml`` name the same ones.
    """

    package: str
    verified: tuple[str, ...]

    def is_verified(self) -> bool:
        """Tell whether the installed version is one of the verified ones."""
        return self.installed() in self.verified

    def installed(self) -> str | None:
        """Return the installed version, ``None`` if there is none."""
        from importlib import metadata  # slow to import, and hardly ever needed

        try:
            return metadata.version(self.package)
        except metadata.PackageNotFoundError:
            return None


COMPONENTS = {
    "moses": Component("sacremoses", ("0.2.0",)),
    "jieba": Component("jieba", ("0.42.1",)),
    "rjieba": Component("rjieba", ("0.2.2",)),
    "newmm": Component("pythainlp", ("5.4.0",)),
    "nlpo3": Component("nlpo3", ("1.4.0",)),
    "kytea": Component("kytea", ("0.1.11",)),
    "vaporetto": Component("vaporetto", ("0.3.3",)),
}


@dataclass(frozen=True)
class Language:
    """How the words of a language are found.

    ``segmenters`` names the entries of :data:`COMPONENTS` that can cut the words, the default
    first.
    """

    segmenters: tuple[str, ...]


# Every language that is not named here is cut by the Moses rules, with nonbreaking prefixes of
# its own where sacremoses has them and with the English ones where it does not.
LANGUAGES = {
    "zh": Language(("jieba", "rjieba")),
    "th": Language(("newmm", "nlpo3")),
    "ja": Language(("kytea",)),
}
_MOSES = Language(("moses",))

# A longer list in an error is not read.
_MOST_LISTED = 15


def language(lang: str) -> Language:
    """Return the entry of the table for a language code."""
    return LANGUAGES.get(lang, _MOSES)


def choose_segmenter(lang: str, wanted: str | None) -> str:
    """Return the component to cut ``lang`` with: ``wanted``, or the default where that is None."""
    choices = language(lang).segmenters
    if wanted is None:
        return choices[0]
    if wanted not in choices:
        raise InputError(f"no segmenter {wanted!r} for {lang!r}: choose one of {list(choices)}")
    return wanted


def no_such_language(lang: str, known: Collection[str], of_checkpoint: bool) -> InputError:
    """Return the error for a language that is none of ``known``."""
    from xlm_text.languages.names import likeliest_languages  # hardly ever needed

    likeliest = likeliest_languages(lang, known)
    if likeliest:
        hint = f"did you mean {' or '.join(likeliest)}?"
    else:
        listed = sorted(known)[:_MOST_LISTED]
        more = f" and {len(known) - len(listed)} more" if len(known) > len(listed) else ""
        owner = "this checkpoint has" if of_checkpoint else "XLM checkpoints have"
        hint = f"{owner} {', '.join(listed)}{more}"
    return InputError(
        f"no language {lang!r} ({hint})",
        advice=(Argument("any_language", True), " takes every code"),
    )


def require(component: str, extra: str = "") -> None:
    """Raise :class:`MissingComponentError` unless the component's package is installed."""
    package = COMPONENTS[component].package
    if COMPONENTS[component].installed() is None:
        raise MissingComponentError(
            f"the package {package!r} is not installed: install it with `pip install {package}`"
            + (f", or in a clone of this project `pip install '.[{extra}]'`" if extra else "")
        )
