"""Segmenters for the languages that Moses does not cut.

A segmenter is a callable from a text to its words, which one after another make up the text
again.  Each loader imports its package only when it is called, and says what to install where
that is missing.  :data:`xlm_text.languages.table.COMPONENTS` says where the loaders are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xlm_text.languages.table import COMPONENTS, find

Segmenter = Callable[[str], list[str]]


def load_segmenter(component: str, **options: Any) -> Segmenter:
    """Load the segmenter of an entry of :data:`xlm_text.languages.table.COMPONENTS`.

    Of the ``options`` it gets those that its entry names.
    """
    row = COMPONENTS[component]
    wanted = {name: options[name] for name in row.options if name in options}
    segmenter: Segmenter = find(row.load)(**wanted)
    return segmenter
