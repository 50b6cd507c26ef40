"""The Moses languages by the rules of Moses' own scripts."""

from __future__ import annotations

from functools import cached_property

from xlm_text.alignment.aligned import Aligned
from xlm_text.pipelines.base import Setup, tell
from xlm_text.pipelines.moses import MosesPipeline
from xlm_text.pipelines.perl_units import cut_perl, perl_chunks
from xlm_text.rules.engine import Rules, Watch
from xlm_text.rules.perl.plain_words import PerlPlainWords
from xlm_text.rules.perl.rules import normalization, words

# Stands for the words behind a unit that others follow: a capital, as the cuts demand.
_MORE = "X"


class PerlPipeline(MosesPipeline):
    """Normalise, then cut by the rules of ``tokenizer.perl``."""

    cut = staticmethod(cut_perl)
    chunks = staticmethod(perl_chunks)

    def __init__(self, setup: Setup) -> None:
        self.lang = setup.lang
        self.plain = PerlPlainWords(setup.lang)

    @cached_property
    def _normalization(self) -> Rules:
        return normalization(self.lang)

    @cached_property
    def _rules(self) -> Rules:
        return words(self.lang)

    def _by_rules(self, text: str) -> list[str]:
        if text.endswith(" "):
            return super()._by_rules(text + _MORE)[:-1]
        return super()._by_rules(text)

    def _align_by_rules(self, text: Aligned, watch: Watch | None) -> list[Aligned]:
        if not text.text.endswith(" "):
            return super()._align_by_rules(text, watch)
        end = text.ends[-1]
        followed = text.join(Aligned(_MORE, [end], [end]))
        tell(watch, f"{_MORE} stands for the words that follow", [text], [followed])
        found = super()._align_by_rules(followed, watch)
        return tell(watch, f"drop the {_MORE}", found, found[:-1])
