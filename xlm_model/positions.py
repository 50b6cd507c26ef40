"""Position embeddings that are computed, not learnt; for PyTorch and for Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy

if TYPE_CHECKING:
    from xlm_model.config import XLMConfig


def sinusoidal(config: XLMConfig) -> numpy.ndarray[Any, numpy.dtype[numpy.float32]]:
    """Return fixed position embeddings; shape `(max_position_embeddings, dim)`.

    Entry 2i is sin(p / 10000^(2i/dim)) and entry 2i + 1 its cosine: Vaswani et al. 2017,
    "Attention Is All You Need", section 3.5.
    """
    position = numpy.arange(config.max_position_embeddings, dtype=numpy.float64)[:, None]
    entry = numpy.arange(config.emb_dim)
    angle = position / 10000.0 ** (entry // 2 * 2 / config.emb_dim)
    return numpy.where(entry % 2 == 0, numpy.sin(angle), numpy.cos(angle)).astype(numpy.float32)
