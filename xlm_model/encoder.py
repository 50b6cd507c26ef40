"""The encoder: token ids in, hidden states out."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from xlm_model.attention import Layout, PackedLayout, PaddedLayout
from xlm_model.config import XLMConfig
from xlm_model.inputs import check_padded, check_tokens, words_of
from xlm_model.layers import FeedForward, MultiHeadAttention
from xlm_model.outputs import BaseModelOutput
from xlm_model.positions import sinusoidal
from xlm_model.pretrained import XLMPreTrainedModel


class XLMModel(XLMPreTrainedModel):
    """The bare encoder.

    Args:
        config: Its settings.

    Example:
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
                self.position_embeddings.weight.copy_(torch.from_numpy(sinusoidal(config)))

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
        layout: Layout | None = None,
    ) -> BaseModelOutput:
        """Encode a batch, padded or, with a `layout`, packed.

        `(…)` is `(batch, length)` for a padded batch and `(tokens,)` for a packed one.

        Args:
            input_ids: Ids of the words. Shape `(…)`.
            attention_mask: 1 for a token, 0 for padding; None: the first `lengths` tokens of each
                sequence. Shape `(batch, length)`.
            langs: Id of each token's language, from the configuration's `lang2id`; has no effect on
                a model without language embeddings. Shape `(…)`.
            token_type_ids: Ids looked up in the *word* embeddings, as in the reference.
                Shape `(…)`.
            position_ids: None: 0, 1, 2 … in each sequence. Shape `(…)`.
            lengths: Tokens in each sequence; None: as many as are not padding. Shape `(batch,)`.
            inputs_embeds: Word embeddings in place of ids. Shape `(…, dim)`.
            output_attentions: Also return the attention weights; None: as configured.
            output_hidden_states: Also return each layer's output; None: as configured.
            layout: Which tokens belong to which sequence, in place of `attention_mask` and
                `lengths`; None for a padded batch. See `xlm_model.attention.pack`.

        Raises:
            ValueError: an input of the wrong shape, or with a value out of range.
        """
        config = self.config
        layout = layout_of(config, input_ids, attention_mask, lengths, inputs_embeds, layout)
        check_tokens(
            config,
            layout.shape,
            layout.longest,
            input_ids=input_ids,
            langs=langs,
            token_type_ids=token_type_ids,
            position_ids=position_ids,
            inputs_embeds=inputs_embeds,
        )
        hidden = self.embed(
            input_ids,
            langs,
            token_type_ids,
            position_ids=layout.positions if position_ids is None else position_ids,
            inputs_embeds=inputs_embeds,
        )
        return self.encode(
            hidden,
            layout,
            with_states=_choose(output_hidden_states, config.output_hidden_states),
            with_weights=_choose(output_attentions, config.output_attentions),
        )

    def embed(
        self,
        input_ids: Tensor | None,
        langs: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        *,
        position_ids: Tensor,
        inputs_embeds: Tensor | None = None,
    ) -> Tensor:
        """Return the sum of the embeddings, normalised; shape `(…, dim)`.

        Args: as in `forward`; a shape that broadcasts to `(…)` is enough for `position_ids`.
        """
        hidden = self.embeddings(input_ids) if inputs_embeds is None else inputs_embeds
        hidden = hidden + self.position_embeddings(position_ids)
        if langs is not None and self.config.has_lang_embeddings:
            hidden = hidden + self.lang_embeddings(langs)
        if token_type_ids is not None:
            hidden = hidden + self.embeddings(token_type_ids)
        return self.dropout(self.layer_norm_emb(hidden))  # type: ignore[no-any-return]

    def encode(
        self,
        hidden: Tensor,
        layout: Layout,
        *,
        with_states: bool = False,
        with_weights: bool = False,
    ) -> BaseModelOutput:
        """Run the layers on embeddings.

        Args:
            hidden: The embeddings. Shape `(…, dim)`, as the output's states.
            layout: Which of them belong to which sequence.
            with_states: Also return the masked embeddings and each layer's output.
            with_weights: Also return each layer's attention weights.
        """
        if not (isinstance(layout, PackedLayout) and _keeps_kernels(hidden)):
            return self._run(hidden, layout, with_states, with_weights)
        tokens, rounded = len(hidden), layout.rounded()
        hidden = nn.functional.pad(hidden, (0, 0, 0, rounded.shape[0] - tokens))
        output = self._run(hidden, rounded, with_states, with_weights)
        output.last_hidden_state = output.last_hidden_state[:tokens]
        if output.hidden_states is not None:
            output.hidden_states = tuple(state[:tokens] for state in output.hidden_states)
        return output

    def gradient_checkpointing_enable(self) -> None:
        """Recompute each layer in the backward pass: less memory, more time."""
        self.gradient_checkpointing = True

    def gradient_checkpointing_disable(self) -> None:
        """Keep each layer's activations for the backward pass."""
        self.gradient_checkpointing = False

    def get_input_embeddings(self) -> nn.Embedding:
        """Return the word embeddings."""
        return self.embeddings

    def resize_token_embeddings(self, vocab_size: int) -> nn.Embedding:
        """Cut or extend the vocabulary; old rows keep their values, new ones are random.

        Args:
            vocab_size: Number of words from now on.

        Returns:
            The new word embeddings.

        Raises:
            ConfigError: the padding id or an adaptive softmax's cutoffs lie beyond the new size.
        """
        self.config = self.config.replace(vocab_size=vocab_size)
        old = self.embeddings
        new = nn.Embedding(
            vocab_size,
            old.embedding_dim,
            padding_idx=old.padding_idx,
            dtype=old.weight.dtype,
            device=old.weight.device,
        )
        nn.init.normal_(new.weight, std=self.config.embed_init_std)
        with torch.no_grad():
            rows = min(vocab_size, old.num_embeddings)
            new.weight[:rows] = old.weight[:rows]
        self.embeddings = new
        return new

    def prune_heads(self, heads: dict[int, list[int]]) -> None:
        """Remove attention heads for good; they are recorded in the configuration.

        Args:
            heads: For each layer, the heads to remove, numbered from 0 as they were before any
                was pruned.

        Raises:
            ConfigError: a layer or head that does not exist, or a layer left without heads.
        """
        before = self.config.pruned_heads or {}
        pruned = {
            layer: sorted({*before.get(layer, ()), *heads.get(layer, ())})
            for layer in {*before, *heads}
        }
        self.config = self.config.replace(pruned_heads=pruned)
        for layer in heads:
            left = [h for h in range(self.config.n_heads) if h not in before.get(layer, ())]
            kept = [at for at, head in enumerate(left) if head not in pruned[layer]]
            self.attention(layer).keep_heads(kept)

    def _run(
        self,
        hidden: Tensor,
        layout: Layout,
        with_states: bool,
        with_weights: bool,
    ) -> BaseModelOutput:
        mask = layout.mask
        factor = None if mask is None else mask.unsqueeze(-1).to(hidden.dtype)
        hidden = hidden if factor is None else hidden * factor
        states, weights = [hidden], []
        for layer in range(self.config.n_layers):
            arguments = (layer, hidden, layout, factor, with_weights)
            if self.gradient_checkpointing and self.training:
                hidden, layer_weights = checkpoint(self._layer, *arguments, use_reentrant=False)
            else:
                hidden, layer_weights = self._layer(*arguments)
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
        self,
        layer: int,
        hidden: Tensor,
        layout: Layout,
        factor: Tensor | None,
        with_weights: bool,
    ) -> tuple[Tensor, Tensor | None]:
        attended, weights = self.attentions[layer](
            hidden, layout, causal=self.config.causal, need_weights=with_weights
        )
        hidden = self.layer_norm1[layer](hidden + self.dropout(attended))
        hidden = self.layer_norm2[layer](hidden + self.ffns[layer](hidden))
        return hidden if factor is None else hidden * factor, weights


def layout_of(
    config: XLMConfig,
    input_ids: Tensor | None,
    attention_mask: Tensor | None,
    lengths: Tensor | None,
    inputs_embeds: Tensor | None,
    layout: Layout | None,
) -> Layout:
    """Return the layout that is given, or that of the padded batch that the inputs describe.

    Raises:
        ValueError: names the argument, what it holds and what was expected.
    """
    if layout is not None:
        for name, value in (("attention_mask", attention_mask), ("lengths", lengths)):
            if value is not None:
                raise ValueError(f"got both {name} and layout: expected one of them")
        return layout
    batch, length = cast(
        tuple[int, int], check_padded(input_ids, attention_mask, lengths, inputs_embeds)
    )
    device = words_of(input_ids, inputs_embeds).device
    mask = attention_mask
    if mask is None:
        if lengths is None and input_ids is not None:
            lengths = (input_ids != config.pad_token_id).sum(1)
        if lengths is not None:
            mask = torch.arange(length, device=lengths.device) < lengths[:, None]
    return PaddedLayout(batch, length, mask=mask, device=device)


def _keeps_kernels(hidden: Tensor) -> bool:
    """Whether the matrix library keeps a kernel for each shape that it meets; see `round_up`."""
    return hidden.is_cpu and not torch.compiler.is_compiling()


def _choose(asked: bool | None, configured: bool) -> bool:
    return configured if asked is None else asked
