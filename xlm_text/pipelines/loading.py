"""The pipeline of a language, by the table of languages."""

from __future__ import annotations

from pathlib import Path

from xlm_text.languages.table import COMPONENTS, find, language
from xlm_text.pipelines.base import Pipeline, Setup
from xlm_text.segmenters import load_segmenter


def load_pipeline(
    lang: str,
    component: str,
    rules: str = "sacremoses",
    *,
    kytea_model: str | Path | None = None,
    user_words: tuple[str, ...] = (),
    as_written: bool = False,
    strip_end: bool = True,
) -> Pipeline:
    """Build the pipeline of a language.

    Args:
        lang: the language.
        component: what cuts its words, from the table of languages.
        rules: ``"sacremoses"``, or ``"moses"`` for those of Moses' own scripts.
        kytea_model: the model for Japanese.
        user_words: the lines of the user's dictionary for the language.
        as_written: see :class:`~xlm_text.pipelines.base.Setup`; with ``"moses"``.
        strip_end: as well.

    """
    segment = None
    if COMPONENTS[component].load:
        segment = load_segmenter(component, kytea_model=kytea_model, user_words=user_words)
    setup = Setup(lang, segment, user_words, as_written, strip_end)
    pipeline: Pipeline = find(language(lang).pipelines[rules])(setup)
    return pipeline
