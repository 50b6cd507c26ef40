"""What cuts the texts of each language, loaded when it is first needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

from xlm_text.analysis.added_tokens import AddedTokens
from xlm_text.analysis.analyzer import Analyzer
from xlm_text.analysis.texts import Protection, Texts
from xlm_text.bpe.subwords import Subwords
from xlm_text.languages.table import choose_segmenter
from xlm_text.patterns import ProtectedPatterns
from xlm_text.pipelines.base import Pipeline
from xlm_text.pipelines.flaubert import FlaubertPipeline
from xlm_text.pipelines.loading import load_pipeline
from xlm_text.pipelines.white_space import WhiteSpacePipeline
from xlm_text.settings import FlaubertSettings, Settings


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
        if bypass or not self._changes_texts:
            return Texts(analyzer, added)
        return Texts(analyzer, added, self._protection, self._settings.normalize_unicode == "NFC")

    @cached_property
    def _changes_texts(self) -> bool:
        settings = self._settings
        return bool(settings.protected_patterns) or settings.normalize_unicode is not None

    @cached_property
    def _protection(self) -> Protection | None:
        settings = self._settings
        if not settings.protected_patterns:
            return None
        patterns = ProtectedPatterns(settings.protected_patterns)
        lowercase = settings.do_lowercase_and_remove_accent
        return Protection(patterns, self._analyzer(WhiteSpacePipeline(), lowercase))

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
                user_words=settings.words_of_user(lang),
                as_written=settings.faithful,
                strip_end=settings.do_lowercase_and_remove_accent,
            )
        return self._analyzer(pipeline, settings.do_lowercase_and_remove_accent and not bypass)

    def _analyzer(self, pipeline: Pipeline, lowercase: bool) -> Analyzer:
        limit = self._settings.memory_limit
        return Analyzer(pipeline, lowercase, self._subwords, self._ids_of, limit)


class FlaubertCutters:
    """The analyzers of a FlauBERT tokenizer: one for French, and one for words that are cut.

    Args:
        settings: whether texts lose their case.
        subwords: cuts words into pieces.
        ids_of: gives the ids of pieces.

    """

    def __init__(
        self,
        settings: FlaubertSettings,
        subwords: Subwords,
        ids_of: Callable[[Sequence[str]], list[int]],
    ) -> None:
        self._settings = settings
        self._subwords = subwords
        self._ids_of = ids_of
        self._analyzers: dict[bool, Analyzer] = {}

    def texts(self, lang: str, bypass: bool, added: AddedTokens) -> Texts:
        """Return what cuts texts, which are French; ``bypass`` only splits them at white space."""
        if bypass not in self._analyzers:
            self._analyzers[bypass] = self._load(bypass)
        return Texts(self._analyzers[bypass], added)

    def _load(self, bypass: bool) -> Analyzer:
        pipeline = WhiteSpacePipeline() if bypass else FlaubertPipeline(self._settings.do_lowercase)
        limit = self._settings.memory_limit
        return Analyzer(pipeline, False, self._subwords, self._ids_of, limit)
