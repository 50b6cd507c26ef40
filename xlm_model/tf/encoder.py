"""The encoder on Keras: token ids in, hidden states out."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from xlm_model.config import XLMConfig
from xlm_model.inputs import Traced, check_padded, check_tokens
from xlm_model.outputs import BaseModelOutput
from xlm_model.positions import sinusoidal
from xlm_model.tf import layers
from xlm_model.tf.layers import normal


class Encoder(layers.Composite):
    """What every model has in common, under the name `transformer`."""

    def __init__(self, config: XLMConfig, dtype: Any = None) -> None:
        super().__init__(name="transformer", dtype=dtype)
        self.config = config
        each = range(config.n_layers)
        initial = normal(config.embed_init_std)

        def positions(shape: Any, dtype: Any = None) -> Any:
            return ops.convert_to_tensor(sinusoidal(config), dtype)

        initial_positions = positions if config.sinusoidal_embeddings else initial
        self.position_embeddings = self._table(
            "position_embeddings", config.max_position_embeddings, initial_positions
        )
        # Positions that are computed are not trained.
        self.position_embeddings.trainable = not config.sinusoidal_embeddings
        if config.has_lang_embeddings:
            self.lang_embeddings = self._table("lang_embeddings", config.n_langs, initial)
        self.embeddings = layers.WordEmbeddings(config, dtype)
        self.layer_norm_emb = self._norm("layer_norm_emb")
        self.attentions = [layers.MultiHeadAttention(config, i, dtype) for i in each]
        self.layer_norm1 = [self._norm(f"layer_norm1_._{i}") for i in each]
        self.ffns = [layers.FeedForward(config, i, dtype) for i in each]
        self.layer_norm2 = [self._norm(f"layer_norm2_._{i}") for i in each]
        self.dropout = keras.layers.Dropout(config.dropout, dtype=dtype)

    def _table(self, name: str, rows: int, initial: Any) -> keras.layers.Embedding:
        dim, policy = self.config.emb_dim, self.dtype_policy
        return keras.layers.Embedding(rows, dim, initial, name=name, dtype=policy)

    def _norm(self, name: str) -> keras.layers.LayerNormalization:
        return keras.layers.LayerNormalization(
            epsilon=self.config.layer_norm_eps, name=name, dtype=self.dtype_policy
        )

    def call(
        self,
        inputs: dict[str, Any],
        training: bool | None = None,
        with_weights: bool | None = None,
        with_states: bool | None = None,
    ) -> BaseModelOutput:
        """Encode a padded batch; see `TFXLMPreTrainedModel.call`."""
        config = self.config
        self._check({name: readable(tensor) for name, tensor in inputs.items()})
        with_weights = config.output_attentions if with_weights is None else with_weights
        with_states = config.output_hidden_states if with_states is None else with_states
        hidden = self._embed(inputs, training)
        mask = self._real(ops.shape(hidden)[1], inputs)
        factor = None if mask is None else ops.cast(mask, hidden.dtype)[..., None]
        keep = None if mask is None else ops.cast(mask, "bool")[:, None, None, :]
        if config.causal:
            places = ops.arange(ops.shape(hidden)[1])
            keep = (places[None, :] <= places[:, None])[None, None]
        hidden = hidden if factor is None else hidden * factor
        states, weights = [hidden], []
        for layer in range(config.n_layers):
            attended, layer_weights = self.attentions[layer](hidden, keep, training=training)
            attended = self.dropout(attended, training=training)
            hidden = self.layer_norm1[layer](hidden + attended)
            further = self.ffns[layer](hidden, training=training)
            hidden = self.layer_norm2[layer](hidden + further)
            hidden = hidden if factor is None else hidden * factor
            states.append(hidden)
            weights.append(layer_weights)
        return BaseModelOutput(
            last_hidden_state=hidden,
            hidden_states=tuple(states) if with_states else None,
            attentions=tuple(weights) if with_weights else None,
        )

    def _check(self, inputs: dict[str, Any]) -> None:
        whole = {name: inputs.pop(name, None) for name in ("attention_mask", "lengths")}
        words = {name: inputs.get(name) for name in ("input_ids", "inputs_embeds")}
        batch, length = check_padded(**whole, **words)
        check_tokens(self.config, (batch, length), length, **inputs)

    def _embed(self, inputs: dict[str, Any], training: bool | None) -> Any:
        hidden = inputs.get("inputs_embeds")
        if hidden is None:
            hidden = self.embeddings(inputs["input_ids"])
        positions = inputs.get("position_ids")
        if positions is None:
            positions = ops.arange(ops.shape(hidden)[1])[None]
        hidden = hidden + self.position_embeddings(positions)
        if "langs" in inputs and self.config.has_lang_embeddings:
            hidden = hidden + self.lang_embeddings(inputs["langs"])
        if "token_type_ids" in inputs:
            hidden = hidden + self.embeddings(inputs["token_type_ids"])
        return self.dropout(self.layer_norm_emb(hidden), training=training)

    def _real(self, length: Any, inputs: dict[str, Any]) -> Any:
        """Return which tokens are real, None for all; shape `(batch, length)`."""
        if "attention_mask" in inputs:
            return inputs["attention_mask"]
        lengths = inputs.get("lengths")
        if lengths is None:
            if "input_ids" not in inputs:
                return None
            is_word = ops.not_equal(inputs["input_ids"], self.config.pad_token_id)
            lengths = ops.sum(ops.cast(is_word, "int32"), axis=1)
        return ops.arange(length) < ops.cast(lengths, "int32")[:, None]


def readable(tensor: Any) -> Any:
    """Return a tensor's values, or while a graph is traced its shape and type alone."""
    try:
        return ops.convert_to_numpy(tensor)
    except (AttributeError, NotImplementedError, TypeError, ValueError):
        # Each backend refuses in its own way to give the values of a tensor that has none yet.
        shape = tuple(size if isinstance(size, int) else None for size in tensor.shape)
        return Traced(shape, keras.backend.standardize_dtype(tensor.dtype))
