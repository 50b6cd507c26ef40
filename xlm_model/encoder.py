"""The encoder: token ids in, hidden states out."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from xlm_model.base import XLMPreTrainedModel
from xlm_model.config import XLMConfig
from xlm_model.inputs import check_inputs
from xlm_model.layers import Attend, FeedForward, MultiHeadAttention, PaddedAttention
from xlm_model.outputs import BaseModelOutput


class XLMModel(XLMPreTrainedModel):
    """The bare encoder.

    >>> config = XLMConfig(vocab_size=100, emb_dim=32, n_layers=2, n_heads=4)
    >>> model = XLMModel(config).eval()
    >>> model(torch.tensor([[1, 14, 15, 1]])).last_hidden_state.shape
    torch.Size([1, 4, 32])
    """

    def __init__(self, config: XLMConfig) -> None:
        super().__init__(config)
        dim, eps = config.emb_dim, config.layer_norm_eps
        layers = range(config.n_layers)
        self.gradient_checkpointing = False
        self.position_embeddings = nn.Embedding(config.max_position_embeddings, dim)
        if config.has_lang_embeddings:
            self.lang_embeddings = nn.Embedding(config.n_langs, dim)
        self.embeddings = nn.Embedding(config.vocab_size, dim, padding_idx=config.pad_token_id)
        self.layer_norm_emb = nn.LayerNorm(dim, eps=eps)
        self.attentions = nn.ModuleList(MultiHeadAttention(config, i) for i in layers)
        self.layer_norm1 = nn.ModuleList(nn.LayerNorm(dim, eps=eps) for _ in layers)
        self.ffns = nn.ModuleList(FeedForward(config) for _ in layers)
        self.layer_norm2 = nn.ModuleList(nn.LayerNorm(dim, eps=eps) for _ in layers)
        self.dropout = nn.Dropout(config.dropout)
        self.initialize(name for name, _ in self.named_parameters())
        if config.sinusoidal_embeddings:
            with torch.no_grad():
                self.position_embeddings.weight.copy_(sinusoidal(config))

    @property
    def _encoder(self) -> XLMModel:
        return self

    def attention(self, layer: int) -> MultiHeadAttention:
        """Return the attention of one layer, from 0."""
        return cast(MultiHeadAttention, self.attentions[layer])

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        langs: Tensor | None = None,
        *,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        lengths: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
    ) -> BaseModelOutput:
        """Encode a padded batch.

        Args:
            input_ids: Ids of the words. *Shape:* (batch, length)
            attention_mask: 1 for a token, 0 for padding; None: the first `lengths` tokens of each
                sequence. *Shape:* (batch, length)
            langs: Id of each token's language, from the configuration's `lang2id`; has no effect on
                a model without language embeddings. *Shape:* (batch, length)
            token_type_ids: Ids looked up in the *word* embeddings, as in the reference.
                *Shape:* (batch, length)
            position_ids: None: 0, 1, 2 … *Shape:* (batch, length)
            lengths: Tokens in each sequence; None: as many as are not padding. *Shape:* (batch,)
            inputs_embeds: Word embeddings in place of ids. *Shape:* (batch, length, dim)
            output_attentions: Also return the attention weights; None: as configured.
            output_hidden_states: Also return each layer's output; None: as configured.

        Raises:
            ValueError: an input of the wrong shape, or with a value out of range.
        """
        config = self.config
        check_inputs(
            config,
            input_ids,
            attention_mask,
            langs,
            token_type_ids,
            position_ids,
            lengths,
            inputs_embeds,
        )
        hidden = self.embed(input_ids, langs, token_type_ids, position_ids, inputs_embeds)
        if attention_mask is None:
            attention_mask = self._mask(input_ids, lengths, hidden.shape[1])
        with_weights = config.output_attentions if output_attentions is None else output_attentions
        with_states = (
            config.output_hidden_states if output_hidden_states is None else output_hidden_states
        )
        attend = PaddedAttention(
            keep=None if attention_mask is None else attention_mask != 0,
            causal=config.causal,
            need_weights=with_weights,
        )
        return self.encode(hidden, attend, attention_mask, with_states)

    def _mask(self, input_ids: Tensor | None, lengths: Tensor | None, length: int) -> Tensor | None:
        """Return which tokens are real, None for all; *shape:* (batch, length)."""
        if lengths is None:
            if input_ids is None:
                return None
            lengths = (input_ids != self.config.pad_token_id).sum(1)
        return torch.arange(length, device=lengths.device) < lengths[:, None]

    def embed(
        self,
        input_ids: Tensor | None,
        langs: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
    ) -> Tensor:
        """Return the sum of the embeddings, normalised; *shape:* (…, length, dim).

        Args: as in `forward`, with any leading dimensions; without `position_ids` the last one
        counts positions.
        """
        hidden = self.embeddings(input_ids) if inputs_embeds is None else inputs_embeds
        if position_ids is None:
            position_ids = torch.arange(hidden.shape[-2], device=hidden.device)
        hidden = hidden + self.position_embeddings(position_ids)
        if langs is not None and self.config.has_lang_embeddings:
            hidden = hidden + self.lang_embeddings(langs)
        if token_type_ids is not None:
            hidden = hidden + self.embeddings(token_type_ids)
        return self.dropout(self.layer_norm_emb(hidden))  # type: ignore[no-any-return]

    def encode(
        self,
        hidden: Tensor,
        attend: Attend,
        mask: Tensor | None = None,
        with_states: bool = False,
    ) -> BaseModelOutput:
        """Run the layers on embeddings of any leading shape.

        Args:
            hidden: The embeddings. *Shape:* (…, dim), as are the output's states.
            attend: Which tokens see each other; its weights, if it gives them, are returned.
            mask: Factor of each token's state, 0 for padding; None where there is no padding.
                *Shape:* (…)
            with_states: Also return the masked embeddings and each layer's output.
        """
        factor = None if mask is None else mask.unsqueeze(-1).to(hidden.dtype)
        hidden = hidden if factor is None else hidden * factor
        states, weights = [hidden], []
        for layer in range(self.config.n_layers):
            if self.gradient_checkpointing and self.training:
                hidden, layer_weights = checkpoint(
                    self._layer, layer, hidden, attend, factor, use_reentrant=False
                )
            else:
                hidden, layer_weights = self._layer(layer, hidden, attend, factor)
            if with_states:
                states.append(hidden)
            if layer_weights is not None:
                weights.append(layer_weights)
        return BaseModelOutput(
            last_hidden_state=hidden,
            hidden_states=tuple(states) if with_states else None,
            attentions=tuple(weights) if weights else None,
        )

    def _layer(
        self, layer: int, hidden: Tensor, attend: Attend, factor: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        attended, weights = self.attentions[layer](hidden, attend)
        hidden = self.layer_norm1[layer](hidden + self.dropout(attended))
        hidden = self.layer_norm2[layer](hidden + self.ffns[layer](hidden))
        return hidden if factor is None else hidden * factor, weights


def sinusoidal(config: XLMConfig) -> Tensor:
    """Return fixed position embeddings; *shape:* (max_position_embeddings, dim).

    Entry 2i is sin(p / 10000^(2i/dim)) and entry 2i + 1 its cosine: Vaswani et al. 2017,
    «Attention Is All You Need», section 3.5.
    """
    position = torch.arange(config.max_position_embeddings, dtype=torch.float64)[:, None]
    entry = torch.arange(config.emb_dim)
    angle = position / 10000.0 ** ((entry // 2 * 2).double() / config.emb_dim)
    return torch.where(entry % 2 == 0, angle.sin(), angle.cos()).float()
