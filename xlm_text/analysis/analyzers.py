"""What cuts the texts of each language, loaded when it is first needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from xlm_text.analysis.added_tokens import AddedTokens
from xlm_text.analysis.analyzer import Analyzer
from xlm_text.analysis.texts import Texts
from xlm_text.bpe.subwords import Subwords
from xlm_text.languages.table import choose_segmenter
from xlm_text.pipelines.base import Pipeline
from xlm_text.pipelines.loading import load_pipeline
from xlm_text.pipelines.white_space import WhiteSpacePipeline
from xlm_text.settings import Settings


class Cutters:
    """The analyzers of a tokenizer with their caches, for one state of its settings and tokens.

    Args:
        settings: which segmenters are meant, and whether words lose case and accents.
        subwords: cuts words into pieces.
        ids_of: gives the ids of pieces.

    """

    def __init__(
        self, settings: Settings, subwords: Subwords, ids_of: Callable[[Sequence[str]], list[int]]
    ) -> None:
        self._settings = settings
        self._subwords = subwords
        self._ids_of = ids_of
        self._analyzers: dict[str | None, Analyzer] = {}

    def texts(self, lang: str, bypass: bool, added: AddedTokens) -> Texts:
        """Return what cuts texts of a language; ``bypass`` only splits them at white space."""
        key = None if bypass else lang
        analyzer = self._analyzers.get(key)
        if analyzer is None:
            analyzer = self._analyzers[key] = self._load(lang, bypass)
        return Texts(analyzer, added)

    def _load(self, lang: str, bypass: bool) -> Analyzer:
        settings = self._settings
        pipeline: Pipeline
        if bypass:
            pipeline = WhiteSpacePipeline()
        else:
            pipeline = load_pipeline(
                lang,
                choose_segmenter(lang, settings.segmenter_of(lang)),
                settings.rules,
                kytea_model=settings.kytea_model,
                as_written=settings.faithful,
                strip_end=settings.do_lowercase_and_remove_accent,
            )
        lowercase = settings.do_lowercase_and_remove_accent and not bypass
        return Analyzer(pipeline, lowercase, self._subwords, self._ids_of, settings.memory_limit)
