"""The parts of the network, on Keras.

Layers carry the names that the old TFXLM classes gave them, so that `formats.tensorflow_name` reads
the published name from a variable's path. Every layer is built with its model, which knows all
shapes from its configuration.
"""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy
from keras import ops

from xlm_model.config import XLMConfig

# What a masked score becomes.  It is finite: a row that is all padding then has even weights.
LOWEST = float(numpy.finfo(numpy.float32).min)


def normal(std: float) -> keras.initializers.Initializer:
    """Return an initialiser with random numbers of this spread."""
    return keras.initializers.RandomNormal(stddev=std)


class Linear(keras.layers.Dense):  # type: ignore[misc]
    """A dense layer that knows how wide its input is."""

    def __init__(self, config: XLMConfig, width: int, units: int, name: str, dtype: Any) -> None:
        initial = normal(config.init_std)
        super().__init__(units, kernel_initializer=initial, name=name, dtype=dtype)
        self.width = width

    def build(self, input_shape: Any) -> None:
        """Make the variables."""
        super().build((None, self.width))


class Composite(keras.Model):  # type: ignore[misc]
    """A layer of layers, each built for the width that the encoder's states have."""

    # A SavedModel gets the signatures that `export` gives it: Keras' guess would have no ids.
    _default_save_signature = None

    def build(self, input_shape: Any) -> None:
        """Make the variables of all layers."""
        for layer in self.layers:
            layer.build(input_shape)
        self.built = True


class WordEmbeddings(keras.layers.Embedding):  # type: ignore[misc]
    """Embeddings of ids; that of padding begins at zero, and looking it up teaches it nothing."""

    def __init__(self, config: XLMConfig, dtype: Any) -> None:
        initial = normal(config.embed_init_std)
        self.padding = config.pad_token_id

        def initialize(shape: tuple[int, ...], dtype: Any = None) -> Any:
            is_padding = ops.arange(shape[0])[:, None] == self.padding
            return ops.where(is_padding, ops.zeros((), dtype), initial(shape, dtype))

        size, dim = config.vocab_size, config.emb_dim
        super().__init__(size, dim, initialize, name="embeddings", dtype=dtype)

    def call(self, ids: Any) -> Any:
        """Look up ids; shape `(…, dim)`."""
        vectors = super().call(ids)
        return ops.where(
            ops.equal(ids, self.padding)[..., None], ops.stop_gradient(vectors), vectors
        )


class MultiHeadAttention(Composite):
    """Self-attention with `n_heads` heads of `head_dim`, projected back to the model's width."""

    def __init__(self, config: XLMConfig, layer: int, dtype: Any) -> None:
        super().__init__(name=f"attentions_._{layer}", dtype=dtype)
        self.n_heads = config.n_heads - len(set((config.pruned_heads or {}).get(layer, ())))
        self.head_dim = config.head_dim
        inner, outer = self.n_heads * self.head_dim, config.emb_dim
        self.q_lin, self.k_lin, self.v_lin = (
            Linear(config, outer, inner, name, dtype) for name in ("q_lin", "k_lin", "v_lin")
        )
        self.out_lin = Linear(config, inner, outer, "out_lin", dtype)
        self.dropout = keras.layers.Dropout(config.attention_dropout, dtype=dtype)

    def call(self, hidden: Any, keep: Any = None, training: bool | None = None) -> tuple[Any, Any]:
        """Return the attention's output and its weights.

        Args:
            hidden: Shape `(batch, length, dim)`, as is the output.
            keep: Which token sees which; None: all see all. Shape
                `(batch or 1, 1, queries or 1, length)`.
            training: Whether to drop weights.
        """
        shape = (*ops.shape(hidden)[:2], self.n_heads, self.head_dim)
        query, key, value = (
            ops.reshape(part(hidden), shape) for part in (self.q_lin, self.k_lin, self.v_lin)
        )
        scores = ops.einsum("bqhd,bkhd->bhqk", query / math.sqrt(self.head_dim), key)
        scores = ops.cast(scores, "float32")
        if keep is not None:
            scores = ops.where(keep, scores, LOWEST)
        weights = ops.cast(ops.softmax(scores, axis=-1), hidden.dtype)
        weights = self.dropout(weights, training=training)
        context = ops.einsum("bhqk,bkhd->bqhd", weights, value)
        context = ops.reshape(context, (*shape[:2], self.n_heads * self.head_dim))
        return self.out_lin(context), weights


class FeedForward(Composite):
    """Two linear layers, four times as wide in between."""

    def __init__(self, config: XLMConfig, layer: int, dtype: Any) -> None:
        super().__init__(name=f"ffns_._{layer}", dtype=dtype)
        inner, outer = 4 * config.emb_dim, config.emb_dim
        self.lin1 = Linear(config, outer, inner, "lin1", dtype)
        self.lin2 = Linear(config, inner, outer, "lin2", dtype)
        self.gelu = config.gelu_activation
        self.dropout = keras.layers.Dropout(config.dropout, dtype=dtype)

    def call(self, hidden: Any, training: bool | None = None) -> Any:
        """Transform each token alone; shape `(…, dim)`."""
        inner = self.lin1(hidden)
        inner = ops.gelu(inner, approximate=False) if self.gelu else ops.relu(inner)
        return self.dropout(self.lin2(inner), training=training)


class SequenceSummary(Composite):
    """One vector from a sequence's hidden states, projected as the configuration says."""

    def __init__(self, config: XLMConfig, dtype: Any) -> None:
        super().__init__(name="sequence_summary", dtype=dtype)
        self.kind, self.summary = config.summary_type, None
        if config.summary_use_proj:
            self.summary = Linear(config, config.emb_dim, config.summary_width, "summary", dtype)
        self.activation = keras.activations.get(config.summary_activation or "linear")
        self.first_dropout = keras.layers.Dropout(config.summary_first_dropout, dtype=dtype)
        self.last_dropout = keras.layers.Dropout(config.summary_last_dropout, dtype=dtype)

    def call(self, hidden: Any, training: bool | None = None) -> Any:
        """Return the summary; shape `(batch, num_labels or dim)`."""
        if self.kind == "mean":
            picked = ops.mean(hidden, axis=1)
        else:  # the heads give no `cls_index`: the last position, as in the reference
            picked = hidden[:, 0] if self.kind == "first" else hidden[:, -1]
        picked = self.first_dropout(picked, training=training)
        projected = picked if self.summary is None else self.summary(picked)
        return self.last_dropout(self.activation(projected), training=training)


class WordScores(keras.layers.Layer):  # type: ignore[misc]
    """Hidden states to scores of the words, with the word embeddings or weights of its own."""

    def __init__(self, config: XLMConfig, dtype: Any) -> None:
        super().__init__(name="pred_layer_._proj", dtype=dtype)
        self.config = config

    def build(self, input_shape: Any) -> None:
        """Make the variables."""
        config = self.config
        if not config.tie_word_embeddings:
            shape = (config.emb_dim, config.vocab_size)
            self.kernel = self.add_weight(shape, normal(config.init_std), name="kernel")
        self.bias = self.add_weight((config.vocab_size,), "zeros", name="bias")

    def call(self, hidden: Any, embeddings: Any) -> Any:
        """Score; shape `(batch, length, vocab_size)`.

        Args:
            hidden: Shape `(batch, length, dim)`.
            embeddings: Of the words. Shape `(vocab_size, dim)`.
        """
        is_tied = self.config.tie_word_embeddings
        kernel = ops.transpose(embeddings) if is_tied else self.kernel
        return ops.matmul(hidden, kernel) + self.bias
