"""What all models with a head share: the encoder in front, and what is done to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar

from torch import Tensor, nn

from xlm_model.attention import Layout
from xlm_model.config import XLMConfig
from xlm_model.encoder import XLMModel, layout_of
from xlm_model.inputs import EncoderInputs
from xlm_model.outputs import BaseModelOutput, ModelOutput
from xlm_model.pretrained import XLMPreTrainedModel

if TYPE_CHECKING:
    from typing_extensions import Unpack

Output = TypeVar("Output", bound=ModelOutput)


class ModelWithHead(XLMPreTrainedModel):
    """The encoder and a head.

    A subclass has two methods. `head` turns hidden states and their layout into an output, whatever
    the layout: padded, or packed so that each sequence is on its own. `forward` makes the layout of
    a padded batch, or takes the one it is given, encodes, and calls `head`.

    Args:
        config: Its settings.
    """

    has_head = True

    def __init__(self, config: XLMConfig) -> None:
        super().__init__(config)
        self.transformer = self._new_encoder(config)

    def _new_encoder(self, config: XLMConfig) -> XLMModel:
        return XLMModel(config)

    def _encode(
        self,
        input_ids: Tensor | None,
        attention_mask: Tensor | None,
        langs: Tensor | None,
        **inputs: Unpack[EncoderInputs],
    ) -> tuple[BaseModelOutput, Layout]:
        """Return the encoder's output, and the layout of its states; arguments as `forward`."""
        layout = layout_of(
            self.config,
            input_ids,
            attention_mask,
            inputs.pop("lengths", None),
            inputs.get("inputs_embeds"),
            inputs.pop("layout", None),
        )
        inputs["return_dict"] = True  # what a tuple holds would have to be guessed
        return self.transformer(input_ids, langs=langs, layout=layout, **inputs), layout

    def _finish(self, output: Output, encoded: BaseModelOutput, inputs: EncoderInputs) -> Output:
        """Return a head's output with what the encoder was asked for, as a tuple if it shall be."""
        output.hidden_states = encoded.hidden_states
        output.attentions = encoded.attentions
        return self.as_asked(output, inputs.get("return_dict"))

    def resize_token_embeddings(
        self,
        new_num_tokens: int | None = None,
        pad_to_multiple_of: int | None = None,
        mean_resizing: bool = True,
    ) -> nn.Embedding:
        """Cut or extend the vocabulary; see `XLMModel.resize_token_embeddings`."""
        return self.transformer.resize_token_embeddings(
            new_num_tokens, pad_to_multiple_of, mean_resizing
        )

    def resize_language_embeddings(
        self, lang2id: Mapping[str, int], like: Mapping[str, str] | None = None
    ) -> None:
        """Add languages; see `XLMModel.resize_language_embeddings`."""
        self.transformer.resize_language_embeddings(lang2id, like)

    def prune_heads(self, heads: dict[int, list[int]]) -> None:
        """Remove attention heads for good; see `XLMModel.prune_heads`."""
        self.transformer.prune_heads(heads)

    def _initialize_head(self) -> None:
        self.initialize(n for n, _ in self.named_parameters() if not n.startswith("transformer."))
        self.tie_weights()
