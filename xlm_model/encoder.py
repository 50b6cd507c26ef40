"""The encoder: token ids in, hidden states out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from xlm_model import resizing
from xlm_model.attention import Layout, PackedLayout, PaddedLayout
from xlm_model.config import XLMConfig
from xlm_model.errors import ConfigError
from xlm_model.inputs import (
    check_head_mask,
    check_no_cache,
    check_padded,
    check_tokens,
    words_of,
)
from xlm_model.layers import FeedForward, FixedPositions, MultiHeadAttention
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
        self.position_embeddings = self._new_positions(config)
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

    def _new_positions(self, config: XLMConfig) -> nn.Embedding | FixedPositions:
        if config.sinusoidal_embeddings:
            return FixedPositions(config)
        return nn.Embedding(config.max_position_embeddings, config.emb_dim)

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
        head_mask: Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        use_cache: bool | None = None,
        cache: None = None,
        layout: Layout | None = None,
        layers: int | None = None,
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
            head_mask: A factor for each attention head, such as 0 to see how the model does
                without one. Shape `(n_heads,)`, or `(n_layers, n_heads)`.
            output_attentions: Also return the attention weights; None: as configured.
            output_hidden_states: Also return each layer's output; None: as configured.
            return_dict: False for a tuple of what is there; None: as configured, but a tuple while
                `torch.jit.trace` records the model.
            use_cache: Has no effect, as in the reference: nothing that is cached is returned.
            cache: Must be None; see `XLMWithLMHeadModel.generate`.
            layout: Which tokens belong to which sequence, in place of `attention_mask` and
                `lengths`; None for a padded batch. See `xlm_model.attention.pack`.
            layers: Run only so many layers, from the first; None: all.

        Raises:
            ValueError: an input of the wrong shape, or with a value out of range.
        """
        config = self.config
        check_no_cache(cache)
        check_head_mask(head_mask, config)
        layout = layout_of(config, input_ids, attention_mask, lengths, inputs_embeds, layout)
        check_tokens(
            config,
            layout.shape,
            # Positions that are given are checked one by one.
            layout.longest if position_ids is None else None,
            input_ids=input_ids,
            langs=langs,
            token_type_ids=token_type_ids,
            position_ids=position_ids,
            inputs_embeds=inputs_embeds,
        )
        if position_ids is None:
            position_ids = self.positions(layout, input_ids)
        hidden = self.embed(
            input_ids,
            langs,
            token_type_ids,
            position_ids=position_ids,
            inputs_embeds=inputs_embeds,
        )
        output = self.encode(
            hidden,
            layout,
            with_states=_choose(output_hidden_states, config.output_hidden_states),
            with_weights=_choose(output_attentions, config.output_attentions),
            head_mask=head_mask,
            layers=layers,
        )
        return self.as_asked(self._pooled(output, layout), return_dict)

    def _pooled(self, output: BaseModelOutput, layout: Layout) -> BaseModelOutput:
        """Return the encoder's output with what a family adds to it."""
        return output

    def positions(self, layout: Layout, input_ids: Tensor | None) -> Tensor:
        """Return the position of each token; a shape that broadcasts to `(…)`.

        Args:
            layout: Which of them belong to which sequence.
            input_ids: Their ids; None where embeddings are given in place of them. Shape `(…)`.
        """
        return layout.positions

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
        types = self._types(token_type_ids, hidden)
        hidden = hidden if types is None else hidden + types
        return self.dropout(self.layer_norm_emb(hidden))  # type: ignore[no-any-return]

    def _types(self, token_type_ids: Tensor | None, hidden: Tensor) -> Tensor | None:
        """Return what is added for the tokens' types; a shape that broadcasts to `(…, dim)`."""
        return None if token_type_ids is None else self.embeddings(token_type_ids)

    def encode(
        self,
        hidden: Tensor,
        layout: Layout,
        *,
        with_states: bool = False,
        with_weights: bool = False,
        head_mask: Tensor | None = None,
        layers: int | None = None,
    ) -> BaseModelOutput:
        """Run the layers on embeddings.

        Args:
            hidden: The embeddings. Shape `(…, dim)`, as the output's states.
            layout: Which of them belong to which sequence.
            with_states: Also return the masked embeddings and each layer's output.
            with_weights: Also return each layer's attention weights.
            head_mask: A factor for each head, as in `forward`.
            layers: Run only so many layers, from the first; None: all.
        """
        count = len(self.attentions) if layers is None else layers
        if not 0 <= count <= len(self.attentions):
            raise ValueError(f"layers is {count}: expected 0 to {len(self.attentions)}")
        if not (isinstance(layout, PackedLayout) and _keeps_kernels(hidden)):
            return self._run(hidden, layout, with_states, with_weights, head_mask, count)
        tokens, rounded = len(hidden), layout.rounded()
        hidden = nn.functional.pad(hidden, (0, 0, 0, rounded.shape[0] - tokens))
        output = self._run(hidden, rounded, with_states, with_weights, head_mask, count)
        output.last_hidden_state = output.last_hidden_state[:tokens]
        if output.hidden_states is not None:
            output.hidden_states = tuple(state[:tokens] for state in output.hidden_states)
        return output

    def resize_token_embeddings(
        self,
        new_num_tokens: int | None = None,
        pad_to_multiple_of: int | None = None,
        mean_resizing: bool = True,
    ) -> nn.Embedding:
        """Cut or extend the vocabulary, in place; the rows that stay keep their values.

        The embeddings stay the parameter that an optimiser knows, and frozen if they were. Its
        state of each row (such as Adam's) has the old size: make a new optimiser unless none has
        stepped.

        Args:
            new_num_tokens: Number of words from now on; None: as it is.
            pad_to_multiple_of: Round it up to a multiple of this.
            mean_resizing: New rows are close to the mean of the old ones, with their covariance,
                so that a language model's probabilities hardly change; False: random as in a new
                model.

        Returns:
            The word embeddings.

        Raises:
            ConfigError: the padding id or an adaptive softmax's cutoffs lie beyond the new size.
            ValueError: a number that is none.
        """
        table = self.embeddings
        rows = resizing.rows_wanted(new_num_tokens, pad_to_multiple_of, table.num_embeddings)
        if rows != table.num_embeddings:
            self.config.vocab_size = rows
            std = None if mean_resizing else self.config.embedding_std
            resizing.set_values(table.weight, resizing.resized(table.weight, rows, std))
            table.num_embeddings = rows
        return table

    def resize_language_embeddings(
        self, lang2id: Mapping[str, int], like: Mapping[str, str] | None = None
    ) -> None:
        """Add languages, in place; known ones keep their embeddings, under their new ids.

        A model that had one language, and so no embeddings of languages, gets a table of zeros,
        which changes nothing until it is trained.

        Args:
            lang2id: From all languages, known and new, to the ids 0, 1, 2 …; recorded in the
                configuration.
            like: From a new language to a known one whose embedding it begins with; without one it
                is the mean of all.

        Raises:
            ConfigError: an id that is missing or there twice, a known language that is missing, or
                one to begin with that is not known.

        Example:
            >>> config = XLMConfig(
            ...     vocab_size=100, emb_dim=32, n_heads=4, n_langs=2, lang2id={"en": 0, "fr": 1}
            ... )
            >>> model = XLMModel(config)
            >>> model.resize_language_embeddings({"en": 0, "fr": 1, "oc": 2}, like={"oc": "fr"})
            >>> model.lang_embeddings.weight[2].equal(model.lang_embeddings.weight[1])
            True
        """
        config = self.config
        if not config.use_lang_emb:
            raise ConfigError("use_lang_emb is False: expected a model that uses languages")
        known = dict(config.lang2id or {})
        resizing.check_languages(lang2id, [*known], config.n_langs)
        for new, old in (like or {}).items():
            if new not in lang2id or new in known or old not in known:
                raise ConfigError(
                    f"like is {like}: expected new languages, and known ones for them"
                )
        table = self.lang_embeddings if config.has_lang_embeddings else None
        rows = resizing.languages(
            None if table is None else table.weight, known, lang2id, config.emb_dim
        )
        for new, old in (like or {}).items():
            rows[lang2id[new]] = rows[lang2id[old]]
        ids = dict(lang2id)
        names = {i: name for name, i in ids.items()}
        config.update({"n_langs": len(ids), "lang2id": ids, "id2lang": names})
        if table is not None:
            resizing.set_values(table.weight, rows)
            table.num_embeddings = len(rows)
        elif config.has_lang_embeddings:
            words = self.embeddings.weight
            self.lang_embeddings = nn.Embedding(len(ids), config.emb_dim, _weight=rows)
            self.lang_embeddings.to(words.device, words.dtype)

    def resize_position_embeddings(
        self, new_num_position_embeddings: int, new_positions: str = "copy"
    ) -> None:
        """Have more or fewer positions, in place: for longer sequences, once it is trained on them.

        Args:
            new_num_position_embeddings: How many there are from now on.
            new_positions: "copy": those behind the last one begin as the first ones again;
                "interpolate": all are drawn out over the new range. Sinusoidal positions are
                computed in either case.

        Raises:
            ConfigError: a number that is none.
            ValueError: neither of the two.
        """
        table = self.position_embeddings
        if not isinstance(table, FixedPositions):
            count = new_num_position_embeddings
            is_count = isinstance(count, int) and count > 0
            values = resizing.with_positions(
                table.weight,
                count if is_count else 1,
                new_positions,
                self.config.first_position,
            )
        self.config.max_position_embeddings = new_num_position_embeddings
        if isinstance(table, FixedPositions):
            values = torch.from_numpy(sinusoidal(self.config)).to(table.weight.device)
        else:
            table.num_embeddings = len(values)
        resizing.set_values(table.weight, values)

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
        self.config.pruned_heads = pruned  # refused before anything changes if it is wrong
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
        head_mask: Tensor | None,
        layers: int,
    ) -> BaseModelOutput:
        mask = layout.mask if self.config.zeroes_padding else None
        factor = None if mask is None else mask.unsqueeze(-1).to(hidden.dtype)
        hidden = hidden if factor is None else hidden * factor
        states, weights = [hidden], []
        for layer in range(layers):
            if self.training and self._leaves_out():
                continue
            heads = None if head_mask is None else self._heads_left(layer, head_mask)
            arguments = (layer, hidden, layout, factor, with_weights, heads)
            is_checkpointed = self.gradient_checkpointing and layer % self.checkpointed_layers == 0
            if is_checkpointed and self.training:
                options: dict[str, Any] = {
                    "use_reentrant": False,
                    **self.gradient_checkpointing_kwargs,
                }
                hidden, layer_weights = checkpoint(self._layer, *arguments, **options)
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
        heads: Tensor | None,
    ) -> tuple[Tensor, Tensor | None]:
        is_pre = self.config.pre_norm
        attended, weights = self.attentions[layer](
            self.layer_norm1[layer](hidden) if is_pre else hidden,
            layout,
            causal=self.config.causal,
            need_weights=with_weights,
            head_mask=heads,
        )
        hidden = hidden + self.dropout(attended)
        if is_pre:
            hidden = hidden + self.ffns[layer](self.layer_norm2[layer](hidden))
        else:
            hidden = self.layer_norm1[layer](hidden)
            hidden = self.layer_norm2[layer](hidden + self.ffns[layer](hidden))
        return hidden if factor is None else hidden * factor, weights

    def _leaves_out(self) -> bool:
        """Whether a training step leaves a layer out, drawn by the configured share."""
        share = self.config.layerdrop
        return share > 0 and bool(torch.rand(()) < share)

    def _heads_left(self, layer: int, head_mask: Tensor) -> Tensor:
        """Return the factors of a layer's heads that are not pruned; shape `(heads,)`."""
        factors = head_mask if head_mask.dim() == 1 else head_mask[layer]
        pruned = (self.config.pruned_heads or {}).get(layer, ())
        return factors[[h for h in range(self.config.n_heads) if h not in pruned]]


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
        if lengths is None and input_ids is not None and config.zeroes_padding:
            lengths = (input_ids != config.pad_token_id).sum(1)
        if lengths is not None:
            mask = torch.arange(length, device=lengths.device) < lengths[:, None]
    return PaddedLayout(
        batch, length, mask=mask, device=device, masks_causal=not config.zeroes_padding
    )


def _keeps_kernels(hidden: Tensor) -> bool:
    """Whether the matrix library keeps a kernel for each shape that it meets; see `round_up`."""
    return hidden.is_cpu and not torch.compiler.is_compiling()


def _choose(asked: bool | None, configured: bool) -> bool:
    return configured if asked is None else asked
