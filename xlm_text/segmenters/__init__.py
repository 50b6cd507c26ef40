"""Segmenters for the languages that Moses does not cut.

A segmenter is a callable from a text to its words, which one after another make up the text
again.  Each loader imports its package only when it is called, and says what to install where
that is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from xlm_text.segmenters import chinese, japanese, thai

Segmenter = Callable[[str], list[str]]


def load_segmenter(component: str, kytea_model: str | Path | None = None) -> Segmenter:
    """Load the segmenter of an entry of :data:`xlm_text.languages.table.COMPONENTS`."""
    if component == "jieba":
        return chinese.load_jieba()
    if component == "rjieba":
        return chinese.load_rjieba()
    if component == "newmm":
        return thai.load_newmm()
    if component == "nlpo3":
        return thai.load_nlpo3()
    return japanese.load_kytea(kytea_model)
