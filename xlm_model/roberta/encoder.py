"""XLM-RoBERTa's encoder: XLM's, with other positions, token types and a pooling layer."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn

from xlm_model.attention import Layout, PaddedLayout
from xlm_model.checkpoints.reading import LoadedCheckpoint
from xlm_model.config import XLMConfig
from xlm_model.encoder import XLMModel
from xlm_model.linear import apply_linear
from xlm_model.outputs import BaseModelOutput, BaseModelOutputWithPooling
from xlm_model.roberta.config import XLMRobertaConfig


class Pooler(nn.Module):
    """A vector for each sequence: its first token's state through a dense layer and tanh."""

    def __init__(self, config: XLMConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.emb_dim, config.emb_dim)

    def forward(self, hidden: Tensor, layout: Layout) -> Tensor:
        """Return the vectors; shape `(sequences, dim)`, from `(…, dim)`."""
        return torch.tanh(apply_linear(self.dense, layout.first(hidden)))


class XLMRobertaModel(XLMModel):
    """The bare encoder.

    It takes what `XLMModel` takes, but no `langs`. Without an `attention_mask` every token
    is seen, padding, too, as in the reference.

    Args:
        config: Its settings.
        add_pooling_layer: Also give `pooler_output`. `from_pretrained` adds the layer where the
            checkpoint has it.

    Example:
        >>> config = XLMRobertaConfig(
        ...     vocab_size=100, hidden_size=32, num_hidden_layers=2, num_attention_heads=4
        ... )
        >>> output = XLMRobertaModel(config).eval()(torch.tensor([[0, 14, 15, 2]]))
        >>> output.last_hidden_state.shape, output.pooler_output.shape
        (torch.Size([1, 4, 32]), torch.Size([1, 32]))
    """

    config_class = XLMRobertaConfig
    own_arguments: ClassVar[tuple[str, ...]] = ("add_pooling_layer",)

    def __init__(self, config: XLMConfig, add_pooling_layer: bool = True) -> None:
        super().__init__(config)
        self.type_embeddings = nn.Embedding(config.token_types, config.emb_dim)
        self.pooler = Pooler(config) if add_pooling_layer else None
        self.initialize(
            name
            for name, _ in self.named_parameters()
            if name.startswith(("type_embeddings.", "pooler."))
        )

    @property
    def roberta(self) -> XLMRobertaModel:
        """The encoder, by its published name: the model itself."""
        return self

    @classmethod
    def _arguments_for(cls, found: LoadedCheckpoint, given: Mapping[str, Any]) -> dict[str, Any]:
        if "add_pooling_layer" in given:
            return {}
        has_pooler = any(map(found.config.names.is_optional, found.tensors))
        if not has_pooler:
            warnings.warn(
                f"{found.path}: has no pooling layer, so that pooler_output is None; with "
                "add_pooling_layer=True and new_head=True it begins at random",
                stacklevel=3,
            )
        return {"add_pooling_layer": has_pooler}

    def _new_positions(self, config: XLMConfig) -> nn.Embedding:
        # Padding has a position of its own, which is not trained.
        return nn.Embedding(
            config.max_position_embeddings, config.emb_dim, padding_idx=config.pad_token_id
        )

    def positions(self, layout: Layout, input_ids: Tensor | None) -> Tensor:
        """Return the position of each token, from the padding id + 1; see `XLMModel`.

        In a padded batch only tokens that are no padding are counted, as in the reference.
        """
        padding = self.config.pad_token_id
        if isinstance(layout, PaddedLayout) and input_ids is not None:
            is_token = (input_ids != padding).long()
            return is_token.cumsum(1) * is_token + padding
        return layout.positions + self.config.first_position

    def embed(
        self,
        input_ids: Tensor | None,
        langs: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        **options: Any,
    ) -> Tensor:
        """Return the sum of the embeddings, normalized; see `XLMModel.embed`.

        Raises:
            ValueError: `langs` are given, perhaps by their place: it is that of `token_type_ids` in
                the reference.
        """
        if langs is not None:
            raise ValueError(
                "langs are given, or something in the third place: expected none, as the model has "
                "no language embeddings; give token_type_ids by name"
            )
        return super().embed(input_ids, None, token_type_ids, **options)

    def _types(self, token_type_ids: Tensor | None, hidden: Tensor) -> Tensor:
        if token_type_ids is None:
            token_type_ids = torch.zeros(1, dtype=torch.int64, device=hidden.device)
        return cast(Tensor, self.type_embeddings(token_type_ids))

    def _pooled(self, output: BaseModelOutput, layout: Layout) -> BaseModelOutput:
        vectors = None
        if self.pooler is not None:
            vectors = self.pooler(output.last_hidden_state, layout)
        pooled = BaseModelOutputWithPooling(output, pooler_output=vectors)
        return cast(BaseModelOutput, pooled)
