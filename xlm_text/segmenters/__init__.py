"""Segmenters for the languages that Moses does not cut.

A loader returns a function from a text to its words, or a
:class:`~xlm_text.segmenters.segmenter.Segmenter` if it has something faster for many texts.  It
imports its package only when it is called, and says what to install where that is missing.
:data:`xlm_text.languages.table.COMPONENTS` says where the loaders are.
"""

from __future__ import annotations

from typing import Any

from xlm_text.languages.table import COMPONENTS, find
from xlm_text.segmenters.segmenter import Segmenter


def load_segmenter(component: str, **options: Any) -> Segmenter:
    """Load the segmenter of an entry of :data:`xlm_text.languages.table.COMPONENTS`.

    Of the ``options`` it gets those that its entry names.
    """
    row = COMPONENTS[component]
    wanted = {name: options[name] for name in row.options if name in options}
    cut = find(row.load)(**wanted)
    return cut if isinstance(cut, Segmenter) else Segmenter(cut)
