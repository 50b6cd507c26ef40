"""Pretraining: the paper's three objectives, from a corpus to a language model.

Needs the extra `train`; nothing else imports it.

Example:
    >>> from xlm_model.pretraining import parse_objectives
    >>> [spec.name for spec in parse_objectives(["mlm:en,fr", "tlm:en-fr"])]
    ['mlm:en', 'mlm:fr', 'tlm:en-fr']
"""

from __future__ import annotations

from xlm_model.pretraining.batches import LanguageModelBatch
from xlm_model.pretraining.objectives import CausalLM, MaskedLM, Masking, TranslationLM
from xlm_model.pretraining.run import pretrain
from xlm_model.pretraining.settings import ObjectiveSettings
from xlm_model.pretraining.specs import ObjectiveSpec, parse_objectives

__all__ = [
    "CausalLM",
    "LanguageModelBatch",
    "MaskedLM",
    "Masking",
    "ObjectiveSettings",
    "ObjectiveSpec",
    "TranslationLM",
    "parse_objectives",
    "pretrain",
]
