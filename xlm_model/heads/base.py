"""What all models with a head share: the encoder in front, and what is done to it."""

from __future__ import annotations

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
        self.transformer = XLMModel(config)

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
        return self.transformer(input_ids, langs=langs, layout=layout, **inputs), layout

    def gradient_checkpointing_enable(self) -> None:
        """Recompute each layer in the backward pass: less memory, more time."""
        self.transformer.gradient_checkpointing_enable()

    def gradient_checkpointing_disable(self) -> None:
        """Keep each layer's activations for the backward pass."""
        self.transformer.gradient_checkpointing_disable()

    def get_input_embeddings(self) -> nn.Embedding:
        """Return the word embeddings."""
        return self.transformer.get_input_embeddings()

    def resize_token_embeddings(self, vocab_size: int) -> nn.Embedding:
        """Cut or extend the vocabulary; see `XLMModel.resize_token_embeddings`."""
        embeddings = self.transformer.resize_token_embeddings(vocab_size)
        self.config = self.transformer.config
        return embeddings

    def prune_heads(self, heads: dict[int, list[int]]) -> None:
        """Remove attention heads for good; see `XLMModel.prune_heads`."""
        self.transformer.prune_heads(heads)
        self.config = self.transformer.config

    def _initialize_head(self) -> None:
        self.initialize(n for n, _ in self.named_parameters() if not n.startswith("transformer."))
        self.tie_weights()


def with_states(output: Output, encoded: BaseModelOutput) -> Output:
    """Return a head's output with what the encoder was asked for beside its last states."""
    output.hidden_states = encoded.hidden_states
    output.attentions = encoded.attentions
    return output
