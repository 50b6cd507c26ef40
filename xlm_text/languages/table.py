"""What each language needs: one table, and the state of this machine beside it.

A row names modules and functions as ``module:name``, and nothing is imported before a text needs
it: segmenters and their dictionaries are slow to load.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from xlm_text.errors import Argument, InputError, MissingComponentError


@dataclass(frozen=True)
class Component:
    """A package that decides which words a text falls into.

    Attributes:
        package: its name in the package index.
        verified: the versions whose output was compared with the reference; the bounds in
            ``pyproject.toml`` name the same ones.
        load: what loads its segmenter, as ``module:function``; empty for word rules, which the
            pipelines run themselves.
        options: what that function takes, as keyword arguments: ``kytea_model``, or
            ``user_words``, the lines of the user's dictionary.
        extra: the extra of this project that installs it; empty where it is always installed.

    """

    package: str
    verified: tuple[str, ...]
    load: str = ""
    options: tuple[str, ...] = ()
    extra: str = ""

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
    "jieba": Component(
        "jieba", ("0.42.1",), "xlm_text.segmenters.chinese:load_jieba", ("user_words",)
    ),
    "rjieba": Component(
        "rjieba", ("0.2.2",), "xlm_text.segmenters.chinese:load_rjieba", extra="fast"
    ),
    "newmm": Component(
        "pythainlp", ("5.4.0",), "xlm_text.segmenters.thai:load_newmm", ("user_words",)
    ),
    "nlpo3": Component("nlpo3", ("1.4.0",), "xlm_text.segmenters.thai:load_nlpo3", extra="fast"),
    "kytea": Component(
        "kytea", ("0.1.11",), "xlm_text.segmenters.japanese:load_kytea", ("kytea_model",)
    ),
    # Reads KyTea's models, and takes its place where it is installed.
    "vaporetto": Component("vaporetto", ("0.3.3",), extra="fast"),
}

# A pipeline for each rule set.  These are for a language that has a segmenter and no more.
_SEGMENTED = {
    "sacremoses": "xlm_text.pipelines.segmented:SegmentedPipeline",
    "moses": "xlm_text.pipelines.segmented:PerlSegmentedPipeline",
}
RULE_SETS = tuple(_SEGMENTED)


@dataclass(frozen=True)
class Language:
    """How the words of a language are found.

    Attributes:
        segmenters: the entries of :data:`COMPONENTS` that can cut the words, the default first.
        setting: the setting that chooses one of several.
        pipelines: what takes a text through the stages, for each rule set, as ``module:class``.

    """

    segmenters: tuple[str, ...]
    setting: str | None = None
    pipelines: Mapping[str, str] = field(default_factory=lambda: _SEGMENTED)


LANGUAGES = {
    "zh": Language(
        ("jieba", "rjieba"),
        "zh_segmenter",
        {
            "sacremoses": "xlm_text.pipelines.chinese:ChinesePipeline",
            "moses": "xlm_text.pipelines.chinese:PerlChinesePipeline",
        },
    ),
    "th": Language(
        ("newmm", "nlpo3"),
        "th_segmenter",
        {
            "sacremoses": "xlm_text.pipelines.thai:ThaiPipeline",
            "moses": "xlm_text.pipelines.thai:PerlThaiPipeline",
        },
    ),
    "ja": Language(
        ("kytea",),
        pipelines=_SEGMENTED | {"moses": "xlm_text.pipelines.japanese:PerlJapanesePipeline"},
    ),
}
# Every language that is not named above is cut by the Moses rules, with nonbreaking prefixes of
# its own where the rule set has them and with the English ones where it does not.
_MOSES = Language(
    ("moses",),
    pipelines={
        "sacremoses": "xlm_text.pipelines.moses:MosesPipeline",
        "moses": "xlm_text.pipelines.perl:PerlPipeline",
    },
)

# A longer list in an error is not read.
_MOST_LISTED = 15


def language(lang: str) -> Language:
    """Return the entry of the table for a language code."""
    return LANGUAGES.get(lang, _MOSES)


def segmenter_choices() -> dict[str, tuple[str, ...]]:
    """Return what each setting that chooses a segmenter can be, the default first.

    >>> segmenter_choices()["zh_segmenter"]
    ('jieba', 'rjieba')
    """
    return {row.setting: row.segmenters for row in LANGUAGES.values() if row.setting is not None}


def choose_segmenter(lang: str, wanted: str | None) -> str:
    """Return the component to cut ``lang`` with: ``wanted``, or the default where that is None."""
    choices = language(lang).segmenters
    if wanted is None:
        return choices[0]
    if wanted not in choices:
        raise InputError(f"no segmenter {wanted!r} for {lang!r}: choose one of {list(choices)}")
    return wanted


def find(where: str) -> Any:
    """Import what an entry names as ``module:name``."""
    module, _, name = where.partition(":")
    return getattr(import_module(module), name)


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


def require(component: str) -> None:
    """Raise :class:`MissingComponentError` unless the component's package is installed."""
    row = COMPONENTS[component]
    if row.installed() is None:
        raise MissingComponentError(
            f"the package {row.package!r} is not installed: install it with "
            f"`pip install {row.package}`"
            + (f", or in a clone of this project `pip install '.[{row.extra}]'`" * bool(row.extra))
        )
