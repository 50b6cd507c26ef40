"""Continuing sequences with a causal model: cached steps, sampling, beam search."""

from xlm_model.generation.beam_search import beam_search
from xlm_model.generation.decoder import CachedDecoder, Continuation, Ending, Stepper
from xlm_model.generation.sampling import Sampling, sample

__all__ = [
    "CachedDecoder",
    "Continuation",
    "Ending",
    "Sampling",
    "Stepper",
    "beam_search",
    "sample",
]
